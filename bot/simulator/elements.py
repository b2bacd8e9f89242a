"""Interactive elements of blocks: name them, find one, and what a click on it sends."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from .model import ControlError, Json

OPTION_ELEMENTS = ("static_select", "overflow", "radio_buttons", "external_select")


def with_ids(block: Json) -> Json:
    """Give the block_id and the action_ids that the app left out."""
    named = {**block, "block_id": block.get("block_id") or secrets.token_hex(3)}
    if block["type"] in ("actions", "context_actions"):
        named["elements"] = [_with_action_id(element) for element in block["elements"]]
    if "accessory" in block:
        named["accessory"] = _with_action_id(block["accessory"])
    return named


def find_element(source: Json, block_id: str, action_id: str) -> Json:
    """Find an element of a message or view; raise ControlError."""
    for block in source.get("blocks", ()):
        if block.get("block_id") == block_id:
            for element in _elements(block):
                if element.get("action_id") == action_id:
                    return element
    raise ControlError(f"There is no element {action_id!r} in a block {block_id!r} there.")


def press(element: Json, value: str | None) -> Json:
    """Build the action that Slack sends; value chooses an option or a feedback button."""
    action: Json = {"type": element["type"], "action_id": element["action_id"]}
    match element["type"]:
        case "button" | "icon_button" | "workflow_button":
            return action | {name: element[name] for name in ("text", "value") if name in element}
        case "feedback_buttons":
            return action | _feedback(element, value)
        case kind if kind in OPTION_ELEMENTS:
            return action | {"selected_option": _option(element, value)}
        case "checkboxes" | "multi_static_select":
            chosen = [_option(element, part) for part in (value or "").split(",") if part]
            return action | {"selected_options": chosen}
        case _:
            return action | {"value": value or ""}


def _with_action_id(element: Json) -> Json:
    return {**element, "action_id": element.get("action_id") or secrets.token_hex(3)}


def _elements(block: Json) -> Iterator[Json]:
    yield from block.get("elements", ())
    yield from (block[name] for name in ("accessory", "element") if name in block)


def _feedback(element: Json, value: str | None) -> Json:
    for name in ("positive_button", "negative_button"):
        if element[name]["value"] == value:
            return {"text": element[name]["text"], "value": value}
    raise ControlError(f"No feedback button has the value {value!r}.")


def _option(element: Json, value: str | None) -> Json:
    for option in element.get("options", ()):
        if option["value"] == value:
            return dict(option)
    raise ControlError(f"No option has the value {value!r}.")
