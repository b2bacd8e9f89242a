"""How near a claim is to a window of a snippet, in its meaning and in its words.

Takes cosines and terms; gives readings, and whether they are near enough to say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .passages import Window
from .polarity import share_of
from .types import Vector, Vectors

# Calibrated on benchmarks/grounding.py; similarity counts from what unrelated texts have.
SIMILAR = 0.88  # of the meaning alone
COVERED = 0.9  # of the claim's words alone
BOTH = 1.05  # similarity + COVERAGE_WEIGHT × coverage
BOTH_OF_DENIED = 0.85  # the same, where a claim says "not" and the window does not
COVERAGE_WEIGHT = 0.6
LEAST_SIMILAR = 0.4
COVERED_WITHOUT_MEANING = 0.6  # of the words, when no embedder can be asked
FEW_TERMS = 3  # of a claim so short that three quarters of it have to be covered


@dataclass(frozen=True, slots=True)
class Reading:
    """How well a claim fits one window; benchmarks print it."""

    similarity: float | None
    coverage: float
    terms: int  # of the claim


@dataclass(frozen=True, slots=True)
class Similar:
    """A claim against the units of one snippet: cosines above those of unrelated texts."""

    of_units: Vector  # (n,)
    rows: Vectors
    claim: Vector
    floor: float

    def of_window(self, units: Sequence[int]) -> float:
        """Give the best of its units, or that of them together."""
        sums = self.rows[list(units)].sum(axis=0)
        together = float(sums @ self.claim) / max(float(np.linalg.norm(sums)), 1e-9)
        above = (together - self.floor) / (1 - self.floor)
        return max(float(self.of_units[list(units)].max()), above)


def reading_of(window: Window, wanted: frozenset[str], similar: Similar | None) -> Reading:
    value = None if similar is None else similar.of_window(window.units)
    return Reading(value, share_of(wanted, window.passage.meanings), len(wanted))


def is_near(reading: Reading, both: float = BOTH) -> bool:
    """Tell whether a window says the same, as far as words and vectors tell."""
    if reading.similarity is None:
        return reading.coverage >= (COVERED_WITHOUT_MEANING if reading.terms > FEW_TERMS else 0.75)
    if reading.similarity < LEAST_SIMILAR:
        return False
    return (
        reading.similarity >= SIMILAR
        or reading.coverage >= COVERED
        or reading.similarity + COVERAGE_WEIGHT * reading.coverage >= both
    )
