"""BM25 against its authority, rank_bm25.BM25Okapi, bit for bit."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from core.lexical import K1, B, LexicalIndex, Scores, build_lexical

WORDS = st.sampled_from("abcdefgh")
DOCUMENTS = st.lists(st.lists(WORDS, max_size=12), min_size=1, max_size=12).filter(any)
QUERY = st.lists(st.sampled_from("abcdefghxyz"), max_size=8)


def oracle(documents: Sequence[Sequence[str]], query: Sequence[str]) -> Scores:
    model: Any = BM25Okapi([list(terms) for terms in documents], k1=K1, b=B)
    scores: Scores = model.get_scores(query)
    return scores


@given(DOCUMENTS, QUERY)
@example([["a"], ["a"]], ["a"])  # every idf is negative
@example([["a", "b"], ["a", "c"], ["a", "d"]], ["a", "a"])  # one is, and the term is repeated
@example([["a"], [], ["b", "b"], []], ["b", "x", "b"])  # empty documents, an unknown term
def test_scores_are_those_of_the_library(documents: list[list[str]], query: list[str]) -> None:
    built = build_lexical(documents)
    assert np.array_equal(built.scores(query), oracle(documents, query))
    read = LexicalIndex.from_bytes(built.to_bytes())
    assert np.array_equal(read.scores(query), built.scores(query))


def test_scores_of_a_larger_corpus() -> None:
    draw = random.Random(7)
    vocabulary = [f"w{number}" for number in range(400)]
    weights = [1 / rank for rank in range(1, 401)]
    documents = [draw.choices(vocabulary, weights, k=draw.randint(0, 80)) for _ in range(300)]
    built = build_lexical(documents)
    assert built.idf.min() > 0  # "w0" is in most documents: its idf was negative, and is floored
    assert len(built.rows_of(["w0"])) > 150
    for _ in range(50):
        query = draw.choices([*vocabulary, "unknown"], k=draw.randint(1, 10))
        assert np.array_equal(built.scores(query), oracle(documents, query))


def test_worked_example() -> None:
    """idf(time) = ln(2.5 / 1.5); the document is 1.5 times as long as the mean; tf is 2."""
    built = build_lexical([["lock", "timesheet"], ["track", "time", "time"], ["invoice"]])
    idf = math.log(2.5) - math.log(1.5)
    expected = idf * 2 * (1.2 + 1) / (2 + 1.2 * (1 - 0.75 + 0.75 * 3 / 2))
    assert built.scores(["time"]).tolist() == [0.0, pytest.approx(expected, rel=1e-15), 0.0]
    assert expected == pytest.approx(0.61579, abs=1e-5)
    assert built.scores(["time", "time"])[1] == 2 * built.scores(["time"])[1]


@pytest.mark.parametrize("documents", [[], [[], [], []]], ids=["no chunks", "no terms"])
def test_nothing_to_search(documents: list[list[str]]) -> None:
    read = LexicalIndex.from_bytes(build_lexical(documents).to_bytes())
    scores = read.scores(["lock"])
    assert scores.tolist() == [0.0] * len(documents)
    assert read.best(["lock"], scores, 5).tolist() == []
    assert read.rows_of(["lock"]).tolist() == []


def test_round_trip_keeps_everything() -> None:
    built = build_lexical([["über", "时间"], ["über", "lock", "lock"], ["a"]])
    files = built.to_bytes()
    assert sorted(files) == ["lexical.json", "lexical.npz"]
    assert built.to_bytes() == files
    read = LexicalIndex.from_bytes(files)
    assert list(read.vocabulary.items()) == [("über", 0), ("时间", 1), ("lock", 2), ("a", 3)]
    assert (read.count, read.rows_of(["über"]).tolist()) == (3, [0, 1])
    for name in ("starts", "rows", "impacts", "idf"):
        before, after = getattr(built, name), getattr(read, name)
        assert before.dtype == after.dtype
        assert np.array_equal(before, after)


def test_best_have_a_term_and_are_sorted_and_tied_by_row() -> None:
    built = build_lexical([["a"], ["b"], ["a"], ["a"], ["c", "a"], ["a"], ["c"]])
    scores = np.array([1.0, 9.0, 3.0, 1.0, -2.0, 3.0, 1.0])
    assert built.best(["a", "c", "x"], scores, 10).tolist() == [2, 5, 0, 3, 6, 4]
    assert built.best(["a"], scores, 3).tolist() == [2, 5, 0]
    assert built.best(["a"], scores, 0).tolist() == []
    assert built.best(["x"], scores, 5).tolist() == []
    many = build_lexical([["a"]] * 200)
    expected = [*range(0, 200, 2), *range(1, 200, 2)]
    assert many.best(["a"], np.tile([2.0, 1.0], 100), 200).tolist() == expected


def test_a_term_of_no_weight_is_found_all_the_same() -> None:
    """A term that half of the chunks have has an idf of ln 1 = 0."""
    built = build_lexical([["b", "lock"], ["c"], ["lock", "lock"], ["d"]])
    scores = built.scores(["lock"])
    assert scores.tolist() == [0.0] * 4
    assert built.rows_of(["lock", "unknown", "lock"]).tolist() == [0, 2]
    assert built.best(["lock"], scores, 5).tolist() == [0, 2]


def test_rows_ascend_within_a_term() -> None:
    built = build_lexical([["b", "a"], ["a"], ["c", "a", "b"]])
    number = built.vocabulary["a"]
    assert built.rows[built.starts[number] : built.starts[number + 1]].tolist() == [0, 1, 2]
