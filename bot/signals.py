"""Ctrl-C and SIGTERM → an event, so that everything ends in order, and in time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

logger = logging.getLogger(__name__)

INTERRUPTED = 130  # exit status after Ctrl-C
END_SECONDS = 11.5  # after the signal; process managers kill after ten and more

Work = Callable[[asyncio.Event, asyncio.Event], Coroutine[Any, Any, None]]


def serve_until_stopped(work: Work, *, end_seconds: float = END_SECONDS) -> None:
    """Run work(stop, is_serving) in an event loop; the process ends soon after a signal."""
    with LastResort(end_seconds) as last_resort:
        asyncio.run(run_until_stopped(work, last_resort.arm))


class LastResort:
    """Ends the process when an orderly end takes too long; what is in hand is on disk."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._seconds = seconds

    def arm(self) -> None:
        """Count from now on."""
        self._timer.start()

    def __enter__(self) -> LastResort:
        """Give it, not armed yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disarm it."""
        self._timer.cancel()

    def _end(self) -> None:
        logger.error("stopping took longer than %s s; ending at once", self._seconds)
        logging.shutdown()
        os._exit(1)


async def run_until_stopped(work: Work, on_stop: Callable[[], None]) -> None:
    """Run work(stop, is_serving) until Ctrl-C or SIGTERM sets stop.

    Work that has set is_serving ends by itself then; what is still starting (a Slack or an Ollama
    that does not answer) is cancelled. on_stop is called at the signal.
    """
    stop, is_serving = stop_on_signals(on_stop), asyncio.Event()
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


def heed_interrupts() -> None:
    """Let Ctrl-C cancel what asyncio.run runs, also where a shell began the command deaf to it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def interrupt_at_once() -> None:
    """Let Ctrl-C end a build at once, also while it blocks the event loop."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    # asyncio.run replaces Python's own handler, but not this one, by one that waits for the loop.
    signal.signal(signal.SIGINT, interrupt)


def stop_on_signals(on_stop: Callable[[], None]) -> asyncio.Event:
    """Give an event that Ctrl-C and SIGTERM set; a second one ends at once.

    on_stop is called in the signal handler itself, so even while something blocks the event loop.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    is_stopping = False

    def request_stop(_: int, __: FrameType | None) -> None:
        nonlocal is_stopping
        if is_stopping:
            raise SystemExit(INTERRUPTED)
        is_stopping = True
        on_stop()
        loop.call_soon_threadsafe(stop.set)

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, request_stop)
    return stop
