"""Delivery on the local Slack, without the rest of the bot: questions, claims, destinations."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import plain_message
from bot.delivery import Delivery, Destination
from bot.message import Message
from bot.pace import DeliveryPace
from bot.sender import RATES, Rate, Sender
from bot.simulator.server import Simulator
from bot.tasks import Claim, Inquiry, Surface
from core.errors import BotError

Json = dict[str, Any]

PACE = DeliveryPace(
    settle=0.05,
    first_draft=0.02,
    append=0.02,
    edit=0.02,
    preview=0.5,
    stop=0.5,
    repeat=0.05,
    acknowledgement=0.0,
)
FREE = {"chat.postMessage": Rate(1_000, 1.0, is_per_channel=True)}
ANSWER = plain_message("The *answer*. [1]")
APOLOGY = plain_message("Sorry.")


@dataclass
class Notebook:
    """Keeps notes as the inbox does, in memory; the first so many fail as on a full disk."""

    failures: int = 0
    notes: dict[str, Json] = field(default_factory=dict)
    written: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def note(self, key: str, **notes: Any) -> None:
        """Merge notes into those of a task."""
        self.failures -= 1
        if self.failures >= 0:
            raise BotError("The disk is full.")
        async with self.written:
            self.notes.setdefault(key, {}).update(notes)
            self.written.notify_all()

    async def wait_for(self, key: str, name: str, *, empty: bool = False) -> Any:
        """Wait for a note, one that says something unless it may be empty, and give it."""
        async with asyncio.timeout(5.0), self.written:
            await self.written.wait_for(
                lambda: name in (noted := self.notes.get(key, {})) and (empty or noted[name])
            )
            return self.notes[key][name]


@dataclass
class DeliveryBench:
    """A client of the local Slack, and what a process of the bot needs to deliver."""

    sim: Simulator
    client: AsyncWebClient
    notebook: Notebook
    streaming: str = "native"
    pace: DeliveryPace = PACE

    def process(self, **changes: Any) -> Delivery:
        """Make the delivery of a process that starts now."""
        streaming = changes.pop("streaming", self.streaming)
        sender = changes.pop("sender", Sender({**RATES, **FREE}))
        pace = dataclasses.replace(self.pace, **changes)
        return Delivery(
            self.client, sender, inbox=self.notebook, team="T0SIM", streaming=streaming, pace=pace
        )

    async def inquiry(self, **fields: Any) -> Inquiry:
        """Let U0ANN ask in C0GEN, unless the fields say otherwise."""
        user, channel = fields.get("user", "U0ANN"), fields.get("channel", "C0GEN")
        ts = await self.sim.post(user, channel, "how do I lock timesheets?", fields.get("thread"))
        defaults = {"key": f"event {ts}", "text": "how do I lock timesheets?", "ts": ts}
        defaults |= {"surface": Surface.MENTION, "team": "T0SIM", "user": user, "channel": channel}
        return Inquiry(**{**defaults, "thread": ts, **fields})

    def claim(self, inquiry: Inquiry, *, tries: int = 1, reply: Message | None = None) -> Claim:
        """Claim the task of an inquiry, with the notes of the tries before."""
        notes = dict(self.notebook.notes.get(inquiry.key, {}))
        return Claim(inquiry.to_task(), tries, time.time(), reply, notes)

    def to(self, delivery: Delivery, inquiry: Inquiry, **options: Any) -> Destination:
        """Choose the destination of a first try, or of another with tries."""
        is_private = options.pop("is_private", False)
        claim = self.claim(inquiry, **options)
        return delivery.to(inquiry, claim=claim, is_private=is_private)

    def replies(self, inquiry: Inquiry) -> list[Json]:
        """List what the bot wrote in the thread."""
        thread = self.sim.messages(inquiry.channel, inquiry.thread)
        return [message for message in thread if message.get("bot_id")]

    async def shown(self, inquiry: Inquiry, text: str) -> Json:
        """Wait for a reply that holds a text."""

        def find() -> Json | None:
            return next((m for m in self.replies(inquiry) if text in m["text"]), None)

        found = await self.sim.wait_for(find)
        assert found is not None
        return found

    def count(self, method: str) -> int:
        """Count the calls of a method."""
        return len(self.sim.calls(method))


@asynccontextmanager
async def delivery_bench(sim: Simulator) -> AsyncIterator[DeliveryBench]:
    """Open a client with the session that everything shares."""
    client = AsyncWebClient(token=sim.bot_token, base_url=sim.api_url, retry_handlers=[])
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        client.session = session
        yield DeliveryBench(sim, client, Notebook())
