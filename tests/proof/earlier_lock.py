"""A lock as an earlier command line had it: a file that exists is the lock, its text the holder.

Written for the contest, to show that its referee sees two builders at once: take-over judges by the
path and unlinks by the path, and between creating and writing the file is empty.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = ".build.lock"
POLL_SECONDS = 0.005


@contextmanager
def earlier_lock(folder: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Create the file, or take over a stale one; raises TimeoutError."""
    path = folder / NAME
    deadline = time.time() + timeout_seconds
    while not _create(path):
        if _is_stale(path):
            with suppress(OSError):
                path.unlink()
        elif time.time() >= deadline:
            raise TimeoutError(f"{path} is held.")
        else:
            time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            if int(path.read_text(encoding="utf-8")) == os.getpid():
                path.unlink()


def _create(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(str(os.getpid()))
    return True


def _is_stale(path: Path) -> bool:
    try:
        pid = int(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except ValueError:
        return True  # not a number: "corrupt"
    try:
        os.kill(pid, 0)
    except OSError:
        return True
    return False
