"""One call that serves everybody who wants its result at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .aged_table import AgedTable

V = TypeVar("V")


class SingleFlight(Generic[V]):
    """Looks values up, keeps them, and asks once for each key at a time. Lives on one event loop.

    All that wait share the value, and the failure, too; a failure is not kept.
    """

    def __init__(self, known: AgedTable[V]) -> None:
        self._known = known
        self._flights: dict[str, _Flight[V]] = {}

    async def get(self, key: str, fetch: Callable[[], Awaitable[V]]) -> V:
        """Give what is known, else what fetch gives; raises what it raises."""
        value = self._known.get(key)
        if value is not None:
            return value
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(self._keep(key, fetch)))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.call)
        finally:
            flight.waiting -= 1
            if not flight.waiting:  # done, or nobody wants it any more
                flight.call.cancel()
                if self._flights.get(key) is flight:
                    del self._flights[key]

    async def _keep(self, key: str, fetch: Callable[[], Awaitable[V]]) -> V:
        value = await fetch()
        self._known.put(key, value)
        return value


@dataclass(slots=True)
class _Flight(Generic[V]):
    """A call under way, and how many wait for it."""

    call: asyncio.Future[V]
    waiting: int = 0
