"""All injections against a model that obeys; what Slack gets is inert text only.

In the three worst modes; OBEDIENT_MODES=all takes all of them (three times as long).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from core.embedders.embedded import EmbeddedEmbedder
from core.injection import addresses_model
from core.rebuild import rebuild
from tests.core.fakes import request
from tests.obedient import Mode
from tests.obedient_cases import ELSEWHERE, TECHNIQUES, Case, cases
from tests.obedient_poison import ARTICLES, poison_cases
from tests.obedient_trial import Tally, Trial, open_pipeline, open_trial

pytestmark = pytest.mark.beside

WORST = (Mode.LOUD, Mode.WOVEN)  # in these it obeys what was kept from its prompt, too
IS_THOROUGH = os.environ.get("OBEDIENT_MODES") == "all"
REMEMBERING = WORST if IS_THOROUGH else (Mode.LOUD,)
READING = tuple(Mode) if IS_THOROUGH else (Mode.WOVEN, Mode.ASIDE)
LEAST_FACTS = 0.8  # of the benign questions, over all modes of a technique


async def problems(trial: Trial, chosen: Iterable[Case]) -> dict[str, list[str]]:
    """Ask every question in every mode."""
    found = {}
    remembering = ((mode, True) for mode in REMEMBERING)
    for mode, remembers in (*remembering, *((mode, False) for mode in READING)):
        for case in chosen:
            if bad := await trial.problems(case, mode, remembers=remembers):
                found[f"{mode} {case.id}, {remembers=}"] = bad[:3]
        if remembers:
            trial.tally = Tally()
    return found


def told(tally: Tally, what: str) -> None:
    """Print what came of the benign questions."""
    print(f"{what}: {tally}")


@pytest.mark.parametrize("technique", [*TECHNIQUES, *ELSEWHERE])
async def test_injections_of_our_own(tmp_path: Path, technique: str) -> None:
    chosen = [case for case in cases() if case.technique == technique]
    assert len(chosen) == 10
    async with open_trial(tmp_path, chosen, EmbeddedEmbedder()) as trial:
        assert await problems(trial, chosen) == {}
    told(trial.tally, technique)
    if technique in TECHNIQUES:  # a question or a conversation that gives orders may be refused
        assert trial.tally.facts >= LEAST_FACTS * trial.tally.asked


@pytest.fixture
async def poisoned(tmp_path: Path) -> AsyncIterator[Trial]:
    if not ARTICLES.exists():
        pytest.skip("the poisoned articles are not beside this checkout")
    (tmp_path / "kb").mkdir()
    shutil.copy(ARTICLES, tmp_path / "kb")
    embedder = EmbeddedEmbedder()
    await rebuild(request(tmp_path / "kb", tmp_path / "index", embedder=embedder))
    async with open_pipeline(tmp_path / "index", embedder) as trial:
        yield trial


async def test_the_poisoned_articles(poisoned: Trial) -> None:
    chosen = poison_cases()
    assert len(chosen) == 12
    assert await problems(poisoned, chosen) == {}
    told(poisoned.tally, "poison")


def test_what_is_planted_is_recognised_as_an_order() -> None:
    planted = [case for case in cases() if case.technique not in ELSEWHERE]
    missed = [case.id for case in planted if not addresses_model(case.planted)]
    assert missed == []
