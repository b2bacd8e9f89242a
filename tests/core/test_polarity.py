"""Who denies what: a claim, against the passages nearest to it."""

from __future__ import annotations

import pytest

from core.passages import passages_of
from core.polarity import is_flipped
from core.types import Chunk, Snippet

from .test_checker_facts import is_kept

LOG = (
    "To get a copy of the log, open the menu and press **Export**. It lists every change that was "
    "made by an admin in the year."
)
TASKS = "Tasks: pick who works on it, one person or a group, beside its name in the list of tasks."
WIPING = "Deleting wipes the field with its data everywhere and cannot be restored."
COPY = "A favorite is a copy of its own, so later edits to the source entry do not change it."
SWITCHED = (
    "If required fields are the problem, an admin can switch them off for a while, import the "
    "essential columns and turn them on again."
)


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        (LOG, "An admin cannot export the log with the menu."),
        (TASKS, "You cannot pick a person or a group for a task in the list."),
        (WIPING, "Deleting a field can be restored."),
        (WIPING, "The data of a deleted field can be restored."),
        (
            "If the policy does not require approval, requests are accepted when they are sent.",
            "If the policy does require approval, requests are accepted when they are sent.",
        ),
    ],
)
def test_what_nothing_denies_may_not_be_denied(text: str, claim: str) -> None:
    assert not is_kept(claim, text)


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        (LOG, "An admin can export the log with the menu."),
        (WIPING, "Deleting a field wipes its data everywhere."),
        (COPY, "If you edit the source entry later, the favorite doesn't change."),
        (SWITCHED, "An admin can disable the required fields and import the essential columns."),
        (
            "Admins see and repair faulty entries across the workspace.",
            "Admins can fix everyone's faulty entries.",
        ),
        (
            "An admin can add the time for that person or lift the lock for a while.",
            "Admins can unlock the time for a while.",
        ),
    ],
)
def test_the_same_in_other_words_stays(text: str, claim: str) -> None:
    assert is_kept(claim, text)


@pytest.mark.parametrize(
    ("text", "claim", "is_other_way"),
    [
        ("Approved time is locked.", "Nobody can change what was sent in.", False),
        ("Approved time is green.", "Nobody can change what was sent in.", True),
        ("You cannot archive the project.", "To stop people, archive the project.", True),
        ("Owner: yes; Admin: no.", "Admins cannot edit customer, invoice and card details.", False),
        (
            "People without an email address clock in on a kiosk.",
            "They can be put in groups, kiosks and address lists.",
            False,
        ),
    ],
)
def test_in_words_of_its_own(text: str, claim: str, is_other_way: bool) -> None:
    chunk = Chunk("c", "a", "Help", (), text, None, 0, 1)
    units = passages_of(Snippet(1, chunk, text)).units
    assert is_flipped(claim, units) == is_other_way
