"""Show an answer while it is written: only what is whole, cited and checked already.

Takes the pieces of a model's text; gives the checked Markdown so far, whenever one more sentence or
list item is certain to be over. Each draft begins with the one before it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from . import grounding
from .disarm import split_code
from .prompt import SYSTEM_PROMPT
from .types import Answer, Context, Draft

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 8_000  # of a text that is shown while it grows; the rest waits for the answer
GROWTH = 32  # checked again when it has grown by this part of it: long texts cost no more
PROMPT_CHARACTERS = 20  # a text that ends like so many of the prompt may be a recital of it

# Citations behind a sentence.
MARKS = r"(?:[ \t]{0,3}[\[【［][^\[\]【】\n]{1,100}[\]】］]){0,9}"
NEXT = r"[^\s\[【［]"  # begins something else than a citation
ITEM = r"(?:[-*+•]|\d{1,3}[.)])[ \t]+"
# Where a sentence, a cited line, or a line before an empty one or a list item may be over.
END = re.compile(
    rf"[.!?…。！？][\"'”’」』)*_]{{0,4}}{MARKS}\.?(?=[ \t]+(?![a-z]){NEXT}|[ \t]*\n\s*{NEXT})"
    rf"|(?<=\d)[\]】］](?=[ \t]*\n\s*{NEXT})"
    rf"|(?<=\S)(?=[ \t]*\n[ \t]*(?:\n\s*{NEXT}|{ITEM}\S))"
)
WHOLE_LINE = re.compile(rf"[ \t]*(?:{ITEM}.*[^\s:*]\**|\|.*\||```|~~~)")
NO_END = re.compile(  # "1." before an item, "e.g." before an example
    r"^[ \t]*\d{1,3}\.$|(?:^|[\s(])(?:[a-z]|e\.g|i\.e|etc|vs|cf|approx|incl|no)\.$", re.IGNORECASE
)
PAIRS = (("(", ")"), ("[", "]"), ("【", "】"))
TAG_LIKE = re.compile(r"<(?=[A-Za-z!@#/])")


class Drafts:
    """Gathers the pieces of one answer; on_draft gets the checked text so far."""

    def __init__(self, context: Context, on_draft: Callable[[str], None]) -> None:
        """Take what the answer may cite; an on_draft that raises is not called again."""
        self._context = context
        self._on_draft = on_draft
        self._text = ""
        self._seen = 0  # up to where possible ends have been looked at
        self._checked = 0
        self._shown = ""
        self._is_over = False

    def take(self, piece: str) -> None:
        """Add a piece; show what has become certain by it."""
        if self._is_over:
            return
        self._text += piece
        if len(self._text) > MAX_CHARACTERS:
            self._is_over = True
            return
        whole, enough = 0, self._checked + self._checked // GROWTH
        for match in END.finditer(self._text, self._seen):
            self._seen = max(self._seen, match.end())
            if match.end() > enough and is_whole(self._text, match):
                whole = match.end()
        if whole:
            self._checked = whole
            self._show(self._text[:whole])

    def _show(self, text: str) -> None:
        checked = grounding.check(Draft(text, ""), self._context)
        if not isinstance(checked, Answer) or _may_recite(checked.text):
            return
        if checked.text == self._shown or not checked.text.startswith(self._shown):
            return
        self._shown = checked.text
        try:
            self._on_draft(checked.text)
        except Exception as error:  # whoever shows drafts must not break the answer
            self._is_over = True
            logger.warning("a draft could not be shown: %s", type(error).__name__)


def is_whole(text: str, end: re.Match[str]) -> bool:
    """Say whether a text is whole up to a possible end, whatever follows.

    No heading, no "Steps:", nothing inside of code, brackets, bold print or a tag.
    """
    start_of_line = text.rfind("\n", 0, end.end()) + 1
    if not end.group():
        if WHOLE_LINE.fullmatch(text, start_of_line, end.end()) is None:
            return False
    elif end.group()[0] == "." and NO_END.search(text[start_of_line : end.start() + 1]):
        return False
    return not _is_in_code(text, end.end()) and _is_closed(text[: end.end()])


def _is_in_code(text: str, place: int) -> bool:
    at = 0
    for is_code, part in split_code(text):
        if is_code and at < place < at + len(part):
            return True
        at += len(part)
    return False


def _is_closed(text: str) -> bool:
    """Say whether nothing is open at the end that what follows could close and so change."""
    plain = "".join(part for is_code, part in split_code(text) if not is_code)
    paragraph = plain[plain.rfind("\n\n") + 1 :]
    tags = [match.start() for match in TAG_LIKE.finditer(plain)]
    return (
        (not tags or tags[-1] < plain.rfind(">"))
        and "`" not in plain[plain.rfind("\n") + 1 :]
        and paragraph.count("**") % 2 == 0
        and all(paragraph.rfind(a) <= paragraph.rfind(b) for a, b in PAIRS)
    )


def _may_recite(text: str) -> bool:
    """Say whether the end may be that of a piece of the prompt, which the check would remove."""
    folded = " ".join(text.lower().split())
    return folded[-PROMPT_CHARACTERS:] in " ".join(SYSTEM_PROMPT.lower().split())
