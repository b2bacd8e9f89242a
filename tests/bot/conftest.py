"""The bot on the local Slack, with the stand-ins for core."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from bot.app import close_client, create_app, make_rebuilds, serve
from bot.audit import AuditLog
from bot.config import SlackConfig
from bot.desk import Desk
from bot.simulator.model import Pace
from bot.simulator.server import Simulator

from .stand_ins import ArticleAsker, CountingRebuilder
from .terminal import Terminal, build_library, moved_in, settled

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "manifest.yml"
UPDATE_SECONDS = 0.2
Json = dict[str, Any]


@dataclass
class SkewedClock:
    """The time, plus what a test adds."""

    ahead_seconds: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_seconds


@dataclass
class Bench:
    """A running local Slack with the bot connected to it."""

    sim: Simulator
    clock: SkewedClock
    asker: ArticleAsker
    rebuilder: CountingRebuilder
    slack: SlackConfig
    stop: asyncio.Event
    serving: asyncio.Task[None]

    async def ask(self, user: str, channel: str, text: str, thread: str | None = None) -> Json:
        """Write, and give the bot's reply in the thread of what was written."""
        ts = await self.sim.post(user, channel, text, thread)
        return await self.reply_to(channel, thread or ts, after=ts)

    async def reply_to(self, channel: str, root: str, *, after: str = "") -> Json:
        """Wait for the bot's first message of a thread after another message."""

        def find() -> Json | None:
            replies = self.sim.messages(channel, root)
            return next((m for m in replies if is_bot(m) and m["ts"] > (after or root)), None)

        found = await self.sim.wait_for(find, 5.0)
        assert found is not None
        return found

    async def private(self, user: str, channel: str, holds: str) -> Json:
        """Wait for a message that only this person sees and that holds some text."""

        def find() -> Json | None:
            seen = self.sim.messages(channel, viewer=user)
            hidden = {m["ts"] for m in self.sim.messages(channel)}
            return next((m for m in seen if m["ts"] not in hidden and holds in words(m)), None)

        found = await self.sim.wait_for(find, 5.0)
        assert found is not None
        return found

    def privates(self, user: str, channel: str) -> list[Json]:
        """List what only this person sees."""
        public = {m["ts"] for m in self.sim.messages(channel)}
        return [m for m in self.sim.messages(channel, viewer=user) if m["ts"] not in public]

    async def direct(self, user: str, holds: str) -> Json:
        """Wait for a direct message of the bot that holds some text."""

        def find() -> Json | None:
            return next((m for m in self.directs(user) if holds in words(m)), None)

        found = await self.sim.wait_for(find, 5.0)
        assert found is not None
        return found

    def directs(self, user: str) -> list[Json]:
        """List the bot's direct messages to a person."""
        return [m for m in self.sim.messages(user.replace("U", "D", 1)) if is_bot(m)]

    async def rebuild(self, user: str = "U0ADA", text: str = "", channel: str = "C0GEN") -> None:
        """Use /clockify-rebuild; returns once it is acknowledged."""
        await self.sim.command(user, channel, "/clockify-rebuild", text)

    def audit(self) -> list[Json]:
        """Read the audit."""
        if not self.slack.audit_file.exists():
            return []
        return [json.loads(line) for line in self.slack.audit_file.read_text().splitlines()]

    def feedback(self) -> list[Json]:
        """Read the recorded votes."""
        if not self.slack.feedback_file.exists():
            return []
        return [json.loads(line) for line in self.slack.feedback_file.read_text().splitlines()]


def is_bot(message: Json) -> bool:
    """Tell whether the bot wrote a message."""
    return bool(message.get("bot_id"))


def words(message: Json) -> str:
    """Give every text of a message, blocks included."""
    return json.dumps([message.get("text"), message.get("blocks")], ensure_ascii=False)


@pytest.fixture(autouse=True)
def clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the machine's own settings and proxies from the bot."""
    for name in [*os.environ]:
        if name.startswith("SLACK_") or name.upper().endswith("_PROXY") or name == "ADMIN_USERS":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the index of eight articles, once."""
    return build_library(tmp_path_factory.mktemp("library"))


@pytest.fixture
def terminal(tmp_path: Path, library: Path) -> Terminal:
    """Give a command line that answers from the library, which it must not change."""
    return settled(tmp_path, library)


@pytest.fixture
def own(tmp_path: Path, library: Path) -> Terminal:
    """Give a command line with a copy of the library, to change."""
    return moved_in(tmp_path, library)


@pytest.fixture
def clock() -> SkewedClock:
    """Give the local Slack's clock."""
    return SkewedClock()


@pytest.fixture
async def sim(clock: SkewedClock) -> AsyncIterator[Simulator]:
    """Start a local Slack that gives up on acknowledgements quickly."""
    pace = Pace(ack_timeout_seconds=1.0, retry_delays_seconds=(0.0, 0.1))
    async with await Simulator.start(MANIFEST, pace=pace, clock=clock) as simulator:
        yield simulator


Starter = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def start(sim: Simulator, clock: SkewedClock, tmp_path: Path) -> AsyncIterator[Starter]:
    """Start the bot with settings of the test's own; it is stopped afterwards."""
    async with AsyncExitStack() as stack:

        async def starter(**settings: Any) -> Bench:
            rebuilder = settings.pop("rebuilder", None)
            bench = begin(sim, clock, settings_for(sim, tmp_path, **settings), rebuilder)
            stack.push_async_callback(end, bench)
            ready = asyncio.ensure_future(sim.wait_connected())
            await asyncio.wait({ready, bench.serving}, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            if bench.serving.done():
                bench.serving.result()
            return bench

        yield starter


@pytest.fixture
async def bench(start: Starter) -> Bench:
    """Start the bot with one admin, U0ADA."""
    return await start()


@pytest.fixture
async def app(sim: Simulator, tmp_path: Path) -> AsyncIterator[AsyncApp]:
    """Make the Bolt app alone, for payloads that no person in the local Slack can send."""
    asker = ArticleAsker()
    slack, desk = settings_for(sim, tmp_path), Desk(asker)
    audit = AuditLog(slack.audit_file)
    rebuilds = make_rebuilds(slack, desk, CountingRebuilder(asker), audit)
    application = create_app(slack, desk, rebuilds, audit, team_id="T0SIM")
    yield application
    await close_client(application.client)


def settings_for(sim: Simulator, folder: Path, **settings: Any) -> SlackConfig:
    """Give the settings of a bot on this local Slack."""
    defaults = {
        "bot_token": sim.bot_token,
        "app_token": sim.app_token,
        "api_url": sim.api_url,
        "admins": ("U0ADA",),
        "feedback_file": folder / "state" / "feedback.jsonl",
        "audit_file": folder / "state" / "audit.jsonl",
        "rebuild_cooldown_seconds": 0.0,
    }
    return SlackConfig(**{**defaults, **settings})


def begin(
    sim: Simulator,
    clock: SkewedClock,
    slack: SlackConfig,
    rebuilder: CountingRebuilder | None = None,
) -> Bench:
    """Run the bot in the background; a rebuilder that is given has seen an earlier bot."""
    rebuilder = rebuilder or CountingRebuilder(ArticleAsker())
    asker = rebuilder.asker
    stop = asyncio.Event()
    serving = asyncio.create_task(
        serve(
            slack,
            asker,
            rebuilder,
            stop,
            live_meta=lambda: {"generation": asker.generation, "created": "2026-01-01T00:00:00Z"},
            update_seconds=UPDATE_SECONDS,
        )
    )
    return Bench(sim, clock, asker, rebuilder, slack, stop, serving)


async def end(bench: Bench) -> None:
    """Let everything through and stop the bot."""
    bench.asker.gate.set()
    bench.rebuilder.gate.set()
    bench.stop.set()
    await asyncio.wait({bench.serving})
