"""Misspelt words of a question: what is corrected, and what is better left alone."""

from __future__ import annotations

import pytest

from core.spelling import SpellingCorrector

TEXTS = (
    "Lock timesheets and unlock timesheets. A timesheet is approved by a manager.",
    "Clockify tracks time; Clockify invoices clients. Invoices have a currency.",
    "Timer, timer, timers, timers. Kiosk kiosk. Überstunden überstunden. Zapierlike once.",
    "Invoice invoice.",
    "currency approved timesheet manager report reports report",
)


@pytest.fixture(scope="module")
def corrector() -> SpellingCorrector:
    return SpellingCorrector(TEXTS)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("clokcify", "clockify"),
        ("lock timeshets now", "lock timesheets now"),
        ("clockfy", "clockify"),
        ("curency", "currency"),
        ("tmiesheet", "timesheet"),
        ("ivnoice", "invoice"),
        ("tmeishet", "tmeishet"),
        ("crurncy", "crurncy"),
    ],
    ids=[
        "transposed",
        "missing letter",
        "product",
        "doubled",
        "first letters",
        "transposed in a short word",
        "three mistakes",
        "two mistakes in a short word",
    ],
)
def test_the_nearest_word_of_the_knowledge(
    corrector: SpellingCorrector, asked: str, expected: str
) -> None:
    assert corrector.correct(asked) == expected


@pytest.mark.parametrize(
    "word",
    [
        "rapport",
        "kiosk",
        "tmer",
        "zapierlik",
        "xylophonist",
        "Überstundem",
        "timeshéets",
        "timesheest2",
        "because",
    ],
    ids=[
        "general English",
        "known",
        "short",
        "a word seen once is no target",
        "nothing near",
        "umlaut",
        "accent",
        "digit",
        "stop word",
    ],
)
def test_left_alone(corrector: SpellingCorrector, word: str) -> None:
    assert corrector.correct(word) == word


def test_general_english_is_left_alone_though_near() -> None:
    corrector = SpellingCorrector(["houses houses invoice invoice"])
    assert corrector.correct("horses invoce") == "horses invoice"


def test_the_ascii_part_of_a_word_is_no_word() -> None:
    corrector = SpellingCorrector(["berstunden2 overstunden overstunden"])
    assert corrector.correct("Überstunden berstunden") == "Überstunden overstunden"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("Clockfy", "Clockify"),
        ("CLOCKFY", "CLOCKIFY"),
        ("Lock TIMESHEETS", "Lock TIMESHEETS"),
        ("Can Clockfy export?", "Can Clockify export?"),
    ],
)
def test_capitals_stay(corrector: SpellingCorrector, asked: str, expected: str) -> None:
    assert corrector.correct(asked) == expected


def test_distance_then_first_letter_then_frequency_then_alphabet() -> None:
    words = ["zorkle"] * 9 + ["zorkla"] * 5 + ["borkle"] * 20 + ["zorklo"] * 5
    corrector = SpellingCorrector([" ".join(words)])
    assert corrector.correct("zorkaa") == "zorkla"  # one mistake; "zorkle" would be two
    assert corrector.correct("zorkl") == "zorkle"  # 9 times
    assert corrector.correct("zorklx") == "zorkle"
    by_letter = SpellingCorrector(["borklx " * 9 + "zorkle " * 2])
    assert by_letter.correct("zorklx") == "zorkle"
    assert SpellingCorrector(["qorkle qorkle borkle borkle"]).correct("xorkle") == "borkle"


def test_an_empty_knowledge_corrects_nothing() -> None:
    assert SpellingCorrector([]).correct("timesheest") == "timesheest"


def test_knows_the_words_of_the_knowledge(corrector: SpellingCorrector) -> None:
    assert corrector.in_knowledge("timesheet")
    assert corrector.in_knowledge("kiosks")
    assert corrector.in_knowledge("uberstunden")
    assert not corrector.in_knowledge("jira")
