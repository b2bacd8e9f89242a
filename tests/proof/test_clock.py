"""Clocks that are thirty years off, that jump while a build waits, and that differ between two
processes: numbers rise, the newest is served, waits end in time, the living are held to be alive.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.rebuild import rebuild
from core.store import KEEP, Store

from ..core.fakes import request
from .build_one import LOCK_TIMEOUT
from .builds import NEW, OLD, ROOT, build, environment, knowledge_of, lock_is_free, whole
from .disturbed import Record

YEARS = 30
PAST, TODAY, FUTURE = f"-{YEARS}y", "+0", f"+{YEARS}y"
YEAR_SECONDS = 365 * 24 * 3600
WAIT_SECONDS = 2.0  # for the lock
SLACK_SECONDS = 6.0  # to start Python and to notice, on a busy machine
HOLD = """
import sys
from pathlib import Path
from core.build_state import state_written
from core.lock import build_lock
folder = Path(sys.argv[1])
with build_lock(folder, timeout_seconds=5, purpose="a proof of clocks"):
    with state_written(folder, purpose="a proof of clocks", started_by=""):
        print("held", flush=True)
        sys.stdin.read()
"""
LOOK = """
import json, sys, time
from pathlib import Path
from core.build_state import read_state
from core.lock import read_record
folder = Path(sys.argv[1])
record, state = read_record(folder), read_state(folder)
found = {"alive": record.is_alive(), "state": state.outcome, "record": str(record)}
print(json.dumps({**found, "now": time.time()}))
"""
# libfaketime 0.9.10 makes clock_nanosleep fail after a jump: sleep by select.
WAIT = """
import select, sys, time
from pathlib import Path
time.sleep = lambda seconds: select.select([], [], [], seconds)
from core.errors import LockTimeout
from core.lock import build_lock
print("waiting", flush=True)
try:
    with build_lock(Path(sys.argv[1]), timeout_seconds=float(sys.argv[2]), purpose="a proof"):
        print("entered")
except LockTimeout as error:
    print(error)
print(time.time())
"""

needs_faketime = pytest.mark.skipif(
    shutil.which("faketime") is None, reason="faketime is not installed (apt install faketime)"
)


def at(clock: str) -> list[str]:
    """Give the command that starts another with its clock so far off."""
    return ["faketime", "-f", clock]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Give an index of both versions, newest of the old one; the pages lie beside it."""
    for version in (NEW, OLD):
        assert not build(knowledge_of(tmp_path, version), tmp_path / "index").returncode
    return tmp_path / "index"


def ask(script: str, *arguments: str, prefix: Sequence[str] = ()) -> str:
    """Run a script of a few lines and give what it prints."""
    ended = subprocess.run(
        [*prefix, sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@contextmanager
def holding(index: Path, clock: str) -> Iterator[None]:
    """Have a process hold the build lock by a clock of its own."""
    process = subprocess.Popen(
        [*at(clock), sys.executable, "-c", HOLD, str(index)],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


@needs_faketime
class TestBuilds:
    def test_of_one_index_by_many_clocks(self, tmp_path: Path, record_property: Record) -> None:
        clocks = [TODAY, FUTURE, PAST, TODAY, PAST, FUTURE, PAST, PAST, FUTURE, TODAY]
        pages = {version: knowledge_of(tmp_path, version) for version in (OLD, NEW)}
        store = Store(tmp_path / "index")
        created = []
        for number, clock in enumerate(clocks, start=1):
            version = (OLD, NEW)[number % 2]
            ended = build(pages[version], store.folder, prefix=at(clock))
            assert ended.returncode == 0, (clock, ended.stderr)
            assert store.live() == f"{number:08d}"
            assert whole(store) == version
            expected = range(max(1, number - KEEP + 1), number + 1)
            assert store.numbers() == [f"{kept:08d}" for kept in expected]
            meta = store.meta()
            assert meta is not None
            created.append(int(meta["created"][:4]))
            if number > 2:
                assert meta["embeddings"]["computed"] == 0
        now = time.gmtime().tm_year
        offsets = {PAST: -YEARS, TODAY: 0, FUTURE: YEARS}
        assert all(
            abs(year - now - offsets[clock]) <= 1
            for year, clock in zip(created, clocks, strict=True)
        ), created
        record_property("years of creation", created)
        print(f"\n{len(clocks)} builds, made in {created}: numbers rise, the newest is served")

    @pytest.mark.parametrize("clock", [PAST, TODAY, FUTURE])
    def test_ages_are_told_sensibly(self, index: Path, clock: str) -> None:
        listed = subprocess.run(
            [*at(clock), sys.executable, "-m", "bot", "generations", "--index", str(index)],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert listed.returncode == 0, listed.stderr
        print(f"\n{clock}:\n{listed.stdout}")
        ages = dict(re.findall(r"(0000000\d) +(\S+ \S+)", listed.stdout))
        recent = "10950 days" if clock == FUTURE else "just now"  # so is what is yet to come
        assert ages.keys() == {"00000001", "00000002"}
        assert set(ages.values()) <= {recent, "1 minute"}

    def test_the_cache_keeps_what_is_in_use_whatever_its_dates(self, tmp_path: Path) -> None:
        pages = {version: knowledge_of(tmp_path, version) for version in (OLD, NEW)}
        index = tmp_path / "index"
        for version in (NEW, OLD):
            asyncio.run(rebuild(request(pages[version], index)))
        asyncio.run(rebuild(request(pages[NEW], tmp_path / "alone")))
        alone = list((tmp_path / "alone" / "cache").rglob("*.vec"))
        in_use, room = {entry.name for entry in alone}, sum(e.stat().st_size for e in alone)
        for entry in (index / "cache").rglob("*.vec"):
            offset = -1 if entry.name in in_use else 1
            when = time.time() + offset * YEARS * YEAR_SECONDS
            os.utime(entry, (when, when))
        report = asyncio.run(rebuild(request(pages[NEW], index, cache_max_bytes=room)))
        assert report.embeddings_computed == 0
        assert {entry.name for entry in (index / "cache").rglob("*.vec")} == in_use


@needs_faketime
class TestLock:
    @pytest.mark.parametrize(
        ("holder", "contender"),
        [(TODAY, PAST), (TODAY, FUTURE), (PAST, TODAY), (FUTURE, TODAY), (PAST, FUTURE)],
    )
    def test_a_contender_by_another_clock_waits_and_gives_up(
        self, index: Path, holder: str, contender: str, record_property: Record
    ) -> None:
        with holding(index, holder):
            started = time.monotonic()
            limit = {LOCK_TIMEOUT: str(WAIT_SECONDS)}
            ended = build(index.parent / NEW, index, prefix=at(contender), more=limit)
            seconds = time.monotonic() - started
            assert ended.returncode == 1, ended.stderr
            assert "for a proof of clocks" in ended.stderr
            assert "not running" not in ended.stderr
            assert WAIT_SECONDS <= seconds <= WAIT_SECONDS + SLACK_SECONDS
            assert whole(Store(index)) == OLD
            found = json.loads(ask(LOOK, str(index), prefix=at(contender)))
            assert (found["alive"], found["state"]) == (True, "running"), found
        record_property("seconds waited", round(seconds, 2))
        assert lock_is_free(index)
        assert build(index.parent / NEW, index, prefix=at(contender)).returncode == 0
        assert whole(Store(index)) == NEW

    @pytest.mark.parametrize("step", [PAST, FUTURE])
    def test_a_clock_that_jumps_during_the_wait(
        self, index: Path, tmp_path: Path, step: str, record_property: Record
    ) -> None:
        clock = tmp_path / "clock"
        clock.write_text("+0\n")
        with holding(index, TODAY), waiting(index, clock) as process:
            started = time.monotonic()
            time.sleep(WAIT_SECONDS / 4)
            replacement = tmp_path / "stepped"
            replacement.write_text(f"{step}\n")
            os.replace(replacement, clock)
            told, _ = process.communicate(timeout=30)
            seconds = time.monotonic() - started
        sentence, now = told.splitlines()
        assert "is running: process" in sentence
        years = (float(now) - time.time()) / YEAR_SECONDS
        assert abs(years) > YEARS - 1, "the clock did not jump"
        assert 0.9 * WAIT_SECONDS <= seconds <= WAIT_SECONDS + SLACK_SECONDS
        record_property("seconds waited", round(seconds, 2))

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("unshare") is None,
        reason="only root may show a process another time of the machine's start",
    )
    @pytest.mark.parametrize("years", [-YEARS, YEARS])
    def test_the_holder_lives_though_the_machine_seems_to_have_started_at_another_time(
        self, index: Path, tmp_path: Path, years: int
    ) -> None:
        """What a clock that is set does to the start times that psutil computes."""
        told = Path("/proc/stat").read_text()
        started = int(re.findall(r"^btime (\d+)$", told, re.M)[0])
        shown = tmp_path / "stat"
        shown.write_text(
            told.replace(f"btime {started}", f"btime {started + years * YEAR_SECONDS}")
        )
        mount = f'mount --bind "{shown}" /proc/stat && exec "$@"'
        prefix = ["unshare", "--mount", "sh", "-c", mount, "sh"]
        with holding(index, TODAY):
            found_there = json.loads(ask(LOOK, str(index), prefix=prefix))
        assert (found_there["alive"], found_there["state"]) == (True, "running"), found_there
        assert "not running" not in found_there["record"]


@contextmanager
def waiting(index: Path, clock: Path) -> Iterator[subprocess.Popen[str]]:
    """Have a process wait for the build lock by a clock that is read anew from a file."""
    library = subprocess.run(
        [*at(TODAY), "printenv", "LD_PRELOAD"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    off: Mapping[str, str] = {
        "LD_PRELOAD": library.stdout.strip(),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", WAIT, str(index), str(WAIT_SECONDS)],
        cwd=ROOT,
        env=environment(**off),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "waiting\n"
        yield process
    finally:
        process.kill()
        process.wait(20)
        process.stdout.close()
