"""A simulator on a free port, and a real Bolt app connected to it over Socket Mode."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import aiohttp
import pytest
import pytest_asyncio
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.model import Pace
from bot.simulator.server import Simulator

MANIFEST = """
display_information: {name: Clockify Bot}
features:
  bot_user: {display_name: clockify-bot}
  app_home: {home_tab_enabled: true, messages_tab_enabled: true}
  slash_commands:
    - {command: /clockify, description: Ask the help center, usage_hint: "[question]"}
  shortcuts:
    - {name: Ask about this, type: message, callback_id: ask_about, description: Ask}
    - {name: Ask, type: global, callback_id: ask_anything, description: Ask}
oauth_config:
  scopes:
    bot: [app_mentions:read, chat:write, commands, channels:history, channels:read, im:history,
          users:read, reactions:read, reactions:write]
settings:
  event_subscriptions:
    bot_events: [app_mention, message.im, app_home_opened, reaction_added, agent_session_stopped]
  interactivity: {is_enabled: true}
  socket_mode_enabled: true
"""
QUICK = Pace(ack_timeout_seconds=3.0, retry_delays_seconds=(0.0, 0.0, 0.0), heartbeat_seconds=0.05)


class Time:
    """A clock that only moves when told."""

    def __init__(self) -> None:
        self.seconds = 1_795_352_385.0

    def __call__(self) -> float:
        return self.seconds


class Connect(Protocol):
    """Connects a Bolt app and gives its Socket Mode handler."""

    async def __call__(
        self,
        simulator: Simulator,
        register: Callable[[AsyncApp], object],
        *,
        ping_interval: float = 10,
    ) -> AsyncSocketModeHandler: ...


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.yml"
    path.write_text(MANIFEST, encoding="utf-8")
    return path


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest_asyncio.fixture
async def sim(manifest: Path, clock: Time) -> AsyncIterator[Simulator]:
    async with await Simulator.start(manifest, clock=clock, pace=QUICK) as simulator:
        yield simulator


@pytest_asyncio.fixture
async def impatient(manifest: Path) -> AsyncIterator[Simulator]:
    """A simulator that waits a tenth of a second for acknowledgements."""
    pace = replace(QUICK, ack_timeout_seconds=0.1)
    async with await Simulator.start(manifest, pace=pace) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> AsyncWebClient:
    return AsyncWebClient(token=sim.bot_token, base_url=sim.api_url)


@pytest_asyncio.fixture
async def http(sim: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sim.url) as session:
        yield session


@pytest_asyncio.fixture
async def connect() -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def open_app(
            simulator: Simulator,
            register: Callable[[AsyncApp], object],
            *,
            ping_interval: float = 10,
        ) -> AsyncSocketModeHandler:
            return await stack.enter_async_context(connected(simulator, register, ping_interval))

        yield open_app


@asynccontextmanager
async def connected(
    simulator: Simulator, register: Callable[[AsyncApp], object], ping_interval: float
) -> AsyncIterator[AsyncSocketModeHandler]:
    """Run an unmodified Bolt app against the simulator."""
    web_client = AsyncWebClient(token=simulator.bot_token, base_url=simulator.api_url)
    app = AsyncApp(client=web_client)
    register(app)
    handler = AsyncSocketModeHandler(
        app, simulator.app_token, web_client=web_client, ping_interval=ping_interval
    )
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await simulator.wait_connected()
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]
