"""Ctrl-C and SIGTERM → an event, so that everything ends in order."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import Any

INTERRUPTED = 130  # exit status after Ctrl-C


def stop_on_signals() -> asyncio.Event:
    """Give an event that Ctrl-C and SIGTERM set; a second one ends at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def request_stop() -> None:
        if stop.is_set():
            raise SystemExit(INTERRUPTED)
        stop.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
            loop.add_signal_handler(name, request_stop)
    return stop


async def unless_stopped(work: asyncio.Future[Any], stop: asyncio.Event) -> bool:
    """Wait for work or for stop, whichever is first; says whether the work was done."""
    waiting = asyncio.ensure_future(stop.wait())
    await asyncio.wait((work, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if work.done():
        work.result()
        return True
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    return False
