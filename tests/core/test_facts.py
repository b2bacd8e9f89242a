"""Facts of a claim: numbers, names, labels and directions, however they are written."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.facts import facts_of, is_opposite, known_names, missing, passage_of


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("It holds 1,000 entries.", "up to 1000 entries"),
        ("It holds 1 000 entries.", "up to 1,000 entries"),
        ("It holds 1\u00a0000 entries.", "up to 1'000 entries"),
        ("It costs 1.5 points.", "1,5 points"),
        ("It costs $5.", "5 USD a month"),
        ("It costs 5 dollars.", "$5.00 a month"),
        ("It costs $0.", "No charge"),
        ("One minute is left.", "It leaves a minute."),
        ("There are two formats: full and short.", "Full, or short."),
        ("Use it in three formats:", "Full, short, decimal."),
        ("Add it to the URL.", "the address"),
        ("**Choose a date:** pick it.", "Pick it."),
        ("You have five days.", "You have 5 days."),
        ("You have 5 days.", "within five working days"),
        ("It takes 25 percent.", "25% of it"),
        ("At 09:00 it starts.", "from 9 every morning"),
        ("In step 2, save it.", "Save it."),
        ("There are three ways to do it.", "Open it, or close it."),
        ("Choose one of them.", "Choose it."),
        ("Use the PRO plan.", "with pro"),
        ("Connect Google Calendar.", "the calendar of Google"),
        ("Click **SAVE**.", "Press **Save**"),
        ("Click “Lock entries”.", "turn on **Lock entries**"),
        ("Open **Settings > General**.", "the General tab of the Settings"),
        ("Press Ctrl+P there.", "Print with Ctrl/Cmd+P"),
        ("**Note:** save it.", "Save."),
        ("Administrators can do it.", "Admins can"),
        ("Upload PDFs there.", "a PDF file"),
        ("2FA is needed.", "It needs 2FA"),
        ("We öffnen die Einstellungen hier.", "in der Einstellung"),
    ],
)
def test_held(claim: str, text: str) -> None:
    assert missing(facts_of(claim), passage_of(text)) == ""


@pytest.mark.parametrize(
    ("claim", "text", "kind"),
    [
        ("It costs 5 USD.", "6 USD", "number"),
        ("It costs 5 USD.", "5 EUR", "number"),
        ("You have 5 weeks.", "You have 5 days.", "number"),
        ("It costs $0.", "It costs $5", "number"),
        ("There are three formats: full and short.", "Full, or short.", "number"),
        ("Regular users can do it.", "Users can do it", "role"),
        ("You have 5 days.", "5 seats", "number"),
        ("It holds 1,000 entries.", "1 entry or 100 entries", "number"),
        ("You have three weeks.", "3D Secure", "number"),
        ("At 10:30 it starts.", "at 10:45", "number"),
        ("Use the Basic plan.", "with Pro", "name"),
        ("It works with ADP.", "It works with others", "name"),
        ("From Sunday on.", "from Monday on", "name"),
        ("Sunday is free.", "Monday is free", "name"),
        ("Click **Freeze entries**.", "Lock entries", "label"),
        ("Open **Payments**.", "the payment", "label"),
        ("Write to a@b.example.", "Write to c@b.example", "label"),
        ("The owner can do it.", "Admins can", "role"),
    ],
)
def test_missing(claim: str, text: str, kind: str) -> None:
    assert missing(facts_of(claim), passage_of(text)) == kind


def test_a_known_name_counts_at_the_beginning() -> None:
    text = "It comes with Pro.\nThe standard is high."
    assert known_names([text]) == {"pro"}
    assert facts_of("Pro has it.", known_names([text])).names == {"pro"}
    assert facts_of("Open it.", known_names([text])).names == frozenset()


def test_a_title_has_no_names() -> None:
    assert facts_of("Der Nutzer öffnet Projekte und Kunden mit Stunden").names == frozenset()


@pytest.mark.parametrize(
    ("claim", "text", "expected"),
    [
        ("Save it before noon.", "Save it after noon.", True),
        ("Save it before noon.", "Not before or after noon.", False),
        ("It is sent daily.", "It is sent weekly.", True),
        ("It is non-billable.", "It is billable.", True),
        ("It is sent.", "It is sent weekly.", False),
        ("Enable it.", "Turn on the switch.", False),
    ],
)
def test_opposites(claim: str, text: str, expected: bool) -> None:
    assert is_opposite(claim, passage_of(text)) is expected


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_will_do(claim: str, text: str) -> None:
    facts = facts_of(claim, known_names([text]))
    assert missing(facts, passage_of(claim)) in ("", "label", "name", "number", "role")
    missing(facts, passage_of(text))


@pytest.mark.parametrize(
    "unit", ["1,", "1 ", "1.", "**a", '"', "`", "a@", "A", "A ", "five ", "1:", "a.b@c.", "$1 "]
)
def test_time_is_linear(unit: str) -> None:
    text = unit * (20_000 // len(unit))
    started = time.process_time()
    facts_of(text)
    passage_of(text)
    assert time.process_time() - started < 3
