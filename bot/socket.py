"""Keeps one Socket Mode connection alive: fresh addresses, a pace, a clean end.

In place of slack_sdk's client, which tries a refused address for ever, asks for new ones without
a pause when Slack says that there are too many sockets, retries a revoked token silently, and
keeps an unbounded queue. It uses that package's envelopes, requests and acknowledgements.
"""

from __future__ import annotations

import asyncio
import logging

from aiolimiter import AsyncLimiter
from slack_bolt.async_app import AsyncApp

from core.errors import SettingsError

from .connection import CLOSE_SECONDS, REFUSALS, Connection, connect
from .envelopes import MAX_IN_HAND, Envelopes
from .health import Health, HealthRecord
from .patience import (
    PATIENCE_SECONDS,
    ConnectionGivenUp,
    backoff_seconds,
    opening_limit,
    try_patiently,
)
from .startup import open_address, without_retries

logger = logging.getLogger(__name__)

ON_REQUEST = frozenset({"warning", "refresh_requested"})
MAX_REJECTIONS = 3  # of the token while running: Slack, too, errs once


class Supervisor:
    """Starts, watches and stops the connection of one app."""

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        *,
        record: HealthRecord | None = None,
        limit: AsyncLimiter | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        max_in_hand: int = MAX_IN_HAND,
    ) -> None:
        """Share the record with who shows it, and the limit with who called before."""
        self._client = without_retries(app.client)
        self._app_token = app_token
        self._record = record or HealthRecord()
        self._limit = limit or opening_limit()
        self._patience_seconds = patience_seconds
        self._envelopes = Envelopes(app, self._record, max_in_hand=max_in_hand)
        self._connection: Connection | None = None
        self._is_up = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect; raises SettingsError for a rejected token, else ConnectionGivenUp in the end."""
        self._running = asyncio.create_task(self._keep_connected(), name="connection to Slack")
        try:
            await self.wait(self._is_up)
        except BaseException:
            await self.stop()
            raise

    async def wait(self, stop: asyncio.Event) -> None:
        """Wait for stop; raises SettingsError or ConnectionGivenUp when the connection is lost."""
        assert self._running is not None
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({stopped, self._running}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
        if self._running.done() and not stop.is_set():
            self._running.result()

    async def stop(self) -> None:
        """Take no more events, acknowledge those in hand, hang up; takes 3 s at most."""
        self._envelopes.refuse()
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running}, timeout=CLOSE_SECONDS)
        await self._envelopes.drain()
        if self._connection is not None:
            await self._connection.close()

    @property
    def is_connected(self) -> bool:
        """Whether Slack can reach the bot now."""
        return self._connection is not None and self._connection.is_open

    def health(self) -> Health:
        """Give the state of this moment."""
        return self._record.snapshot()

    async def _keep_connected(self) -> None:
        while True:
            connection = await self._connect()
            await self._use(connection)
            reason = await connection.over()
            if reason in ON_REQUEST:  # the old one serves until there is a new one
                logger.info("Slack asks for a new connection: %s", reason)
                continue
            logger.warning("Slack closed the connection: %s. %s", reason, REFUSALS.get(reason, ""))
            await connection.close()
            if reason in REFUSALS:
                await asyncio.sleep(backoff_seconds(2))

    async def _connect(self) -> Connection:
        while True:
            try:
                return await try_patiently(
                    self._try,
                    limit=self._limit,
                    patience_seconds=self._patience_seconds,
                    max_rejections=MAX_REJECTIONS,
                )
            except ConnectionGivenUp as error:
                if not self.is_connected:
                    logger.error("%s", error)
                    raise
            except SettingsError as error:
                logger.error("%s", error)
                raise

    async def _try(self) -> Connection:
        address = await open_address(self._client, self._app_token)
        return await connect(
            self._client,
            address,
            on_envelope=self._envelopes.take,
            on_garbage=self._record.unknown,
        )

    async def _use(self, connection: Connection) -> None:
        old, self._connection = self._connection, connection
        self._envelopes.acknowledger.use(connection)
        self._record.connected()
        connection.reading.add_done_callback(lambda _: self._ended(connection))
        self._is_up.set()
        if old is not None:
            logger.info("connected to Slack again")
            await old.close()

    def _ended(self, connection: Connection) -> None:
        if connection is self._connection:
            self._record.disconnected()
        reading = connection.reading
        if not reading.cancelled() and (error := reading.exception()) is not None:
            logger.error("reading from Slack failed", exc_info=error)
