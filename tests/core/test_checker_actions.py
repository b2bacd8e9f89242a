"""What is done has to be what a snippet says is done, and to the same thing."""

from __future__ import annotations

import pytest

from core.actions import actions_of, lacks_action

from .test_checker_facts import is_kept

RIGHTS = """\
While a paid plan is running, an admin may:

- Look at customer details, without editing them
- Download invoices and pay them

Team managers approve the time off of their team. Owners can invite people by email. Policies that
nobody needs can be archived. A kiosk PIN is sent to each member.
"""
SHARED = """\
The **Shared** tab holds links you made. Use the three dots to edit or delete. Admins can see every
public link. Viewers can export, sort and print what a link shows.
"""
DELETING = """\
## Delete a user

Open **Members** and find the deactivated person. Confirm in the window. Time entries stay.
"""
LOCKING = "Locking stops regular users from editing time. It comes with the Standard plan."


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        pytest.param(
            RIGHTS,
            [
                "Admins can download invoices.",
                "Admins can export invoices and pay them.",
                "Admins can look at customer details but not edit them.",
                "The time off of a team is approved by its team managers.",
                "Team managers can accept the time off of their team.",
                "You can archive policies that nobody needs.",
                "Members get their kiosk PIN sent.",
            ],
            id="in the same words or others",
        ),
        pytest.param(
            SHARED,
            [
                "Viewers can sort and download what a link shows.",
                "Use the three dots to remove it.",
            ],
            id="in a series",
        ),
        pytest.param(
            DELETING,
            ["To delete a user, open **Members** and find the deactivated person."],
            id="in the heading",
        ),
        pytest.param(
            LOCKING, ["Time locking comes with the Standard plan."], id="what the claim is on"
        ),
    ],
)
def test_what_is_done_there_stays(text: str, claims: list[str]) -> None:
    assert [claim for claim in claims if not is_kept(claim, text)] == []


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        pytest.param(
            RIGHTS,
            [
                "Admins can delete invoices and pay them.",
                "Team managers delete the time off of their team.",
                "Team managers can export the time off of their team.",
                "Owners can remove people by email.",
                "Policies that nobody needs can be deleted.",
                "Merging policies that nobody needs is possible.",
                "A kiosk PIN is approved by each member.",
            ],
            id="another verb",
        ),
        pytest.param(
            SHARED, ["Admins can delete every public link."], id="done to another thing only"
        ),
    ],
)
def test_what_nothing_says_is_done_goes(text: str, claims: list[str]) -> None:
    assert [claim for claim in claims if is_kept(claim, text)] == []


@pytest.mark.parametrize(
    "claim",
    [
        "Click **Delete** and confirm.",
        'Choose "Archive" in the menu.',
        "The export button is at the top.",
        "An edit takes effect at once.",
        "Exports follow the grouping.",
        "Deleted users keep their entries.",
        "A bulk edit has no undo.",
        "Users get an invite by email.",
        "Look for the red delete button.",
        "It is important that the plan is paid.",
        "Importantly, your data stays.",
    ],
)
def test_nouns_and_labels_are_no_actions(claim: str) -> None:
    assert actions_of(claim) == ()


@pytest.mark.parametrize(
    ("claim", "done_to"),
    [
        ("Admins can delete invoices.", [{"invoic"}]),
        ("Invoices can be deleted.", [{"invoic"}]),
        ("When it is over, invoices are sent to clients.", [{"invoic"}]),
        ("You may export clients and edit the tags.", [{"client"}, {"tag"}]),
        ("Archiving clients takes a moment.", [{"client"}]),
        ("Time locking is automatic.", [set()]),
        ("Delete it.", [set()]),
        ("Invoices can't be deleted.", [{"invoic"}]),
        ("Invoices are automatically and permanently deleted.", [{"invoic"}]),
        ("An invoice is not yet approved.", [{"invoic"}]),
        ("Requests were withdrawn by their owners.", [{"request"}]),
    ],
)
def test_what_an_action_is_done_to(claim: str, done_to: list[set[str]]) -> None:
    assert [set(action.done_to) for action in actions_of(claim)] == done_to


def test_a_heading_may_say_what_is_done_and_to_what() -> None:
    actions = actions_of("You can create an unlimited number of tags.")
    texts = ["Type a name and press Enter.", "The number of projects has no limit."]
    assert not lacks_action(actions, "Tags: Create a tag", texts)
    assert lacks_action(actions, "Tags: Rename a tag", texts)


@pytest.mark.parametrize(("head", "is_lacking"), [("Help: Reports", False), ("Help", True)])
def test_what_a_heading_is_on_may_go_unsaid_below(head: str, is_lacking: bool) -> None:
    texts = ["Reports show what was tracked.", "Use the three dots to edit or delete."]
    assert lacks_action(actions_of("You can delete reports."), head, texts) == is_lacking
