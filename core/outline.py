"""Markdown → sections and blocks: headings, paragraphs, lists, tables, code, with their offsets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from markdown_it import MarkdownIt
from markdown_it.token import Token

HEADING_LEVELS = 6
MAX_HEADING_CHARS = 120  # a longer one is a paragraph above a rule, or marked by mistake
LINE_END = re.compile(r"\r\n?|\n")  # as markdown-it counts lines


class BlockKind(StrEnum):
    """What a block is; quotes and raw text count as paragraphs."""

    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level block of Markdown; cuts are offsets in text at which it may be divided."""

    kind: BlockKind
    text: str
    start: int  # in the body
    end: int
    cuts: tuple[int, ...] = ()
    header: str = ""  # of a table: its header and separator rows


@dataclass(frozen=True, slots=True)
class Section:
    """The blocks under one heading path; the text before the first heading has the path ()."""

    headings: tuple[str, ...]
    blocks: tuple[Block, ...]


KINDS = {
    "bullet_list_open": BlockKind.LIST,
    "ordered_list_open": BlockKind.LIST,
    "table_open": BlockKind.TABLE,
    "fence": BlockKind.CODE,
    "code_block": BlockKind.CODE,
}


BREAKS = ("softbreak", "hardbreak")


def outline(body: str) -> tuple[Section, ...]:
    """Divide a body into its sections, in reading order; headings without text are kept."""
    # Link definitions would be taken out of the text.
    tokens = MarkdownIt("commonmark").enable("table").disable("reference").parse(body)
    offsets = (0, *(match.end() for match in LINE_END.finditer(body)), len(body))
    sections: list[Section] = []
    path: list[str] = [""] * HEADING_LEVELS
    blocks: list[Block] = []
    for position, token in enumerate(tokens):
        if token.level != 0 or token.map is None:
            continue
        heading = plain_text(tokens[position + 1]) if token.type == "heading_open" else ""
        if token.type == "heading_open" and len(heading) <= MAX_HEADING_CHARS:
            _close(sections, path, blocks)
            level = int(token.tag[1:])
            path[level - 1 :] = [heading] + [""] * (HEADING_LEVELS - level)
            blocks = []
        elif token.type != "hr":
            block = _block(body, token, tokens[position:], offsets)
            if block.text:
                blocks.append(block)
    _close(sections, path, blocks)
    return tuple(sections)


def plain_text(inline: Token) -> str:
    """Give the words of an inline token without markup; "<name>" is a placeholder and stays."""
    children = inline.children or []
    return "".join(" " if c.type in BREAKS else c.content for c in children).strip()


def _close(sections: list[Section], path: Sequence[str], blocks: list[Block]) -> None:
    headings = tuple(heading for heading in path if heading)
    if blocks or headings:
        sections.append(Section(headings, tuple(blocks)))


def _block(body: str, token: Token, rest: Sequence[Token], offsets: Sequence[int]) -> Block:
    first, last = token.map or (0, 0)
    start, end = offsets[first], offsets[last]
    text = body[start:end].rstrip()
    kind = KINDS.get(token.type, BlockKind.PARAGRAPH)
    header = ""
    cuts: tuple[int, ...] = ()
    if kind is BlockKind.LIST:
        cuts = tuple(offsets[line] - start for line in _item_lines(rest))
    elif kind is BlockKind.TABLE:
        header = body[start : offsets[first + 2]].rstrip()
        cuts = tuple(offsets[line] - start for line in range(first + 2, last))
    return Block(kind, text, start, start + len(text), cuts, header)


def _item_lines(rest: Sequence[Token]) -> Iterator[int]:
    """Give the first lines of the items of the list that rest begins with."""
    for token in rest:
        if token.level == 0 and token.type.endswith("list_close"):
            return
        if token.level == 1 and token.type == "list_item_open" and token.map is not None:
            yield token.map[0]
