"""Ctrl-C and SIGTERM → an event, so that everything ends in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any

INTERRUPTED = 130  # exit status after Ctrl-C

Work = Callable[[asyncio.Event, asyncio.Event], Coroutine[Any, Any, None]]


async def run_until_stopped(work: Work) -> None:
    """Run work(stop, is_serving) until Ctrl-C or SIGTERM sets stop.

    Work that has set is_serving ends by itself then; what is still starting (a Slack or an Ollama
    that does not answer) is cancelled.
    """
    stop, is_serving = stop_on_signals(), asyncio.Event()
    running = asyncio.ensure_future(work(stop, is_serving))
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if running.done() or is_serving.is_set():
        await running
        return
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def interrupt_at_once() -> None:
    """Let Ctrl-C end a build at once, also while it blocks the event loop."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    # asyncio.run replaces Python's own handler, but not this one, by one that waits for the loop.
    signal.signal(signal.SIGINT, interrupt)


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
