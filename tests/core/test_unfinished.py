"""What is left of a text that ran out of tokens: everything that is whole, nothing that is not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.unfinished import without_unfinished_end

CUT = [
    ("Open Settings [1]. Then you", "Open Settings [1]."),
    ("Open Settings [1].", "Open Settings [1]."),
    ("Open Settings. [1][2] Then", "Open Settings. [1][2]"),
    ("Is it free? [2] It is", "Is it free? [2]"),
    ('He says "no." Then', 'He says "no."'),
    ("**Open it.** Then", "**Open it.**"),
    ("Pro costs 3.5", ""),
    ("It costs 7 [1]. Pro costs 3.", "It costs 7 [1]. Pro costs 3."),
    ("Open the settings [1] and choose [2] wit", "Open the settings [1] and choose [2]"),
    ("Use a tag, e.g. a place", ""),
    ("Open it. Use a tag, e.g. a place", "Open it."),
    ("設定を開きます。[1] 次に", "設定を開きます。[1]"),
    ("設定を開きます。次に", "設定を開きます。"),
    ("nothing at all", ""),
    ("", ""),
]
LISTS = [
    ("Do this:\n\n1. Open it [1].\n2. Cli", "Do this:\n\n1. Open it [1]."),
    ("Do this:\n\n1. Open it\n2. Cli", "Do this:\n\n1. Open it"),
    ("Do this:\n\n1. Open it [1].\n2. Click. And", "Do this:\n\n1. Open it [1].\n2. Click."),
    ("Do this:\n\n1. Open it [1].\n2.", "Do this:\n\n1. Open it [1]."),
    ("Do this:\n\n1. Op", ""),
    ("It works [1].\n\nDo this:\n\n1. Op", "It works [1]."),
    ("It works [1].\n\n## Steps\n\n1. Op", "It works [1]."),
    ("It works [1].\n\n**Steps**\n\n1. Op", "It works [1]."),
    ("It works [1].\n\n- **More:**\n  - Op", "It works [1]."),
    ("| A | B |\n|---|---|\n| 1 | 2 [1] |\n| 3 | ", "| A | B |\n|---|---|\n| 1 | 2 [1] |"),
    ("Run it [1].\n\n```\nlock(", "Run it [1]."),
    ("Run it:\n\n```\nlock()\n```\nThen", "Run it:\n\n```\nlock()\n```"),
    ("Run it:\n\n```\nlock().\n```", "Run it:\n\n```\nlock().\n```"),
    ("One.\n\nTwo\nthree", "One."),
    ("| 一。b |\nthree", "| 一。b |"),
]


@pytest.mark.parametrize(("text", "whole"), CUT + LISTS)
def test_the_unfinished_end_goes(text: str, whole: str) -> None:
    assert without_unfinished_end(text) == whole


@given(st.lists(st.sampled_from([*"ab.!?:[1]*#|-` \n", "。", "1. ", "e.g.", "```"]), max_size=60))
def test_what_is_left_begins_the_text_and_has_no_unfinished_end(parts: list[str]) -> None:
    text = "".join(parts)
    whole = without_unfinished_end(text)
    assert text.startswith(whole)
    assert len(re.findall(r"^[ \t]*```", whole, re.MULTILINE)) % 2 == 0
    assert without_unfinished_end(f"{whole}\nthen you") == whole


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["[1 ", "a. ", "a[1]", "1.", "e.g. ", "| ", "- a:\n", "\n"])
def test_a_long_text_without_an_end_is_read_once(piece: str) -> None:
    text = piece * 50_000
    assert text.startswith(without_unfinished_end(text))
