"""The fusion formula by hand; no score depends on the other candidates."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from core import fusion as module
from core.fusion import FusionWeights, attainable_share, fuse

LEXICAL = np.array([0.5, 0.0, 1.0])
SIMILARITIES = np.array([0.8, -0.2, 0.0])
SUMMARIES = np.array([0.4, 0.6, 0.0])


def test_worked_example() -> None:
    """(similarity + 0.5 · lexical + 0.25 · summary) / 1.75"""
    fused = fuse(LEXICAL, SIMILARITIES, SUMMARIES, FusionWeights())
    expected = [(0.8 + 0.25 + 0.1) / 1.75, (-0.2 + 0.15) / 1.75, 0.5 / 1.75]
    assert fused.tolist() == pytest.approx(expected, abs=1e-15)


def test_weights() -> None:
    fused = fuse(LEXICAL, SIMILARITIES, SUMMARIES, FusionWeights(lexical=2.0, summary=0.0))
    assert fused.tolist() == pytest.approx([1.8 / 3, -0.2 / 3, 2 / 3], abs=1e-15)


def test_all_views_at_their_best_give_one() -> None:
    one = np.ones(1)
    assert fuse(one, one, one, FusionWeights(lexical=0.7, summary=0.1)).tolist() == [1.0]


@pytest.mark.parametrize(
    ("similarities", "summaries"),
    [(None, None), (None, SUMMARIES), (SIMILARITIES, None)],
    ids=["neither", "no similarities", "no summaries"],
)
def test_lexical_alone(
    similarities: np.ndarray[tuple[int], np.dtype[np.float64]] | None,
    summaries: np.ndarray[tuple[int], np.dtype[np.float64]] | None,
) -> None:
    assert np.array_equal(fuse(LEXICAL, similarities, summaries, FusionWeights()), LEXICAL)


def test_a_score_does_not_depend_on_the_other_candidates() -> None:
    together = fuse(LEXICAL, SIMILARITIES, SUMMARIES, FusionWeights())
    for row in range(3):
        one = slice(row, row + 1)
        alone = fuse(LEXICAL[one], SIMILARITIES[one], SUMMARIES[one], FusionWeights())
        assert np.array_equal(alone, together[one])
    assert attainable_share(np.array([2.2]), 2.0)[0] == attainable_share(np.array([2.2, 9]), 2.0)[0]


@pytest.mark.parametrize("idf_sum", [0.0, -1.5], ids=["zero", "negative"])
def test_terms_that_tell_nothing_score_nothing(idf_sum: float) -> None:
    assert attainable_share(np.array([0.0, -0.4]), idf_sum).tolist() == [0.0, 0.0]


def test_examples_of_the_docstrings() -> None:
    results = doctest.testmod(module)
    assert (results.failed, results.attempted) == (0, 1)
