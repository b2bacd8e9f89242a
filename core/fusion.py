"""Scored views of one candidate population → one score.

Both retrievers score every candidate of the union with their true scores, so none is missing and
none depends on where a list was cut. The views are brought to comparable ranges that do not depend
on the other candidates: cosine as it is, BM25 as the share of the best score that the question's
terms could reach. A convex combination follows (Bruch et al. 2022); its weights were read off
benchmarks/fusion_weights.py and lie in the middle of a plateau.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lexical import K1

Values = NDArray[np.float64]  # (candidates,)


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """How much each view counts, relative to the similarity of the chunk itself (1)."""

    lexical: float = 0.5
    summary: float = 0.25  # similarity of the article's title and headings


def attainable_share(bm25: Values, idf_sum: float) -> Values:
    """Divide BM25 by its supremum for these terms: Σ idf · (k1 + 1), as tf grows.

    >>> attainable_share(np.array([0.0, 2.2]), idf_sum=2.0).tolist()
    [0.0, 0.5]
    """
    return bm25 / (idf_sum * (K1 + 1)) if idf_sum > 0 else np.zeros_like(bm25)


def fuse(
    lexical: Values,
    similarities: Values | None,
    summary_similarities: Values | None,
    weights: FusionWeights,
) -> Values:
    """Combine the views to a score in about [0, 1]; without similarities the lexical one alone."""
    if similarities is None or summary_similarities is None:
        return lexical
    total = 1 + weights.lexical + weights.summary
    mixed: Values = (
        similarities + weights.lexical * lexical + weights.summary * summary_similarities
    ) / total
    return mixed
