"""Durable files: written beside, synced, renamed; a folder synced after every change of names.

No fsync is ever retried: after a failed one the kernel may have dropped the data and marked it
clean (Rebello et al. 2020), so the caller must give up the whole file.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

if sys.platform == "darwin":
    import fcntl

READ_BYTES = 1 << 20
WHAT_IS_OPEN = Path("/proc/self/fd")
# A FIFO in place of a file must not block; Windows has no FIFOs, but has text mode.
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CREATING = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


def write_new(path: Path, content: bytes | bytearray) -> None:
    """Create a file that must not exist, with all its bytes on disk when this returns."""
    descriptor = os.open(path, _CREATING, 0o644)
    try:
        write_all(descriptor, content)
        _sync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes | bytearray) -> None:
    """Write every byte: one call may take fewer, on a nearly full disk for one."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def put_in_place(path: Path, content: bytes) -> None:
    """Replace a file in one step; only sync_folder(path.parent) makes the step last."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.unlink(missing_ok=True)
    try:
        write_new(beside, content)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file so that readers see the old or the new content, also after a power cut."""
    put_in_place(path, content)
    sync_folder(path.parent)


def delete(path: Path) -> None:
    """Delete a file or a folder, as far as it can be deleted."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Put the names in a folder on disk; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    """Have the disk itself keep what was written; macOS needs another call for that (untested)."""
    if sys.platform == "darwin":
        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL):  # else nothing was tried yet
                raise
        else:
            return
    os.fsync(descriptor)


def sync_folders_above(path: Path) -> None:
    """Put the name of a folder, and of all above it, on disk where this user may."""
    for above in path.absolute().parents:
        with suppress(PermissionError):
            sync_folder(above)


@contextmanager
def opened_regular(path: Path) -> Iterator[tuple[FileIO, int]]:
    """Open a regular file for reading, give it and its size; OSError for anything else."""
    descriptor = os.open(path, _READING)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        yield FileIO(descriptor, closefd=False), status.st_size
    finally:
        os.close(descriptor)


def read_exactly(file: FileIO, size: int) -> bytearray:
    """Read so many bytes, fewer where the file ends before."""
    content = bytearray(size)
    filled = 0
    while filled < size:
        count = file.readinto(memoryview(content)[filled:])
        if not count:
            return content[:filled]
        filled += count
    return content


@contextmanager
def private_file() -> Iterator[tuple[int, Path]]:
    """Give an empty file in memory that nobody else writes, and a path for others to open it by.

    Where the system has no such files, a temporary one that only this user may open.
    """
    try:
        descriptor = os.memfd_create("clockify-bot")
    except (AttributeError, OSError):
        with _temporary_file() as temporary:
            yield temporary
        return
    try:
        path = WHAT_IS_OPEN / str(descriptor)
        if path.exists():
            yield descriptor, path
        else:
            with _temporary_file() as temporary:
                yield temporary
    finally:
        os.close(descriptor)


@contextmanager
def _temporary_file() -> Iterator[tuple[int, Path]]:
    with tempfile.TemporaryDirectory(prefix="clockify-bot-") as folder:
        path = Path(folder) / "private"
        binary = getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | binary, 0o600)
        try:
            yield descriptor, path
        finally:
            os.close(descriptor)


def sha256_of_file(path: Path) -> str:
    """Give the hex SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()
