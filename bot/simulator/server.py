"""A local Slack on the loopback interface: the simulator that the tests and `try` start.

Takes a manifest, gives an address and two tokens; no request from elsewhere is served.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from aiohttp import web

from .feed import Entry
from .model import BOT_USER_ID, Clock, Json, Pace
from .ports import listen
from .seed import Scale
from .site import Site
from .tally import Receipt

SHUTDOWN_SECONDS = 1.0
REAL_PACE = Pace()

Found = TypeVar("Found")


class Simulator:
    """A running local Slack; use it with `async with await Simulator.start(manifest)`."""

    bot_user_id = BOT_USER_ID

    def __init__(self, site: Site, runner: web.AppRunner, url: str) -> None:
        self.url = url
        self.api_url = f"{url}/api/"
        self.bot_token = site.tokens.bot_token
        self.app_token = site.tokens.app_token
        self.workspace = site.workspace
        self.people = site.people
        self.site = site
        self.tally = site.tally
        self._runner = runner

    @classmethod
    async def start(
        cls,
        manifest: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.time,
        pace: Pace = REAL_PACE,
        has_rate_limits: bool = False,
        extra_users: int = 0,
        extra_channels: int = 0,
        messages_per_channel: int = 2_000,
    ) -> Simulator:
        """Serve on the port, or the next free one; 0 takes any. Only loopback hosts.

        Extra users U0X001… and channels C0X001… join those of seed.py; each of these users has a
        direct message (D0X001…) and is in #support and in each of these channels. A channel keeps
        its newest messages.
        """
        listener = listen(host, port)
        try:
            address = f"[{host}]" if ":" in host else host
            url = f"http://{address}:{listener.getsockname()[1]}"
            site = Site(
                manifest,
                url,
                clock=clock,
                pace=pace,
                has_rate_limits=has_rate_limits,
                scale=Scale(extra_users, extra_channels, messages_per_channel),
            )
            application = site.application()
            runner = web.AppRunner(application, shutdown_timeout=SHUTDOWN_SECONDS, access_log=None)
            await runner.setup()
            await web.SockSite(runner, listener).start()
        except BaseException:
            listener.close()
            raise
        return cls(site, runner, url)

    async def stop(self) -> None:
        """Close every connection and stop serving; takes about a second at most."""
        await self._runner.cleanup()

    async def __aenter__(self) -> Simulator:
        """Give the running simulator."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    async def post(
        self, user_id: str, channel_id: str, text: str, thread_ts: str | None = None
    ) -> str:
        """Write as a person; gives the ts."""
        return self.people.post(user_id, channel_id, text, thread_ts)

    async def command(self, user_id: str, channel_id: str, command: str, text: str = "") -> str:
        """Use a slash command; returns once it is acknowledged or has failed.

        Gives the trigger_id, by which `receipt` tells how it fared; "" for no such command.
        """
        return await self.people.command(user_id, channel_id, command, text)

    async def action(
        self,
        user_id: str,
        channel_id: str,
        message_ts: str,
        *,
        block_id: str,
        action_id: str,
        value: str | None = None,
    ) -> None:
        """Click an element of a message; returns once it is acknowledged or has failed."""
        await self.people.action(
            user_id, channel_id, message_ts, block_id=block_id, action_id=action_id, value=value
        )

    def messages(
        self, channel_id: str, thread_ts: str | None = None, viewer: str | None = None
    ) -> list[Json]:
        """List a channel's roots, or a thread, oldest first; a viewer sees their ephemerals."""
        if thread_ts:
            return self.workspace.thread(channel_id, thread_ts, viewer)
        return self.workspace.timeline(channel_id, viewer)

    def home(self, user_id: str) -> Json | None:
        """Give the App Home published for a person."""
        return self.site.views.home(user_id)

    def modal(self, user_id: str) -> Json | None:
        """Give the modal that a person has open."""
        return self.site.views.modal(user_id)

    def calls(self, method: str | None = None) -> tuple[Entry, ...]:
        """List the Web API calls so far, of one method or all."""
        return self._entries("call", method)

    def envelopes(self, kind: str | None = None) -> tuple[Entry, ...]:
        """List the envelopes sent so far, of one type or all."""
        return self._entries("envelope", kind)

    def receipt(self, key: str) -> Receipt | None:
        """Tell what became of an event_id or trigger_id: acknowledged when, replied how often."""
        return self.tally.receipt(key)

    def receipts_of(self, channel_id: str, ts: str) -> tuple[Receipt, ...]:
        """Tell what became of the events about a message, twins apart, and of clicks on it."""
        return self.tally.of_message(channel_id, ts)

    def count_replies(self, channel_id: str, root_ts: str) -> int:
        """Count the bot's messages that everyone sees in a thread, in constant time."""
        return self.tally.replies(channel_id, root_ts)

    @property
    def is_connected(self) -> bool:
        """Tell whether the app has a usable WebSocket."""
        return self.site.sockets.is_connected

    async def wait_for(self, predicate: Callable[[], Found], timeout_seconds: float = 5.0) -> Found:
        """Wait until the predicate is true and give its value; raises TimeoutError.

        It is asked again after each change of the workspace, call and envelope, so it should be
        about those; for what happens in the app itself, wait for an asyncio.Event.
        """
        return await asyncio.wait_for(self.site.feed.until(predicate), timeout_seconds)

    async def wait_connected(self, timeout_seconds: float = 5.0) -> None:
        """Wait for a usable WebSocket of the app."""
        await self.wait_for(lambda: self.is_connected, timeout_seconds)

    async def fault(self, kind: str, **options: object) -> None:
        """Order a fault, or "clear" them all; see faults.py for kinds and options."""
        await self.site.order_fault({"kind": kind, **options})

    def _entries(self, kind: str, name: str | None) -> tuple[Entry, ...]:
        entries = (entry for entry in self.site.feed.entries() if entry.kind == kind)
        return tuple(entry for entry in entries if name in (None, entry.name))
