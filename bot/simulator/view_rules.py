"""What a view must look like: the App Home and modals, as views.* check them."""

from __future__ import annotations

import json

from .blocks import MESSAGES_ONLY, VIEW_BLOCKS, find_problems
from .checks import Problems, known, length, text_object
from .model import Json, SlackError

VIEW_BYTES = 250_000
BUTTON_CHARACTERS = 24  # of title, submit and close
HOME_FIELDS = ("type", "blocks", "private_metadata", "callback_id", "external_id")
MODAL_FIELDS = (
    *HOME_FIELDS,
    *("title", "submit", "close", "clear_on_close", "notify_on_close"),
)
SCHEMA = "[ERROR] failed to match all allowed schemas [json-pointer:/view]"


def check_view(view: object, kind: str) -> Json:
    """Give a view that is a "home" or a "modal"; raise invalid_arguments or view_too_large."""
    if not isinstance(view, dict):
        raise _refusal(["[ERROR] must provide an object [json-pointer:/view]"])
    if len(json.dumps(view)) > VIEW_BYTES:
        raise SlackError("view_too_large")
    if problems := list(_problems(view, kind)):
        raise _refusal([SCHEMA, *problems])
    return view


def _problems(view: Json, kind: str) -> Problems:
    if view.get("type") != kind:
        yield f"[ERROR] must be one of {kind} [json-pointer:/view/type]"
    yield from known(view, MODAL_FIELDS if kind == "modal" else HOME_FIELDS, "/view")
    for name in ("callback_id", "external_id"):
        yield from length(view, name, "/view", 255, is_optional=True)
    yield from length(view, "private_metadata", "/view", 3_000, is_optional=True)
    blocks = view.get("blocks")
    if not isinstance(blocks, list):
        yield "[ERROR] missing required field: blocks [json-pointer:/view]"
        return
    yield from find_problems(blocks, "/view/blocks", VIEW_BLOCKS, unsupported=MESSAGES_ONLY)
    if kind == "modal":
        yield from _modal_problems(view, blocks)


def _modal_problems(view: Json, blocks: list[object]) -> Problems:
    for name in ("title", "submit", "close"):
        is_optional = name != "title"
        yield from text_object(
            view, name, "/view", BUTTON_CHARACTERS, "plain_text", is_optional=is_optional
        )
    for index, block in enumerate(blocks):
        if isinstance(block, dict) and block.get("type") == "input" and "submit" not in view:
            pointer = f"[json-pointer:/view/blocks/{index}/input]"
            yield f"[ERROR] must define `submit` to use `input` block {pointer}"


def _refusal(problems: list[str]) -> SlackError:
    return SlackError("invalid_arguments", response_metadata={"messages": problems})
