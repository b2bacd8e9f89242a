"""Block Kit validation: each limit just kept and just broken, with Slack's sentence."""

from __future__ import annotations

from typing import Any

import pytest

from bot.simulator.blocks import check_blocks
from bot.simulator.model import SlackError

Block = dict[str, Any]


def plain(length: int) -> Block:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int) -> Block:
    return {"type": "mrkdwn", "text": "x" * length}


def button(text: int = 1, value: int = 1, **fields: str) -> Block:
    return {"type": "button", "text": plain(text), "value": "x" * value} | fields


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def feedback(value: str) -> Block:
    choice = {"text": plain(1), "value": value}
    element = {"type": "feedback_buttons", "positive_button": choice, "negative_button": choice}
    return {"type": "context_actions", "elements": [element]}


KEPT: list[list[Block]] = [
    [{"type": "section", "text": mrkdwn(3_000), "accessory": button()}],
    [{"type": "section", "fields": [mrkdwn(500)] * 10}],
    [{"type": "header", "text": plain(150)}, {"type": "divider"}],
    [{"type": "markdown", "text": "x" * 12_000}],
    [{"type": "context", "elements": [mrkdwn(10)] * 10}],
    [actions(*[button(75, 500)] * 25)],
    [feedback("a1:up")],
    [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 20] * 100}],
]


@pytest.mark.parametrize("blocks", KEPT, ids=lambda blocks: str(blocks[0]["type"]))
def test_what_keeps_the_limits_is_accepted(blocks: list[Block]) -> None:
    checked = check_blocks(blocks)
    assert [block["type"] for block in checked] == [block["type"] for block in blocks]
    assert all(block["block_id"] for block in checked)


BROKEN: list[tuple[list[Any], str]] = [
    ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ([{"type": "poem"}], "unsupported type: poem [json-pointer:/blocks/0/type]"),
    (["text"], "unsupported type: text [json-pointer:/blocks/0/type]"),
    ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
    (
        [{"type": "section", "text": mrkdwn(3_001)}],
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        [{"type": "section", "text": mrkdwn(0)}],
        "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        [{"type": "section", "fields": [mrkdwn(1)] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    (
        [{"type": "header", "text": mrkdwn(1)}],
        "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
    ),
    (
        [{"type": "markdown", "text": "x" * 12_001}],
        "must be less than 12001 characters [json-pointer:/blocks/0/text]",
    ),
    (
        [{"type": "context", "elements": [mrkdwn(1)] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        [{"type": "context", "elements": [button()]}],
        "unsupported type: button [json-pointer:/blocks/0/elements/0/type]",
    ),
    ([actions()], "must have at least 1 item [json-pointer:/blocks/0/elements]"),
    (
        [actions(button(76))],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    (
        [actions(button(1, 2_001))],
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    (
        [actions(button(action_id="a"), button(action_id="a"))],
        "`action_id` already exists in this block [json-pointer:/blocks/0/elements/1]",
    ),
    (
        [{"type": "divider", "block_id": "a"}] * 2,
        "`block_id` already exists for another block [json-pointer:/blocks/1]",
    ),
    (
        [feedback("")],
        "must be more than 0 characters [json-pointer:/blocks/0/elements/0/positive_button/value]",
    ),
    (
        [{"type": "table", "rows": [[{}] * 21]}],
        "no more than 20 items allowed [json-pointer:/blocks/0/rows/0/row]",
    ),
    (
        [{"type": "image", "alt_text": "a"}],
        "missing required field: image_url [json-pointer:/blocks/0]",
    ),
]


@pytest.mark.parametrize(("blocks", "problem"), BROKEN, ids=[text for _, text in BROKEN])
def test_what_breaks_a_limit_is_named(blocks: list[Any], problem: str) -> None:
    with pytest.raises(SlackError) as caught:
        check_blocks(blocks)
    assert caught.value.code == "invalid_blocks"
    assert f"[ERROR] {problem}" in caught.value.fields["response_metadata"]["messages"]


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "markdown", "text": "x" * 6_001}] * 2,
        [{"type": "section", "text": mrkdwn(2_700)}] * 5,
    ],
    ids=["markdown over 12,000 together", "all text over 13,200"],
)
def test_too_much_in_all_is_refused(blocks: list[Block]) -> None:
    with pytest.raises(SlackError) as caught:
        check_blocks(blocks)
    assert caught.value.code == "msg_blocks_too_long"
