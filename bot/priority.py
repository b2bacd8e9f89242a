"""How a builder steps back, so that questions are answered as fast as without it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import psutil

LOWEST = 19
OOM_SCORE = Path("/proc/self/oom_score_adj")  # Linux
FIRST_TO_GO = "1000"


def step_back(nice: int) -> None:
    """Lower the priority of this process by 0 (not at all) to 19; what cannot be is left out.

    On Windows (untested) any number means below normal.
    """
    if nice == 0:
        return
    process = psutil.Process()
    with suppress(OSError, psutil.Error):
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            _lower_threads(process, nice)
    with suppress(OSError, psutil.Error, AttributeError, ValueError):
        if sys.platform == "linux":
            process.ionice(psutil.IOPRIO_CLASS_BE, value=7)  # the lowest of its class


def go_first() -> None:
    """When memory runs out, have the kernel end this process, not the one that answers (Linux)."""
    if sys.platform == "linux":
        with suppress(OSError):
            OOM_SCORE.write_text(FIRST_TO_GO, encoding="ascii")


def _lower_threads(process: psutil.Process, nice: int) -> None:
    """Lower every thread: on Linux each has its own number, and numpy has started some."""
    has_own_numbers = sys.platform == "linux"
    threads = [thread.id for thread in process.threads()] if has_own_numbers else [0]
    for thread in threads:
        with suppress(OSError):  # it ended just now
            lower = min(os.getpriority(os.PRIO_PROCESS, thread) + nice, LOWEST)
            os.setpriority(os.PRIO_PROCESS, thread, lower)
