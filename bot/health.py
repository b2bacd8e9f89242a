"""How the connection to Slack is doing: counted by the socket and the listeners, shown by status.

Takes what happens, one method each; gives a frozen snapshot.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_TYPES = 20  # Slack has three; a stranger's words must not grow the count
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Health:
    """One moment of the connection; everything is counted since the start of the process."""

    is_connected: bool
    connected_since: float | None  # seconds since 1970
    reconnects: int
    last_envelope_age_seconds: float | None  # None: there was none yet
    envelopes: tuple[tuple[str, int], ...]  # how many by type, sorted
    unknown: int  # payloads that nothing here understands
    refused: int  # envelopes that Slack has to bring again: too many were in hand


@dataclass(slots=True)
class HealthRecord:
    """Counts; the clock counts seconds, is monotonic and may stand still while asleep."""

    clock: Callable[[], float] = time.monotonic
    _connected_since: float | None = None
    _connections: int = 0
    _last_envelope: float | None = None
    _envelopes: Counter[str] = field(default_factory=Counter)
    _unknown: int = 0
    _refused: int = 0

    def connected(self) -> None:
        """Note that Slack can reach the bot, from now on."""
        self._connected_since = time.time()
        self._connections += 1

    def disconnected(self) -> None:
        """Note that Slack cannot."""
        self._connected_since = None

    def envelope(self, kind: str) -> None:
        """Count one that came in."""
        self._last_envelope = self.clock()
        is_countable = kind in self._envelopes or len(self._envelopes) < MAX_TYPES
        self._envelopes[kind if is_countable else OTHER] += 1

    def unknown(self) -> None:
        """Count a payload that nothing here understands."""
        self._unknown += 1

    def refused(self) -> None:
        """Count an envelope that was not taken."""
        self._refused += 1

    def snapshot(self) -> Health:
        """Give the state of this moment."""
        last = self._last_envelope
        return Health(
            is_connected=self._connected_since is not None,
            connected_since=self._connected_since,
            reconnects=max(0, self._connections - 1),
            last_envelope_age_seconds=None if last is None else self.clock() - last,
            envelopes=tuple(sorted(self._envelopes.items())),
            unknown=self._unknown,
            refused=self._refused,
        )
