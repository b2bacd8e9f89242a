"""Views and their parts, as an app would write them."""

from __future__ import annotations

from typing import Any

View = dict[str, Any]


def plain(text: str) -> View:
    return {"type": "plain_text", "text": text}


def field(block_id: str, **element: Any) -> View:
    typed = {"type": "plain_text_input", "action_id": "it"} | element
    return {"type": "input", "block_id": block_id, "label": plain("What?"), "element": typed}


def modal(*blocks: View, **fields: Any) -> View:
    view = {"type": "modal", "title": plain("Ask"), "submit": plain("Go"), "blocks": list(blocks)}
    return view | {"callback_id": "ask"} | fields


def option(text: str, value: str) -> View:
    return {"text": plain(text), "value": value}
