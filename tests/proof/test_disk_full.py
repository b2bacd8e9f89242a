"""Disks really full, read-only or not ours; tests/proof/disturbed.py says what must hold."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from core.store import Store

from ..core.fakes import versioned, write_knowledge
from .builds import NEW, OLD, build, prepare, whole
from .disturbed import BUILT, KEPT, Record, judge, judged, report

PAGE = 4096
FREE_PAGES = (*range(0, 16, 2), *range(16, 154, 6))  # of 4 KiB
FREE_INODES = range(24)
ROOM = f"size={64 * 2**20},nr_inodes=10000"
NOBODY = 65534
MAY_ALL = "dac_override,-dac_read_search,-fowner"  # what sets root above permissions
PARTS = 12  # more sections in each page than the prepared index has

is_root = hasattr(os, "geteuid") and os.geteuid() == 0
needs_root = pytest.mark.skipif(not is_root, reason="only root may mount a small disk")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the pages of both versions and an index of the old one; copy it."""
    folder = tmp_path_factory.mktemp("base")
    prepare(folder)
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system in memory whose size can be changed; skip where that is forbidden."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", ROOM, "proof", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, timeout=20, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], timeout=20, check=True)


def remount(disk: Path, options: str) -> None:
    """Change a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], timeout=20, check=True)


@pytest.fixture(scope="module")
def more(base: Path) -> Path:
    """Give knowledge of the new version that needs several times the room of the old one."""
    pages = versioned(NEW)
    for name in pages:
        for part in range(PARTS):
            told = f"Part {part} of {name} tells of step {part} in {NEW}."
            pages[name] += f"\n## Part {part}\n\n{told}\n"
    return write_knowledge(base / "more", pages)


@needs_root
class TestFull:
    def test_with_little_room(
        self, base: Path, more: Path, disk: Path, record_property: Record
    ) -> None:
        """Build what needs more than what was there, so that it begins and then finds no room."""
        ends = []
        for pages in FREE_PAGES:
            index = fresh_copy(base, disk)
            status = os.statvfs(disk)
            remount(disk, f"size={(status.f_blocks - status.f_bfree + pages) * PAGE}")
            end = judged(f"{pages} free pages", partial(attempt, more, disk, index))
            ends.append((f"{pages:3} free pages", end))
        report(record_property, "sizes", ends)
        assert len(ends) >= 30
        assert (ends[0][1], ends[-1][1]) == (KEPT, BUILT)

    def test_with_few_inodes(self, base: Path, disk: Path, record_property: Record) -> None:
        ends = []
        for inodes in FREE_INODES:
            index = fresh_copy(base, disk)
            status = os.statvfs(disk)
            remount(disk, f"nr_inodes={status.f_files - status.f_ffree + inodes}")
            end = judged(f"{inodes} free inodes", partial(attempt, base / NEW, disk, index))
            ends.append((f"{inodes:3} free inodes", end))
        report(record_property, "numbers of inodes", ends)
        assert (ends[0][1], ends[-1][1]) == (KEPT, BUILT)


def fresh_copy(base: Path, disk: Path) -> Path:
    """Put the prepared index on a disk that has room again."""
    remount(disk, ROOM)
    shutil.rmtree(disk / "index", ignore_errors=True)
    return Path(shutil.copytree(base / "index", disk / "index"))


def attempt(new: Path, disk: Path, index: Path) -> str:
    """Build on a small disk, give it room again and check the invariant."""
    ended = build(new, index)
    if ended.returncode:
        assert whole(Store(index)) == OLD, "a full disk shows before the commit point"
        assert re.search(r"[Ff]ree .*\d+ MB", ended.stderr), ended.stderr
    remount(disk, ROOM)
    return judge(index, new, ended.returncode, ended.stderr)


@needs_root
def test_read_only(base: Path, disk: Path, record_property: Record) -> None:
    index = fresh_copy(base, disk)
    remount(disk, "ro")
    ended = build(base / NEW, index)
    assert whole(Store(index)) == OLD
    remount(disk, "rw")
    assert "Read-only file system" in ended.stderr
    end = judge(index, base / NEW, ended.returncode, ended.stderr)
    report(record_property, "read-only disks", [("read-only", end)])
    assert end == KEPT


@needs_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed (util-linux)")
@pytest.mark.parametrize("locked", [".", "generations", "cache", "everything"])
def test_not_ours(base: Path, tmp_path: Path, record_property: Record, locked: str) -> None:
    index = Path(shutil.copytree(base / "index", tmp_path / "index"))
    for path in index.rglob("*") if locked == "everything" else [index / locked]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.chown(path, NOBODY, NOBODY)
    ended = build(base / NEW, index, prefix=["setpriv", f"--bounding-set=-{MAY_ALL}"])
    end = judge(index, base / NEW, ended.returncode, ended.stderr)
    report(record_property, "folders of another user", [(locked, end)])
    assert end == (BUILT if locked == "cache" else KEPT)
    assert (end == KEPT) == ("Permission denied" in ended.stderr)
