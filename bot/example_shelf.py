"""Example questions of the live generation, found in the background and kept."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from .aged_table import AgedTable
from .single_flight import SingleFlight

logger = logging.getLogger(__name__)

Examples = Callable[[], Awaitable[tuple[str, ...]]]  # asks the knowledge; may take seconds
GENERATIONS, KEPT_SECONDS = 2, 3_600.0


async def no_examples() -> tuple[str, ...]:
    """Know none."""
    return ()


class ExampleShelf:
    """Finds examples once for each generation and hour, however many people look."""

    def __init__(self, find: Examples, generation: Callable[[], str]) -> None:
        self._find = find
        self._generation = generation
        self._known: AgedTable[tuple[str, ...]] = AgedTable(GENERATIONS, KEPT_SECONDS)
        self._flights = SingleFlight(self._known)

    def ready(self) -> tuple[str, ...] | None:
        """Give those that are known; None: nobody has looked for them yet."""
        return self._known.get(self._generation())

    async def get(self) -> tuple[str, ...]:
        """Give them, found first if need be; none when that fails."""
        return await self._flights.get(self._generation(), self._look)

    async def _look(self) -> tuple[str, ...]:
        try:
            return await self._find()
        except Exception:  # the outermost frame of this work; the Home does without
            logger.exception("no example questions were found")
            return ()
