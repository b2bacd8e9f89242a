"""Ranked candidates → a relevant and diverse order (maximal marginal relevance)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .types import Vectors
from .vectors import cosines


def mmr(
    scores: NDArray[np.float64], vectors: Vectors | None, *, k: int, mmr_lambda: float
) -> list[int]:
    """Pick k positions: argmax λ · score - (1 - λ) · max cosine to those already picked.

    scores are fused ones in [0, 1] (Carbonell & Goldstein 1998, with the fused score as relevance);
    a cosine below 0 counts as 0: an opposite is no better than an unrelated one. Without vectors
    the order is by score. Ties go to the earlier position.
    """
    k = min(k, len(scores))
    if vectors is None:
        return [int(i) for i in np.lexsort((np.arange(len(scores)), -scores))[:k]]
    nearest_picked = np.zeros(len(scores))
    free = np.ones(len(scores), dtype=bool)
    picked: list[int] = []
    while len(picked) < k:
        gains = mmr_lambda * scores - (1 - mmr_lambda) * nearest_picked
        best = int(np.argmax(np.where(free, gains, -np.inf)))
        picked.append(best)
        free[best] = False
        nearest_picked = np.maximum(nearest_picked, cosines(vectors, vectors[best]))
    return picked
