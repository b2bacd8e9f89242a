"""When work on a question has to be over."""

from __future__ import annotations

import time
from collections.abc import Callable

SHORTEST_SECONDS = 0.05  # what a step gets that begins when the time has passed
LONGEST_RESERVE_SECONDS = 2.0
RESERVE_SHARE = 0.2


class Deadline:
    """A moment of the monotonic clock, less a reserve in which quotes can still be found.

    Steps get what is left, or a part of that.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.reserve_seconds = min(LONGEST_RESERVE_SECONDS, RESERVE_SHARE * seconds)
        self._end = clock() + seconds - self.reserve_seconds

    @property
    def left_seconds(self) -> float:
        """Give the seconds that are left before the reserve, never none."""
        return max(SHORTEST_SECONDS, self._end - self._clock())

    def part(self, share: float, *, at_most: float) -> float:
        """Give the seconds of a step that must leave time for the others."""
        return min(at_most, self.left_seconds * share)
