"""What people choose and type, in Slack's shapes."""

from __future__ import annotations

from typing import Any

import pytest

from bot.simulator.inputs import choose, fill_in, initial_values, refusals
from bot.simulator.model import ControlError

Element = dict[str, Any]
RED = {"text": {"type": "plain_text", "text": "Red"}, "value": "red"}
BLUE = {"text": {"type": "plain_text", "text": "Blue"}, "value": "blue"}


def element(kind: str, **fields: Any) -> Element:
    options = {"options": [RED, BLUE]} if "static" in kind or kind in CHOICES else {}
    return {"type": kind, "action_id": "it"} | options | fields


CHOICES = ("overflow", "radio_buttons", "checkboxes")


def is_known(identifier: str) -> bool:
    return identifier in ("U0ANN", "C0GEN", "C0RND")


@pytest.mark.parametrize(
    ("kind", "wish", "shape"),
    [
        ("plain_text_input", "hi", {"value": "hi"}),
        ("plain_text_input", "", {"value": None}),
        ("number_input", "7", {"value": "7"}),
        ("static_select", "red", {"selected_option": RED}),
        ("static_select", {"selected_option": {"value": "red"}}, {"selected_option": RED}),
        ("static_select", None, {"selected_option": None}),
        ("overflow", "blue", {"selected_option": BLUE}),
        ("radio_buttons", "blue", {"selected_option": BLUE}),
        ("checkboxes", ["red", "blue"], {"selected_options": [RED, BLUE]}),
        ("checkboxes", None, {"selected_options": []}),
        ("multi_static_select", "blue,red", {"selected_options": [BLUE, RED]}),
        ("users_select", "U0ANN", {"selected_user": "U0ANN"}),
        ("conversations_select", "C0GEN", {"selected_conversation": "C0GEN"}),
        ("channels_select", "C0GEN", {"selected_channel": "C0GEN"}),
        ("multi_users_select", ["U0ANN"], {"selected_users": ["U0ANN"]}),
        (
            "multi_conversations_select",
            ["C0GEN", "C0RND"],
            {"selected_conversations": ["C0GEN", "C0RND"]},
        ),
        ("datepicker", "2026-11-22", {"selected_date": "2026-11-22"}),
        ("timepicker", "09:30", {"selected_time": "09:30"}),
        ("datetimepicker", 1_795_352_385, {"selected_date_time": 1_795_352_385}),
    ],
)
def test_a_choice_has_the_shape_of_its_element(kind: str, wish: object, shape: Element) -> None:
    assert choose(element(kind), wish, is_known) == shape


@pytest.mark.parametrize(
    ("kind", "wish", "sentence"),
    [
        ("static_select", "green", "No option has the value 'green'."),
        ("checkboxes", ["red", "green"], "No option has the value 'green'."),
        ("checkboxes", 7, "A checkboxes takes a list, not 7."),
        ("users_select", "U0NIL", "There is no user 'U0NIL'."),
        ("multi_conversations_select", ["C0NIL"], "There is no conversation 'C0NIL'."),
        ("plain_text_input", 7, "A plain_text_input takes a text, not 7."),
        ("datetimepicker", "soon", "A datetimepicker takes seconds since 1970, not 'soon'."),
        ("plain_text_input", {"text": "hi"}, "The value {'text': 'hi'} has no \"value\"."),
        ("file_input", "a", "The local Slack cannot fill in a file_input."),
    ],
)
def test_what_cannot_be_chosen_is_said(kind: str, wish: object, sentence: str) -> None:
    with pytest.raises(ControlError) as caught:
        choose(element(kind), wish, is_known)
    assert str(caught.value) == sentence


def test_option_groups_are_searched() -> None:
    groups = [{"label": {}, "options": [RED]}, {"label": {}, "options": [BLUE]}]
    grouped = {"type": "static_select", "action_id": "it", "option_groups": groups}
    assert choose(grouped, "blue", is_known) == {"selected_option": BLUE}


def view(**inputs: Element) -> Element:
    blocks = [
        {"type": "input", "block_id": name, "element": it} | it.pop("block", {})
        for name, it in inputs.items()
    ]
    return {"blocks": blocks, "state": {"values": initial_values(blocks)}}


def test_a_view_begins_with_what_its_elements_say() -> None:
    form = view(
        text=element("plain_text_input", initial_value="hi"),
        colour=element("static_select", initial_option=BLUE),
        colours=element("checkboxes"),
        room=element("conversations_select", initial_conversation="C0GEN"),
    )
    assert form["state"]["values"] == {
        "text": {"it": {"type": "plain_text_input", "value": "hi"}},
        "colour": {"it": {"type": "static_select", "selected_option": BLUE}},
        "colours": {"it": {"type": "checkboxes", "selected_options": []}},
        "room": {"it": {"type": "conversations_select", "selected_conversation": "C0GEN"}},
    }


def test_wishes_replace_what_was_there_and_the_rest_stays() -> None:
    form = view(
        text=element("plain_text_input", initial_value="hi"), colour=element("static_select")
    )
    values = fill_in(form, {"colour": {"it": "red"}}, is_known)
    assert values["text"]["it"]["value"] == "hi"
    assert values["colour"]["it"] == {"type": "static_select", "selected_option": RED}
    assert form["state"]["values"]["colour"]["it"]["selected_option"] is None
    with pytest.raises(ControlError, match="There is no input 'other' in a block 'colour'"):
        fill_in(form, {"colour": {"other": "red"}}, is_known)


def test_slack_itself_refuses_what_is_missing_or_too_long() -> None:
    form = view(
        must=element("plain_text_input"),
        may=element("plain_text_input", block={"optional": True}),
        short=element("plain_text_input", min_length=3),
        long=element("plain_text_input", max_length=3),
        several=element("checkboxes"),
    )
    typed = {"short": {"it": "ab"}, "long": {"it": "abcd"}}
    values = fill_in(form, typed, is_known)
    assert refusals(form["blocks"], values) == {
        "must": "Please complete this required field.",
        "short": "Please enter at least 3 characters.",
        "long": "Please enter 3 characters at most.",
        "several": "Please complete this required field.",
    }
