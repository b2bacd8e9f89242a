"""One WebSocket to Slack, from the handshake to its end.

Takes an address of apps.connections.open; gives envelopes, and the reason why it is over.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from .patience import SlackUnreachable, unreachable

HANDSHAKE_SECONDS = 10.0
HELLO_SECONDS = 10.0
PING_SECONDS = 5.0  # a peer that says nothing for half of it more is gone
CLOSE_SECONDS = 1.0
MAX_FRAME_BYTES = 4 * 2**20  # Slack cuts messages at 40,000 characters
CLOSED = "closed"  # without a word
REFUSALS = {
    "too_many_websockets": "More than ten connections are open; stop other copies of the bot.",
    "link_disabled": "Socket Mode is off; switch it on in the app's settings.",
}


class Connection:
    """Reads until the peer goes; a disconnect frame ends it for us, though more may be read."""

    def __init__(
        self,
        websocket: aiohttp.ClientWebSocketResponse,
        on_envelope: Callable[[dict[str, Any]], None],
        on_garbage: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self._websocket = websocket
        self._on_envelope = on_envelope
        self._on_garbage = on_garbage
        self._greeted: asyncio.Future[str] = loop.create_future()
        self._over: asyncio.Future[str] = loop.create_future()
        self.reading = asyncio.create_task(self._read(), name="reading from Slack")

    @property
    def is_open(self) -> bool:
        """Whether envelopes may come and be acknowledged."""
        return self._greeted.done() and not self.reading.done() and not self._websocket.closed

    async def hello(self) -> None:
        """Wait until Slack talks; raises SlackUnreachable when it hangs up instead."""
        first = {self._greeted, self._over}
        await asyncio.wait(first, timeout=HELLO_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if self._over.done():
            reason = self._over.result()
            advice = REFUSALS.get(reason, "Check the network and the proxy.")
            raise SlackUnreachable(f"Slack closed the new connection at once: {reason}. {advice}")
        if not self._greeted.done():
            raise SlackUnreachable(f"Slack says nothing on a new connection: {HELLO_SECONDS:.0f} s")

    async def over(self) -> str:
        """Wait for the end; give Slack's reason, or CLOSED."""
        return await asyncio.shield(self._over)

    async def send(self, text: str) -> None:
        """Write a frame; raises ConnectionError when it is closed."""
        if self._websocket.closed:
            raise ConnectionError("the connection is closed")
        await self._websocket.send_str(text)

    async def close(self) -> None:
        """Hang up; takes CLOSE_SECONDS at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._websocket.close()
        self.reading.cancel()
        await asyncio.wait({self.reading})

    async def _read(self) -> None:
        try:
            async for frame in self._websocket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._take(frame.data)
                elif frame.type is not aiohttp.WSMsgType.ERROR:
                    self._on_garbage()
        finally:
            self._end(CLOSED)

    def _take(self, text: str) -> None:
        message = _parse(text)
        if message is None:
            self._on_garbage()
        elif message.get("type") == "disconnect":
            self._end(re.sub(r"[^a-z_]", "?", str(message.get("reason")))[:40])
        else:
            if not self._greeted.done():
                self._greeted.set_result("hello")
            if message.get("type") != "hello":
                self._on_envelope(message)

    def _end(self, reason: str) -> None:
        if not self._over.done():
            self._over.set_result(reason)


def _parse(text: str) -> dict[str, Any] | None:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


async def connect(
    client: AsyncWebClient,
    address: str,
    *,
    on_envelope: Callable[[dict[str, Any]], None],
    on_garbage: Callable[[], None],
) -> Connection:
    """Shake hands and wait for Slack's hello; raises SlackUnreachable."""
    assert client.session is not None
    host = urlsplit(address).netloc  # the rest is a ticket
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            websocket = await client.session.ws_connect(
                address,
                heartbeat=PING_SECONDS,
                max_msg_size=MAX_FRAME_BYTES,
                proxy=client.proxy,
                ssl=client.ssl if client.ssl is not None else True,
            )
    except aiohttp.WSServerHandshakeError as error:
        raise unreachable(host, f"the handshake was refused with HTTP {error.status}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise unreachable(host, type(error).__name__) from error
    connection = Connection(websocket, on_envelope, on_garbage)
    try:
        await connection.hello()
    except BaseException:
        await connection.close()
        raise
    return connection
