"""People who ask a real bot process whose language model is ill, on the local Slack."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.simulator.model import Pace
from bot.simulator.server import Simulator

from ..bot.terminal import Running, bare
from .delivery_office import CHANNELS, MANIFEST, NO_SETTINGS, ROOT, USERS
from .faulty_ollama import MODEL
from .model_bot import FIGURES
from .model_judge import Asked, Json, Kind, faults_of, is_final

DEADLINE_SECONDS = 4.0
GRACE_SECONDS = 2.0  # the promise: a reply by the deadline and this
START_SECONDS = 60.0
QUESTIONS = (
    "How do I create a tag?",
    "How do I request vacation?",
    "How do I lock timesheets?",
    "How do I export a report?",
    "How do I clock in at a kiosk?",
    "How do I track time with the timer?",
    "How do I lock timesheets automatically?",
    "How do I add time by hand?",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a process holds."""

    megabytes: float
    files: int
    tasks: int


@dataclass
class ModelOffice:
    """The local Slack, the bot, and the questions."""

    sim: Simulator
    folder: Path
    environment: dict[str, str]
    module: str
    running: Running | None = None
    asked: list[Asked] = field(default_factory=list)
    _number: int = 0

    @property
    def bot(self) -> Running:
        """Give the process."""
        assert self.running is not None
        return self.running

    async def start(self, *, has_to_serve: bool = True) -> Running:
        """Start the bot, or the next one."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.module,
            "run",
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self.running = Running(process)
        if has_to_serve:
            await self.running.line("connected to Slack as")
            await self.sim.wait_connected(START_SECONDS)
        return self.running

    async def ask(self, text: str = "", *, surface: int | None = None) -> Asked:
        """Ask the next question: a mention, a direct message or a command in turn."""
        number, self._number = self._number, self._number + 1
        user, channel = f"U0X{number % USERS + 1:03}", f"C0X{number % CHANNELS + 1:03}"
        text = text or QUESTIONS[number % len(QUESTIONS)]
        ts, trigger, earlier = "", "", frozenset(m["ts"] for m in self._private(user, channel))
        typed, at = f"{text} :debug", time.monotonic()
        match number % 3 if surface is None else surface:
            case 0:
                ts = await self.sim.post(user, channel, f"@clockify-bot {typed}")
            case 1:
                channel = user.replace("U", "D", 1)
                ts = await self.sim.post(user, channel, typed)
            case _:
                trigger = await self.sim.command(user, channel, "/clockify", typed)
        asked = Asked(text, user, channel, ts, trigger, earlier, at)
        self.asked.append(asked)
        return asked

    async def ask_many(self, count: int) -> list[Asked]:
        """Ask at once."""
        return list(await asyncio.gather(*(self.ask() for _ in range(count))))

    async def answered(self, asked: Sequence[Asked], seconds: float) -> None:
        """Wait until all have a reply, or that long; notes when each came."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look(asked)
            if all(one.reply is not None for one in asked):
                return
            await asyncio.sleep(0.05)

    def look(self, asked: Sequence[Asked]) -> None:
        """Note the replies that are there by now."""
        for one in asked:
            if one.reply is None and (replies := self.replies(one)):
                one.reply, one.seconds = replies[0], time.monotonic() - one.at

    def replies(self, asked: Asked) -> list[Json]:
        """List what the bot has said to a question, without what is not finished."""
        if asked.ts:
            there = self.sim.messages(asked.channel, asked.ts)[1:]
        else:
            there = self._private(asked.user, asked.channel)
        return [m for m in there if m["ts"] not in asked.earlier and is_final(m)]

    def said(self, asked: Asked) -> int:
        """Count all that the bot has said to a question, drafts and apologies included."""
        if asked.ts:
            return self.sim.count_replies(asked.channel, asked.ts)
        receipt = self.sim.receipt(asked.trigger)
        # The first is "Searching …"; the reply takes its place or comes after it.
        return 0 if receipt is None else receipt.replies + receipt.replacements - 1

    async def judged(
        self,
        asked: Sequence[Asked],
        *may_be: Kind,
        seconds: float = DEADLINE_SECONDS + GRACE_SECONDS,
    ) -> list[str]:
        """Wait for the replies; give what is wrong with them."""
        await self.answered(asked, seconds + 1)
        return faults_of(asked, [self.said(one) for one in asked], seconds=seconds, may_be=may_be)

    async def figures(self) -> Figures:
        """Ask the process what it holds."""
        before = len(self.bot.lines)
        self.bot.process.send_signal(signal.SIGUSR1)
        found = await self.bot.wait_for(
            lambda: [line for line in self.bot.lines[before:] if line.startswith(FIGURES)]
        )
        memory, files, tasks = map(int, found[0].removeprefix(FIGURES).split())
        return Figures(round(memory / 2**20, 1), files, tasks)

    async def status(self) -> str:
        """Give what /clockify status says, to a person who asks nothing else."""
        user, channel = "U0ADA", "C0GEN"
        seen = {m["ts"] for m in self._private(user, channel)}
        await self.sim.command(user, channel, "/clockify", "status")
        new = [m for m in self._private(user, channel) if m["ts"] not in seen]
        return str(new[-1]["text"])

    def _private(self, user: str, channel: str) -> list[Json]:
        if channel.startswith("D"):
            return []
        public = {m["ts"] for m in self.sim.messages(channel)}
        seen = self.sim.messages(channel, viewer=user)
        return [m for m in seen if m["ts"] not in public]


@asynccontextmanager
async def open_model_office(
    folder: Path,
    library: Path,
    ollama_url: str,
    *,
    module: str = "tests.proof.model_bot",
    manifest: Path = MANIFEST,
    starts: bool = True,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> AsyncIterator[ModelOffice]:
    """Start the local Slack and the bot on the library of articles; it is killed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    pace = Pace(ack_timeout_seconds=3.0, retry_delays_seconds=(0.0, 1.0, 2.0))
    async with await Simulator.start(
        manifest, pace=pace, extra_users=USERS, extra_channels=CHANNELS
    ) as sim:
        given = bare(folder) | {
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "KNOWLEDGE": str(library / "knowledge"),
            "INDEX": str(library / "index"),
            "SLACK_API_URL": sim.api_url,
            "SLACK_BOT_TOKEN": sim.bot_token,
            "SLACK_APP_TOKEN": sim.app_token,
            "ADMIN_USERS": "U0ADA",
            "OLLAMA_URL": ollama_url,
            "GEN_MODEL": MODEL,
            "ANSWERER": "ollama",
            "QUESTION_DEADLINE_SECONDS": f"{DEADLINE_SECONDS:g}",
            **settings,
        }
        office = ModelOffice(sim, folder, given, module)
        try:
            if starts:
                await office.start()
            yield office
        finally:
            if office.running is not None:
                await office.running.kill()
