"""The build lock in thousands of contested rounds with kills: never two inside, nobody stuck.

The referee is locked inside the critical section and knows nothing of the lock under test; it must
find overlaps of a lock that is known to fail, or its silence says nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from core.lock import GUARD_NAME, RECORD_NAME

from .contest import PATIENCE_SECONDS, Tally

ROOT = Path(__file__).parents[2]
PROCESSES = 4  # contests side by side, each in a folder of its own
ROUNDS = 2_000
ROUNDS_WITH_DELETIONS = 400
ROUNDS_OF_THE_EARLIER_LOCK = 200


def contest(folder: Path, lock: str, rounds: int, deleted: str = "") -> Tally:
    """Play the rounds and add up what the contests found."""
    running = []
    for number in range(PROCESSES):
        place = folder / str(number)
        place.mkdir()
        line = [str(place), lock, str(rounds // PROCESSES), str(number), deleted]
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.proof.contest", *line],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    tallies = []
    for process in running:
        said, _ = process.communicate()
        assert process.returncode == 0
        tallies.append(Tally(**json.loads(said)))
    sums = {
        field.name: sum(getattr(tally, field.name) for tally in tallies) for field in fields(Tally)
    }
    slowest = max(tally.slowest_newcomer_seconds for tally in tallies)
    return Tally(**{**sums, "slowest_newcomer_seconds": slowest})


def record(tally: Tally, record_property: Callable[[str, object], None], name: str) -> None:
    for field in fields(Tally):
        record_property(field.name, getattr(tally, field.name))
    print(f"{name}: {tally}")


def test_the_build_lock_never_lets_two_in(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    tally = contest(tmp_path, "kernel", ROUNDS)
    record(tally, record_property, "the build lock")
    assert tally.rounds == ROUNDS
    assert tally.kills >= 2 * ROUNDS
    assert tally.kills_inside >= ROUNDS / 2
    assert tally.entries >= 3 * ROUNDS
    assert tally.overlaps == 0
    assert tally.stuck == 0
    assert tally.slowest_newcomer_seconds <= PATIENCE_SECONDS


@pytest.mark.parametrize("deleted", [GUARD_NAME, RECORD_NAME], ids=["guard", "record"])
def test_deleting_a_file_of_the_lock_lets_nobody_in(
    tmp_path: Path, record_property: Callable[[str, object], None], deleted: str
) -> None:
    tally = contest(tmp_path, "kernel", ROUNDS_WITH_DELETIONS, deleted)
    record(tally, record_property, f"the build lock, with {deleted} deleted")
    assert tally.rounds == ROUNDS_WITH_DELETIONS
    assert tally.kills >= 2 * ROUNDS_WITH_DELETIONS
    assert tally.overlaps == 0
    assert tally.stuck == 0
    assert tally.slowest_newcomer_seconds <= PATIENCE_SECONDS


def test_the_referee_sees_two_in_an_earlier_lock(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    tally = contest(tmp_path, "earlier", ROUNDS_OF_THE_EARLIER_LOCK)
    record(tally, record_property, "an earlier lock")
    assert tally.rounds == ROUNDS_OF_THE_EARLIER_LOCK
    assert tally.overlaps >= 1
