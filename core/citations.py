"""The [n] of a model's text: how they may be written, and their numbers in the answer.

Takes Markdown with citations of given snippets; gives it with [1]..[k] in the order of first use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .disarm import outside_code
from .types import Context, Source

SEPARATOR = r"[ \t]{0,3}(?:,|;|&|and|-|–)[ \t]{0,3}"
# [1], [1, 9], [1-3], 【1】, 【1†source】, [^1], [Snippet 1], [1 | Title | Heading]
CITATION = re.compile(
    r"(?P<space>[ \t]{0,3})[\[【［][ \t]{0,3}(?:\^|snippets?[ \t]|sources?[ \t])?#?"
    rf"(?P<numbers>\d{{1,3}}(?:{SEPARATOR}(?:snippet[ \t])?\d{{1,3}}){{0,20}})[ \t]{{0,3}}"
    r"(?:\|[^\[\]\n]{0,300}|†[^\]】\n]{0,100})?[\]】］]",
    re.IGNORECASE,
)
QUOTED_CITATION = re.compile(r"`([\[【]\d{1,3}[\]】])`")  # no code, a citation in code's clothes
RANGE = re.compile(r"(\d{1,3})[ \t]{0,3}[-–][ \t]{0,3}(\d{1,3})")
REPEATED = re.compile(r"(\[\d{1,3}\])(?:[ \t]{0,3}\1)+")


class Numbers:
    """Gives snippet numbers new ones, 1..k, as they are used."""

    def __init__(self, context: Context) -> None:
        self._snippets = {snippet.number: snippet for snippet in context.snippets}
        self._new: dict[int, int] = {}

    def renumbered(self, text: str, corrected: int | None = None) -> str:
        """Return the text with [a][b] for the numbers that were given, in new numbers.

        With a corrected number it stands once, in the place of the first citation, for all of them.
        """
        if corrected is not None:
            text = _corrected(text, corrected)
        return outside_code(text, lambda part: REPEATED.sub(r"\1", CITATION.sub(self._one, part)))

    def sources(self) -> tuple[Source, ...]:
        """Give what was cited so far, in the order of the new numbers."""
        return tuple(self._source(number, n) for number, n in self._new.items())

    def _one(self, match: re.Match[str]) -> str:
        valid = [number for number in cited(match["numbers"]) if number in self._snippets]
        new = [self._new.setdefault(number, len(self._new) + 1) for number in valid]
        written = "".join(f"[{number}]" for number in dict.fromkeys(new))
        return f"{match['space']}{written}" if written else ""

    def _source(self, number: int, n: int) -> Source:
        chunk = self._snippets[number].chunk
        return Source(
            n=n, title=chunk.title, url=chunk.url, headings=chunk.headings, chunk_id=chunk.id
        )


def cited(numbers: str) -> list[int]:
    """Read "1, 3-5" as [1, 3, 4, 5]; a range that runs backwards or far is read as its ends."""
    found: list[int] = []
    for part in re.split(r"[,;&]|and", numbers, flags=re.IGNORECASE):
        ends = [int(digits) for digits in re.findall(r"\d{1,3}", part)]
        if RANGE.search(part) and len(ends) == 2 and ends[0] < ends[1] <= ends[0] + 20:
            ends = list(range(ends[0], ends[1] + 1))
        found += ends
    return found


def cited_in(text: str, given: Iterable[int]) -> tuple[int, ...]:
    """Give the numbers that a text cites outside of code, of those that were given, in order.

    >>> cited_in("Save [2], [9] or `rows[1]` [1, 2].", (1, 2, 3))
    (2, 1)
    """
    found: list[int] = []

    def read(match: re.Match[str]) -> str:
        found.extend(cited(match["numbers"]))
        return ""

    outside_code(text, lambda part: CITATION.sub(read, part))
    known = frozenset(given)
    return tuple(dict.fromkeys(number for number in found if number in known))


def without_citations(text: str) -> str:
    """Remove the citations outside of code, and the spaces before them."""
    return outside_code(text, lambda part: CITATION.sub("", part))


def _corrected(text: str, number: int) -> str:
    """Cite another snippet instead: where the first citation stood, else at the end."""
    found = list(CITATION.finditer(text))
    if not found and text.endswith("|"):
        return f"{text[:-1].rstrip()} [{number}] |"
    if not found:
        is_fence = text.lstrip().startswith(("```", "~~~"))
        return f"{text}\n[{number}]" if is_fence else f"{text} [{number}]"
    first = found[0]
    after = CITATION.sub("", text[first.end() :])
    return f"{text[: first.start()]}{first['space']}[{number}]{after}"
