"""Plans by what stands before "plan", in capitals or not; what every plan may be called is none."""

from __future__ import annotations

import pytest

from core.facts import facts_of, missing, passage_of
from core.plans import denied_plans, plan_names

TEXT = "Locking is available on the Standard plan and higher."


@pytest.mark.parametrize(
    ("claim", "names"),
    [
        ("It is on the basic plan.", ["basic"]),
        ("It needs the Pro or enterprise plan.", ["pro", "enterpris"]),
        ("It comes with standard, pro, and enterprise plans.", ["standard", "pro", "enterpris"]),
        ("It comes in the **gold** tier.", ["gold"]),
        ("Basic plan users see it.", ["basic"]),
        ("It is part of the community edition.", ["communiti"]),
        *((f"It is on {words} plan.", []) for words in (
            "your", "the same", "a paid", "the free", "the annual", "any", "your current",
            "a higher", "the upgraded", "your team's", "the monthly", "each", "a cheaper",
        )),
        ("You choose which plan you want.", []),
        ("Managers plan time off.", []),
        ("You can plan work.", []),
        ("To plan, upgrade plan.", []),
    ],
)  # fmt: skip
def test_names(claim: str, names: list[str]) -> None:
    assert list(plan_names(claim)) == names


@pytest.mark.parametrize(
    "claim",
    [
        "It is on the basic plan and higher.",
        "It is on the standard and basic plans.",
        "Basic users can lock it.",
        "Enterprise: you can lock it.",
        "**Enterprise:** you can lock it.",
    ],
)
def test_a_plan_that_the_snippet_does_not_name(claim: str) -> None:
    assert missing(facts_of(claim), passage_of(TEXT)) == "name"


@pytest.mark.parametrize(
    "claim",
    [
        "It is on the standard plan and higher.",
        "Standard users can lock it.",
        "Standard: you can lock it.",
        "Availability: you can lock it.",
        "Note: you can lock it.",
        "Plans: you can lock it.",
        "Admins: you can lock it.",
        "New users can lock it.",
        "Invited members can lock it.",
    ],
)
def test_what_is_no_other_plan(claim: str) -> None:
    assert missing(facts_of(claim), passage_of(TEXT)) in ("", "role")


def test_a_beginning_is_no_plan_where_none_is_spoken_of() -> None:
    assert missing(facts_of("Basic users can lock it."), passage_of("Users can lock it.")) == ""


def test_denied_plans() -> None:
    assert denied_plans("It isn't on the basic plan.") == {"basic"}
    assert denied_plans("It is on the basic plan.") == frozenset()
