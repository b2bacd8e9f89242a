"""A builder whose power is cut before a step, or whose syncs do nothing; runs in a child process.

A step is what changes a disk or orders its changes: opening a file for writing, a write, a sync, a
new or removed name, a rename. Opening and names are seen by an audit hook; writes and syncs have no
audit events, so os.write and os.fsync are wrapped in this process, which does nothing but build.
hnswlib writes by itself, unseen; the sync of its file is a step again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Callable
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from core.lock import build_lock
from core.rebuild import rebuild
from core.store import Store

from ..core.fakes import WRITING, request
from .disks import cut_power

NAMES = ("os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.truncate")


class Fault(StrEnum):
    """What the builder's disk does not do."""

    NONE = "every sync works"
    FILES = "no file is synced"
    FOLDERS = "no folder is synced"
    ALL = "nothing is synced"


def build_and_lose_power(
    pipe: Connection, knowledge: Path, index: Path, disk: Path, step: int, fault: Fault
) -> None:
    """Build; power goes before the given step, counted from 1, or right after the report."""
    _ignore_syncs(fault)
    steps = _Steps(disk, step)
    steps.watch(str(index))
    asyncio.run(rebuild(request(knowledge, index, force=True)))
    pipe.send(steps.taken)
    lose_power(disk)


def roll_back_and_lose_power(
    pipe: Connection, _: Path, index: Path, disk: Path, step: int, fault: Fault
) -> None:
    """Roll back to the generation before the live one; power goes as above."""
    _ignore_syncs(fault)
    steps = _Steps(disk, step)
    steps.watch(str(index))
    with build_lock(index, timeout_seconds=5, purpose="a proof") as lock:
        Store(index).rollback(None, lock=lock)
    pipe.send(steps.taken)
    lose_power(disk)


def lose_power(disk: Path) -> None:
    """Cut the power and be gone: nothing more is tidied up."""
    cut_power(disk)
    os.kill(os.getpid(), signal.SIGKILL)


class _Steps:
    """Counts steps and cuts the power before one of them."""

    def __init__(self, disk: Path, last: int) -> None:
        self.taken: list[str] = []
        self._disk = disk
        self._last = last

    def watch(self, folder: str) -> None:
        """See every step from now on, for the rest of this process."""

        def audit(event: str, arguments: tuple[Any, ...]) -> None:
            if event == "open":
                path, _, flags = arguments
                if str(path).startswith(folder) and flags & WRITING:
                    self._take(f"open {path}")
            elif event in NAMES and str(arguments[0]).startswith(folder):
                self._take(f"{event} {arguments[0]}")

        def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
            def step(descriptor: int, *arguments: Any) -> Any:
                path = os.readlink(f"/proc/self/fd/{descriptor}")
                if path.startswith(folder):
                    self._take(f"{name} {path}")
                return call(descriptor, *arguments)

            return step

        sys.addaudithook(audit)
        os.write = counted("write", os.write)
        os.fsync = counted("fsync", os.fsync)
        os.fdatasync = counted("fdatasync", os.fdatasync)

    def _take(self, name: str) -> None:
        self.taken.append(name)
        if len(self.taken) == self._last:
            lose_power(self._disk)


def _ignore_syncs(fault: Fault) -> None:
    """Make the disk a liar for files, folders or both."""
    synced = os.fsync

    def sync(fd: Any) -> None:
        is_folder = stat.S_ISDIR(os.fstat(fd).st_mode)
        if fault is Fault.ALL or fault is (Fault.FOLDERS if is_folder else Fault.FILES):
            return
        synced(fd)

    if fault is not Fault.NONE:
        os.fsync = sync
        os.fdatasync = sync
