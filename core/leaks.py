"""Remove from a model's text what nobody may read: the prompt's wording, and keys and tokens."""

from __future__ import annotations

import re

SPAN_CHARACTERS = 60  # a longer verbatim piece of the hidden text is removed
GONE = "\ue000"  # private use, so it cannot be in a visible text

# By their shapes, as secret scanners know them; what only looks random stays.
SECRET = re.compile(
    r"\b(?:xox[a-z]|xapp)-[\w-]{8,400}"  # Slack
    r"|\b(?:gh[pousr]_|github_pat_|glpat-)\w{16,400}"
    r"|\bsk-[\w-]{20,400}"  # OpenAI, Anthropic and others
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bAIza[\w-]{30,60}"
    r"|\bhttps://hooks\.slack\.com/\S{1,400}"
    r"|\beyJ[\w-]{8,4000}\.[\w-]{8,8000}(?:\.[\w-]{0,2000})?"  # JSON Web Token
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,8000}(?:-----END [A-Z ]{0,40}KEY-----)?"
)


def without_secrets(text: str) -> str:
    """Remove what has the shape of a key or token.

    >>> without_secrets("It is xoxb-12345678-abcdefgh today.")
    'It is … today.'
    """
    return SECRET.sub("…", text)


def without_spans(text: str, hidden: str) -> str:
    """Remove pieces of more than 60 characters of the hidden text, in any case and spacing."""
    size = SPAN_CHARACTERS + 1
    secret = " ".join(hidden.lower().split())
    grams = {secret[i : i + size] for i in range(len(secret) - size + 1)}
    places = [i for i, c in enumerate(text) if not c.isspace() or not text[i - 1 : i].isspace()]
    folded = "".join(" " if text[i].isspace() else text[i].lower()[:1] for i in places)
    is_hidden = bytearray(len(text))
    for i in range(len(folded) - size + 1):
        if folded[i : i + size] in grams:
            first, last = places[i], places[i + size - 1]
            is_hidden[first : last + 1] = b"\1" * (last + 1 - first)
    if not any(is_hidden):
        return text
    marked = "".join(GONE if gone else c for c, gone in zip(text, is_hidden, strict=True))
    return re.sub(rf"[ \t]{{0,4}}{GONE}+[ \t]{{0,4}}", " ", marked)
