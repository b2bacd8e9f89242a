"""A browser page and a bot at one simulator: what a test types, clicks and posts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from playwright.async_api import Locator, Page

from bot.simulator.model import Json
from bot.simulator.server import Simulator


def no_payload(envelope: Json) -> Json | None:
    """Acknowledge without saying more."""
    return None


@dataclass(frozen=True, slots=True)
class Bot:
    """The app's side: Web API calls, and a socket that acknowledges every envelope."""

    sim: Simulator
    session: aiohttp.ClientSession

    async def call(self, method: str, token: str | None = None, **arguments: object) -> Any:
        """Call a Web API method; gives the reply, which must be ok."""
        headers = {"Authorization": f"Bearer {token or self.sim.bot_token}"}
        url = f"{self.sim.url}/api/{method}"
        async with self.session.post(url, json=arguments, headers=headers) as response:
            reply = await response.json()
        assert reply["ok"], reply
        return reply

    async def post(self, text: str, channel: str = "C0GEN", **more: Any) -> str:
        """Post a message; gives its ts."""
        reply = await self.call("chat.postMessage", channel=channel, text=text, **more)
        return str(reply["ts"])

    @asynccontextmanager
    async def connected(
        self, answer: Callable[[Json], Json | None] = no_payload
    ) -> AsyncIterator[None]:
        """Hold a socket open and acknowledge every envelope, with what answer gives for it."""
        opened = await self.call("apps.connections.open", token=self.sim.app_token)
        async with self.session.ws_connect(opened["url"]) as socket:
            acknowledging = asyncio.create_task(_acknowledge(socket, answer))
            await self.sim.wait_connected()
            yield
            await socket.close()
            await acknowledging

    async def open_view(self, view: Json, trigger_id: str, method: str = "views.open") -> str:
        """Open a modal, or push one; gives its id."""
        reply = await self.call(method, trigger_id=trigger_id, view=view)
        return str(reply["view"]["id"])


async def _acknowledge(
    socket: aiohttp.ClientWebSocketResponse, answer: Callable[[Json], Json | None]
) -> None:
    async for frame in socket:
        envelope = frame.json()
        if "envelope_id" not in envelope:
            continue
        payload = answer(envelope)
        acknowledgement = {"envelope_id": envelope["envelope_id"]}
        await socket.send_json(acknowledgement | ({"payload": payload} if payload else {}))


@dataclass(frozen=True, slots=True)
class Chat:
    """The page as a person uses it."""

    page: Page
    sim: Simulator
    bot: Bot

    @property
    def field(self) -> Locator:
        """The message field of the channel."""
        return self.page.locator("#channel-input")

    @property
    def options(self) -> Locator:
        """The suggestions that are shown."""
        return self.page.locator(".completion").get_by_role("option")

    @property
    def rows(self) -> Locator:
        """The messages of the open channel."""
        return self.page.locator("#messages").get_by_role("article")

    @property
    def thread(self) -> Locator:
        """The thread pane."""
        return self.page.locator("#thread")

    async def open(self, actor: str = "U0ANN", channel: str = "C0GEN") -> Chat:
        """Load the page and wait until the conversation is there."""
        await self.page.goto(f"{self.sim.url}/#as={actor}&channel={channel}")
        await self.page.locator("#messages .welcome").wait_for()
        return self

    async def say(self, text: str) -> str:
        """Type a message into the channel and press Enter; gives its ts once it is shown."""
        await self.field.fill(text)
        await self.field.press("Enter")
        row = self.rows.last
        await row.filter(has_text=text.split("@")[0][:20]).wait_for()
        return await row.get_attribute("data-ts") or ""

    @property
    def modal(self) -> Locator:
        """The modal that is open."""
        return self.page.locator("#modal[open]")

    async def action(self, number: int = -1) -> Json:
        """Wait for a click to reach the app; gives the first action of its payload."""
        await self.sim.wait_for(lambda: self.sim.envelopes("interactive"))
        payload = self.sim.envelopes("interactive")[number].body["payload"]
        return dict(payload["actions"][0])

    async def interaction(self, kind: str) -> Json:
        """Wait for an interaction of a type; gives the payload of the newest."""

        def find() -> Json | None:
            payloads = [entry.body["payload"] for entry in self.sim.envelopes("interactive")]
            return next((it for it in reversed(payloads) if it["type"] == kind), None)

        found = await self.sim.wait_for(find)
        assert found is not None
        return found
