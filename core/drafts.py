"""Show an answer while it is written: only what is whole, cited and checked already.

Takes the pieces of a model's text; gives the checked Markdown so far, whenever one more sentence or
list item is certain to be over. Each draft begins with the one before it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from .disarm import split_code
from .grounding import Checker

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 8_000  # of a text that is shown while it grows; the rest waits for the answer
GROWTH = 16  # checked again when it has grown by this part of it: long texts cost no more

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
    r"^[ \t]*\d{1,3}\.$|(?:^|[\s(])(?:[a-z]|e\.g|i\.e|etc|vs|cf|approx|incl)\.$|\w no\.$",
    re.IGNORECASE,
)
PAIRS = (("(", ")"), ("[", "]"), ("【", "】"))
TAG_LIKE = re.compile(r"<(?=[A-Za-z!@#/])")


@asynccontextmanager
async def shown_drafts(
    checker: Checker, on_draft: Callable[[str], None]
) -> AsyncIterator[Callable[[str], None]]:
    """Give what takes the pieces of one answer; on_draft gets the checked text so far.

    Taking is quick: a task checks whole sentences meanwhile. It has done so when the block ends; a
    block that fails or is cancelled ends it at once. An on_draft that raises is not called again.
    """
    drafts = _Drafts(checker, on_draft)
    task = asyncio.create_task(drafts.run(), name="drafts")
    try:
        yield drafts.take
        drafts.close()
        await task
    finally:
        task.cancel()
        await asyncio.wait((task,))


class _Drafts:
    """Gathers the pieces of one answer and shows what has become certain."""

    def __init__(self, checker: Checker, on_draft: Callable[[str], None]) -> None:
        self._checker = checker
        self._on_draft = on_draft
        self._text = ""
        self._seen = 0  # up to where possible ends have been looked at
        self._ends: deque[int] = deque()  # of whole texts that are not checked yet
        self._last = 0  # of the ends so far
        self._is_over = False
        self._news = asyncio.Event()

    def take(self, piece: str) -> None:
        """Add a piece."""
        if self._is_over or len(self._text) > MAX_CHARACTERS:
            return
        self._text += piece
        if len(self._text) > MAX_CHARACTERS:
            return
        for match in END.finditer(self._text, self._seen):
            self._seen = max(self._seen, match.end())
            if match.end() > self._last + self._last // GROWTH and is_whole(self._text, match):
                self._last = match.end()
                self._ends.append(match.end())
                self._news.set()

    def close(self) -> None:
        """Say that no piece will follow."""
        self._is_over = True
        self._news.set()

    async def run(self) -> None:
        """Check and show until no piece follows, or nobody can show it."""
        while self._ends or not self._is_over:
            await self._news.wait()
            self._news.clear()
            while self._ends:
                if not await self._show(self._text[: self._ends.popleft()]):
                    self._is_over = True
                    return

    async def _show(self, text: str) -> bool:
        shown = await self._checker.check_beginning(text)
        if not shown:
            return True
        try:
            self._on_draft(shown)
        except Exception as error:  # whoever shows drafts must not break the answer
            logger.warning("a draft could not be shown: %s", type(error).__name__)
            return False
        return True


def is_whole(text: str, end: re.Match[str]) -> bool:
    """Say whether a text is whole up to a possible end, whatever follows.

    No heading, no "Steps:", no part of a row, nothing in code, brackets, bold print or a tag.
    """
    start_of_line = text.rfind("\n", 0, end.end()) + 1
    line = text[start_of_line : end.end()]
    if line.lstrip().startswith("|") and not line.rstrip().endswith("|"):
        return False  # a sentence in a cell
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
