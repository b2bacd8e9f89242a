"""Socket Mode envelope → Bolt → acknowledgement.

Takes what a connection reads; keeps a bounded number in hand, and lets Slack bring the rest again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Protocol

from slack_bolt.adapter.socket_mode.async_internals import (
    run_async_bolt_app,
    send_async_response,
)
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from .health import HealthRecord

logger = logging.getLogger(__name__)

TYPES = frozenset({"events_api", "slash_commands", "interactive"})
MAX_IN_HAND = 1_000  # Bolt needs about a millisecond for each, Slack waits for three seconds
ACK_SECONDS = 3.0
DRAIN_SECONDS = 1.0


class Line(Protocol):
    """Where acknowledgements go out."""

    async def send(self, text: str) -> None:
        """Write a frame; raises ConnectionError."""


class Acknowledger(AsyncBaseSocketModeClient):
    """What Bolt's adapter answers through: the connection of the moment, whichever one asked."""

    logger = logger

    def __init__(self) -> None:
        self._line: Line | None = None
        self._is_up = asyncio.Event()

    def use(self, line: Line) -> None:
        """Send through this connection from now on."""
        self._line = line
        self._is_up.set()

    async def send_message(self, message: str) -> None:
        """Write a frame, to the next connection if this one is gone; raises TimeoutError."""
        async with asyncio.timeout(ACK_SECONDS):
            while True:
                await self._is_up.wait()
                try:
                    assert self._line is not None
                    await self._line.send(message)
                    return
                except ConnectionError:
                    self._is_up.clear()


class Envelopes:
    """Everything that Slack has sent and that is not acknowledged yet."""

    def __init__(
        self, app: AsyncApp, record: HealthRecord, *, max_in_hand: int = MAX_IN_HAND
    ) -> None:
        self.acknowledger = Acknowledger()
        self._app = app
        self._record = record
        self._max_in_hand = max_in_hand
        self._in_hand: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def take(self, message: dict[str, Any]) -> None:
        """Begin with an envelope; one too many is not acknowledged, so that it comes again."""
        if self._is_closed or len(self._in_hand) >= self._max_in_hand:
            self._record.refused()
            return
        task = asyncio.create_task(self._answer(message), name="envelope")
        self._in_hand.add(task)
        task.add_done_callback(self._done)

    def refuse(self) -> None:
        """Take no more."""
        self._is_closed = True

    async def drain(self) -> None:
        """Give what is in hand a moment to be acknowledged."""
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=DRAIN_SECONDS)
        left = tuple(self._in_hand)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, message: dict[str, Any]) -> None:
        request = _read(message)
        if request is None:
            self._record.unknown()
            logger.warning("an envelope of an unknown kind was acknowledged and ignored")
            if isinstance(envelope_id := message.get("envelope_id"), str):
                empty = SocketModeResponse(envelope_id=envelope_id)
                await self.acknowledger.send_socket_mode_response(empty)
            return
        self._record.envelope(request.type)
        started = time.time()
        response = await run_async_bolt_app(self._app, request)
        await send_async_response(self.acknowledger, request, response, started)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._in_hand.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, TimeoutError):
            logger.warning("an acknowledgement could not be sent; Slack brings events again")
        elif error is not None:
            logger.error("an envelope was not handled; Slack brings events again", exc_info=error)


def _read(message: dict[str, Any]) -> SocketModeRequest | None:
    is_known = (
        str(message.get("type")) in TYPES
        and isinstance(message.get("envelope_id"), str)
        and isinstance(message.get("payload"), dict)
    )
    return SocketModeRequest.from_dict(message) if is_known else None
