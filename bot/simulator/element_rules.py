"""What the elements of blocks must look like, and which blocks take them.

The limits are those of docs.slack.dev/reference/block-kit/block-elements and of slack_sdk's models.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .checks import TEXT_FIELDS, Problems, count, items, known, length, text_object
from .model import Json

SELECTS = frozenset(
    {
        *("static_select", "external_select", "users_select", "conversations_select"),
        "channels_select",
    }
)
MULTI_SELECTS = frozenset(f"multi_{kind}" for kind in SELECTS)
PICKERS = frozenset({"datepicker", "datetimepicker", "timepicker"})
CHOICES = frozenset({"checkboxes", "radio_buttons"})
BUTTONS = frozenset({"button", "overflow", "workflow_button"})
TYPED = frozenset(
    {
        *("plain_text_input", "rich_text_input", "email_text_input", "url_text_input"),
        *("number_input", "file_input"),
    }
)
PLACES: dict[str, frozenset[str]] = {  # block, or its field → elements
    "actions": SELECTS | PICKERS | CHOICES | BUTTONS,
    "accessory": SELECTS | MULTI_SELECTS | PICKERS | CHOICES | BUTTONS | {"image"},
    "input": SELECTS | MULTI_SELECTS | PICKERS | CHOICES | TYPED,
    "context": frozenset({"image", "mrkdwn", "plain_text"}),
    "context_actions": frozenset({"feedback_buttons", "icon_button"}),
}
INTERACTIVE = ("type", "action_id", "confirm")
CHOSEN = ("options", "option_groups", "initial_option", "initial_options", "max_selected_items")
BUTTON_FIELDS = (*INTERACTIVE, "text", "url", "value", "style", "accessibility_label")
SELECT_FIELDS = (*INTERACTIVE, "placeholder", "focus_on_load", *CHOSEN)
FIELDS: dict[str, tuple[str, ...]] = {  # of the elements that the app may use, the others pass
    "button": BUTTON_FIELDS,
    "static_select": SELECT_FIELDS,
    "multi_static_select": SELECT_FIELDS,
    "overflow": (*INTERACTIVE, "options"),
    "checkboxes": (*INTERACTIVE, "options", "initial_options", "focus_on_load"),
    "radio_buttons": (*INTERACTIVE, "options", "initial_option", "focus_on_load"),
    "feedback_buttons": ("type", "action_id", "positive_button", "negative_button"),
    "plain_text_input": (
        *("type", "action_id", "initial_value", "multiline", "min_length", "max_length"),
        *("dispatch_action_config", "focus_on_load", "placeholder"),
    ),
}
MOST_OPTIONS = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10}
WEB_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+")


def check_element(element: object, path: str, place: str) -> Problems:
    """Check an element of a block named in PLACES."""
    kind = element.get("type") if isinstance(element, dict) else element
    if not isinstance(element, dict) or kind not in PLACES[place]:
        yield f"[ERROR] unsupported type: {kind} [json-pointer:{path}/type]"
        return
    yield from length(element, "action_id", path, 255, is_optional=True)
    yield from text_object(element, "placeholder", path, 150, "plain_text", is_optional=True)
    if "confirm" in element:
        yield from _confirm(element["confirm"], f"{path}/confirm")
    yield from known(element, FIELDS.get(str(kind), tuple(element)), path)
    if rule := RULES.get(str(kind)):
        yield from rule(element, path)


def _confirm(dialog: object, path: str) -> Problems:
    parts = dialog if isinstance(dialog, dict) else {}
    yield from text_object(parts, "title", path, 100, "plain_text")
    yield from text_object(parts, "text", path, 300)
    yield from text_object(parts, "confirm", path, 30, "plain_text", is_optional=True)
    yield from text_object(parts, "deny", path, 30, "plain_text", is_optional=True)
    yield from known(parts, ("title", "text", "confirm", "deny", "style"), path)


def _context_text(element: Json, path: str) -> Problems:
    yield from length(element, "text", path, 2_000)
    yield from known(element, TEXT_FIELDS[element["type"]], path)


def _image(element: Json, path: str) -> Problems:
    yield from length(element, "alt_text", path, 2_000)
    if "image_url" in element or "slack_file" not in element:
        yield from length(element, "image_url", path, 3_000)


def _button(element: Json, path: str) -> Problems:
    yield from text_object(element, "text", path, 75, "plain_text")
    yield from length(element, "value", path, 2_000, is_optional=True)
    yield from length(element, "url", path, 3_000, is_optional=True)
    yield from length(element, "accessibility_label", path, 75, is_optional=True)
    address = element.get("url")
    if isinstance(address, str) and not WEB_ADDRESS.fullmatch(address):
        yield f"[ERROR] must be a valid URL [json-pointer:{path}/url]"
    if element.get("style", "primary") not in ("primary", "danger"):
        yield f"[ERROR] must be one of primary, danger [json-pointer:{path}/style]"


def _icon_button(element: Json, path: str) -> Problems:
    yield from text_object(element, "text", path, 75, "plain_text")
    yield from length(element, "value", path, 2_000, is_optional=True)
    if element.get("icon") != "trash":
        yield f"[ERROR] must be one of trash [json-pointer:{path}/icon]"


def _feedback(element: Json, path: str) -> Problems:
    for name in ("positive_button", "negative_button"):
        button, here = element.get(name) or {}, f"{path}/{name}"
        yield from text_object(button, "text", here, 75, "plain_text")
        yield from length(button, "value", here, 2_000)
        yield from length(button, "accessibility_label", here, 75, is_optional=True)
        yield from known(button, ("text", "value", "accessibility_label"), here)


def _choice(element: Json, path: str) -> Problems:
    kind = str(element["type"])
    if "option_groups" in element and "options" not in element:
        yield from count(element, "option_groups", path, 100)
        for index, group in enumerate(items(element, "option_groups")):
            here, parts = f"{path}/option_groups/{index}", group if isinstance(group, dict) else {}
            yield from text_object(parts, "label", here, 75, "plain_text")
            yield from _options(parts, here, 100, "plain_text")
        return
    is_menu = kind in SELECTS | MULTI_SELECTS | {"overflow"}
    texts = "plain_text" if is_menu else "plain_text mrkdwn"
    yield from _options(element, path, MOST_OPTIONS.get(kind, 100), texts)


def _options(owner: Json, path: str, most: int, texts: str) -> Problems:
    yield from count(owner, "options", path, most)
    for index, option in enumerate(items(owner, "options")):
        here = f"{path}/options/{index}"
        if not isinstance(option, dict):
            yield f"[ERROR] must be an object [json-pointer:{here}]"
            continue
        yield from text_object(option, "text", here, 75, texts)
        yield from length(option, "value", here, 150)
        yield from text_object(option, "description", here, 75, is_optional=True)
        yield from known(option, ("text", "value", "description", "url"), here)
        if option.get("url") == "":
            yield f"[ERROR] must be more than 0 characters [json-pointer:{here}/url]"


def _plain_text_input(element: Json, path: str) -> Problems:
    most = element.get("max_length", 3_000)
    least = element.get("min_length", 0)
    if not isinstance(most, int) or not 1 <= most <= 3_000:
        yield f"[ERROR] must be between 1 and 3000 [json-pointer:{path}/max_length]"
    if not isinstance(least, int) or not 0 <= least <= 3_000:
        yield f"[ERROR] must be between 0 and 3000 [json-pointer:{path}/min_length]"
    yield from length(element, "initial_value", path, 3_000, is_optional=True)


RULES: dict[str, Callable[[Json, str], Problems]] = {
    "button": _button,
    "checkboxes": _choice,
    "feedback_buttons": _feedback,
    "icon_button": _icon_button,
    "image": _image,
    "mrkdwn": _context_text,
    "multi_static_select": _choice,
    "overflow": _choice,
    "plain_text": _context_text,
    "plain_text_input": _plain_text_input,
    "radio_buttons": _choice,
    "static_select": _choice,
}
