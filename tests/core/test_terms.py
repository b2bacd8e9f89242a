"""Words of every script as terms: folding, stems, camel case, and time that grows linearly."""

from __future__ import annotations

import doctest
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import terms as module
from core.terms import MAX_WORD_CHARS, MEMORY, STOP_WORDS, TermAnalyzer, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Überstunden überstunden UBERSTUNDEN", ["uberstunden"] * 3),
        ("Größe STRASSE straße", ["gross", "strass", "strass"]),
        ("u\u0308ber über", ["uber", "uber"]),
        ("Учёт времени", ["учет", "времени"]),
        ("تتبع الوقت", ["تتبع", "الوقت"]),
        ("مُحَمَّد محمد", ["محمد", "محمد"]),
        ("שָׁלוֹם שלום", ["שלום", "שלום"]),
        ("时间跟踪", ["时间", "间跟", "跟踪"]),
        ("时", ["时"]),
        ("ガード カード", ["ガー", "ード", "カー", "ード"]),
        ("한국어", ["한국", "국어"]),
        ("Clockify的时间", ["clockifi", "的时", "时间"]),
        ("Ｆｕｌｌ ﬁle İstanbul", ["full", "file", "istanbul"]),
        ("时'时 时’s", ["时", "时", "时"]),
        ("🎉 — …", []),
    ],
    ids=[
        "German",
        "sharp s",
        "combining",
        "Cyrillic",
        "Arabic",
        "Arabic points",
        "Hebrew points",
        "Chinese",
        "one sign",
        "Japanese voiced",
        "Korean",
        "mixed scripts",
        "compatibility",
        "apostrophes between signs",
        "no words",
    ],
)
def test_scripts(text: str, expected: list[str]) -> None:
    assert TermAnalyzer().terms(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("QuickBooks", ["quickbooks", "quick", "books"]),
        ("HTMLParser", ["htmlparser", "html", "parser"]),
        ("PDFs APIs", ["pdfs", "apis"]),
        ("iPhone", ["iphone", "phone"]),
        ("web2Print", ["web2print", "web2", "print"]),
        ("the team's plan", ["the", "team", "plan"]),
        ("the team’s QuickBooks’s", ["the", "team", "quickbooks", "quick", "books"]),
        ("don't O’Brien", ["dont", "obrien"]),
        ("time_entry_id 3.5", ["time", "entry", "id", "3", "5"]),
        ("'quoted'", ["quoted"]),
    ],
    ids=[
        "two humps",
        "acronym",
        "plural acronym",
        "one letter",
        "digit",
        "possessive",
        "curly",
        "apostrophe",
        "underscore",
        "quotes",
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected


def test_stop_words_go_and_repeated_terms_stay() -> None:
    analyzer = TermAnalyzer()
    assert analyzer.terms("How do I lock the locked locks?") == ["lock", "lock", "lock"]
    assert analyzer.terms("What's DON'T I've") == []
    assert analyzer.terms(" ".join(STOP_WORDS)) == []


def test_a_run_of_data_counts_as_its_beginning() -> None:
    assert list(words("x" * 100_000)) == ["x" * MAX_WORD_CHARS]
    assert len(list(words("时" * 100))) == 99  # no run of signs is one word


def test_memory_of_stems_is_bounded() -> None:
    analyzer = TermAnalyzer()
    many = [f"w{number}" for number in range(MEMORY + 10)]
    assert analyzer.terms(" ".join(many)) == many
    assert len(analyzer._stems) == 10
    assert analyzer.terms("locking w0") == ["lock", "w0"]


@pytest.mark.parametrize(
    "unit",
    ["a", "aB", "a'", "a\u0301", "\u0301", "'", " ", "时", "A时'", "_", "ABc"],
    ids=ascii,
)
def test_time_is_linear(unit: str) -> None:
    """200,000 characters take well under a second; quadratic time would be minutes."""
    started = time.perf_counter()
    TermAnalyzer().terms(unit * (200_000 // len(unit)))
    assert time.perf_counter() - started < 2.0


@given(st.text())
def test_terms_never_fail_and_ignore_case(text: str) -> None:
    found = list(words(text))
    assert all(found)
    assert list(words(" ".join(found))) == found


def test_examples_of_the_docstrings() -> None:
    results = doctest.testmod(module)
    assert (results.failed, results.attempted) == (0, 1)
