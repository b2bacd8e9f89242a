"""Answers that differ from their snippet in one fact: they go, and true ones stay."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest

from core.embedders.embedded import EmbeddedEmbedder
from core.grounding import Checker
from core.types import Answer, Chunk, Context, Draft, Snippet

EMBEDDER = EmbeddedEmbedder(workers=1)
INVITING = "You can invite up to 10 users to a workspace on the free plan."
RESTORING = "Deleted data can be restored within 30 days."
PRICE = "The Pro plan costs 7 dollars per user per month."
PROJECT = "A project can have up to 100 tasks and 5 templates."
LOCKING = """\
Locking timesheets is available on the Standard plan and higher. Regular users cannot edit locked
time.
"""
ROLES = "Owners can delete the workspace. Admins can invite people."
DATES = (
    "Locking stops regular users from editing time before a date. Admins are not affected. "
    "The date updates weekly."
)
ONLY_ADMINS = "Regular users can open projects. Only admins can invite people."
SEEING = "Regular users track time. Admins can see:\n\n- The hours of everybody\n- The lock date\n"
LIMITLESS = "The Pro plan has no limit on projects. It allows 50 requests per second."


@cache
def checker(text: str) -> Checker:
    chunk = Chunk("c1", "a", "Help", (), text, "https://acme.test/help", 0, 1)
    return Checker(Context((Snippet(1, chunk, text),), 0), embedder=EMBEDDER)


def is_kept(claim: str, text: str) -> bool:
    draft = Draft(f"{claim.removesuffix('.')} [1].", "test")
    return isinstance(asyncio.run(checker(text).check(draft)), Answer)


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        pytest.param(
            INVITING,
            [
                f"You can invite {number} users on the free plan."
                for number in (
                    "twenty", "fifteen", "a hundred", "a dozen", "10k", "10 million", "1.5M",
                    "10 thousand", "unlimited", "hundreds of", "more than 10", "at least 10",
                )
            ]
            + ["There is no limit to how many users you can invite on the free plan."],
            id="how many",
        ),
        pytest.param(
            RESTORING,
            [
                f"Deleted data can be restored {span}."
                for span in (
                    "within sixty days", "within ninety days", "within half a year",
                    "within a year", "forever", "after more than 30 days",
                )
            ],
            id="how long",
        ),
        pytest.param(
            PRICE,
            [
                f"The Pro plan costs {price}."
                for price in (
                    "seventy dollars per user per month", "7k dollars per user per month",
                    "7 dollars per user per year", "7 dollars per workspace per month",
                    "7 dollars yearly", "7 dollars per project",
                )
            ],
            id="for each of what",
        ),
        pytest.param(
            PROJECT,
            [
                "A project can have up to 5 tasks and 100 templates.",
                "A project can have up to 5 tasks.",
                "A project can have 100 templates.",
            ],
            id="of what",
        ),
        pytest.param(
            LOCKING,
            [
                "Locking timesheets is available on the basic plan and higher.",
                "Locking timesheets is available on the pro plan and higher.",
                "Locking timesheets is available on the basic and standard plans.",
                "Basic users can lock timesheets.",
            ],
            id="a plan",
        ),
        pytest.param(
            INVITING,
            [
                "You can invite up to 10 users on the enterprise plan.",
                "On the enterprise plan, you can invite up to 10 users.",
                "Enterprise: you can invite up to 10 users.",
                "**Enterprise:** you can invite up to 10 users.",
            ],
            id="another plan than the free one",
        ),
        pytest.param(
            ROLES,
            ["Admins can delete the workspace.", "Only admins can delete the workspace."],
            id="a role",
        ),
        pytest.param(ONLY_ADMINS, ["Regular users can invite people."], id="only others"),
        pytest.param(DATES, ["Admins update the date weekly."], id="nobody's doing"),
        pytest.param(
            LIMITLESS,
            ["The Pro plan allows 50 requests per minute.", "Pro has no limit on requests."],
            id="per minute",
        ),
    ],
)  # fmt: skip
def test_wrong_claims_go(text: str, claims: list[str]) -> None:
    assert [claim for claim in claims if is_kept(claim, text)] == []


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        pytest.param(
            INVITING,
            [
                "You can invite ten users on the free plan.",
                "You can invite a maximum of 10 users on the free plan.",
                "On the free plan, you can invite 10 users at most.",
                "On the free plan you are limited to 10 users.",
                "You can't invite more than 10 users on the free plan.",
                "You cannot invite more than ten people to a workspace on the free plan.",
                "No more than 10 users can be invited on the free plan.",
                "You can invite 10 or fewer users on the free plan.",
                "Invite up to **10** users to your workspace on the Free plan.",
                "Free: you can invite up to 10 users.",
                "Limits: you can invite up to 10 users on the free plan.",
            ],
            id="how many",
        ),
        pytest.param(
            RESTORING,
            [
                "Deleted data can be restored within thirty days.",
                "You can restore deleted data for up to 30 days.",
                "You can restore deleted data within a 30-day period.",
            ],
            id="how long",
        ),
        pytest.param(
            PRICE,
            [
                "The Pro plan costs $7 per user per month.",
                "The Pro plan costs USD 7 per user monthly.",
                "The Pro plan costs seven dollars a month per user.",
                "Pro is $7/user/month.",
                "The Pro plan costs $7.00 per seat and month.",
                "The price of Pro is 7 dollars per month for each user.",
            ],
            id="for each of what",
        ),
        pytest.param(
            PROJECT,
            [
                "A project can have up to 100 tasks.",
                "A project can have 5 templates.",
                "A project can have one hundred tasks and five templates.",
            ],
            id="of what",
        ),
        pytest.param(
            LOCKING,
            [
                "Locking timesheets is available on the standard plan and higher.",
                "Locking timesheets needs the standard plan or a higher plan.",
                "Users on the standard plan can lock timesheets.",
                "Acme users on the standard plan can lock timesheets.",
                "Locking timesheets isn't available on the basic plan.",
            ],
            id="a plan",
        ),
        pytest.param(
            ROLES,
            [
                "Owners can delete the workspace.",
                "The owner can delete the workspace.",
                "Admins can invite people.",
                "Admins can invite people and owners can delete the workspace.",
            ],
            id="a role",
        ),
        pytest.param(SEEING, ["Admins can see the lock date."], id="under a lead-in"),
        pytest.param(ONLY_ADMINS, ["Regular users can't invite people."], id="only others"),
        pytest.param(
            DATES,
            [
                "Admins aren't affected.",
                "Regular users can't edit time before the date.",
                "The date is updated weekly.",
            ],
            id="somebody's doing",
        ),
        pytest.param(
            LIMITLESS,
            [
                "Projects are unlimited on the Pro plan.",
                "There is no limit on projects on the Pro plan.",
                "The Pro plan allows 50 requests per second.",
            ],
            id="no limit",
        ),
    ],
)
def test_true_claims_stay(text: str, claims: list[str]) -> None:
    assert [claim for claim in claims if not is_kept(claim, text)] == []
