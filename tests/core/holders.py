"""Builders that hold the lock in processes of their own: with children, as others, in containers.

What runs in a fresh process gets its end of a pipe first (tests.core.fakes.running).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from core.build_record import BuildRecord
from core.errors import LockTimeout
from core.lock import RECORD_NAME, build_lock

ROOT = Path(__file__).parents[2]
NOBODY = 65534
HOLD = """
import sys
from pathlib import Path
from core.errors import BotError
from core.lock import build_lock

try:
    with build_lock(Path(sys.argv[1]), timeout_seconds=float(sys.argv[2]), purpose="a container"):
        print("inside", flush=True)
        sys.stdin.read()
except BotError as error:
    print(f"{type(error).__name__}: {error}", flush=True)
"""
AT_ONCE_SECONDS = 2.0  # far below any time-out used here
IN_CONTAINER = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def hold_and_fork(pipe: Connection, folder: Path) -> None:
    """Hold the lock, fork a child that stays, and be killed; sends the child's pid."""
    with build_lock(folder, timeout_seconds=10, purpose="a parent"):
        child = os.fork()
        if child == 0:
            signal.pause()
        pipe.send(child)
        os.kill(os.getpid(), signal.SIGKILL)


def hold_and_execute(pipe: Connection, folder: Path) -> None:
    """Hold the lock, start a program that stays, and be killed; sends the program's pid."""
    with build_lock(folder, timeout_seconds=10, purpose="a parent"):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
        pipe.send(child.pid)
        os.kill(os.getpid(), signal.SIGKILL)


def hold_and_leave_in_child(pipe: Connection, folder: Path) -> None:
    """Hold the lock and let a forked child leave first; sends what the child could assert."""
    builder = os.getpid()
    told = ""
    with build_lock(folder, timeout_seconds=10, purpose="a parent") as lock:
        if os.fork() == 0:
            try:
                lock.assert_held()
            except LockTimeout as error:
                told = str(error)
            for _ in range(2):  # the numbers of the closed descriptors lead to the record now
                os.open(folder / RECORD_NAME, os.O_RDONLY)
        else:
            os.wait()
            lock.assert_held()
            pipe.recv()
    if os.getpid() != builder:
        pipe.send(told)
        os._exit(0)


def contend_as(pipe: Connection, folder: Path, user: int) -> None:
    """Try to enter as another user; sends what it was told, then holds until told to stop."""
    BuildRecord.of_this_process("")  # imports what the other user may not be able to read
    os.setgid(user)
    os.setuid(user)
    try:
        with build_lock(folder, timeout_seconds=0.3, purpose="another user's build"):
            pipe.send("inside")
            pipe.recv()
    except LockTimeout as error:
        pipe.send(str(error))


@contextmanager
def program(
    folder: Path, *before: str, timeout_seconds: float = 10
) -> Iterator[subprocess.Popen[str]]:
    """Run a program that holds the lock until its input ends, under a command if one is given.

    Its first line is "inside", or the error that it met.
    """
    line = [*before, sys.executable, "-c", HOLD, str(folder), str(timeout_seconds)]
    process = subprocess.Popen(
        line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    """Wait for what a program says first."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


@contextmanager
def entered(folder: Path, *, timeout_seconds: float = 10, purpose: str = "a test") -> Iterator[int]:
    """Hold the lock; gives the milliseconds that it took to get it."""
    started = time.monotonic()
    with build_lock(folder, timeout_seconds=timeout_seconds, purpose=purpose) as lock:
        taken = time.monotonic() - started
        lock.assert_held()
        yield round(taken * 1000)


def assert_free(folder: Path) -> None:
    """Enter at once."""
    with entered(folder) as milliseconds:
        assert milliseconds < AT_ONCE_SECONDS * 1000
