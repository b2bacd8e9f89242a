"""What a person types → the text and rich_text blocks that Slack makes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .model import Json

URL = re.compile(r"https?://(?:(?!&[lg]t;)[^\s<>])*(?!&[lg]t;)[^\s<>.,;:!?)]")
MENTION = re.compile(r"&lt;(@U\w+)&gt;")
ENTITY = re.compile(r"<([@#!][^>]+|https?://[^>]+)>")
BROADCASTS = {f"@{name}": f"<!{name}>" for name in ("here", "channel", "everyone")}


def escape(text: str) -> str:
    """Escape the three characters that are markup in Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """Undo escape."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def encode(text: str, names: Mapping[str, str]) -> str:
    """Escape a text, then mark its addresses and what it names.

    names maps "@ann" to "<@U0ANN>" and "#support" to "<#C0GEN|support>", in lower case; a person
    may also type "<@U0ANN>", but no other markup.
    """
    known = dict(names) | BROADCASTS
    mentions = set(names.values())
    spellings = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    named = re.compile(rf"(?<![\w@#<&/])(?:{spellings})(?![\w-])", re.IGNORECASE)
    parts = re.split(f"({URL.pattern})", escape(text))  # text, address, text, …; no groups inside
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = f"<{part}>"
        else:
            part = MENTION.sub(
                lambda found: f"<{found[1]}>" if f"<{found[1]}>" in mentions else found[0], part
            )
            parts[index] = named.sub(lambda found: known[found[0].lower()], part)
    return "".join(parts)


def rich_text(encoded: str) -> list[Json]:
    """Build the block that Slack's composer sends beside the encoded text."""
    parts = enumerate(ENTITY.split(encoded))  # text, entity, text, entity, …, text
    elements = [_entity(part) if index % 2 else _plain(part) for index, part in parts if part]
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": "typed", "elements": [section]}]


def _plain(part: str) -> Json:
    return {"type": "text", "text": unescape(part)}


def _entity(part: str) -> Json:
    match part[0]:
        case "@":
            return {"type": "user", "user_id": part[1:]}
        case "#":
            return {"type": "channel", "channel_id": part[1:].partition("|")[0]}
        case "!":
            return {"type": "broadcast", "range": part[1:]}
        case _:
            return {"type": "link", "url": unescape(part)}
