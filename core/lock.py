"""One builder at a time: the kernel decides, a readable record tells operators who builds.

.build.lock.guard   locked by the kernel (flock, LockFileEx) for the whole build; never deleted
.build.lock         JSON record of the holder; locked too, and removed while both are held

The kernel drops a lock when its holder dies, however it dies, so nothing here is stale for longer
than its holder lives and no code takes over. Who enters, in this order, within one time-out:

1. Lock the guard. It knows neither pids nor hosts nor users nor PID namespaces.
2. Lock the record. A dead builder's record is not locked, whatever is in it: empty, malformed, of
   another host, of a pid that another process has now. It is written anew, at once. A locked one
   means that an operator deleted the guard under a live builder: wait for that builder.
3. The guard's name must still lead to what is locked, or else begin again: an operator's rm
   splits those who wait from those who come.

So deleting either file during a build lets nobody in; only deleting both does, and assert_held()
then stops the first builder before it publishes. Two builders at once would still publish whole
generations (core/store.py).

A forked child gives up its parent's locks when it is forked and cannot remove the record (filelock
closes its copies, with no LOCK_UN); an executed child inherits no descriptor. Windows: no name of a
locked file can be removed, and a locked file cannot be read, so the record is not locked there; not
tested.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from .build_record import BuildRecord
from .errors import LockTimeout, SettingsError

GUARD_NAME = ".build.lock.guard"
RECORD_NAME = ".build.lock"
POLL_SECONDS = 0.01
MAX_RECORD_BYTES = 64 * 1024
NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK)


class _LockedFile:
    """A file that this process locks by its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._lock = FileLock(
            path,
            mode=stat.S_IMODE(path.parent.stat().st_mode) & 0o666,  # who may build may lock
            thread_local=False,
            fallback_to_soft=False,  # a lock that the kernel does not hold is no lock
            preserve_lock_file=True,
            on_acquired=self._keep,
        )

    def acquire(self, deadline: float) -> None:
        """Wait for the lock until the deadline of the monotonic clock; raises filelock's Timeout.

        Raises SettingsError where something else has the name, or the file system has no locks.
        """
        _check_is_file(self._path)
        left_seconds = max(0.0, deadline - time.monotonic())
        try:
            self._lock.acquire(timeout=left_seconds, poll_interval=POLL_SECONDS)
        except Timeout:
            raise  # an OSError as well
        except PermissionError as error:
            if not self._path.exists():
                raise  # it is the folder that may not be written
            raise SettingsError(
                f"{self._path} belongs to another user ({error.strerror}), so builds cannot be "
                "kept apart. [hint: give it to this user (chown) while nothing builds]"
            ) from error
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            raise SettingsError(
                f"INDEX is {self._path.parent}, on a file system without locks "
                f"({error.strerror}), so that nothing would keep two builds apart. "
                "Choose a folder on a local disk."
            ) from error

    def is_held(self) -> bool:
        """Say whether this process has the lock: not after release, not in a forked child."""
        return self._lock.is_locked

    def is_named(self) -> bool:
        """Say whether the name still leads to the locked file; raises FileNotFoundError."""
        held, named = os.fstat(self._descriptor), os.lstat(self._path)
        return os.name == "nt" or os.path.samestat(held, named)

    def release(self) -> None:
        """Let the next one in; the file stays."""
        self._lock.release()

    def remove(self) -> None:
        """Let the next one in, without the file when it is still ours."""
        if self.is_held():
            with suppress(OSError):  # what stays is not locked and stops nobody
                if self.is_named():
                    self._path.unlink()
        self.release()

    def _keep(self, descriptor: int) -> None:
        self._descriptor = descriptor


class BuildLock:
    """A held lock; assert_held() before the act that only one may do."""

    def __init__(self, guard: _LockedFile) -> None:
        self._guard = guard

    def assert_held(self) -> None:
        """Raise LockTimeout when this process has no lock, or its guard file was taken away."""
        if not self._guard.is_held():
            raise LockTimeout("This process does not hold the build lock; nothing is published.")
        try:
            is_named = self._guard.is_named()
        except OSError as error:
            raise LockTimeout(f"The build lock was removed during the build: {error}.") from error
        if not is_named:
            raise LockTimeout("The build lock was replaced during the build; nothing is published.")


@contextmanager
def build_lock(folder: Path, *, timeout_seconds: float, purpose: str) -> Iterator[BuildLock]:
    """Hold the lock of an index folder; raises LockTimeout naming the holder after the time-out.

    Raises SettingsError for a file system without locks, and OSError unchanged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            guard = _enter(folder, time.monotonic() + timeout_seconds, held)
        except Timeout as error:
            raise LockTimeout(_held_message(folder, timeout_seconds)) from error
        record = json.dumps(asdict(BuildRecord.of_this_process(purpose)))
        (folder / RECORD_NAME).write_text(record, encoding="utf-8")
        yield BuildLock(guard)


def is_locked(folder: Path) -> bool:
    """Say whether a build holds the lock now, on whatever host or in whatever container it runs.

    The look takes the lock for an instant, which a builder that comes then waits for.
    """
    if not (folder / GUARD_NAME).is_file():
        return False
    guard = _LockedFile(folder / GUARD_NAME)
    try:
        guard.acquire(time.monotonic())
    except (Timeout, SettingsError):
        return True
    guard.release()
    return False


def read_record(folder: Path) -> BuildRecord | None:
    """Read who builds, or None; for display only, the kernel decides."""
    try:
        raw = json.loads(_read_file(folder / RECORD_NAME))
        return BuildRecord(
            pid=int(raw["pid"]),
            start=float(raw["start"]),
            host=str(raw["host"]),
            since=str(raw["since"]),
            purpose=str(raw["purpose"]),
            start_token=str(raw.get("start_token", "")),
            pid_namespace=str(raw.get("pid_namespace", "")),
        )
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _enter(folder: Path, deadline: float, held: ExitStack) -> _LockedFile:
    """Lock the guard that has the name now, and the record; held releases them."""
    while True:
        with ExitStack() as attempt:
            guard = _LockedFile(folder / GUARD_NAME)
            guard.acquire(deadline)
            attempt.callback(guard.release)
            if os.name == "nt":
                attempt.callback((folder / RECORD_NAME).unlink, missing_ok=True)
            else:
                record = _LockedFile(folder / RECORD_NAME)
                record.acquire(deadline)
                attempt.callback(record.remove)
            with suppress(FileNotFoundError):
                if guard.is_named():
                    held.push(attempt.pop_all())
                    return guard
        if time.monotonic() >= deadline:
            raise Timeout(str(folder / GUARD_NAME))


def _check_is_file(path: Path) -> None:
    try:
        is_file = stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_file:
        raise SettingsError(f"{path} is not a file, so no build can be locked. Remove it.")


def _read_file(path: Path) -> bytes:
    """Read a small regular file; nothing here may wait for the other end of a pipe."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(path, flags), "rb") as file:
        return file.read(MAX_RECORD_BYTES)


def _held_message(folder: Path, timeout_seconds: float) -> str:
    owner = read_record(folder)
    who = str(owner) if owner is not None else "another process"
    return (
        f"A build of {folder} is running: {who}. Waited {timeout_seconds:g} s. "
        "[hint: try again later or increase BUILD_LOCK_TIMEOUT]"
    )
