"""A snippet → the passages that may support a claim: sentences, items, rows and what is around.

Each knows its facts with those of its title, headings and lead-in, so that a number of one plan
does not support a sentence on another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from .facts import Facts, Passage, is_torn, is_two_sided, missing, passage_of
from .folding import fold, terms_of
from .keyed import (
    NO_KEY,
    Cell,
    Key,
    cells_of,
    head_of,
    is_of_other_column,
    is_of_other_item,
    keys_of,
)
from .outline import Block, BlockKind, outline
from .roles import BY_ITSELF, DENIED, roles_in
from .types import Snippet
from .wording import meanings_of

MAX_UNITS = 80  # of one snippet; more is no chunk of ours
NEIGHBOURS = 1  # sentences on either side that a claim may draw together
MARKER = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+|\n+|(?<=;)\s+(?=[a-z])")
CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest passage: a sentence, a list item, a table row."""

    text: str
    lead_in: str  # of its list
    heading: str  # of its chunk
    block: int
    section: int
    is_row: bool
    passage: Passage  # of the text alone
    roles: frozenset[str]  # with those of its lead-in
    key: Key = NO_KEY
    cells: tuple[Cell, ...] = ()  # of a row

    @property
    def is_denied(self) -> bool:
        """Tell whether it says "not"."""
        return DENIED.search(fold(self.text)) is not None

    @property
    def is_by_itself(self) -> bool:
        """Tell whether it says of a thing what that does, not what anybody does with it."""
        return not self.is_row and BY_ITSELF.match(fold(self.text)) is not None


@dataclass(frozen=True, slots=True)
class Window:
    """Some units of a snippet in a row, with their facts."""

    units: tuple[int, ...]
    passage: Passage
    own: Passage  # without title, headings and lead-in
    parts: tuple[Unit, ...]
    is_table: bool  # of several rows: what each says is lost in it


@dataclass(frozen=True, slots=True)
class Passages:
    """All the passages of one snippet, narrow ones first."""

    units: tuple[Unit, ...]
    windows: tuple[Window, ...]
    whole: Passage
    head: str

    def embedded_texts(self) -> tuple[str, ...]:
        """Give what is embedded: each unit alone, then each under its heading and lead-in."""
        alone = (unit.text for unit in self.units)
        under = (" ".join(filter(None, (self.head, u.lead_in, u.text))) for u in self.units)
        return (*alone, *under)


def passages_of(snippet: Snippet) -> Passages:
    """Take a snippet apart."""
    chunk = snippet.chunk
    units = tuple(_units(snippet.text, chunk.headings[-1] if chunk.headings else ""))[:MAX_UNITS]
    head = ": ".join((chunk.title, *chunk.headings))
    whole = passage_of(f"{head} \n{snippet.text}")
    windows = []
    for members in dict.fromkeys(_windows(units)):
        parts = tuple(units[i] for i in members)
        leads = dict.fromkeys(unit.lead_in for unit in parts)
        text = " \n".join(unit.text for unit in parts)
        own = passage_of(text)
        is_table = len(members) > 1 and units[members[0]].is_row
        passage = passage_of(" \n".join((head, *leads, text)), whole.said)
        windows.append(Window(members, passage, own, parts, is_table))
    return Passages(units, tuple(windows), whole, head)


def is_scattered(claim: str, facts: Facts, window: Window, whole: Passage) -> bool:
    """Tell whether the window lacks a fact, or has them in different rows."""
    if missing(facts, window.passage) or is_torn(facts, window.passage, whole):
        return True
    if is_of_others(claim, facts, window):
        return True
    parts = window.parts
    if is_of_other_item(claim, facts, [u.key for u in parts], [u.passage for u in parts], whole):
        return True
    if window.is_table:
        return bool(facts.numbers) or is_two_sided(claim, window.own)
    return any(is_of_other_column(claim, facts, unit.cells) for unit in parts)


def is_of_others(claim: str, facts: Facts, window: Window) -> bool:
    """Tell whether the sentences nearest to a claim are on others than those it is on.

    "Only admins can" may say what "regular users cannot": such sentences are left alone.
    """
    if not facts.subjects or facts.subjects != facts.roles:
        return False
    wanted = meanings_of(terms_of(claim)) - facts.subjects
    shared = [len(wanted & unit.passage.meanings) for unit in window.parts]
    is_denied = DENIED.search(fold(claim)) is not None
    nearest = [
        unit
        for unit, count in zip(window.parts, shared, strict=True)
        if count == max(shared) and unit.is_denied == is_denied
    ]
    return bool(nearest) and all(
        not unit.roles & facts.subjects if unit.roles else unit.is_by_itself for unit in nearest
    )


def _windows(units: tuple[Unit, ...]) -> Iterator[tuple[int, ...]]:
    """Give units alone, with their neighbours, as whole blocks, and as whole sections."""
    numbers = range(len(units))
    yield from ((i,) for i in numbers)
    for i, j in pairwise(numbers):
        if units[i].section == units[j].section and not (units[i].is_row or units[j].is_row):
            yield (i, j)
    for i in numbers:
        around = range(max(0, i - NEIGHBOURS), min(len(units), i + NEIGHBOURS + 1))
        near = tuple(j for j in around if units[j].section == units[i].section)
        if not any(units[j].is_row for j in near):
            yield near
    for _, of_block in groupby(numbers, key=lambda i: units[i].block):
        yield tuple(of_block)
    for _, of_section in groupby(numbers, key=lambda i: units[i].section):
        if members := tuple(i for i in of_section if not units[i].is_row):
            yield members


def _units(text: str, above: str) -> Iterator[Unit]:
    number = 0
    for at, section in enumerate(outline(text)):
        lead_in = ""
        heading = section.headings[-1] if section.headings else ""
        if heading and not section.blocks:
            roles = roles_in(fold(heading))
            yield Unit(heading, "", above, number, at, False, passage_of(heading), roles)
        for block in section.blocks:
            number += 1
            is_listed = block.kind in (BlockKind.LIST, BlockKind.TABLE)
            lead = ": ".join(filter(None, (heading, lead_in if is_listed else "")))
            yield from _units_of(block, lead, above, number, at)
            lead_in = block.text if block.text.rstrip().endswith(":") else ""


def _units_of(block: Block, lead: str, above: str, number: int, section: int) -> Iterator[Unit]:
    is_row = block.kind is BlockKind.TABLE
    rows = list(_rows(block)) if is_row else []
    parts = [[_row_text(row)] for row in rows] if is_row else list(_parts(block))
    heads = [row[0][1] for row in rows] or [head_of(texts[0]) for texts in parts]
    keys = keys_of(heads) if is_row or block.kind is BlockKind.LIST else [NO_KEY] * len(parts)
    cells = [cells_of(row) for row in rows] or [()] * len(parts)
    for texts, key, row in zip(parts, keys, cells, strict=True):
        for text in texts:
            if re.search(r"\w", text):
                roles = roles_in(fold(f"{lead} {text}"))
                yield Unit(
                    text, lead, above, number, section, is_row, passage_of(text), roles, key, row
                )


def _parts(block: Block) -> Iterator[list[str]]:
    """Give the sentences of a block, those of each item of a list by themselves."""
    match block.kind:
        case BlockKind.LIST:
            edges = (0, *(cut for cut in block.cuts if cut), len(block.text))
            for a, b in pairwise(edges):
                lines = (MARKER.sub("", line) for line in block.text[a:b].split("\n"))
                yield [sentence for line in lines for sentence in SENTENCE.split(line)]
        case BlockKind.CODE:
            yield [block.text]
        case _:
            yield SENTENCE.split(block.text)


def _rows(block: Block) -> Iterator[list[tuple[str, str]]]:
    """Give the cells of each row, with what their columns are called."""
    lines = block.text.split("\n")
    names = _cells(lines[0])
    for line in lines[2:]:
        cells = _cells(line)
        yield list(zip((*names, *[""] * len(cells)), cells, strict=False))


def _row_text(row: list[tuple[str, str]]) -> str:
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in row)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in CELL.split(line.strip().strip("|"))]
