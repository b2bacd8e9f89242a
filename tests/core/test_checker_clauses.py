"""Sentences of several clauses: drawn from several snippets, or false in one of them."""

from __future__ import annotations

import asyncio

import pytest

from core.grounding import Checker
from core.support import Support
from core.types import Answer, Chunk, Context, Draft, Refusal, Snippet

from .fakes import HashingEmbedder
from .test_checker_facts import EMBEDDER

KIOSK = """\
A PIN stops people from clocking in for each other on a shared kiosk. Each person gets a 4-digit
code automatically. It comes with any paid plan.
"""
SCREENSHOTS = """\
Screenshots are part of the Pro plan. They are kept for one year. Regular users cannot delete
screenshots of locked entries.
"""
TRIAL = """\
The trial lasts 7 days. Invoices cannot be sent during the trial. Owners can start the trial in
Workspace settings.
"""
BOTH = ("Kiosk", KIOSK), ("Screenshots", SCREENSHOTS), ("Trial", TRIAL)
CONTEXT = Context(
    tuple(
        Snippet(n, Chunk(f"c{n}", f"a{n}", title, (), text, None, 0, 1), text)
        for n, (title, text) in enumerate(BOTH, 1)
    ),
    0,
)


def reply(text: str) -> Answer | Refusal:
    return asyncio.run(Checker(CONTEXT, embedder=EMBEDDER).check(Draft(text, "test")))


def context_of(*texts: str) -> Context:
    return Context(
        tuple(
            Snippet(n, Chunk(f"c{n}", "a", "Help", (), text, None, 0, 1), text)
            for n, text in enumerate(texts, 1)
        ),
        0,
    )


def is_kept_of(claim: str, text: str) -> bool:
    checker = Checker(context_of(text), embedder=EMBEDDER)
    return isinstance(asyncio.run(checker.check(Draft(f"{claim} [1].", "test"))), Answer)


def is_kept(text: str) -> bool:
    return isinstance(reply(text), Answer)


@pytest.mark.parametrize(
    "claim",
    [
        "Each person gets a 4-digit code automatically, and screenshots are kept for one year",
        "Screenshots are kept for one year, but invoices cannot be sent during the trial",
        "Screenshots are kept for one year, while the trial lasts 7 days",
        "Screenshots are part of the Pro plan and each person gets a 4-digit code",
        "A PIN stops people from clocking in for each other, and owners can start the trial, and "
        "screenshots are kept for one year",
    ],
)
def test_what_each_cited_snippet_says_in_part_stays(claim: str) -> None:
    checked = reply(f"{claim} [1][2][3].")
    assert isinstance(checked, Answer)
    assert checked.text == f"{claim} [1][2][3]."
    assert len(checked.sources) == 3


def test_the_citation_between_the_clauses_stays_where_it_is() -> None:
    text = "Each person gets a 4-digit code [1], and screenshots are kept for one year [2]."
    checked = reply(text)
    assert isinstance(checked, Answer)
    assert checked.text == text


@pytest.mark.parametrize(
    "claim",
    [
        "Each person gets a 6-digit code automatically, and screenshots are kept for one year",
        "Each person gets a 4-digit code automatically, and screenshots are kept for two years",
        "Screenshots are kept for one year, but invoices can be sent during the trial",
        "Regular users cannot clock in for each other and start the trial",
        "Regular users can start the trial, and screenshots are kept for one year",
        "On the Pro plan, screenshots are kept for one year and you can clock in with a PIN",
    ],
)
def test_one_wrong_clause_is_enough(claim: str) -> None:
    assert not is_kept(f"{claim} [1][2][3].")


def test_only_what_is_cited_is_put_together() -> None:
    claim = "Each person gets a 4-digit code automatically, and screenshots are kept for one year"
    assert not is_kept(f"{claim} [1].")
    assert not is_kept(f"{claim} [1][3].")
    assert is_kept(f"{claim} [1][2].")


@pytest.mark.parametrize(
    "claim",
    [
        "The trial lasts 7 days, and invoices can be sent during the trial",
        "Invoices can be sent during the trial, and it lasts 7 days",
        "The trial lasts 7 days, and invoices during the trial can be sent",
    ],
)
def test_of_one_snippet_each_clause_has_to_be_true(claim: str) -> None:
    assert not is_kept(f"{claim} [3].")


@pytest.mark.parametrize(
    "claim",
    [
        "The trial lasts 7 days, and invoices cannot be sent during the trial",
        "Owners can start the trial, which lasts 7 days and cannot send invoices",
        "The trial lasts 7 days and can be started by owners",
        "Owners can open Workspace settings and start the trial",
    ],
)
def test_of_one_snippet_what_is_true_stays(claim: str) -> None:
    assert is_kept(f"{claim} [3].")


TEAM = """\
Owners and admins invite people from the **Team** page. Team managers can approve requests for time
off. Owners and admins can decide on anyone's request for time off. You can delete screenshots of a
project. You cannot export invoices to Excel. Owners can delete the workspace. On the Pro plan,
people can add screenshots to projects.
"""


@pytest.mark.parametrize(
    "claim",
    [
        "Regular users invite people from the **Team** page and can delete the workspace",
        "Everyone can delete screenshots of a project and delete the workspace",
        "The Basic plan lets people add screenshots to projects and delete the workspace",
    ],
)
def test_what_a_clause_says_of_the_rest_has_to_be_true(claim: str) -> None:
    assert not is_kept_of(claim, TEAM)


@pytest.mark.parametrize(
    "claim",
    [
        "Owners and admins invite people from the **Team** page and can decide on anyone's request "
        "for time off",
        "Owners and admins can invite people and delete screenshots of a project",
        "Owners can delete the workspace, but you cannot export invoices to Excel",
    ],
)
def test_what_is_said_of_the_rest_may_stand_elsewhere(claim: str) -> None:
    assert is_kept_of(claim, TEAM)


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        (
            "Approved time entries cannot be edited. When the approval is withdrawn, approved time "
            "entries can be edited and submitted again.",
            "Approved time entries can be edited and submitted again when the approval is "
            "withdrawn",
        ),
        (
            "Users on the Free plan cannot export invoices. During the trial, users on the Free "
            "plan can export invoices and set hourly rates for projects.",
            "Users on the Free plan can export invoices and set hourly rates for projects during "
            "the trial",
        ),
    ],
)
def test_a_condition_at_the_end_is_for_the_first_clause_too(text: str, claim: str) -> None:
    assert is_kept_of(claim, text)


def test_a_condition_of_somebody_else_is_not_for_the_first_clause() -> None:
    text = (
        "Regular users cannot export invoices. Admins can export invoices. "
        "Admins can print reports without a limit."
    )
    claim = "users can export invoices, and admins can print reports without a limit"
    assert not is_kept_of(f"Regular {claim}", text)
    assert is_kept_of(f"Admins can export invoices, and {claim.partition('and ')[2]}", text)


TAKEN = "Screenshots are taken every five minutes. They are kept for one year."


@pytest.mark.parametrize(
    ("texts", "claim", "is_true"),
    [
        (
            (TAKEN, "GPS points are kept for 7 days."),
            "Screenshots are taken every five minutes and are kept for 7 days",
            False,
        ),
        (
            (TAKEN, "GPS points are kept for 7 days on the server."),
            "Screenshots are taken every five minutes, and they are kept for 7 days on the server",
            False,
        ),
        (
            ("Screenshots come with Pro.", "The Basic plan costs $3.99 per user per month."),
            "Screenshots come with Pro, and it costs $3.99 per user",
            False,
        ),
        (
            (TAKEN, "GPS points are kept for 7 days."),
            "Screenshots are taken every five minutes, and they are kept for one year",
            True,
        ),
        (
            (
                "Owners can delete the workspace. Under **Team**, owners and admins give members "
                "hourly rates, which apply to all new entries.",
                "A kiosk works on any tablet with a browser. Each person gets a 4-digit code.",
            ),
            "Owners can delete the workspace, and admins set what members earn per hour",
            True,
        ),
    ],
)
def test_the_rest_goes_on_about_the_same(texts: tuple[str, ...], claim: str, is_true: bool) -> None:
    support = Support(context_of(*texts), EMBEDDER)
    verdict = asyncio.run(support.verdict(claim, tuple(range(1, len(texts) + 1))))
    assert verdict.is_supported == is_true


THINGS = "invoices reports kiosks alerts tags expenses breaks targets teams clients rates"
LASTING = [f"{thing} last {days} days" for days, thing in enumerate(THINGS.split(), 2)]


@pytest.mark.parametrize("clauses", [LASTING, ["screenshots are kept for one year"] * 50])
def test_a_model_in_a_loop_is_not_followed_into_every_clause(clauses: list[str]) -> None:
    embedder = HashingEmbedder()
    context = context_of(f"{'. '.join(LASTING)}.", SCREENSHOTS)
    claim = " and ".join([*clauses, "invoices cost 99 euros"])
    verdict = asyncio.run(Support(context, embedder).verdict(claim, (1, 2)))
    assert not verdict.is_supported
    assert len(embedder.texts) < 65


SWITCHES = """\
Owners turn on **Time off** in the settings. Automatic locking is off by default. A manual lock date
cannot be set while it is active. Regular users can see their own time entries. You can undo it.
"""


@pytest.mark.parametrize(
    "claim",
    [
        "Owners can turn on time off in the settings",
        "Time off is turned on in the settings by owners",
        "By default, automatic locking is off",
        "You cannot set a lock date by hand while automatic locking is on",
    ],
)
def test_time_off_is_not_switched_off(claim: str) -> None:
    assert is_kept_of(claim, SWITCHES)


def test_a_quote_is_not_taken_apart() -> None:
    quote = (
        "Overlapping entries keep appearing. They are normal without Force timer, and live "
        "tracking avoids them."
    )
    asks = (
        'Someone sees "Manual time tracking is disabled": the feature is already on. Use the timer.'
    )
    text = f"Reasons teams enable it:\n\n- {asks}\n- {quote}\n"
    assert asyncio.run(Support(context_of(text), EMBEDDER).verdict(quote, (1,))).is_supported


def test_one_shared_word_makes_no_clause_the_opposite() -> None:
    text = "Notes on automatic locking:\n\n- A manual lock date cannot be set while it is active.\n"
    assert is_kept_of("You cannot set a lock date by hand while automatic locking is on", text)
    assert not is_kept_of("You can set a lock date by hand while automatic locking is on", text)


def test_a_not_before_is_an_after() -> None:
    text = "Log out only after syncing, or unsynced data is lost. The app syncs before it closes."
    assert is_kept_of("Don't log out before syncing, or the unsynced data is lost", text)
    assert not is_kept_of("Log out before syncing, or the unsynced data is lost", text)


@pytest.mark.parametrize(
    "claim",
    [
        "Automatic locking is on by default",
        "By default, automatic locking is turned on",
        "Automatic locking is enabled by default",
        "Regular users can see everyone's time entries",
        "You cannot undo it",
    ],
)
def test_the_opposite_goes(claim: str) -> None:
    assert not is_kept_of(claim, SWITCHES)
