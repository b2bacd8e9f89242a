"""Check a model's draft against its context: an Answer whose citations exist, or a Refusal.

Takes text that may hold anything; gives inert Markdown with [n] numbered in the order of use.
"""

from __future__ import annotations

import re

from .disarm import disarm, outside_code
from .prompt import SYSTEM_PROMPT
from .refusals import is_refusal, without_refusal
from .types import Answer, Context, Draft, Refusal, RefusalReason, Source

UNSUPPORTED = Refusal(RefusalReason.UNSUPPORTED)

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


def check(draft: Draft, context: Context) -> Answer | Refusal:
    """Return the answer with citations numbered 1..k in order of first use, in text and sources.

    UNSUPPORTED for a refusal in any wording, for an empty text, and for a text that cites none of
    the snippets it was given. Citations inside code are left alone and do not count.
    """
    urls = [snippet.chunk.url for snippet in context.snippets if snippet.chunk.url]
    text = disarm(draft.text, urls=urls, hidden=SYSTEM_PROMPT)
    if is_refusal(text):
        return UNSUPPORTED
    numbers = _Numbers(context)
    text = QUOTED_CITATION.sub(r"\1", without_refusal(text))
    text = outside_code(text, lambda part: _tidy(CITATION.sub(numbers.renumbered, part)))
    sources = numbers.sources()
    if not sources or not re.search(r"\w", CITATION.sub("", text)):
        return UNSUPPORTED
    return Answer(text=text.strip(), sources=sources)


class _Numbers:
    """Gives snippet numbers new ones, 1..k, as they are used."""

    def __init__(self, context: Context) -> None:
        self._snippets = {snippet.number: snippet for snippet in context.snippets}
        self._new: dict[int, int] = {}

    def renumbered(self, match: re.Match[str]) -> str:
        """Return [a][b] for the numbers that were given, in new numbers; nothing for others."""
        valid = [number for number in _cited(match["numbers"]) if number in self._snippets]
        cited = [self._new.setdefault(number, len(self._new) + 1) for number in valid]
        written = "".join(f"[{number}]" for number in dict.fromkeys(cited))
        return f"{match['space']}{written}" if written else ""

    def sources(self) -> tuple[Source, ...]:
        return tuple(self._source(number, n) for number, n in self._new.items())

    def _source(self, number: int, n: int) -> Source:
        chunk = self._snippets[number].chunk
        return Source(
            n=n, title=chunk.title, url=chunk.url, headings=chunk.headings, chunk_id=chunk.id
        )


def _cited(numbers: str) -> list[int]:
    """Read "1, 3-5" as [1, 3, 4, 5]; a range that runs backwards or far is read as its ends."""
    cited: list[int] = []
    for part in re.split(r"[,;&]|and", numbers, flags=re.IGNORECASE):
        found = [int(digits) for digits in re.findall(r"\d{1,3}", part)]
        if RANGE.search(part) and len(found) == 2 and found[0] < found[1] <= found[0] + 20:
            found = list(range(found[0], found[1] + 1))
        cited += found
    return cited


def _tidy(part: str) -> str:
    """Join repeated citations and close the gaps that removed ones left."""
    return REPEATED.sub(r"\1", part)
