"""Keeps one Socket Mode connection alive: fresh addresses, back-off, a clean end.

Works around three faults of slack_sdk's aiohttp client: it tries a refused address for ever, it
asks for new addresses without a pause when Slack says there are too many sockets, and it retries a
bad token silently (app.check_tokens asks before).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import Any

from slack_bolt.adapter.socket_mode.async_internals import (
    run_async_bolt_app,
    send_async_response,
)
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from core.errors import BotError

logger = logging.getLogger(__name__)

PING_SECONDS = 5.0  # a silent peer is noticed after two of them
WATCH_SECONDS = 2.0
CONNECT_SECONDS = 30.0
BACKOFF_REASONS = frozenset({"too_many_websockets", "link_disabled"})
MAX_BACKOFF_SECONDS = 60.0
CALM_SECONDS = 120.0  # without such a reason, and the back-off starts over


class Backoff:
    """Grows from 1 s to a minute with each refusal that follows another soon."""

    def __init__(self) -> None:
        self._refusals = 0
        self._last = 0.0

    def refuse(self) -> None:
        """Count one refusal."""
        if time.monotonic() - self._last > CALM_SECONDS:
            self._refusals = 0
        self._refusals += 1
        self._last = time.monotonic()

    def seconds(self) -> float:
        """Give how long to wait before asking for an address, with jitter; 0 when calm."""
        if not self._refusals or time.monotonic() - self._last > CALM_SECONDS:
            return 0.0
        longest: float = min(MAX_BACKOFF_SECONDS, 2.0 ** (self._refusals - 1))
        return longest * random.uniform(0.5, 1.0)


class PatientClient(SocketModeClient):
    """The SDK's client, which waits when Slack has refused it. Every path asks for an address."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.backoff = Backoff()

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        """Note why Slack disconnects before the SDK reconnects."""
        if message.get("type") == "disconnect" and message.get("reason") in BACKOFF_REASONS:
            self.backoff.refuse()
            logger.warning("Slack closed the connection: %s", message.get("reason"))
        await super().run_message_listeners(message, raw_message)

    async def issue_new_wss_url(self) -> str:
        """Ask for a new address, after the back-off."""
        await asyncio.sleep(self.backoff.seconds())
        return await super().issue_new_wss_url()


class Supervisor:
    """Starts, watches and stops the connection of one app."""

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        self._app = app
        self._client = PatientClient(
            app_token=app_token,
            logger=logger,
            web_client=app.client,
            ping_interval=PING_SECONDS,
        )
        self._client.proxy = app.client.proxy
        self._client.socket_mode_request_listeners.append(self._handle)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect; raises BotError when that takes too long."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._client.connect()  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            await self._client.close()  # type: ignore[no-untyped-call]
            raise BotError(
                f"No Socket Mode connection within {CONNECT_SECONDS:.0f} s. "
                "Check that Socket Mode is on for the app and that wss:// is not blocked."
            ) from error
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Take no more events."""
        if self._watching is not None:
            self._watching.cancel()
        await self._client.close()  # type: ignore[no-untyped-call]

    async def is_connected(self) -> bool:
        """Tell whether Slack can reach the bot now."""
        return await self._client.is_connected()

    async def _watch(self) -> None:
        was_connected = True
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            connected = await self.is_connected()
            if not connected:
                # The SDK would try the same, perhaps dead, address again and again.
                self._client.wss_uri = None
            if connected != was_connected:
                logger.warning("connected to Slack again" if connected else "not connected")
            was_connected = connected

    async def _handle(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        started = time.time()
        response = await run_async_bolt_app(self._app, request)
        await send_async_response(client, request, response, started)
