"""How many questions the model gets at once; who waits is told the place in the queue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

logger = logging.getLogger(__name__)

Show = Callable[[int], Awaitable[None]]


class ModelSlots:
    """A semaphore, first come first served. Lives on one event loop."""

    def __init__(self, slots: int, *, patience_seconds: float, again_seconds: float) -> None:
        """A place is told after patience_seconds, and when it has changed again_seconds later."""
        self._slots = asyncio.Semaphore(slots)
        self._patience_seconds = patience_seconds
        self._again_seconds = again_seconds
        self._waiting: dict[object, None] = {}  # in order

    @property
    def waiting(self) -> int:
        """Count those without a slot."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self, show: Show | None) -> AsyncIterator[None]:
        """Hold a slot; show gets the place in the queue, from 1, when waiting takes long."""
        ticket = object()
        self._waiting[ticket] = None
        telling = asyncio.create_task(self._tell(ticket, show))
        try:
            await self._slots.acquire()
        finally:
            del self._waiting[ticket]
            telling.cancel()
        try:
            await _settled(telling)
            yield
        finally:
            self._slots.release()

    async def _tell(self, ticket: object, show: Show | None) -> None:
        if show is None:
            return
        shown = 0
        await asyncio.sleep(self._patience_seconds)
        while True:
            position = list(self._waiting).index(ticket) + 1
            if position != shown:
                await show(position)
                shown = position
            await asyncio.sleep(self._again_seconds)


async def _settled(telling: asyncio.Task[None]) -> None:
    """Wait for a last word about the place: after the next status it would hide that."""
    (problem,) = await asyncio.gather(telling, return_exceptions=True)
    if isinstance(problem, Exception):
        logger.warning("a place in the queue could not be shown: %s", type(problem).__name__)
