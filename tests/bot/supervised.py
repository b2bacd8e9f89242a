"""A small Bolt app under the supervisor, on the local Slack or on a scripted one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from aiolimiter import AsyncLimiter
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse

from bot.config import SlackConfig
from bot.health import HealthRecord
from bot.socket import Supervisor
from bot.startup import close_client, prepare_client

Json = dict[str, Any]


class Slack(Protocol):
    """Either of the two."""

    @property
    def api_url(self) -> str:
        """Give the address of the Web API."""


@dataclass(frozen=True, slots=True)
class Supervised:
    """An app that answers mentions with pong once its gate is open, and its connection."""

    supervisor: Supervisor
    record: HealthRecord
    gate: asyncio.Event
    waiting: list[Json]  # events that wait at the gate or have passed it


def config_for(slack: Slack, **settings: Any) -> SlackConfig:
    """Give the settings of a bot on this Slack."""
    tokens = {name: getattr(slack, name, name[:3]) for name in ("bot_token", "app_token")}
    return SlackConfig(**{"api_url": slack.api_url, **tokens, **settings})


def make_app(config: SlackConfig, gate: asyncio.Event, waiting: list[Json]) -> AsyncApp:
    """Make the app; close_client(app.client) when it is done with."""

    async def record_first(
        body: Json, next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse | None:
        waiting.append(body)
        await gate.wait()
        return await next()

    app = AsyncApp(
        token=config.bot_token, before_authorize=record_first, request_verification_enabled=False
    )
    prepare_client(app.client, config)

    @app.event("app_mention")
    async def answer(event: Json) -> None:
        place = {"channel": event["channel"], "thread_ts": event["ts"]}
        await app.client.chat_postMessage(text="pong", **place)

    return app


@asynccontextmanager
async def supervised(
    slack: Slack, *, limit: AsyncLimiter | None = None, **options: Any
) -> AsyncIterator[Supervised]:
    """Connect; stops in the end. Reconnecting has no pace unless a limit is given."""
    gate, waiting, record = asyncio.Event(), list[Json](), HealthRecord()
    gate.set()
    config = config_for(slack)
    app = make_app(config, gate, waiting)
    supervisor = Supervisor(
        app, config.app_token, record=record, limit=limit or AsyncLimiter(100, 1), **options
    )
    try:
        await supervisor.start()
        try:
            yield Supervised(supervisor, record, gate, waiting)
        finally:
            await supervisor.stop()
    finally:
        await close_client(app.client)


async def until(predicate: Callable[[], object]) -> None:
    """Wait for something that nobody tells about; raises TimeoutError."""
    async with asyncio.timeout(5):
        while not predicate():
            await asyncio.sleep(0.001)
