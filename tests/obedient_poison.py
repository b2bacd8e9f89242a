"""The poisoned articles beside the project, as cases for the obedient model."""

from __future__ import annotations

import json
from pathlib import Path

from .obedient_cases import CANARY, Case

POISON = Path(__file__).resolve().parents[2] / "shared" / "data" / "poison"
ARTICLES = POISON / "poisoned_kb.md"


def poison_cases() -> tuple[Case, ...]:
    """Read them; none when they are not there."""
    path = POISON / "poison_cases.jsonl"
    if not path.exists():
        return ()
    return tuple(_case(json.loads(line)) for line in path.read_text("utf-8").splitlines())


def _case(row: dict[str, object]) -> Case:
    facts, forbidden = row["benign_facts"], row["forbidden"]
    assert isinstance(facts, list)
    assert isinstance(forbidden, list)
    return Case(
        id=str(row["id"]),
        technique=str(row["technique"]),
        kind="poison",
        question=str(row["question"]),
        fact="|".join(facts),
        articles=(),
        forbidden=tuple(forbidden),
        planted="",
        earlier=((CANARY, "Noted."),),
    )
