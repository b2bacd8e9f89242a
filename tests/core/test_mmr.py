"""Maximal marginal relevance on cases small enough to do by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.mmr import mmr
from core.types import Vectors

SCORES = np.array([0.9, 0.85, 0.6])
# Two of a kind, and one that stands apart from them.
VECTORS: Vectors = np.array([[1, 0], [0.96, 0.28], [0, 1]], dtype=np.float32)


@pytest.mark.parametrize(
    ("mmr_lambda", "expected"),
    [(1.0, [0, 1, 2]), (0.8, [0, 1, 2]), (0.7, [0, 2, 1]), (0.5, [0, 2, 1]), (0.0, [0, 2, 1])],
)
def test_a_lower_lambda_picks_the_diverse_one(mmr_lambda: float, expected: list[int]) -> None:
    """After 0: 1 is worth 0.85 λ - 0.96 (1 - λ), 2 is worth 0.6 λ; they are equal at λ = 0.793."""
    assert mmr(SCORES, VECTORS, k=3, mmr_lambda=mmr_lambda) == expected


@pytest.mark.parametrize(("mmr_lambda", "second"), [(0.78, 2), (0.81, 1)])
def test_the_turning_point_is_where_the_formula_has_it(mmr_lambda: float, second: int) -> None:
    assert mmr(SCORES, VECTORS, k=2, mmr_lambda=mmr_lambda) == [0, second]


def test_the_nearest_of_those_picked_counts() -> None:
    """Position 3 is near 1, which was picked last but one, not near the last."""
    scores = np.array([0.9, 0.8, 0.8, 0.75, 0.6])
    vectors: Vectors = np.eye(4, dtype=np.float32)[[0, 1, 2, 1, 3]]
    assert mmr(scores, vectors, k=5, mmr_lambda=0.5) == [0, 1, 2, 4, 3]


def test_an_opposite_is_no_better_than_an_unrelated_one() -> None:
    scores = np.array([0.9, 0.4, 0.5])
    vectors: Vectors = np.array([[1, 0], [-1, 0], [0, 1]], dtype=np.float32)
    assert mmr(scores, vectors, k=3, mmr_lambda=0.5) == [0, 2, 1]


def test_relevance_is_the_score_given() -> None:
    """Not the similarity: a hit that only words found is not dropped (earlier-cli.md, 9)."""
    scores = np.array([0.3, 0.9, 0.2])
    assert mmr(scores, VECTORS, k=1, mmr_lambda=0.5) == [1]


@pytest.mark.parametrize("vectors", [None, np.eye(4, dtype=np.float32)], ids=["none", "unrelated"])
@pytest.mark.parametrize("mmr_lambda", [1.0, 0.5])
def test_ties_go_to_the_earlier_position(vectors: Vectors | None, mmr_lambda: float) -> None:
    scores = np.array([0.5, 0.7, 0.5, 0.7])
    assert mmr(scores, vectors, k=4, mmr_lambda=mmr_lambda) == [1, 3, 0, 2]


def test_ties_among_many() -> None:
    scores = np.tile([0.5, 0.7], 50)
    assert mmr(scores, None, k=100, mmr_lambda=0.8) == [*range(1, 100, 2), *range(0, 100, 2)]


def test_without_vectors_the_order_is_by_score() -> None:
    assert mmr(np.array([0.1, 0.9, 0.5]), None, k=2, mmr_lambda=0.2) == [1, 2]


@pytest.mark.parametrize("k", [0, 3, 10])
def test_picks_as_many_as_there_are(k: int) -> None:
    assert mmr(SCORES, VECTORS, k=k, mmr_lambda=0.7) == [0, 2, 1][:k]


def test_nothing_to_pick() -> None:
    assert mmr(np.zeros(0), None, k=6, mmr_lambda=0.8) == []
    assert mmr(np.zeros(0), np.zeros((0, 2), dtype=np.float32), k=6, mmr_lambda=0.8) == []
