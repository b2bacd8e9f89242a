"""Collects the parts of a message in blocks and in words, and makes them fit into Slack."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import rebuild_texts
from .blocks import (
    MAX_BLOCKS_CHARS,
    MAX_SECTION_CHARS,
    MAX_TEXT_CHARS,
    context,
    cut,
    section,
    split,
)
from .message import Block, Message

MAX_FIELDS = 10  # Slack: in a section


@dataclass(slots=True)
class Draft:
    """Collects blocks, and the same in words."""

    blocks: list[Block] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def header(self, plain: str) -> None:
        """Add a heading."""
        title = {"type": "plain_text", "text": plain, "emoji": False}
        self.blocks.append({"type": "header", "text": title})
        self.words.append(f"*{plain}*")

    def say(self, mrkdwn: str) -> None:
        """Add a paragraph, in as many sections as it needs."""
        if mrkdwn:
            self.blocks += [section(part) for part in split(mrkdwn, MAX_SECTION_CHARS)]
            self.words.append(mrkdwn)

    def table(self, rows: Iterable[tuple[str, str]]) -> None:
        """Add name and value pairs, two columns wide."""
        cells = [(name, value) for name, value in rows if value]
        fields = [{"type": "mrkdwn", "text": f"*{n}*\n{v}", "verbatim": True} for n, v in cells]
        for start in range(0, len(fields), MAX_FIELDS):
            part = fields[start : start + MAX_FIELDS]
            self.blocks.append({"type": "section", "fields": part})
        self.words.append("; ".join(f"{name}: {value}" for name, value in cells))

    def small(self, mrkdwn: str) -> None:
        """Add small print."""
        if mrkdwn:
            self.blocks.append(context([cut(mrkdwn, MAX_SECTION_CHARS)]))
            self.words.append(mrkdwn)

    @property
    def fits(self) -> bool:
        """Whether Slack takes all of it."""
        return len(json.dumps(self.blocks)) <= MAX_BLOCKS_CHARS

    def message(self) -> Message:
        """Give the message; when it is too much for Slack, small print and late lists go first."""
        blocks = list(self.blocks)
        while len(json.dumps(blocks)) > MAX_BLOCKS_CHARS and len(blocks) > 1:
            blocks.pop()
        if len(blocks) < len(self.blocks):
            while (
                len(json.dumps([*blocks, context([rebuild_texts.REBUILD_CUT])])) > MAX_BLOCKS_CHARS
            ):
                blocks.pop()
            blocks.append(context([rebuild_texts.REBUILD_CUT]))
        return Message(cut("\n\n".join(self.words), MAX_TEXT_CHARS), tuple(blocks))
