"""Which process builds, since when and what for: enough to tell it from one that reuses its pid."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

START_TOLERANCE_SECONDS = 1.0  # resolution of a process's start time


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """Who builds: pid and start identify the process, since and purpose inform."""

    pid: int
    start: float  # seconds since the epoch, as psutil gives it
    host: str
    since: str  # ISO 8601, UTC
    purpose: str

    @classmethod
    def of_this_process(cls, purpose: str) -> BuildRecord:
        """Make the record of a build that begins now, in this process."""
        return cls(
            pid=os.getpid(),
            start=psutil.Process().create_time(),
            host=socket.gethostname(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            purpose=purpose,
        )

    def is_alive(self) -> bool:
        """Say whether that very process runs on this host (a reused pid does not count)."""
        if self.host != socket.gethostname():
            return False
        try:
            started = psutil.Process(self.pid).create_time()
        except (psutil.NoSuchProcess, ValueError):  # ValueError: no process has such a pid
            return False
        except psutil.Error:
            return True  # it exists but belongs to someone else
        return abs(started - self.start) <= START_TOLERANCE_SECONDS

    def __str__(self) -> str:
        alive = "" if self.is_alive() else ", not running here"
        return f"process {self.pid} on {self.host} since {self.since} for {self.purpose}{alive}"
