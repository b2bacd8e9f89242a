"""What views.* refuse: each limit just broken, with Slack's sentence."""

from __future__ import annotations

import pytest

from bot.simulator.model import SlackError
from bot.simulator.view_rules import check_view

from .forms import View, field, modal, option, plain


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title"),
        (modal(submit=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/subm"),
        (modal(title={"type": "mrkdwn", "text": "x"}), "unsupported type: mrkdwn [json-pointer:/"),
        (
            modal(private_metadata="x" * 3_001),
            "must be less than 3001 characters [json-pointer:/view/private_metadata]",
        ),
        (
            modal(callback_id="x" * 256),
            "must be less than 256 characters [json-pointer:/view/callback_id]",
        ),
        (
            modal(*[{"type": "divider"}] * 101),
            "no more than 100 items allowed [json-pointer:/view/blocks]",
        ),
        (
            {"type": "modal", "title": plain("x"), "blocks": [field("a")]},
            "must define `submit` to use `input` block [json-pointer:/view/blocks/0/input]",
        ),
        (modal(hash="1"), "invalid additional property: hash [json-pointer:/view]"),
        (
            modal({"type": "markdown", "text": "x"}),
            "unsupported type: markdown [json-pointer:/view/blocks/0/type]",
        ),
        (
            modal(field("a", type="button", text=plain("x"))),
            "unsupported type: button [json-pointer:/view/blocks/0/element/type]",
        ),
        (
            modal(field("a", responds=True)),
            "invalid additional property: responds [json-pointer:/view/blocks/0/element]",
        ),
        (
            modal(field("a", type="static_select", options=[option("x" * 76, "a")])),
            "must be less than 76 characters [json-pointer:/view/blocks/0/element/options/0/text/t",
        ),
        (
            modal(field("a", type="static_select", options=[option("x", "a")] * 101)),
            "no more than 100 items allowed [json-pointer:/view/blocks/0/element/options]",
        ),
        (
            modal(field("a", type="checkboxes", options=[option("x", "a")] * 11)),
            "no more than 10 items allowed [json-pointer:/view/blocks/0/element/options]",
        ),
        ({"type": "modal", "title": plain("x")}, "missing required field: blocks [json-pointer:/v"),
    ],
)
def test_what_is_wrong_with_a_modal_is_named(view: View, problem: str) -> None:
    with pytest.raises(SlackError) as caught:
        check_view(view, "modal")
    assert caught.value.code == "invalid_arguments"
    schema, *problems = caught.value.fields["response_metadata"]["messages"]
    assert schema == "[ERROR] failed to match all allowed schemas [json-pointer:/view]"
    assert any(line.startswith(f"[ERROR] {problem}") for line in problems), problems


def test_a_home_has_no_title_and_a_view_is_not_too_large() -> None:
    with pytest.raises(SlackError) as caught:
        check_view({"type": "home", "title": plain("x"), "blocks": []}, "home")
    assert caught.value.fields["response_metadata"]["messages"][1].endswith("/view]")
    with pytest.raises(SlackError, match="view_too_large"):
        check_view(modal(private_metadata="x" * 250_000), "modal")
