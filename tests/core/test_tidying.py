"""Tidied texts: citations stand behind what they are for, and no bare yes or no stands before."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.tidying import is_bare, tidied


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[1] Whitelist your workspace.\n[2] You'll receive an email.",
            "Whitelist your workspace. [1]\nYou'll receive an email. [2]",
        ),
        ("[1]. Open it", "Open it [1]"),
        ("- [1] Open it\n2. [2]: Close", "- Open it [1]\n2. Close [2]"),
        ("To do:\n[1] Open\n[2] Close", "To do:\nOpen [1]\nClose [2]"),
        ("[1] Open it [2].", "Open it [2]."),
        ("[1] It opens. [2] It closes.", "It opens. [1] It closes. [2]"),
        ("[1][2] Open it", "Open it [1][2]"),
        ("## Steps\n[1] Open it", "## Steps\nOpen it [1]"),
    ],
)
def test_a_citation_that_begins_a_line_goes_behind_it(text: str, expected: str) -> None:
    assert tidied(text, is_whole=True) == expected


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "[1].",
        "[1].\n\n[2]",
        "Open it.\n[1] Then close it.",  # of the line before
        "[1] says that it opens.",
        "```\n[1] Yes, rows\n```",
        "`a. Yes, b`",
        "Open it [1] Yes. Then close it.",
    ],
)
def test_others_stay_where_they_are(text: str) -> None:
    assert tidied(text, is_whole=True) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes. Only admins can lock timesheets [1].", "Only admins can lock timesheets [1]."),
        ("No, you cannot undo it.", "You cannot undo it."),
        ("Yes, you can. Go to Settings.", "Go to Settings."),
        ("**Yes.** Only admins.", "Only admins."),
        ("**No**, all of them.", "All of them."),
        ("Unfortunately, no. You can't undo it.", "You can't undo it."),
        ("Can you? No, only admins.", "Can you? Only admins."),
        ("Yes [1]. Only admins.", "Only admins."),
        ("Yes – but only admins.", "Only admins."),
        ("- Yes, iOS has it", "- iOS has it"),
        ("1. No: **all** do", "1. **All** do"),
        ("**Answer:** Yes, admins can.", "Admins can."),
        ("The answer is no: only admins.", "Only admins."),
        ("[1] Yes, `x` is.", "`x` is. [1]"),
        ("Ja, alle können das.", "Alle können das."),
    ],
)
def test_a_yes_or_no_before_a_statement_goes(text: str, expected: str) -> None:
    assert tidied(text, is_whole=True) == expected


@pytest.mark.parametrize(
    "text",
    [
        "No time entries are locked.",
        "**Yes, delete** is a button.",
        "Click **No, keep it**.",
        "Yes",
    ],
)
def test_other_words_that_begin_so_stay(text: str) -> None:
    assert tidied(text, is_whole=True) == text


BARE = (
    "Yes.", "No!", "Yes, you can.", "You can.", "No, it isn't.", "It is possible.", "Nein!",
    "**Answer:** Yes.", "Of course not!", "That's right.", "Yes [1].", "**No**", "Sure",
)  # fmt: skip


@pytest.mark.parametrize("text", BARE)
def test_bare_answers(text: str) -> None:
    assert is_bare(text)


@pytest.mark.parametrize("text", ["It is locked.", "No time entries.", "You can edit it.", "", "…"])
def test_no_bare_answers(text: str) -> None:
    assert not is_bare(text)


PIECES = st.sampled_from(
    ["[1]", "[1] ", "[2].", "Yes, ", "No. ", "Open it", ". ", "\n", "\n\n", "- ", "**", "`", ":"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=20))
def test_the_lines_of_a_beginning_are_those_of_the_whole(pieces: list[str]) -> None:
    whole = tidied("".join(pieces), is_whole=True)
    for end in range(len(pieces)):
        if pieces[end].startswith("\n"):
            assert whole.startswith(tidied("".join(pieces[:end]), is_whole=False))


@pytest.mark.parametrize(
    "unit", ["[1] ", "[1] a. ", "Yes, ", "No. ", "[1].\n", "**Yes** ", "Answer: ", "a. Yes, b", "["]
)
def test_time_is_linear(unit: str) -> None:
    text = unit * (20_000 // len(unit))
    started = time.process_time()
    tidied(text, is_whole=True)
    is_bare(text)
    assert time.process_time() - started < 1
