"""The phases of a build: seconds spent in each, and progress as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .report import Phase, Progress

OnProgress = Callable[[Progress], None]
Advance = Callable[[int, int], None]  # done, of


class PhaseClock:
    """Seconds per phase, of all attempts together, and the progress of the running one."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._listeners = [on_progress]
        self.seconds: dict[str, float] = {}  # phase name → seconds

    def also_tell(self, on_progress: OnProgress) -> None:
        """Tell progress to one more listener from now on."""
        self._listeners.append(on_progress)

    @contextmanager
    def phase(self, phase: Phase, total: int = 0) -> Iterator[Advance]:
        """Time one phase; gives what tells how far it is."""
        started = time.monotonic()
        self._tell(Progress(phase, 0, total))

        def advance(done: int, of: int) -> None:
            spent = time.monotonic() - started
            left = spent / done * (of - done) if done else None
            self._tell(Progress(phase, done, of, left))

        yield advance
        if total:
            self._tell(Progress(phase, total, total, 0.0))
        name = phase.name.lower()
        spent = time.monotonic() - started
        self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 3)

    def _tell(self, progress: Progress) -> None:
        for listener in self._listeners:
            listener(progress)
