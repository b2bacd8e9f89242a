"""`clockify-bot`, which also prints its tasks and open files when asked with SIGUSR1."""

from __future__ import annotations

import asyncio
import gc
import signal

import psutil

from bot.cli import main

FIGURES = "figures:"


def tell_figures(*_: object) -> None:
    """Print resident bytes, open files and tasks."""
    gc.collect()
    process, tasks = psutil.Process(), len(asyncio.all_tasks())
    print(FIGURES, process.memory_info().rss, process.num_fds(), tasks, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, tell_figures)
    main()
