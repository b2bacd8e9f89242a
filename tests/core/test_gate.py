"""The gate: more evidence is stronger, strangers weaken it, and a refusal names what is near."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.config import Config
from core.evidence import Evidence
from core.gate import LEXICAL_CALIBRATION, TOKEN_CALIBRATION, Calibration, refuse, strength
from core.retrieval import Retrieval
from core.types import Chunk, Hit, RefusalReason

STRONG = Evidence(token_match=0.95, coverage=1.0, unknown_terms=0, unknown_names=0)
WEAK = Evidence(token_match=0.2, coverage=0.0, unknown_terms=0, unknown_names=2)
LEXICAL_STRONG, LEXICAL_WEAK = replace(STRONG, token_match=None), replace(WEAK, token_match=None)
THRESHOLD = Config().threshold


def hits(count: int) -> tuple[Hit, ...]:
    chunks = [Chunk(f"a{n}#x.1", f"a{n}", "T", (), "text", None, 0, 4) for n in range(count)]
    return tuple(Hit(chunk, 1 - n / 10, 1.0, 0.5, n) for n, chunk in enumerate(chunks))


def test_the_formula() -> None:
    calibration = Calibration(-1.0, 2.0, 3.0, 0.5, -4.0)
    evidence = Evidence(token_match=0.5, coverage=0.25, unknown_terms=2, unknown_names=1)
    # -1 + 2·0.5 + 3·0.25 + 0.5·2 - 4·1 = -2.25
    assert calibration.strength(evidence) == pytest.approx(0.0953495, abs=1e-7)
    assert Calibration(0, 0, 0, 0, 0).strength(evidence) == 0.5


@pytest.mark.parametrize(
    ("strong", "weak"),
    [(STRONG, WEAK), (LEXICAL_STRONG, LEXICAL_WEAK)],
    ids=["with token vectors", "words only"],
)
def test_the_default_threshold_lies_between(strong: Evidence, weak: Evidence) -> None:
    assert 0 < strength(weak) < THRESHOLD < strength(strong) < 1


@pytest.mark.parametrize("base", [STRONG, LEXICAL_STRONG], ids=["with token vectors", "words only"])
class TestEachReading:
    def test_coverage_strengthens(self, base: Evidence) -> None:
        values = [strength(replace(base, coverage=c / 10)) for c in range(11)]
        assert values == sorted(set(values))

    def test_strange_names_weaken(self, base: Evidence) -> None:
        values = [strength(replace(base, unknown_names=n)) for n in (2, 1, 0)]
        assert values == sorted(set(values))


def test_token_match_strengthens() -> None:
    values = [strength(replace(STRONG, token_match=m / 10)) for m in range(11)]
    assert values == sorted(set(values))


def test_each_calibration_belongs_to_its_readings() -> None:
    assert strength(STRONG) == TOKEN_CALIBRATION.strength(STRONG)
    assert strength(LEXICAL_STRONG) == LEXICAL_CALIBRATION.strength(LEXICAL_STRONG)
    assert strength(replace(STRONG, token_match=0.0)) == TOKEN_CALIBRATION.strength(
        replace(STRONG, token_match=0.0)
    )


@pytest.mark.parametrize("count", [0, 1, 3, 8])
@pytest.mark.parametrize("reason", RefusalReason)
def test_a_refusal_names_at_most_three_articles_best_first(
    count: int, reason: RefusalReason
) -> None:
    found = hits(count)
    refusal = refuse(Retrieval("text", (), (), found, found), reason)
    assert refusal.reason is reason
    assert refusal.nearest == found[:3]
