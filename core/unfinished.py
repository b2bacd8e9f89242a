"""A text that ran out of tokens → the part of it that is whole."""

from __future__ import annotations

import re

_CLOSERS = r"[\"'”’»」』)*_]{0,4}"
_MARKS = r"(?:[ \t]{0,3}\[[\d, ]{1,20}\])"
# A sentence with the citations behind it; a citation ends a claim without a full stop, too.
END = re.compile(
    rf"[.!?…]{_CLOSERS}{_MARKS}{{0,9}}\.?(?=\s|$)"
    rf"|[。！？]{_CLOSERS}{_MARKS}{{0,9}}"
    rf"|\S{_MARKS}{{1,9}}[.。]?(?=\s|$)"
)
ABBREVIATION = re.compile(r"(?<![^\s(])(?:[a-z]|e\.g|i\.e|etc|vs|cf|approx|no)\.$", re.IGNORECASE)
ORDINAL = re.compile(r"\s{0,8}\d{1,3}\.")
LOOKED_AT = 12  # characters before a full stop; more than either has
ITEM_OR_ROW = re.compile(r"\s*(?:[-*+•]\s|\d{1,3}[.)]\s|\|)")
FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)


def without_unfinished_end(text: str) -> str:
    """Drop what follows the last whole sentence, list item or table row; "" when none is whole.

    What only leads to the dropped part, as "Do this:" or a heading, goes with it.

    >>> without_unfinished_end("Open it [1]. Then you")
    'Open it [1].'
    """
    lines = _before_open_code(text).rstrip().split("\n")
    is_last = True
    while lines:
        line = lines[-1]
        if FENCE.match(line) or (not is_last and _is_item_or_row(line)):
            break
        if whole := line[: _end_of_whole(line)]:
            lines[-1] = whole
            break
        lines.pop()
        is_last = False
    return "\n".join(lines)


def _before_open_code(text: str) -> str:
    fences = [match.start() for match in FENCE.finditer(text)]
    return text if len(fences) % 2 == 0 else text[: fences[-1]]


def _is_item_or_row(line: str) -> bool:
    """Say whether a line that another one follows is whole though no sentence ends it."""
    return ITEM_OR_ROW.match(line) is not None and not line.rstrip("*_ ").endswith(":")


def _end_of_whole(line: str) -> int:
    """Return where the last whole sentence of a line ends, 0 when none does."""
    ends = [match.end() for match in END.finditer(line) if not _is_no_end(line, match.start())]
    return ends[-1] if ends else 0


def _is_no_end(line: str, stop: int) -> bool:
    """Say whether a full stop belongs to "e.g." or to the number of a list item."""
    before = line[max(0, stop - LOOKED_AT) : stop + 1]
    if stop < LOOKED_AT and ORDINAL.fullmatch(before):
        return True
    return ABBREVIATION.search(before) is not None
