"""A title or heading of the knowledge → the question that it answers, as a person would ask it.

"Lock your timesheets" → "How do I lock my timesheets?"; "" for what is neither a question nor an
order in English: nothing is better than a clumsy question.
"""

from __future__ import annotations

import re

_VERBS = """
activate add adjust apply approve archive assign automate calculate cancel categorize change choose
clock combine compare configure connect contact convert copy create customize deactivate delete
deploy disable disconnect download duplicate edit embed enable enter export extend filter find
generate get hide import insert install integrate invite join leave lock log make manage merge
migrate monitor move organize pause pay prevent protect publish read receive record recover reject
remove rename renew reorder replace request reset resolve restore restrict resume review revoke run
save schedule see select send set share show sign split start stop submit subscribe switch sync
track transfer translate turn undo uninstall unlock update upgrade upload use verify view withdraw
write
"""
VERBS = frozenset(_VERBS.split())  # such as are hardly ever the noun that a title begins with
ASKING = re.compile(
    r"(?:what|when|where|why|who|how) (?:am|are|can|could|do|does|did|happens|is|may|must|should|"
    r"was|will|would) \w|how (?:many|much|long|often) \w|which \w+ (?:are|can|do|does|is|should) \w"
    r"|(?:are|can|do|does|is|may|must|should|will) (?:i|we|you|my|your|the|an?) \w",
    re.IGNORECASE,
)
PROCEDURE = re.compile(r"how to (?P<order>\w.*)", re.IGNORECASE)
POINTING = re.compile(
    r"\b(?:this|that|these|those|it|its|them|here|above|below|following|next|one|two|both|another|"
    r"first|feature)\b",
    re.IGNORECASE,
)
STATING = re.compile(
    r"\b(?:is|are|was|can|cannot|can't|could|does|doesn't|don't|not|missing|fails?|failed|"
    r"failing|errors?|issues?|problems?)\b",
    re.IGNORECASE,
)
MARKUP = re.compile(r"[<>()@*_`\[\]{}|#\\:;/]|^\d|\bstep \d", re.IGNORECASE)
JOINED = re.compile(r"(?:and|or) (?P<word>\w+)", re.IGNORECASE)
ADDRESSED = {"your": "my", "yours": "mine", "you": "I", "yourself": "myself"}
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
SMALL = re.compile(r"(?<![\w./@-])[a-z]+(?![\w/@-]|\.\w)")  # not the parts of an address


def question_of(name: str, text: str = "") -> str:
    """Turn a title or heading into a question; text is its article's, for the use of capitals.

    >>> question_of("Lock your timesheets"), question_of("Adding time"), question_of("Prices")
    ('How do I lock my timesheets?', 'How do I add time?', '')
    """
    plain = " ".join(name.replace("&", " and ").split()).rstrip(" .!?")
    if not plain or MARKUP.search(plain) or POINTING.search(plain):
        return ""
    procedure = PROCEDURE.fullmatch(plain)
    if procedure is None and ASKING.match(plain):
        return f"{plain[0].upper()}{plain[1:]}?"
    first, _, rest = (procedure["order"] if procedure else plain).partition(" ")
    verb = first.lower() if first.lower() in VERBS else _base_of(first.lower())
    joined = JOINED.match(rest)
    if not verb or not rest or STATING.search(rest):
        return ""
    if joined is not None and joined["word"].lower() not in VERBS:
        return ""
    return f"How do I {verb} {_spoken(rest, text)}?"


def question_about(title: str, text: str) -> str:
    """Ask what a thing is where its article begins a sentence with it: "A kiosk is a tablet …".

    >>> question_about("Kiosk", "A kiosk is a tablet.")
    'What is a kiosk?'
    """
    thing = title.strip()
    is_plural = thing.endswith("s") and not thing.endswith("ss")
    if not thing or is_plural or MARKUP.search(thing):
        return ""
    pattern = rf"(?:^|(?<=[.!?]\s))(An? |The )?({re.escape(thing)}) is (?:an?|the|one)\b"
    defined = re.search(pattern, text, re.IGNORECASE | re.MULTILINE)
    return f"What is {(defined[1] or '').lower()}{defined[2]}?" if defined else ""


def _base_of(gerund: str) -> str:
    """Give the verb that a gerund is of, or "": adding → add, using → use, setting → set."""
    if not gerund.endswith("ing"):
        return ""
    stem = gerund.removesuffix("ing")
    return next((verb for verb in (stem, f"{stem}e", stem[:-1]) if verb in VERBS), "")


def _spoken(rest: str, text: str) -> str:
    """Say it as who asks would; a word that the article writes small loses its capital."""
    small = set(SMALL.findall(text))

    def spoken(match: re.Match[str]) -> str:
        word = match.group()
        word = word.lower() if word.istitle() and word.lower() in small else word
        return ADDRESSED.get(word, word)

    return WORD.sub(spoken, rest)
