"""Envelopes: deliver a payload, wait for its acknowledgement, bring events again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .faults import Fault, FaultKind, Faults
from .feed import Feed
from .model import Json, Pace
from .sockets import Sockets
from .tally import Tally

MAX_EVENTS = 5_000  # undelivered; then the oldest is given up


class Delivery(StrEnum):
    """How an envelope fared; the values are Slack's own words for its failures."""

    ACKED = "acked"
    TIMED_OUT = "operation_timeout"
    NO_SOCKET = "dispatch_failed"


@dataclass(frozen=True, slots=True)
class Ack:
    """The app's answer to an envelope; the payload is empty unless the app sent one."""

    delivery: Delivery
    payload: Json


class Courier:
    """Sends each envelope through one socket; any socket may acknowledge it."""

    def __init__(
        self, feed: Feed, sockets: Sockets, *, faults: Faults, tally: Tally, pace: Pace
    ) -> None:
        self._feed = feed
        self._tally = tally
        self._sockets = sockets
        self._faults = faults
        self._pace = pace
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._late: set[str] = set()  # to be acknowledged as if three seconds had passed
        self._events: dict[asyncio.Task[None], None] = {}
        sockets.on_answer = self._acknowledge

    async def deliver(
        self,
        kind: str,
        payload: Json,
        *,
        accepts_response: bool = False,
        retry: tuple[int, str] | None = None,
    ) -> Ack:
        """Send one envelope and wait for the acknowledgement; retry is attempt and reason."""
        envelope_id = str(uuid.uuid4())
        envelope: Json = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope |= {"accepts_response_payload": accepts_response}
        if retry is not None:
            envelope |= {"retry_attempt": retry[0], "retry_reason": retry[1]}
        if not self._sockets.is_connected:
            return Ack(Delivery.NO_SOCKET, {})
        self._feed.record("envelope", kind, envelope)
        self._tally.sent(envelope)
        acked: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = acked
        if self._faults.take(FaultKind.SLOW_ACK) is not None:
            self._late.add(envelope_id)
        try:
            await self._sockets.send(envelope)
            payload = await asyncio.wait_for(acked, self._pace.ack_timeout_seconds)
            return Ack(Delivery.ACKED, payload)
        except TimeoutError:
            return Ack(Delivery.TIMED_OUT, {})
        except ConnectionError:
            return Ack(Delivery.NO_SOCKET, {})
        finally:
            del self._waiting[envelope_id]
            self._late.discard(envelope_id)

    def send_event(self, payload: Json) -> None:
        """Deliver an event in the background, again and again until it is acknowledged."""
        self._begin(self._bring(payload))
        if fault := self._faults.take(FaultKind.DUPLICATE):
            self._begin(self._repeat(payload, fault))

    def send_interaction(self, payload: Json) -> None:
        """Deliver an interaction in the background, once."""

        async def bring() -> None:
            await self.deliver("interactive", payload)

        self._begin(bring())

    async def close(self) -> None:
        """Give up what is still being delivered."""
        events = tuple(self._events)
        for event in events:
            event.cancel()
        await asyncio.gather(*events, return_exceptions=True)

    async def _bring(self, payload: Json) -> None:
        reason = ""
        for attempt, delay_seconds in enumerate((0.0, *self._pace.retry_delays_seconds)):
            await asyncio.sleep(delay_seconds)
            ack = await self.deliver("events_api", payload, retry=(attempt, reason))
            match ack.delivery:
                case Delivery.ACKED:
                    return
                case Delivery.TIMED_OUT:
                    reason = "timeout"
                case Delivery.NO_SOCKET:
                    reason = "connection_failed"
                    await self._feed.until(lambda: self._sockets.is_connected)
        self._feed.record("event_lost", payload["event_id"], payload, reason)

    async def _repeat(self, payload: Json, fault: Fault) -> None:
        await asyncio.sleep(fault.seconds)
        await self._feed.until(lambda: self._sockets.is_connected)
        attempt = fault.retry_attempt or 0
        retry = (attempt, "timeout" if attempt else "")
        await self.deliver("events_api", payload, retry=retry)

    def _begin(self, delivery: Coroutine[Any, Any, None]) -> None:
        if len(self._events) >= MAX_EVENTS:
            oldest = next(iter(self._events))
            oldest.cancel()
            del self._events[oldest]
        event = asyncio.get_running_loop().create_task(delivery)
        self._events[event] = None
        event.add_done_callback(self._forget)

    def _acknowledge(self, answer: Json) -> None:
        envelope_id = answer.get("envelope_id", "")
        acked = self._waiting.get(envelope_id)
        is_waited_for = acked is not None and not acked.done() and envelope_id not in self._late
        milliseconds = self._tally.acknowledged(envelope_id, in_time=is_waited_for)
        self._feed.record("ack", envelope_id, answer, milliseconds=milliseconds)
        if acked is None or acked.done():
            return
        if is_waited_for:
            acked.set_result(answer.get("payload") or {})
        else:
            acked.set_exception(TimeoutError())

    def _forget(self, event: asyncio.Task[None]) -> None:
        self._events.pop(event, None)
