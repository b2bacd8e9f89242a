"""What the bot posts: blocks, and the same in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """Block Kit, and text that says the same for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give what the inbox keeps."""
        return {"text": self.text, "blocks": list(self.blocks)}

    @classmethod
    def of(cls, value: dict[str, Any]) -> Message:
        """Read it back."""
        return cls(value["text"], tuple(value["blocks"]))
