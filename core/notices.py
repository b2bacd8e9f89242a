"""What is neither answered nor refused: nothing, a greeting, thanks, a call for help, a novel."""

from __future__ import annotations

import re

from .types import Notice, NoticeKind

WORD = re.compile(r"[^\W_]+")
MAX_SMALL_TALK_WORDS = 6

_GREETINGS = "hi hello hey heya hiya howdy yo morning afternoon evening greetings"
_THANKS = "thanks thank thx ty cheers tysm"
_FILLERS = """
there bot clockify team all everyone everybody again you u so much a lot very many good day dear
friend for the help your that nice great perfect awesome ok okay and
"""
GREETINGS = frozenset(_GREETINGS.split())
THANKS = frozenset(_THANKS.split())
FILLERS = frozenset(_FILLERS.split())
HELP = re.compile(r"(?:help|help me|help please|\?+|what can you do|how do you work)\W*", re.I)

TEXTS = {
    NoticeKind.EMPTY: "Ask me a question and I will look it up in the knowledge base, "
    "for example: how do I lock timesheets?",
    NoticeKind.GREETING: "Hello! Ask me anything that the knowledge base covers, "
    "for example: how do I track time?",
    NoticeKind.THANKS: "You're welcome! Ask whenever something else comes up.",
    NoticeKind.HELP: "I answer questions from the knowledge base and name my sources. "
    "When it does not hold the answer, I say so. Ask in a full sentence, one question at a time.",
}


def notice_for(text: str, *, max_chars: int) -> Notice | None:
    """Give the fitting notice, or None when the text is a question."""
    stripped = text.strip()
    if len(stripped) > max_chars:
        return Notice(
            NoticeKind.TOO_LONG,
            f"That question has {len(stripped):,} characters; I read up to {max_chars:,}. "
            "Please shorten it to the one thing you need to know.",
        )
    if HELP.fullmatch(stripped):
        return _notice(NoticeKind.HELP)
    spoken = [word.casefold() for word in WORD.findall(stripped)]
    if not spoken:
        return _notice(NoticeKind.EMPTY)
    if len(spoken) <= MAX_SMALL_TALK_WORDS and set(spoken) <= GREETINGS | THANKS | FILLERS:
        if THANKS.intersection(spoken):
            return _notice(NoticeKind.THANKS)
        if GREETINGS.intersection(spoken):
            return _notice(NoticeKind.GREETING)
    return None


def _notice(kind: NoticeKind) -> Notice:
    return Notice(kind, TEXTS[kind])
