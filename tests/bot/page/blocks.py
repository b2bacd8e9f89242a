"""Short names for Block Kit in the page's tests."""

from __future__ import annotations

from bot.simulator.model import Json


def plain(text: str) -> Json:
    """Make a plain_text object."""
    return {"type": "plain_text", "text": text}


def option(text: str, value: str) -> Json:
    """Make an option."""
    return {"text": plain(text), "value": value}


def button(text: str, action_id: str, **more: object) -> Json:
    """Make a button element."""
    return {"type": "button", "action_id": action_id, "text": plain(text), **more}


def field(block_id: str, label: str, kind: str, **more: object) -> Json:
    """Make an input block whose element has the action_id "in"; "optional" is the block's."""
    block: Json = {"type": "input", "block_id": block_id, "label": plain(label)}
    for name in ("optional", "hint", "dispatch_action"):
        if name in more:
            block[name] = more.pop(name)
    return block | {"element": {"type": kind, "action_id": "in", **more}}


def modal(title: str, *blocks: Json, **more: object) -> Json:
    """Make a modal with a submit button."""
    view: Json = {"type": "modal", "title": plain(title), "submit": plain("Save")}
    return view | {"blocks": list(blocks), **more}
