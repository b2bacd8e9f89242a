"""Tables and lists whose rows are called something: no claim takes from another row or column."""

from __future__ import annotations

import pytest

from .test_checker_facts import is_kept

PLANS = """\
The plans differ:

- **Basic**: hiding time, import; breaks.
- **Standard**: time off, invoicing, timesheet lock.
- **Pro**: scheduling, expenses; GPS tracking.
"""
NAMED = PLANS.replace("The plans differ:", "Basic, Standard and Pro differ:")
INHERITED = PLANS.replace(
    "The plans differ:", "Every plan includes everything in the one before it:"
)
PRICES = """\
| Plan | Billed yearly | Billed monthly |
| --- | --- | --- |
| **Basic** | $3.99 | $4.99 |
| **Standard** | $5.49 | $6.99 |
"""
KEPT_FOR = """\
| | GPS tracking | Screenshots |
| --- | --- | --- |
| Where it works | iOS and Android apps | Windows and Mac apps |
| Kept for | 7 days | 1 year |
"""
PLAIN = """\
Accuracy of a point:

- High: off by 50 m.
- Low: off by 900 m.
"""


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        pytest.param(
            PLANS,
            [
                "The Standard plan includes the timesheet lock.",
                "Invoicing is available on the Standard plan.",
                "Scheduling comes with the Pro plan.",
                "GPS tracking is available on the Pro plan.",  # in the second half of its item
                "Breaks are available on the Basic plan.",
            ],
            id="a list",
        ),
        pytest.param(INHERITED, ["The Pro plan includes time off."], id="all of the ones before"),
        pytest.param(
            PRICES,
            [
                "The Standard plan costs $5.49 when it is billed yearly.",
                "The Standard plan costs $5.49 per month if you pay yearly.",
                "With monthly billing, Basic costs $4.99.",
                "Basic costs $4.99.",
            ],
            id="columns",
        ),
        pytest.param(
            KEPT_FOR,
            ["Screenshots are kept for 1 year.", "GPS tracking data is kept for 7 days."],
            id="columns of things",
        ),
        pytest.param(PLAIN, ["High accuracy is off by 50 m."], id="plain heads"),
    ],
)
def test_what_its_own_row_says_stays(text: str, claims: list[str]) -> None:
    assert [claim for claim in claims if not is_kept(claim, text)] == []


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        pytest.param(
            PLANS,
            [
                "The Basic plan includes the timesheet lock.",
                "Invoicing is available on the Basic plan.",
                "On the Basic plan you can use scheduling.",
                "GPS tracking is available on the Standard plan.",
                "The Pro plan includes time off.",
                "Breaks are available on the Pro plan.",
            ],
            id="a list",
        ),
        pytest.param(
            NAMED,
            [
                "Basic has the timesheet lock and invoicing.",
                "The Basic plan includes GPS tracking.",
            ],
            id="under a lead-in that names all",
        ),
        pytest.param(INHERITED, ["The Basic plan includes time off."], id="not of the ones after"),
        pytest.param(
            PRICES,
            [
                "The Standard plan costs $6.99 when it is billed yearly.",
                "The Standard plan costs $6.99 per month if you pay yearly.",
                "With monthly billing, Basic costs $3.99.",
                "Basic costs $5.49.",
            ],
            id="columns",
        ),
        pytest.param(
            KEPT_FOR,
            ["Screenshots are kept for 7 days.", "GPS tracking data is kept for 1 year."],
            id="columns of things",
        ),
        pytest.param(PLAIN, ["High accuracy is off by 900 m."], id="plain heads"),
    ],
)
def test_what_another_row_or_column_says_goes(text: str, claims: list[str]) -> None:
    assert [claim for claim in claims if is_kept(claim, text)] == []


WEEKLY = """\
Settings of a workspace:

- **Weekly target**: how many hours each member works.
- **Reminders**: an email goes out when the target of a week is missed.
- **Time zone**: used in reports and exports.
"""
ROLES = """\
Roles in a workspace:

- **Owner**: can delete the workspace and transfer it to an admin.
- **Admin**: can invite people and view invoices.
- **Team manager**: can review the timesheets of the team.
"""
TRIALS = """\
| Plan | Price per user | Trial |
| --- | --- | --- |
| Standard | $5.49 | 7 days |
| Pro | $7.99 | 14 days |
"""


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        (WEEKLY, "An email goes out when the weekly target is missed."),
        (WEEKLY, "Members are emailed when they miss the weekly target."),
        (ROLES, "The workspace can be transferred to an admin."),
        (TRIALS, "On the Pro plan, users can try everything for 14 days."),
    ],
)
def test_an_item_may_speak_of_another_one(text: str, claim: str) -> None:
    assert is_kept(claim, text)


LADDER = """\
Plans:

- **Basic**: hiding time and bulk edit.
- **Standard**: everything in Basic, plus the timesheet lock.
- **Pro**: everything in Standard, plus screenshots.
"""


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        (LADDER, "The Basic plan has the timesheet lock."),
        (LADDER, "Basic includes the timesheet lock."),
        (LADDER, "Screenshots are on the Standard plan."),
        (LADDER, "The timesheet lock is available on the Basic plan."),
        (ROLES, "An admin can transfer the workspace."),
        (ROLES, "Admins can delete the workspace and transfer it."),
    ],
)
def test_to_be_spoken_of_is_not_to_have(text: str, claim: str) -> None:
    assert not is_kept(claim, text)


@pytest.mark.parametrize(
    "claim", ["Invoicing is missing on the Standard plan.", "The Standard plan lacks invoicing."]
)
def test_an_entry_is_what_the_item_has(claim: str) -> None:
    assert not is_kept(claim, PLANS)


RIGHTS = """\
| What | Admin | Manager | Regular user |
| --- | --- | --- | --- |
| Invite users | Yes | No | No |
| Approve timesheets | Yes | Yes | No |
| Track time | Yes | Yes | Yes |
"""


@pytest.mark.parametrize(
    ("claim", "is_true"),
    [
        ("Admins can invite users.", True),
        ("Managers can approve timesheets.", True),
        ("Managers cannot invite users.", True),
        ("Regular users can't approve timesheets.", True),
        ("Regular users can track time.", True),
        ("Managers can invite users.", False),
        ("Regular users can approve timesheets.", False),
        ("Admins cannot invite users.", False),
    ],
)
@pytest.mark.parametrize(("yes", "no"), [("Yes", "No"), ("✓", "✗"), ("✔", "✘")])
def test_of_yes_and_no_the_column_that_is_named_counts(
    claim: str, is_true: bool, yes: str, no: str
) -> None:
    assert is_kept(claim, RIGHTS.replace("Yes", yes).replace("No", no)) == is_true


LIMITS = """\
| Limit | Free plan | Paid plans |
| --- | --- | --- |
| Addresses in a batch | Few | 50 |
"""


def test_a_plan_without_a_number_does_not_get_that_of_another_one() -> None:
    assert not is_kept("On the Free plan, a batch holds 50 addresses.", LIMITS)
    assert is_kept("On paid plans, a batch holds 50 addresses.", LIMITS)


def test_a_column_that_is_of_no_plan_may_go_without_a_number() -> None:
    sizes = "| Limit | Address | Most |\n| --- | --- | --- |\n| Batch | In full | 50 |\n"
    assert is_kept("A batch holds 50 of each address.", sizes)
