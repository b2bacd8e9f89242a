"""Which process builds, since when and what for: enough to tell it from one that reuses its pid."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

START_TOLERANCE_SECONDS = 1.0  # resolution of a process's start time
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """Who builds: pid and start identify the process, since and purpose inform."""

    pid: int
    start: float  # seconds since the epoch, as psutil gives it; moves when the clock is set
    host: str
    since: str  # ISO 8601, UTC
    purpose: str
    start_token: str = ""  # Linux: "boot id:clock ticks from boot to start"; no clock moves it
    pid_namespace: str = ""  # Linux: "pid:[4026531836]"; pids mean something only within it

    @classmethod
    def of_this_process(cls, purpose: str) -> BuildRecord:
        """Make the record of a build that begins now, in this process."""
        return cls(
            pid=os.getpid(),
            start=psutil.Process().create_time(),
            host=socket.gethostname(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            purpose=purpose,
            start_token=_start_token("self"),
            pid_namespace=_pid_namespace(),
        )

    def can_be_seen(self) -> bool:
        """Say whether the process would show here, were it running: same kernel, same namespace.

        A record from before this machine's last start can be seen: its process is gone.
        """
        boot, here = self.start_token.partition(":")[0], _boot_id()
        is_same_namespace = self.pid_namespace in ("", _pid_namespace())
        if boot and boot == here:
            return is_same_namespace
        is_restarted = bool(boot and here)
        return self.host == socket.gethostname() and (is_same_namespace or is_restarted)

    def is_alive(self) -> bool:
        """Say whether that very process is seen running (a reused pid or a zombie does not count).

        False also for a process that cannot be seen from here; can_be_seen() tells the two apart.
        """
        if not self.can_be_seen():
            return False
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            started = process.create_time()
        except (psutil.NoSuchProcess, ValueError):  # ValueError: no process has such a pid
            return False
        except psutil.Error:
            return True  # it exists but belongs to someone else
        token = _start_token(str(self.pid))
        if self.start_token and token:
            return token == self.start_token
        return abs(started - self.start) <= START_TOLERANCE_SECONDS

    def __str__(self) -> str:
        place = self.host if self.can_be_seen() else f"{self.host} (cannot be seen from here)"
        gone = ", not running here" if self.can_be_seen() and not self.is_alive() else ""
        return f"process {self.pid} on {place} since {self.since} for {self.purpose}{gone}"


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text(encoding="utf-8").strip()
    except OSError:
        return ""  # not Linux, or hidden from this process


def _start_token(process: str) -> str:
    """Give the start of a process that no clock moves, or "" where the kernel does not tell.

    `process` is a name in /proc: a pid or "self".
    """
    boot = _boot_id()
    with suppress(OSError, IndexError):
        line = Path("/proc", process, "stat").read_text(encoding="utf-8", errors="replace")
        after_name = line.rpartition(")")[2].split()  # proc(5): field 3 and all that follow
        return f"{boot}:{after_name[19]}" if boot else ""
    return ""


def _pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
