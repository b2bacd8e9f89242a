"""What became of every event and command: acknowledged when, answered how often.

Kept apart from the journal so that a test of thousands of questions can ask in constant time.
Times are of time.monotonic(), whatever the simulator's own clock says.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TypeVar

from .feed import Change, ChangeType
from .model import BOT_USER_ID, Json

Key = TypeVar("Key")
Kept = TypeVar("Kept")

MAX_RECEIPTS = 20_000
MAX_THREADS = 20_000
MAX_LATENCIES = 100_000
MAX_KEYS = 20  # that one message is found by
MAX_OPEN = 2_000  # envelopes without an acknowledgement that are still known


@dataclass(slots=True)
class Receipt:
    """One event, command or click, with all its envelopes.

    key is the event_id, or the trigger_id of a command, click or submission. about is
    "<channel> <ts>" of the message that an event or click is about, "" for others.
    """

    key: str
    kind: str  # type of the envelope
    about: str
    sent_at: float  # the first envelope
    envelopes: int = 0
    acked_at: float | None = None  # the first acknowledgement that came in time
    late: int = 0  # acknowledgements that came too late
    replies: int = 0  # messages that the app made through the acknowledgement and response_url
    replacements: int = 0  # of those messages, and of the message clicked

    @property
    def is_acknowledged(self) -> bool:
        """Tell whether the app took it on."""
        return self.acked_at is not None


@dataclass(slots=True)
class Tally:
    """Counts; the oldest are forgotten beyond the bounds above."""

    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_LATENCIES))
    _receipts: dict[str, Receipt] = field(default_factory=dict)
    _by_message: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _open: dict[str, tuple[Receipt, float]] = field(default_factory=dict)
    _replies: dict[tuple[str, str], int] = field(default_factory=dict)

    def receipt(self, key: str) -> Receipt | None:
        """Find what became of an event_id or trigger_id."""
        return self._receipts.get(key)

    def receipts(self, kind: str | None = None) -> tuple[Receipt, ...]:
        """List them, oldest first, of one envelope type or all."""
        return tuple(it for it in self._receipts.values() if kind in (None, it.kind))

    def of_message(self, channel_id: str, ts: str) -> tuple[Receipt, ...]:
        """List what was sent about a message: its event, the twin, the clicks on it."""
        keys = self._by_message.get(f"{channel_id} {ts}", ())
        return tuple(self._receipts[key] for key in keys if key in self._receipts)

    def replies(self, channel_id: str, root_ts: str) -> int:
        """Count the bot's messages that everyone sees in a thread, less those it deleted."""
        return self._replies.get((channel_id, root_ts), 0)

    def sent(self, envelope: Json) -> None:
        """Count an envelope that goes out."""
        payload, now = envelope["payload"], time.monotonic()
        key = payload.get("event_id") or payload.get("trigger_id") or envelope["envelope_id"]
        receipt = self._receipts.get(key)
        if receipt is None:
            receipt = Receipt(key, envelope["type"], _about(payload), sent_at=now)
            self._receipts[key] = receipt
            if receipt.about:
                known = self._by_message.get(receipt.about, ())
                self._by_message[receipt.about] = (*known, key)[-MAX_KEYS:]
            _trim(self._receipts, MAX_RECEIPTS)
            _trim(self._by_message, MAX_RECEIPTS)
        receipt.envelopes += 1
        self._open[envelope["envelope_id"]] = (receipt, now)
        _trim(self._open, MAX_OPEN)

    def acknowledged(self, envelope_id: str, *, in_time: bool) -> float | None:
        """Count an acknowledgement; gives its milliseconds, None for an unknown envelope."""
        receipt, sent_at = self._open.pop(envelope_id, (None, 0.0))
        if receipt is None:
            return None
        now = time.monotonic()
        if not in_time:
            receipt.late += 1
        elif receipt.acked_at is None:
            receipt.acked_at = now
        self.latencies.append((now - sent_at) * 1000)
        return self.latencies[-1]

    def replied(self, key: str, *, replaces: bool) -> None:
        """Count what the app showed through an acknowledgement or a response_url."""
        receipt = self._receipts.get(key)
        if receipt is not None:
            receipt.replies += not replaces
            receipt.replacements += replaces

    def hear(self, change: Change) -> None:
        """Count the bot's messages in threads; a listener of the feed."""
        message = change.message
        if message is None or change.thread_ts is None or message.get("user") != BOT_USER_ID:
            return
        step = {ChangeType.MESSAGE: 1, ChangeType.MESSAGE_DELETED: -1}.get(change.type, 0)
        if step:
            place = (change.channel or "", change.thread_ts)
            self._replies[place] = self._replies.get(place, 0) + step
            _trim(self._replies, MAX_THREADS)


def _about(payload: Json) -> str:
    """Name the message: of an event, of a click in it, of a shortcut on it."""
    event = payload.get("event", {})
    if "event" in payload:
        ts = event.get("ts") if isinstance(event.get("channel"), str) else None
        return f"{event['channel']} {ts}" if ts else ""
    place, ts = payload.get("channel", {}), payload.get("message", {}).get("ts")
    return f"{place['id']} {ts}" if ts else ""


def _trim(kept: dict[Key, Kept], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
