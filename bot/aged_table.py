"""A dictionary with a bound and an age, for what is cached."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class AgedTable(Generic[V]):
    """A dictionary that forgets: entries older than max_seconds, and the oldest over max_items."""

    def __init__(
        self, max_items: int, max_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_items = max_items
        self._max_seconds = max_seconds
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> V | None:
        """Give the value of a key that is not too old."""
        self._forget()
        found = self._entries.get(key)
        return None if found is None else found[1]

    def put(self, key: str, value: V) -> None:
        """Set a value and count its age from now."""
        self._entries.pop(key, None)
        self._entries[key] = (self._clock(), value)
        self._forget()

    def _forget(self) -> None:
        oldest_allowed = self._clock() - self._max_seconds
        while self._entries:
            since, _ = next(iter(self._entries.values()))
            if len(self._entries) <= self._max_items and since >= oldest_allowed:
                return
            self._entries.popitem(last=False)
