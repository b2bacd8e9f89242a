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

from bot import retrying
from bot.app import create_app, serve
from bot.assembly import open_parts, open_store
from bot.config import SlackConfig
from bot.parts import Knowledge, Parts
from bot.simulator.model import Pace
from bot.simulator.server import Simulator
from bot.startup import Identity

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
    ready: asyncio.Event

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

    async def private(self, user: str, channel: str, holds: str, thread: str | None = None) -> Json:
        """Wait for a message that only this person sees and that holds some text."""

        def find() -> Json | None:
            seen = self.sim.messages(channel, thread, user)
            hidden = {m["ts"] for m in self.sim.messages(channel, thread)}
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

    async def end(self) -> None:
        """Stop the bot while questions are at the asker's gate."""
        self.stop.set()
        await self.serving

    def replies(self, channel: str, root: str) -> list[str]:
        """List what the bot has said in a thread."""
        return [m["text"] for m in self.sim.messages(channel, root) if is_bot(m)]

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
def manifest() -> Path:
    """Name the manifest that the app is made with; a module may have another one."""
    return MANIFEST


@pytest.fixture
async def sim(clock: SkewedClock, manifest: Path) -> AsyncIterator[Simulator]:
    """Start a local Slack that gives up on acknowledgements quickly."""
    pace = Pace(ack_timeout_seconds=1.0, retry_delays_seconds=(0.0, 0.1))
    async with await Simulator.start(manifest, pace=pace, clock=clock) as simulator:
        yield simulator


Starter = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def start(sim: Simulator, clock: SkewedClock, tmp_path: Path) -> AsyncIterator[Starter]:
    """Start the bot with settings of the test's own; it is stopped afterwards."""
    async with AsyncExitStack() as stack:

        async def starter(**settings: Any) -> Bench:
            rebuilder, pace = settings.pop("rebuilder", None), settings.pop("pace", None)
            names = {"examples", "folders"} & settings.keys()
            knowledge = {name: settings.pop(name) for name in names}
            slack = settings_for(sim, tmp_path, **settings)
            bench = begin(sim, clock, slack, rebuilder, pace=pace, knowledge=knowledge)
            stack.push_async_callback(end, bench)
            ready = asyncio.ensure_future(bench.ready.wait())
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
async def parts(sim: Simulator, tmp_path: Path) -> AsyncIterator[Parts]:
    """Make all parts of the bot without a connection; nobody works on the inbox."""
    asker = ArticleAsker()
    slack = settings_for(sim, tmp_path)
    knowledge = Knowledge(asker=asker, rebuilder=CountingRebuilder(asker))
    identity = Identity(team="Simulator", team_id="T0SIM", bot_user_id=sim.bot_user_id)
    async with (
        open_store(slack) as store,
        open_parts(slack, knowledge, identity, store) as opened,
    ):
        yield opened


@pytest.fixture
async def app(parts: Parts) -> AsyncApp:
    """Make the Bolt app alone, for payloads that no person in the local Slack can send."""
    return create_app(parts)


def settings_for(sim: Simulator, folder: Path, **settings: Any) -> SlackConfig:
    """Give the settings of a bot on this local Slack."""
    defaults = {
        "bot_token": sim.bot_token,
        "app_token": sim.app_token,
        "api_url": sim.api_url,
        "admins": ("U0ADA",),
        "feedback_file": folder / "state" / "feedback.jsonl",
        "audit_file": folder / "state" / "audit.jsonl",
        "state_file": folder / "state" / "bot.sqlite3",
        "rebuild_cooldown_seconds": 0.0,
    }
    return SlackConfig(**{**defaults, **settings})


def begin(
    sim: Simulator,
    clock: SkewedClock,
    slack: SlackConfig,
    rebuilder: CountingRebuilder | None = None,
    *,
    pace: retrying.Pace | None = None,
    knowledge: dict[str, Any] | None = None,
) -> Bench:
    """Run the bot in the background; a rebuilder that is given has seen an earlier bot.

    knowledge may hold examples and folders, see bot.parts.Knowledge.
    """
    rebuilder = rebuilder or CountingRebuilder(ArticleAsker())
    asker = rebuilder.asker
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        serve(
            slack,
            asker,
            rebuilder,
            stop,
            on_ready=lambda _: ready.set(),
            live_meta=lambda: {"generation": asker.generation, "created": asker.created},
            update_seconds=UPDATE_SECONDS,
            pace=pace,
            **(knowledge or {}),
        )
    )
    return Bench(sim, clock, asker, rebuilder, slack, stop, serving, ready)


async def end(bench: Bench) -> None:
    """Let everything through and stop the bot."""
    bench.asker.gate.set()
    bench.rebuilder.gate.set()
    bench.stop.set()
    await asyncio.wait({bench.serving})
