"""Interactive elements of blocks: name them, find one, and what a click on it sends."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from .inputs import Exists, choose
from .model import ControlError, Json

SHOWN = ("placeholder", "initial_option", "initial_options")  # in the action as in the element


def with_ids(block: Json) -> Json:
    """Give the block_id and the action_ids that the app left out."""
    named = {**block, "block_id": block.get("block_id") or secrets.token_hex(3)}
    if block["type"] in ("actions", "context_actions"):
        named["elements"] = [_with_action_id(element) for element in block["elements"]]
    for name in ("accessory", "element"):
        if name in block:
            named[name] = _with_action_id(block[name])
    return named


def find_element(source: Json, block_id: str, action_id: str) -> Json:
    """Find an element of a message or view; raise ControlError."""
    for block in source.get("blocks", ()):
        if block.get("block_id") == block_id:
            for element in _elements(block):
                if element.get("action_id") == action_id:
                    return element
    raise ControlError(f"There is no element {action_id!r} in a block {block_id!r} there.")


def press(element: Json, wish: object, exists: Exists) -> Json:
    """Build the action that Slack sends; a wish chooses an option or a feedback button.

    exists tells whether there is a person or channel of an id; see inputs.py for wishes.
    """
    action: Json = {"type": element["type"], "action_id": element["action_id"]}
    match element["type"]:
        case "button" | "icon_button" | "workflow_button":
            return action | {name: element[name] for name in ("text", "value") if name in element}
        case "feedback_buttons":
            return action | _feedback(element, wish)
        case _:
            shown = {name: element[name] for name in SHOWN if name in element}
            return action | shown | choose(element, wish, exists)


def _with_action_id(element: Json) -> Json:
    return {**element, "action_id": element.get("action_id") or secrets.token_hex(3)}


def _elements(block: Json) -> Iterator[Json]:
    yield from block.get("elements", ())
    yield from (block[name] for name in ("accessory", "element") if name in block)


def _feedback(element: Json, value: object) -> Json:
    for name in ("positive_button", "negative_button"):
        if element[name]["value"] == value:
            return {"text": element[name]["text"], "value": value}
    raise ControlError(f"No feedback button has the value {value!r}.")
