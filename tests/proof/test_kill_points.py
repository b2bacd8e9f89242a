"""A builder killed before each call that changes the disk, and at random: old or new, whole."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from core.build_state import BuildOutcome, read_state
from core.store import Store

from ..core.fakes import hear, running
from .builds import NEW, OLD, build, build_here, lock_is_free, prepare, recovers, whole
from .disturbed import Record, judged, report
from .strace import MUTATING, kills_before_the_call, needs_strace, trace

WORKERS = 2
KILLS = 300
SPARE = 8  # how often the state is written is up to the clock


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the pages of both versions and an index of the old one; copy it."""
    folder = tmp_path_factory.mktemp("base")
    prepare(folder)
    return folder


def check(index: Path, new: Path) -> str:
    """Check what a killed build left: old or new, and that the next one works; says which."""
    found = whole(Store(index))
    assert found in (OLD, NEW)
    state = read_state(index)
    assert state is None or state.outcome is not BuildOutcome.RUNNING, state
    assert int(recovers(index, new, NEW)) >= 4
    assert not list(index.glob("quarantine/*")), "a whole generation was put aside"
    return found


@needs_strace
class TestBeforeEachCall:
    def test_the_kill_comes_before_the_call(self, tmp_path: Path) -> None:
        assert kills_before_the_call(tmp_path)

    def test_that_changes_the_disk(
        self, base: Path, tmp_path: Path, record_property: Record
    ) -> None:
        untouched = trace(base / NEW, copy(base, tmp_path / "untouched"))
        assert (untouched.status, untouched.struck) == (0, None), untouched.stderr
        names = sorted({call.name for call in untouched.calls}, key=MUTATING.index)

        def kill_at_each(name: str) -> list[tuple[str, str]]:
            """Kill at the first call of this name, at the second, … until a build survives."""
            seen: list[tuple[str, str]] = []
            while True:
                where = f"{name}:signal=KILL:when={len(seen) + 1}"
                index = copy(base, tmp_path / f"{name}-{len(seen) + 1}")
                traced = trace(base / NEW, index, inject=where)
                if traced.struck is None:
                    assert traced.status == 0, traced.stderr
                    return seen
                assert traced.status == -signal.SIGKILL, where
                end = judged(traced.struck, partial(check, index, base / NEW))
                seen.append((name, end))
                shutil.rmtree(index)

        with ThreadPoolExecutor(WORKERS) as pool:
            points = [point for found in pool.map(kill_at_each, names) for point in found]
        report(record_property, "kill points", points)
        changes = [call for call in untouched.calls if str(base.parent) in call.arguments]
        assert len(points) >= len(untouched.calls) - SPARE, names
        assert len(changes) > 40  # 7 files, 2 renames, 1 pruned generation, 2 embeddings
        assert {found for _, found in points} == {OLD, NEW}

    def test_that_opens_a_file_for_writing(
        self, base: Path, tmp_path: Path, record_property: Record
    ) -> None:
        points: list[tuple[str, str]] = []
        while True:
            step = len(points) + 1
            index = copy(base, tmp_path / f"step-{step}")
            ended = build(base / NEW, index, step=step)
            if ended.returncode == 0:
                break
            assert ended.returncode == -signal.SIGKILL, ended.stderr
            points.append(("open", judged(step, partial(check, index, base / NEW))))
        report(record_property, "openings", points)
        assert len(points) >= 11  # guard, record, 6 files, meta.json, CURRENT, 2 embeddings


def test_at_random_moments(base: Path, tmp_path: Path, record_property: Record) -> None:
    choice = random.Random(3)
    store = Store(copy(base, tmp_path / "index"))
    versions = [base / OLD, base / NEW]
    seconds = seconds_of_a_build(versions, store.folder)
    seen: Counter[str] = Counter()
    for _ in range(KILLS):
        published = int(store.live())
        with running(build_until_killed, store.folder, versions) as (process, pipe):
            assert hear(pipe) == "ready"
            time.sleep(choice.uniform(0.0, 2.2 * seconds))  # into the first build or the second
            process.kill()
            process.join(20)
            while pipe.poll():
                with suppress(EOFError):
                    published = int(hear(pipe))
                    continue
                break
        assert lock_is_free(store.folder)
        seen[whole(store)] += 1
        assert int(store.live()) >= published
        recovers(store.folder, base / OLD, OLD)
    record_property("kills at random", dict(seen))
    print(f"\n{KILLS} kills at random: {dict(seen)} served after them")
    assert min(seen[OLD], seen[NEW]) > KILLS // 20


def seconds_of_a_build(versions: list[Path], folder: Path) -> float:
    """Give how long a build takes here and now."""
    started = time.monotonic()
    for knowledge in (*reversed(versions), versions[1], versions[0]):
        build_here(knowledge, folder)
    return (time.monotonic() - started) / 4


def build_until_killed(pipe: Connection, folder: Path, versions: list[Path]) -> None:
    """Say so when ready, then publish the new version and the old one in turn, with numbers."""
    pipe.send("ready")
    while True:
        for knowledge in reversed(versions):
            pipe.send(build_here(knowledge, folder))


def copy(base: Path, target: Path) -> Path:
    """Copy the prepared index."""
    return Path(shutil.copytree(base / "index", target))
