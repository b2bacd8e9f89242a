"""Follow-ups read with their question: what gives way, what is added, what stands alone."""

from __future__ import annotations

import pytest

from core.standalone import BEFORE_CHARACTERS, standalone
from core.terms import TermAnalyzer
from core.types import Exchange, Question

ANALYZER = TermAnalyzer()


def read(*asked: str) -> str:
    """Give what the last question is searched as after the others."""
    *before, last = asked
    history = tuple(Exchange(question, "It depends [1].") for question in before)
    return standalone(Question(last, history), ANALYZER)


@pytest.mark.parametrize(
    ("before", "asked", "searched"),
    [
        ("How do I track time on Android?", "and for iOS?", "How do I track time for iOS?"),
        ("How do I track time on Android?", "and on a Mac?", "How do I track time on a Mac?"),
        ("How do I track time on Android?", "on iOS?", "How do I track time on iOS?"),
        ("How do I track time on Android?", "What about iPhone?", "How do I track time on iPhone?"),
        (
            "How do I set rates for a project?",
            "and for a member?",
            "How do I set rates for a member?",
        ),
        ("Turn on alerts on Android", "same on iPhone?", "Turn on alerts on iPhone"),
        (
            "Does it work in the web app, or not?",
            "in the kiosk?",
            "Does it work in the kiosk, or not?",
        ),
        ("Install the Windows app", "and the Mac one?", "Install the Mac app"),
        ("Does the Windows app sync?", "and the Mac app?", "Does the Mac app sync?"),
        (
            "How do I connect QuickBooks?",
            "and Google Calendar?",
            "How do I connect Google Calendar?",
        ),
        (
            "What does the Pro plan cost?",
            "ok, and Enterprise?",
            "What does the Enterprise plan cost?",
        ),
        (
            "Can I import from Jira to Clockify?",
            "and from Trello?",
            "Can I import from Trello to Clockify?",
        ),
    ],
)
def test_its_like_gives_way(before: str, asked: str, searched: str) -> None:
    assert read(before, asked) == searched


@pytest.mark.parametrize(
    ("before", "asked"),
    [
        ("How do I lock timesheets?", "who can do it?"),
        ("How do I lock timesheets?", "and weekly?"),
        ("How do I turn on notifications?", "and on iOS?"),
        ("How do I export a report to PDF?", "and for expenses?"),
        ("How do I track time on Android?", "and how do I stop it?"),
        ("How do I track time on Android?", "and on iOS can I stop?"),
        ("How do I install the Windows app?", "and Mac widgets?"),
        ("Track time", "and for iOS?"),
        ("How do I clock in?", "and in the app?"),
        ("How do I invite a member?", "the other one?"),
        ("How do I invite a member?", "and?"),
        ("How do I invite a member?", "and for one?"),
    ],
)
def test_otherwise_both_are_searched(before: str, asked: str) -> None:
    assert read(before, asked) == f"{before} {asked}"


@pytest.mark.parametrize(
    "asked",
    [
        "How do I create a tag?",
        "and how do admins lock the timesheets of a whole team?",
        "Who was Napoleon?",
        "From when can I see reports?",
        "",
        "🎉",
    ],
)
def test_what_stands_alone_is_left_alone(asked: str) -> None:
    assert read("How do I track time on Android?", asked) == asked
    assert read(asked) == asked


def test_without_history_a_follow_up_stands_alone() -> None:
    assert read("and for iOS?") == "and for iOS?"


def test_a_chain_keeps_its_subject() -> None:
    first = "How do I track time on Android?"
    assert read(first, "and for iOS?", "and for Windows?") == "How do I track time for Windows?"
    assert read(first, "and for iOS?", "is it free?") == "How do I track time for iOS? is it free?"
    lock = "How do I lock timesheets?"
    assert read(lock, "who can do it?", "and weekly?") == f"{lock} and weekly?"
    assert read(lock, first, "and for iOS?") == "How do I track time for iOS?"


def test_a_long_question_does_not_crowd_the_follow_up_out() -> None:
    long = "How do I lock timesheets? " * 50
    assert read(long, "who can do it?") == f"{long[:BEFORE_CHARACTERS]} who can do it?"
