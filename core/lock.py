"""One builder at a time: a kernel lock decides, a readable record tells operators who builds.

.build.lock.guard   locked by the kernel (flock, LockFileEx) for the whole build; never deleted
.build.lock         JSON record of the holder, created O_EXCL and removed while the guard is held

The kernel drops the guard when its holder dies, however it dies, so there is no stale lock to take
over: a record found while holding the guard is a leftover and is cleared.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from .build_record import BuildRecord
from .errors import LockTimeout

GUARD_NAME = ".build.lock.guard"
RECORD_NAME = ".build.lock"


class BuildLock:
    """A held lock; assert_held() before the act that only one may do."""

    def __init__(self, descriptor: int, folder: Path) -> None:
        self._descriptor = descriptor
        self._folder = folder

    def assert_held(self) -> None:
        """Raise LockTimeout when the guard file was removed or replaced under us."""
        try:
            named = os.stat(self._folder / GUARD_NAME)
            held = os.fstat(self._descriptor)
        except OSError as error:
            raise LockTimeout(f"The build lock was removed during the build: {error}.") from error
        if os.name != "nt" and (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino):
            raise LockTimeout("The build lock was replaced during the build; nothing is published.")


@contextmanager
def build_lock(folder: Path, *, timeout_seconds: float, purpose: str) -> Iterator[BuildLock]:
    """Hold the lock of an index folder; raises LockTimeout naming the holder after the time-out."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptors: list[int] = []
    guard = FileLock(
        folder / GUARD_NAME,
        fallback_to_soft=False,  # a lock that the kernel does not hold is no lock
        preserve_lock_file=True,
        on_acquired=descriptors.append,
    )
    deadline = time.monotonic() + timeout_seconds
    try:
        guard.acquire(timeout=timeout_seconds, poll_interval=0.05)
    except Timeout as error:
        raise LockTimeout(_held_message(folder, timeout_seconds)) from error
    try:
        _write_record(folder, purpose, deadline)  # when it raises, the record is someone else's
        try:
            yield BuildLock(descriptors[-1], folder)
        finally:
            with suppress(FileNotFoundError):
                (folder / RECORD_NAME).unlink()
    finally:
        guard.release()


def read_record(folder: Path) -> BuildRecord | None:
    """Read who builds, or None; for display only, the guard decides."""
    try:
        raw = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
        return BuildRecord(
            pid=int(raw["pid"]),
            start=float(raw["start"]),
            host=str(raw["host"]),
            since=str(raw["since"]),
            purpose=str(raw["purpose"]),
        )
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return None


def _write_record(folder: Path, purpose: str, deadline: float) -> None:
    record = BuildRecord.of_this_process(purpose)
    path = folder / RECORD_NAME
    while True:
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            _clear_leftover(folder, deadline)
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(record), file)
        return


def _clear_leftover(folder: Path, deadline: float) -> None:
    """Remove the record of a dead builder; we hold the guard.

    A live owner means that someone deleted the guard file under it: wait for it, within the bound.
    """
    owner = read_record(folder)
    if owner is not None and owner.pid != os.getpid() and owner.is_alive():
        if time.monotonic() >= deadline:
            raise LockTimeout(f"A build is running: {owner}. Wait for it or stop it.")
        time.sleep(0.05)
        return
    with suppress(FileNotFoundError):
        (folder / RECORD_NAME).unlink()


def _held_message(folder: Path, timeout_seconds: float) -> str:
    owner = read_record(folder)
    who = str(owner) if owner is not None else "another process"
    return (
        f"A build of {folder} is running: {who}. Waited {timeout_seconds:g} s. "
        "[hint: try again later or increase BUILD_LOCK_TIMEOUT]"
    )
