"""A disk that fails one call, or all of a kind, during a build; tests/proof/disturbed.py says what
must hold. The errors are made by strace, and by libfiu as a second tool of another kind.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from core.upkeep import TRASH

from .builds import NEW, build, prepare
from .disturbed import BUILT, KEPT, LIVE, Record, judge, judged, report
from .strace import Call, Traced, needs_strace, sites, trace

WORKERS = 2
EVERYWHERE = ("EIO", "ENOSPC")  # at every call
ONCE_A_SITE = ("EROFS", "EDQUOT", "EACCES")  # at the first call of each place in the program
FAILING = ("write", "writev", "fsync", "rename", "mkdir")  # on a disk that a build uses up
CLEARING = ("unlink", "unlinkat", "rmdir")
SYNCS = ("fsync", "fdatasync")
RENAMES = ("rename", "renameat", "renameat2")
OUTPUT = ("1<", "2<")  # standard output and error, by descriptor
EIO, ENOSPC = 5, 28
SPARE = 8  # how often the state is written is up to the clock
ROUNDS = 10

needs_libfiu = pytest.mark.skipif(
    shutil.which("fiu-run") is None, reason="fiu-run is not installed (apt install fiu-utils)"
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the pages of both versions and an index of the old one; copy it."""
    folder = tmp_path_factory.mktemp("base")
    prepare(folder)
    return folder


def copy(base: Path, target: Path) -> Path:
    """Copy the prepared index."""
    return Path(shutil.copytree(base / "index", target))


@needs_strace
class TestOneFailingCall:
    @pytest.mark.parametrize("error", [*EVERYWHERE, *ONCE_A_SITE])
    def test_of_each_kind(
        self, base: Path, tmp_path: Path, record_property: Record, error: str
    ) -> None:
        index = copy(base, tmp_path / "untouched")
        untouched = trace(base / NEW, index)
        assert (untouched.status, untouched.struck) == (0, None), untouched.stderr
        made: dict[str, list[str]] = {}
        for call, site in zip(untouched.calls, sites(untouched.calls, index), strict=True):
            made.setdefault(call.name, []).append(site)

        def fail_each(name: str) -> list[tuple[str, str]]:
            """Fail the first call of this name, the second, … until a build is untouched."""
            ends: list[tuple[str, str]] = []
            for n in count(1):
                if error in ONCE_A_SITE and is_repeated(made[name], n):
                    continue
                index = copy(base, tmp_path / f"{name}-{n}")
                traced = trace(base / NEW, index, inject=f"{name}:error={error}:when={n}")
                if traced.struck is None:
                    assert traced.status == 0, traced.stderr
                    break
                end = judged(traced.struck, partial(end_of, traced, index, base / NEW))
                ends.append((name, end))
                shutil.rmtree(index)
            return ends

        with ThreadPoolExecutor(WORKERS) as pool:
            ends = [end for found in pool.map(fail_each, made) for end in found]
        report(record_property, f"calls failed with {error}", ends)
        assert set(made) >= {*FAILING, *CLEARING}
        assert {end for _, end in ends} == {BUILT, KEPT, LIVE}
        if error in EVERYWHERE:
            assert len(ends) >= len(untouched.calls) - SPARE
        assert all(end == BUILT for name, end in ends if name in ("unlinkat", "rmdir"))


def is_repeated(made: Sequence[str], n: int) -> bool:
    """Say whether the n-th call, counted from 1, is of a site that was there before."""
    return n <= len(made) and made[n - 1] in made[: n - 1]


def end_of(traced: Traced, index: Path, new: Path) -> str:
    """Check the invariant, and that a file is given up when it could not be synced."""
    struck = traced.struck
    assert struck is not None
    if struck.arguments.startswith(OUTPUT):
        return judge(index, new, traced.status, traced.stderr, is_heard=False)
    if struck.name in SYNCS:
        assert_given_up(struck, traced.calls)
        assert traced.status or struck.path != str(index), "nobody is told that CURRENT may be lost"
    return judge(index, new, traced.status, traced.stderr)


def assert_given_up(failed: Call, calls: tuple[Call, ...]) -> None:
    """Check that what could not be synced is not synced again, put in place or made live."""
    after = calls[calls.index(failed) + 1 :]
    again = [call for call in after if call.name in SYNCS and call.path == failed.path]
    assert not again, again
    renames = [call for call in after if call.name in RENAMES]
    kept = [c for c in renames if failed.path.startswith(c.path) and TRASH not in c.arguments]
    assert not kept, kept
    assert not [call for call in renames if call.arguments.endswith('/CURRENT"')], renames


@needs_libfiu
class TestAllOfAKind:
    @pytest.mark.parametrize("number", [EIO, ENOSPC])
    @pytest.mark.parametrize(
        "point", ["sync/fsync", "rw/write", "rw/writev", "dir/rename", "dir/mkdir", "dir/unlink"]
    )
    def test_fails(
        self, base: Path, tmp_path: Path, record_property: Record, point: str, number: int
    ) -> None:
        index = copy(base, tmp_path / "index")
        status, told = build_with(base / NEW, index, f"enable name=posix/io/{point}", number)
        end = judge(index, base / NEW, status, told, is_heard=point != "rw/write")
        report(record_property, f"kinds failed with {number}", [(point, end)])
        assert end == (BUILT if point == "dir/mkdir" else KEPT)

    @pytest.mark.parametrize("point", ["sync/fsync", "rw/write", "dir/rename", "dir/unlink"])
    def test_fails_now_and_then(
        self, base: Path, tmp_path: Path, record_property: Record, point: str
    ) -> None:
        ends: list[tuple[str, str]] = []
        order = f"enable_random name=posix/io/{point},probability=0.1"
        for turn in range(ROUNDS):
            index = copy(base, tmp_path / f"index-{turn}")
            status, told = build_with(base / NEW, index, order, EIO)
            is_heard = point != "rw/write"
            end = judged(told, partial(judge, index, base / NEW, status, told, is_heard=is_heard))
            ends.append((point, end))
        report(record_property, "builds on a flaky disk", ends)

    def test_writes_less_than_it_was_given(self, base: Path, tmp_path: Path) -> None:
        index = copy(base, tmp_path / "index")
        order = "enable_random name=posix/io/rw/write/reduce,probability=0.5"
        status, told = build_with(base / NEW, index, order, 0)
        assert status == 0, told
        assert judge(index, base / NEW, status, told) == BUILT


def build_with(knowledge: Path, index: Path, order: str, number: int) -> tuple[int, str]:
    """Build under libfiu with one order of its remote control; gives status and standard error."""
    prefix = ["fiu-run", "-x", "-f", "", "-c", f"{order},failinfo={number}"]
    ended = build(knowledge, index, prefix=prefix)
    return ended.returncode, ended.stderr
