"""Which processes that hold tasks will not finish them.

A process that can be seen from here is looked for. One that cannot (in another container) must
renew its lease, a count; neither that nor our patience depends on the time of day.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from core.build_record import BuildRecord

LEASE_SECONDS = 60.0


class Leases:
    """Tells owners that are gone from those that live. Used by one thread."""

    def __init__(self, steady_clock: Callable[[], float]) -> None:
        self._clock = steady_clock
        self._seen: dict[str, tuple[int, float]] = {}  # owner → beats, and since when so many

    def find_gone(self, held: Sequence[tuple[str, str | None, int | None]]) -> tuple[str, ...]:
        """Name the owners, of those that hold tasks (id, record, beats), that will finish none."""
        now, before = self._clock(), self._seen
        self._seen = {}
        gone = []
        for owner, record, beats in held:
            process = _read_process(record)
            if process is None or beats is None:
                gone.append(owner)
            elif process.can_be_seen():
                gone += [] if process.is_alive() else [owner]
            else:
                seen_beats, since = before.get(owner, (beats, now))
                self._seen[owner] = (beats, since if seen_beats == beats else now)
                gone += [owner] if now - self._seen[owner][1] >= LEASE_SECONDS else []
        return tuple(gone)


def _read_process(record: str | None) -> BuildRecord | None:
    """Give the process of an owner; None when a rescued row is missing or not whole."""
    try:
        return None if record is None else BuildRecord(**json.loads(record))
    except (ValueError, TypeError):
        return None
