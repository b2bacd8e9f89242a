"""What just happened: changes for the page and the announcer, a journal of every call.

Everything here is bounded; listeners are called at once, waiters wake after any change.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from .model import Json

MAX_ENTRIES = 2_000

Found = TypeVar("Found")


class ChangeType(StrEnum):
    """The `type` of a server-sent event."""

    MESSAGE = "message"
    MESSAGE_CHANGED = "message_changed"
    MESSAGE_DELETED = "message_deleted"
    EPHEMERAL = "ephemeral"
    EPHEMERAL_DELETED = "ephemeral_deleted"
    STATUS = "status"
    REACTION = "reaction"
    VIEW = "view"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `audience` None means everyone, `previous` is for the app's event only."""

    type: ChangeType
    audience: frozenset[str] | None = None
    channel: str | None = None
    thread_ts: str | None = None
    message: Json | None = None
    previous: Json | None = None
    is_derived: bool = False  # only counters of the thread root changed
    fields: Json = field(default_factory=dict)

    def visible_to(self, user_id: str) -> bool:
        """Tell whether the user may see this change."""
        return self.audience is None or user_id in self.audience

    def to_json(self) -> Json:
        """Give the server-sent event."""
        event: Json = {"type": self.type.value, "channel": self.channel}
        event |= {"thread_ts": self.thread_ts, "message": self.message}
        return event | self.fields


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal: kind is call, envelope, ack, event_lost or response_url."""

    number: int
    kind: str
    name: str  # Web API method, envelope type or id
    body: Json
    error: str | None
    at: float = field(default_factory=time.monotonic)
    milliseconds: float | None = None  # of an ack: since its envelope went out

    def to_json(self) -> Json:
        """Give the line as /sim/log shows it."""
        name = "method" if self.kind == "call" else "name"
        body = "arguments" if self.kind == "call" else "body"
        line: Json = {"number": self.number, "kind": self.kind, "error": self.error}
        line |= {} if self.milliseconds is None else {"milliseconds": round(self.milliseconds, 1)}
        return line | {name: self.name, body: self.body}


class Feed:
    """Tells listeners and waiters about changes, and keeps the journal."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Change], None]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self._count = 0

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call the listener with every change from now on."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[Change], None]) -> None:
        """Stop calling a listener."""
        self._listeners.remove(listener)

    def publish(self, change: Change) -> None:
        """Hand a change to every listener, then wake the waiters."""
        for listener in tuple(self._listeners):
            listener(change)
        self._wake()

    def record(
        self,
        kind: str,
        name: str,
        body: Json,
        error: str | None = None,
        *,
        milliseconds: float | None = None,
    ) -> None:
        """Add a line to the journal."""
        self._count += 1
        entry = Entry(self._count, kind, name, body, error, milliseconds=milliseconds)
        self._entries.append(entry)
        self._wake()

    def entries(self, since: int = 0) -> tuple[Entry, ...]:
        """Give the journal's lines whose number is greater than `since`."""
        return tuple(entry for entry in self._entries if entry.number > since)

    async def until(self, predicate: Callable[[], Found]) -> Found:
        """Wait until the predicate is true and give its value; it is asked after each change."""
        while not (found := predicate()):
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        return found

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
