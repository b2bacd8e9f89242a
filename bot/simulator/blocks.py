"""Block Kit validation: blocks → the same blocks with ids, or invalid_blocks with Slack's reasons.

The limits are those of docs.slack.dev/reference/block-kit and of slack_sdk's models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .elements import with_ids
from .model import Json, SlackError

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
MARKDOWN_CHARACTERS = 12_000  # of all markdown blocks together
TOTAL_CHARACTERS = 13_200  # of all text in a payload: slackapi/bolt-js#2509
ELEMENTS = frozenset(
    {
        *("button", "feedback_buttons", "icon_button", "workflow_button", "image", "overflow"),
        *("checkboxes", "radio_buttons", "datepicker", "datetimepicker", "timepicker", "url"),
        *("plain_text_input", "rich_text_input", "email_text_input", "url_text_input"),
        *("number_input", "file_input", "static_select", "external_select", "users_select"),
        *("conversations_select", "channels_select", "multi_static_select", "multi_users_select"),
        *("multi_external_select", "multi_conversations_select", "multi_channels_select"),
    }
)
UNCHECKED = (
    *("alert", "call", "card", "carousel", "container"),
    *("divider", "file", "plan", "rich_text", "video"),
)
Problems = Iterator[str]


def check_blocks(blocks: object, *, most: int = MESSAGE_BLOCKS) -> list[Json]:
    """Give the blocks with a block_id each; raise invalid_blocks or msg_blocks_too_long."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    problems = list(_problems(blocks, most))
    if problems:
        raise SlackError("invalid_blocks", response_metadata={"messages": problems})
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > MARKDOWN_CHARACTERS or count_characters(blocks) > TOTAL_CHARACTERS:
        raise SlackError("msg_blocks_too_long")
    return [with_ids(block) for block in blocks]


def count_characters(value: object) -> int:
    """Count the characters of every "text" in blocks."""
    if isinstance(value, list):
        return sum(count_characters(item) for item in value)
    if not isinstance(value, dict):
        return 0
    own = len(value["text"]) if isinstance(value.get("text"), str) else 0
    return own + sum(count_characters(item) for item in value.values())


def _problems(blocks: list[object], most: int) -> Problems:
    if len(blocks) > most:
        yield f"[ERROR] no more than {most} items allowed [json-pointer:/blocks]"
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        path = f"/blocks/{index}"
        if not isinstance(block, dict) or block.get("type") not in RULES:
            kind = block.get("type") if isinstance(block, dict) else block
            yield f"[ERROR] unsupported type: {kind} [json-pointer:{path}/type]"
            continue
        yield from RULES[block["type"]](block, path)
        yield from _length(block, "block_id", path, 255, is_optional=True)
        if block.get("block_id") in seen:
            yield f"[ERROR] `block_id` already exists for another block [json-pointer:{path}]"
        seen |= {block["block_id"]} if block.get("block_id") else set()


def _length(value: Json, name: str, path: str, most: int, *, is_optional: bool = False) -> Problems:
    text = value.get(name)
    if text is None:
        if not is_optional:
            yield f"[ERROR] missing required field: {name} [json-pointer:{path}]"
    elif not isinstance(text, str):
        yield f"[ERROR] must be a string [json-pointer:{path}/{name}]"
    elif not text and not is_optional:
        yield f"[ERROR] must be more than 0 characters [json-pointer:{path}/{name}]"
    elif len(text) > most:
        yield f"[ERROR] must be less than {most + 1} characters [json-pointer:{path}/{name}]"


def _text(
    owner: Json, name: str, path: str, most: int, kinds: str = "plain_text mrkdwn"
) -> Problems:
    text = owner.get(name)
    if not isinstance(text, dict):
        yield f"[ERROR] missing required field: {name} [json-pointer:{path}]"
    elif text.get("type") not in kinds.split():
        yield f"[ERROR] unsupported type: {text.get('type')} [json-pointer:{path}/{name}/type]"
    else:
        yield from _length(text, "text", f"{path}/{name}", most)


def _count(block: Json, name: str, path: str, most: int) -> Problems:
    items = block.get(name)
    if not isinstance(items, list) or not items:
        yield f"[ERROR] must have at least 1 item [json-pointer:{path}/{name}]"
    elif len(items) > most:
        yield f"[ERROR] no more than {most} items allowed [json-pointer:{path}/{name}]"


def _items(owner: Json, name: str) -> list[object]:
    items = owner.get(name)
    return items if isinstance(items, list) else []


def _section(block: Json, path: str) -> Problems:
    if "text" in block or "fields" not in block:
        yield from _text(block, "text", path, 3_000)
    if "fields" in block:
        yield from _count(block, "fields", path, 10)
        for index, entry in enumerate(_items(block, "fields")):
            yield from _text({"text": entry}, "text", f"{path}/fields/{index}", 2_000)
    if "accessory" in block:
        yield from _element(block["accessory"], f"{path}/accessory")


def _elements(most: int, only: str = "") -> Callable[[Json, str], Problems]:
    def check(block: Json, path: str) -> Problems:
        yield from _count(block, "elements", path, most)
        seen: set[str] = set()
        for index, element in enumerate(_items(block, "elements")):
            here = f"{path}/elements/{index}"
            yield from _element(element, here, only)
            action_id = element.get("action_id") if isinstance(element, dict) else None
            if action_id in seen:
                yield f"[ERROR] `action_id` already exists in this block [json-pointer:{here}]"
            seen |= {action_id} if action_id else set()

    return check


def _element(element: object, path: str, only: str = "") -> Problems:
    kind = element.get("type") if isinstance(element, dict) else element
    if not isinstance(element, dict) or kind not in (only.split() or ELEMENTS):
        yield f"[ERROR] unsupported type: {kind} [json-pointer:{path}/type]"
        return
    if kind in ("mrkdwn", "plain_text"):
        yield from _length(element, "text", path, 2_000)
    yield from _length(element, "action_id", path, 255, is_optional=True)
    if kind in ("button", "icon_button"):
        yield from _text(element, "text", path, 75, "plain_text")
        yield from _length(element, "value", path, 2_000, is_optional=True)
        yield from _length(element, "url", path, 3_000, is_optional=True)
    elif kind == "feedback_buttons":
        for name in ("positive_button", "negative_button"):
            button, here = element.get(name), f"{path}/{name}"
            yield from _text(button or {}, "text", here, 75, "plain_text")
            yield from _length(button or {}, "value", here, 2_000)
    for index, option in enumerate(_items(element, "options")):
        here = f"{path}/options/{index}"
        if isinstance(option, dict):
            yield from _text(option, "text", here, 75)
            yield from _length(option, "value", here, 150)
        else:
            yield f"[ERROR] must be an object [json-pointer:{here}]"


def _header(block: Json, path: str) -> Problems:
    yield from _text(block, "text", path, 150, "plain_text")


def _markdown(block: Json, path: str) -> Problems:
    yield from _length(block, "text", path, MARKDOWN_CHARACTERS)


def _image(block: Json, path: str) -> Problems:
    yield from _length(block, "alt_text", path, 2_000)
    if "image_url" in block or "slack_file" not in block:
        yield from _length(block, "image_url", path, 3_000)


def _table(block: Json, path: str) -> Problems:
    yield from _count(block, "rows", path, 100)
    for index, row in enumerate(_items(block, "rows")):
        yield from _count({"row": row}, "row", f"{path}/rows/{index}", 20)


def _input(block: Json, path: str) -> Problems:
    yield from _text(block, "label", path, 2_000, "plain_text")
    yield from _element(block.get("element"), f"{path}/element")


def _task_card(block: Json, path: str) -> Problems:
    yield from _length(block, "task_id", path, 255)
    yield from _length(block, "title", path, 256)


def _anything(block: Json, path: str) -> Problems:
    yield from ()


RULES: dict[str, Callable[[Json, str], Problems]] = {
    "actions": _elements(25),
    "context": _elements(10, "image mrkdwn plain_text"),
    "context_actions": _elements(5, "feedback_buttons icon_button"),
    "header": _header,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "section": _section,
    "table": _table,
    "task_card": _task_card,
} | dict.fromkeys(UNCHECKED, _anything)
