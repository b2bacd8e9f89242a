"""Evidence → answer or refuse: a calibrated strength between 0 and 1 against one threshold.

The coefficients come from benchmarks/calibrate_gate.py (logistic regression, ridge penalty) on
labelled questions, each also with its own articles taken out, and on everyday questions. They
belong to the readings of the embedded model; without its readings, the lexical calibration decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .evidence import Evidence
from .retrieval import Retrieval
from .types import Refusal, RefusalReason

NEAREST = 3  # articles shown with a refusal


@dataclass(frozen=True, slots=True)
class Calibration:
    """strength = 1 / (1 + exp(-(intercept + Σ coefficient · reading)))."""

    intercept: float
    token_match: float
    coverage: float
    unknown_terms: float
    unknown_names: float

    def strength(self, evidence: Evidence) -> float:
        """Give the strength of evidence, in (0, 1)."""
        logit = (
            self.intercept
            + self.token_match * (evidence.token_match or 0.0)
            + self.coverage * evidence.coverage
            + self.unknown_terms * evidence.unknown_terms
            + self.unknown_names * evidence.unknown_names
        )
        return 1 / (1 + math.exp(-logit))


TOKEN_CALIBRATION = Calibration(-5.841, 8.815, 0.649, 1.384, -0.996)
LEXICAL_CALIBRATION = Calibration(-2.278, 0.0, 4.678, 1.113, -1.599)


def strength(evidence: Evidence) -> float:
    """Give the strength by the calibration that fits the readings there are."""
    calibration = LEXICAL_CALIBRATION if evidence.token_match is None else TOKEN_CALIBRATION
    return calibration.strength(evidence)


def refuse(retrieval: Retrieval, reason: RefusalReason) -> Refusal:
    """Make the refusal with the articles that may help."""
    near = tuple(hit for hit in retrieval.hits if hit.score > 0)
    return Refusal(reason, near[:NEAREST])
