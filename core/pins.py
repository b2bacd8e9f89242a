"""Pins: what is being read is not deleted, whichever process reads.

A reader holds a shared lock of the kernel on one file of what it reads; whoever wants to move or
delete that asks for the exclusive lock and goes without when it is busy. The kernel drops the locks
of a process that dies. Where there are no such locks (Windows, untested; some network file systems)
nothing is pinned: Windows itself refuses to move a folder with open files, and a reader elsewhere
notices by its checksums that files are gone.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_BUSY = (errno.EWOULDBLOCK, errno.EACCES)
_NEVER_WAIT = getattr(os, "O_NONBLOCK", 0)  # for the other end of a FIFO
# NFS gives an exclusive lock only to who may write; a folder and another user's file are read only.
_MODES = (os.O_RDWR | _NEVER_WAIT, os.O_RDONLY | _NEVER_WAIT)


class Vanished(Exception):
    """Raised when what was to be pinned is being removed, or was just now."""


@contextmanager
def pinned(path: Path) -> Iterator[None]:
    """Keep a file from being removed; raises Vanished when that came first, and OSError."""
    if fcntl is None:
        os.stat(path)  # a folder cannot be opened there
        yield
        return
    descriptor = os.open(path, _MODES[-1])
    try:
        if not _lock(descriptor, shared=True) or not _is_still_named(path, descriptor):
            raise Vanished("it is being removed")
        yield
    finally:
        os.close(descriptor)


@contextmanager
def unpinned(path: Path) -> Iterator[bool]:
    """Say whether nobody has pinned a file, and keep it so; one that cannot be opened is free."""
    descriptor = _open_to_move(path)
    if descriptor is None:
        yield True
        return
    try:
        yield _lock(descriptor, shared=False)
    finally:
        os.close(descriptor)


def _open_to_move(path: Path) -> int | None:
    if fcntl is None:
        return None  # Windows would not move a folder in which we have a file open
    for mode in _MODES:
        with suppress(OSError):
            return os.open(path, mode)
    return None


def _lock(descriptor: int, *, shared: bool) -> bool:
    """Say whether the lock was had; a system without such locks gives it to everyone."""
    if fcntl is None:
        return True
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _BUSY
    return True


def _is_still_named(path: Path, descriptor: int) -> bool:
    """Say whether the path still names the open file; it may have gone before the lock was had."""
    try:
        named, held = os.stat(path), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)
