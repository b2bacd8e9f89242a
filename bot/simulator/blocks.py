"""Block Kit validation: blocks → the same blocks with ids, or Slack's reasons against them.

The limits are those of docs.slack.dev/reference/block-kit and of slack_sdk's models.
"""

from __future__ import annotations

from collections.abc import Callable

from .checks import Problems, count, items, known, length, text_object
from .element_rules import check_element
from .elements import with_ids
from .model import Json, SlackError

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
MARKDOWN_CHARACTERS = 12_000  # of all markdown blocks together
TOTAL_CHARACTERS = 13_200  # of all text in a payload: slackapi/bolt-js#2509
MESSAGES_ONLY = frozenset({"context_actions", "file", "markdown", "plan", "table", "task_card"})
UNCHECKED = (
    *("alert", "call", "card", "carousel", "container"),
    *("divider", "file", "plan", "rich_text", "video"),
)
FIELDS: dict[str, tuple[str, ...]] = {  # beside type and block_id; a block not named has any
    "actions": ("elements",),
    "context": ("elements",),
    "context_actions": ("elements",),
    "divider": (),
    "header": ("text", "level"),
    "image": ("alt_text", "image_url", "slack_file", "title"),
    "input": ("label", "element", "dispatch_action", "hint", "optional"),
    "markdown": ("text",),
    "section": ("text", "fields", "accessory", "expand"),
}


def check_blocks(blocks: object) -> list[Json]:
    """Give a message's blocks with ids; raise invalid_blocks or msg_blocks_too_long."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    problems = list(find_problems(blocks, "/blocks", MESSAGE_BLOCKS))
    if sum(isinstance(block, dict) and block.get("type") == "table" for block in blocks) > 1:
        problems.append("only_one_table_allowed")
    if problems:
        raise SlackError("invalid_blocks", response_metadata={"messages": problems})
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > MARKDOWN_CHARACTERS or count_characters(blocks) > TOTAL_CHARACTERS:
        raise SlackError("msg_blocks_too_long")
    return [with_ids(block) for block in blocks]


def find_problems(
    blocks: list[object], path: str, most: int, *, unsupported: frozenset[str] = frozenset()
) -> Problems:
    """List what is wrong with blocks at a path of the payload."""
    if len(blocks) > most:
        yield f"[ERROR] no more than {most} items allowed [json-pointer:{path}]"
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        here = f"{path}/{index}"
        kind = block.get("type") if isinstance(block, dict) else block
        if not isinstance(block, dict) or kind not in RULES or kind in unsupported:
            yield f"[ERROR] unsupported type: {kind} [json-pointer:{here}/type]"
            continue
        yield from RULES[block["type"]](block, here)
        if block["type"] in FIELDS:
            yield from known(block, ("type", "block_id", *FIELDS[block["type"]]), here)
        yield from length(block, "block_id", here, 255, is_optional=True)
        if block.get("block_id") in seen:
            yield f"[ERROR] `block_id` already exists for another block [json-pointer:{here}]"
        seen |= {block["block_id"]} if block.get("block_id") else set()


def count_characters(value: object) -> int:
    """Count the characters of every "text" in blocks."""
    if isinstance(value, list):
        return sum(count_characters(item) for item in value)
    if not isinstance(value, dict):
        return 0
    own = len(value["text"]) if isinstance(value.get("text"), str) else 0
    return own + sum(count_characters(item) for item in value.values())


def _section(block: Json, path: str) -> Problems:
    if "text" in block or "fields" not in block:
        yield from text_object(block, "text", path, 3_000)
    if "fields" in block:
        yield from count(block, "fields", path, 10)
        for index, entry in enumerate(items(block, "fields")):
            yield from text_object({"text": entry}, "text", f"{path}/fields/{index}", 2_000)
    if "accessory" in block:
        yield from check_element(block["accessory"], f"{path}/accessory", "accessory")


def _elements(most: int, place: str) -> Callable[[Json, str], Problems]:
    def check(block: Json, path: str) -> Problems:
        yield from count(block, "elements", path, most)
        seen: set[str] = set()
        for index, element in enumerate(items(block, "elements")):
            here = f"{path}/elements/{index}"
            yield from check_element(element, here, place)
            action_id = element.get("action_id") if isinstance(element, dict) else None
            if action_id in seen:
                yield f"[ERROR] `action_id` already exists in this block [json-pointer:{here}]"
            seen |= {action_id} if action_id else set()

    return check


def _header(block: Json, path: str) -> Problems:
    yield from text_object(block, "text", path, 150, "plain_text")


def _markdown(block: Json, path: str) -> Problems:
    yield from length(block, "text", path, MARKDOWN_CHARACTERS)


def _image(block: Json, path: str) -> Problems:
    yield from length(block, "alt_text", path, 2_000)
    yield from text_object(block, "title", path, 2_000, "plain_text", is_optional=True)
    if "image_url" in block or "slack_file" not in block:
        yield from length(block, "image_url", path, 3_000)


def _table(block: Json, path: str) -> Problems:
    yield from count(block, "rows", path, 100)
    for index, row in enumerate(items(block, "rows")):
        yield from count({"row": row}, "row", f"{path}/rows/{index}", 20)


def _input(block: Json, path: str) -> Problems:
    yield from text_object(block, "label", path, 2_000, "plain_text")
    yield from text_object(block, "hint", path, 2_000, "plain_text", is_optional=True)
    yield from check_element(block.get("element"), f"{path}/element", "input")


def _task_card(block: Json, path: str) -> Problems:
    yield from length(block, "task_id", path, 255)
    yield from length(block, "title", path, 256)


def _anything(block: Json, path: str) -> Problems:
    yield from ()


RULES: dict[str, Callable[[Json, str], Problems]] = {
    "actions": _elements(25, "actions"),
    "context": _elements(10, "context"),
    "context_actions": _elements(5, "context_actions"),
    "header": _header,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "section": _section,
    "table": _table,
    "task_card": _task_card,
} | dict.fromkeys(UNCHECKED, _anything)
