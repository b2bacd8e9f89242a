"""Work that goes on after a listener has ended, and that the end of the bot waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

GOODBYE_SECONDS = 1.0  # part of the drain that is kept for telling people


class Background:
    """Runs coroutines on one event loop and sees each to its end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run something that drain has to wait for."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, timeout_seconds: float) -> None:
        """Wait for what is in hand; cancel what does not end in time."""
        patience = max(0.0, timeout_seconds - GOODBYE_SECONDS)
        await _wait(self._tasks, patience)
        unfinished = set(self._tasks)
        for task in unfinished:
            task.cancel()
        await _wait(unfinished, GOODBYE_SECONDS)


async def _wait(tasks: set[asyncio.Task[None]], timeout_seconds: float) -> None:
    if tasks:
        await asyncio.wait(set(tasks), timeout=timeout_seconds)
