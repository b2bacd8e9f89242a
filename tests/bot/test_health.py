"""What the connection's record counts, and that it stays small."""

from __future__ import annotations

import time

from bot.health import MAX_TYPES, OTHER, Health, HealthRecord


class Seconds:
    """A clock that only moves when told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_before_the_first_connection() -> None:
    assert HealthRecord().snapshot() == Health(
        is_connected=False,
        connected_since=None,
        reconnects=0,
        last_envelope_age_seconds=None,
        envelopes=(),
        unknown=0,
        refused=0,
    )


def test_connections_after_the_first_are_reconnects() -> None:
    record = HealthRecord()
    started = time.time()
    for reconnects in (0, 1, 2):
        record.connected()
        health = record.snapshot()
        assert (health.is_connected, health.reconnects) == (True, reconnects)
        assert health.connected_since is not None
        assert started <= health.connected_since <= time.time()
        record.disconnected()
        health = record.snapshot()
        assert (health.is_connected, health.connected_since) == (False, None)
        assert health.reconnects == reconnects


def test_the_age_of_the_last_envelope_and_the_counts() -> None:
    clock = Seconds()
    record = HealthRecord(clock)
    for kind in ("slash_commands", "events_api", "events_api"):
        record.envelope(kind)
    clock.now += 7.5
    record.unknown()
    record.refused()
    record.refused()
    health = record.snapshot()
    assert health.last_envelope_age_seconds == 7.5
    assert health.envelopes == (("events_api", 2), ("slash_commands", 1))
    assert (health.unknown, health.refused) == (1, 2)


def test_made_up_types_do_not_grow_the_record() -> None:
    record = HealthRecord()
    for number in range(1_000):
        record.envelope(f"type {number}")
    counts = dict(record.snapshot().envelopes)
    assert (len(counts), counts[OTHER]) == (MAX_TYPES + 1, 1_000 - MAX_TYPES)
