"""A model's Markdown → its parts in order: claims, and what only leads to them.

A claim is a sentence, a list item's sentence, a table row or a code block. Read line by line from
the top, so that what follows a whole sentence never changes what stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from .citations import cited_in
from .claim_kinds import Kind, kind_of, plain
from .disarm import CODE
from .headings import is_label
from .tidying import is_bare

ITEM = r"(?:[-*+•]|\d{1,3}[.)])[ \t]+"
ITEM_START = re.compile(rf"(?P<indent>[ \t]*)(?P<marker>{ITEM})(?=\S)")
HEADING = re.compile(r"[ \t]{0,3}(?P<marks>#{1,6})[ \t]+\S.*|[ \t]*\*\*[^*\n]{1,120}\*\*:?[ \t]*")
BOLD = re.compile(r"\*\*(?P<text>[^*\n]+)\*\*:?")
ROW = re.compile(r"[ \t]*\|.*\|[ \t]*")
RULE_ROW = re.compile(r"[ \t|:-]+")
RULE = re.compile(r"[ \t]*(?:-{3,}|\*{3,}|_{3,})[ \t]*")
# Citations behind a sentence.
MARKS = r"(?:[ \t]{0,3}[\[【［][^\[\]【】\n]{1,100}[\]】］]){0,9}"
CLOSERS = r"[\"'”’»」』)*_]{0,4}"
SENTENCE_END = re.compile(
    rf"[.!?…]{CLOSERS}{MARKS}\.?(?=\s+(?![a-z\[【［\s])|\s*\Z)"
    rf"|[。！？]{CLOSERS}{MARKS}(?!\s*[\[【［])"
    rf"|(?<=\d)[\]】］](?=[ \t]*\n)"
)
NO_END = re.compile(  # "1." before an item, "e.g." before an example
    r"^[ \t]*\d{1,3}\.$|(?:^|[\s(])(?:[a-z]|e\.g|i\.e|etc|vs|cf|approx|incl)\.$|\w no\.$",
    re.IGNORECASE,
)
WORDY = re.compile(r"\w")
BALANCED = ("()", "[]", "【】")
CLAIMS = (Kind.SENTENCE, Kind.ROW, Kind.CODE)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the text; gap + text of all parts is the whole text."""

    kind: Kind
    gap: str  # the white space before it
    text: str  # as written, with list marker and citations
    claim: str  # without them; a row names its columns
    cited: tuple[int, ...]  # given numbers only
    group: int  # citations are inherited within a paragraph, or a list with its lead-in
    item: int = -1  # running number of the list item; -1 outside of lists
    listed: int = -1  # running number of the list
    is_step: bool = False  # of a numbered item
    is_first: bool = True  # of its paragraph or item
    level: int = 0  # of a heading, 1 to 7

    @property
    def is_claim(self) -> bool:
        """Tell whether it needs the support of a snippet."""
        return self.kind in CLAIMS


def parts_of(text: str, given: Collection[int], cuts: Collection[int] = ()) -> tuple[Part, ...]:
    """Take a text apart; cuts are offsets at which a sentence ends, whatever follows."""
    return tuple(_Reader(text, given, cuts).parts())


@dataclass(slots=True)
class _Flow:
    """A paragraph or a list item: text[start:end]."""

    start: int
    body: int  # where its text begins, behind the marker
    end: int
    group: int
    item: int = -1
    listed: int = -1
    is_step: bool = False


class _Reader:
    """Goes through the lines once."""

    def __init__(self, text: str, given: Collection[int], cuts: Collection[int]) -> None:
        self._text = text
        self._given = given
        self._cuts = sorted(cuts)
        self._at = 0  # what is before it has become parts
        self._group = 0
        self._item = -1
        self._listed = -1
        self._is_led = False  # the last flow ended with a colon
        self._header: tuple[str, ...] | None = None  # of the table we are in
        self._flow: _Flow | None = None
        self._in_list = False
        self._was_blank = -1  # where the last empty line stood

    def parts(self) -> Iterator[Part]:
        for kind, start, end in self._lines():
            yield from self._line(kind, start, end)
        yield from self._close()

    def _lines(self) -> Iterator[tuple[str, int, int]]:
        """Give ("code" | "line", start, end); fences count as one line."""
        at = 0
        for fence in CODE.finditer(self._text):
            if fence["fence"] is None:
                continue
            yield from self._plain_lines(at, fence.start())
            yield "code", fence.start(), fence.end()
            at = fence.end()
        yield from self._plain_lines(at, len(self._text))

    def _plain_lines(self, start: int, end: int) -> Iterator[tuple[str, int, int]]:
        while start < end:
            newline = self._text.find("\n", start, end)
            stop = newline if newline >= 0 else end
            yield "line", start, stop
            start = stop + 1

    def _line(self, kind: str, start: int, end: int) -> Iterator[Part]:
        line = self._text[start:end]
        if kind == "code":
            yield from self._close()
            yield self._part(Kind.CODE, start, end, line.strip("`~ \n"), self._group)
            return
        if not line.strip():
            if not self._in_list:
                yield from self._close()
            self._header = None
            self._was_blank = start
            return
        item = ITEM_START.match(line)
        if ROW.fullmatch(line):
            yield from self._close()
            yield self._row(line, start, end)
        elif RULE.fullmatch(line) or HEADING.fullmatch(line):
            yield from self._close()
            self._in_list = self._is_led = False
            self._group += 1
            yield self._heading(line, start, end)
        elif item is not None:
            yield from self._close()
            self._start_item(item, start, end)
        elif self._flow is not None and not self._ends_list(line):
            self._flow.end = end
        else:
            yield from self._close()
            self._in_list = False
            self._group += 1
            self._flow = _Flow(start, start + len(line) - len(line.lstrip()), end, self._group)

    def _ends_list(self, line: str) -> bool:
        """Tell whether a line behind a list and an empty line begins a paragraph."""
        flow = self._flow
        if flow is None or flow.item < 0 or self._was_blank < flow.end:
            return False
        return line[0] not in " \t"

    def _start_item(self, match: re.Match[str], start: int, end: int) -> None:
        if not self._in_list:
            self._in_list = True
            self._listed += 1
            self._group += not self._is_led
        self._item += 1
        self._flow = _Flow(
            start,
            start + match.end(),
            end,
            self._group,
            self._item,
            self._listed,
            match["marker"][0].isdigit(),
        )

    def _close(self) -> Iterator[Part]:
        """Turn the flow that is open into its sentences."""
        flow, self._flow = self._flow, None
        if flow is None:
            return
        start, is_first = flow.start, True
        for end in self._sentence_ends(flow):
            text = self._text[max(start, flow.body) : end].strip()
            kind = kind_of(text, is_last=end == flow.end)
            part = self._part(kind, start, end, plain(text), flow.group)
            yield replace(
                part,
                item=flow.item,
                listed=flow.listed,
                is_step=flow.is_step,
                is_first=is_first,
            )
            start, is_first = end, False
            self._is_led = kind is Kind.LEAD_IN

    def _sentence_ends(self, flow: _Flow) -> Iterator[int]:
        text, opened, counted, last = self._text, _Opened(), flow.body, flow.body
        has_words = False
        ends = {
            match.end(): match
            for match in SENTENCE_END.finditer(text, flow.body, flow.end)
            if match.end() < flow.end
        }
        forced = {cut for cut in self._cuts if flow.body < cut < flow.end}
        for end in sorted({*ends, *forced}):
            opened.read(text[counted:end])
            has_words = has_words or WORDY.search(text, counted, end) is not None
            counted = end
            if end not in forced:
                match = ends[end]
                before = text[max(last, match.start() - 8) : match.start() + 1].lstrip()
                if opened or (text[match.start()] == "." and NO_END.search(before)):
                    continue
            if has_words:
                last, has_words = end, False
                yield end
        if text[last : flow.end].strip():
            yield flow.end

    def _heading(self, line: str, start: int, end: int) -> Part:
        """Make a heading; a bold line that is a sentence is a paragraph."""
        match = HEADING.fullmatch(line)
        level = len(match["marks"]) if match is not None and match["marks"] else 7
        text = line.strip(" \t#")
        bold = BOLD.fullmatch(text)
        bare = bold["text"] if bold is not None else text  # all of it is no label to click
        kind = Kind.HEADING
        if WORDY.search(text):
            if is_bare(text):
                kind = Kind.YES_OR_NO
            elif level == 7 and not is_label(text, is_bold=True):
                kind = kind_of(text, is_last=True)
                self._is_led = kind is Kind.LEAD_IN
        return replace(self._part(kind, start, end, plain(bare), self._group), level=level)

    def _row(self, line: str, start: int, end: int) -> Part:
        cells = tuple(plain(cell.strip()) for cell in line.strip(" \t|").split("|"))
        if self._header is None or RULE_ROW.fullmatch(line):
            if self._header is None:
                self._header = cells
                self._group += not (self._is_led or self._in_list)
            self._in_list = False
            return self._part(Kind.LEAD_IN, start, end, "", self._group)
        self._is_led = False
        names = (*self._header, *[""] * len(cells))
        pairs = (f"{name}: {cell}" if name else cell for name, cell in zip(names, cells))  # noqa: B905
        return self._part(Kind.ROW, start, end, "; ".join(pairs), self._group)

    def _part(self, kind: Kind, start: int, end: int, claim: str, group: int) -> Part:
        """Make the part that reaches to end; what is between it and the last one is its gap."""
        written = self._text[self._at : end]
        text = written.strip()
        gap = written[: len(written) - len(written.lstrip())]
        if gap.endswith((" ", "\t")) and "\n" in gap:  # the indent of an item is its own
            text, gap = gap[gap.rfind("\n") + 1 :] + text, gap[: gap.rfind("\n") + 1]
        self._at = end - (len(written) - len(written.rstrip()))
        return Part(kind, gap, text, claim, cited_in(text, self._given), group)


class _Opened:
    """Counts what is open: no sentence ends inside of brackets, bold print or code."""

    def __init__(self) -> None:
        self._depths = dict.fromkeys(BALANCED, 0)
        self._stars = 0
        self._ticks = 0

    def read(self, text: str) -> None:
        for pair in BALANCED:
            depth = self._depths[pair] + text.count(pair[0]) - text.count(pair[1])
            self._depths[pair] = max(depth, 0)
        self._stars += text.count("**")
        self._ticks += text.count("`")

    def __bool__(self) -> bool:
        return any(self._depths.values()) or self._stars % 2 == 1 or self._ticks % 2 == 1
