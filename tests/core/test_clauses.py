"""How a sentence is taken apart, and what its first clause lends to the rest."""

from __future__ import annotations

import pytest

from core.clauses import is_sentence, splits_of, with_those_before
from core.facts import facts_of
from core.folding import fold, words_with_parts


@pytest.mark.parametrize(
    ("claim", "splits"),
    [
        (
            "Admins invite people, and the trial lasts 7 days.",
            [("Admins invite people", "the trial lasts 7 days.", False)],
        ),
        (
            "Admins can invite people and also export time off.",
            [("Admins can invite people", "export time off.", True)],
        ),
        (
            "On the Pro plan, admins invite people and you can export the invoices of clients.",
            [
                (
                    "On the Pro plan, admins invite people",
                    "On the Pro plan, you can export the invoices of clients.",
                    True,
                )
            ],
        ),
        (
            "On the Pro plan, admins invite people, whereas Basic needs nobody for that.",
            [
                (
                    "On the Pro plan, admins invite people",
                    "Basic needs nobody for that.",
                    False,
                )
            ],
        ),
        (
            "You cannot export time off, but owners edit the invoices.",
            [("You cannot export time off", "owners edit the invoices.", False)],
        ),
        (
            "Open **Time off**, then choose **Export as CSV and more**.",
            [("Open **Time off**", "choose **Export as CSV and more**.", True)],
        ),
    ],
)
def test_clauses(claim: str, splits: list[tuple[str, str, bool]]) -> None:
    found = [(split.first, split.rest, bool(split.before)) for split in splits_of(claim)]
    assert found == splits


@pytest.mark.parametrize(
    "claim",
    [
        "The trial lasts 7 days.",
        "Standard and Pro have it.",  # too little on either side
        "Open **Projects of all clients and the templates and colours of teams**.",
        'Choose "Projects of all clients and the templates and colours of teams".',
        "Choose one (projects of all clients and the templates and colours of teams).",
        "You cannot export time off or edit the invoices of clients.",  # denied as well
        "Screenshots are kept for one year, and so are the old codes of all kiosks.",
    ],
)
def test_what_is_not_taken_apart(claim: str) -> None:
    assert list(splits_of(claim)) == []


def test_no_more_ways_than_a_bound() -> None:
    claim = " and ".join(f"admins can export time off {n}" for n in range(12))
    assert len(list(splits_of(claim))) == 4


def test_the_rest_has_the_role_plan_and_everybody_of_what_is_before() -> None:
    rest = "export time off"
    facts = with_those_before(facts_of(rest), rest, "Admins on the Pro plan can invite people")
    assert facts.roles == {"admin"}
    assert "pro" in facts.names
    assert with_those_before(facts_of(rest), rest, "Everyone can invite people").is_everybody


def test_what_the_rest_says_itself_counts() -> None:
    rest = "owners on the Basic plan can export time off"
    facts = with_those_before(facts_of(rest), rest, "Everyone and admins on the Pro plan can pay")
    assert facts.roles == {"owner"}
    assert facts.names == {"basic"}
    assert not facts.is_everybody


@pytest.mark.parametrize(
    ("clause", "says_something"),
    [
        ("invoices can be sent during the trial", True),
        ("regular users invite people from the page", True),
        ("owners and admins can add", False),  # what, comes with the rest
        ("export time off as a file", False),
        ("the price of the Pro plan, which can be paid yearly", False),
    ],
)
def test_what_says_something_by_itself(clause: str, says_something: bool) -> None:
    assert is_sentence(clause) == says_something


@pytest.mark.parametrize(
    ("text", "is_switch"),
    [
        ("Turn on **Lock entries**", True),
        ("switched off the other way", True),
        ("The timer is off by default", True),
        ("The timer is on.", True),
        ("Request time off.", False),
        ("the time-off policies", False),
        ("It is on the Pro plan", False),
        ("Rounding is on until an admin changes it", True),
        ("You can turn tracking off from the settings", True),
        ("GPS stays on during breaks", True),
        ("It is off unless an owner agrees", True),
        ("switch them off temporarily", True),
        ("off by 150 m", False),
    ],
)
def test_on_and_off_are_switches_or_not(text: str, is_switch: bool) -> None:
    assert bool({"on", "off"} & set(words_with_parts(fold(text)))) == is_switch
