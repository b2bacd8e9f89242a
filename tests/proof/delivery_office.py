"""A crowd that asks a bot process on the local Slack, and a referee who counts the replies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from bot.simulator.model import Pace
from bot.simulator.server import Simulator

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "manifest.yml"
USERS, CHANNELS = 40, 24
START_SECONDS = 60.0
NO_SETTINGS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Asked:
    """A mention or a direct message; channel and ts name it."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the referee counted at the local Slack."""

    asked: int
    acknowledged: int
    lost: tuple[Asked, ...]  # acknowledged, no reply
    twice: tuple[Asked, ...]
    commands: int
    commands_lost: tuple[str, ...]
    commands_repeated: int
    ack_p99_ms: float

    def __str__(self) -> str:
        return (
            f"{self.asked} asked, {self.acknowledged} acknowledged, {len(self.lost)} lost, "
            f"{len(self.twice)} twice; {self.commands} commands, {len(self.commands_lost)} lost, "
            f"{self.commands_repeated} repeated; ack p99 {self.ack_p99_ms:.0f} ms"
        )


@dataclass
class BotProcess:
    """A bot that is started again whenever it ends, as a process manager does."""

    environment: dict[str, str]
    log: Path
    module: str = "tests.proof.scripted_bot"
    codes: list[int] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    is_wanted: bool = True

    async def keep_running(self) -> None:
        """Start it again and again until it is no longer wanted."""
        while self.is_wanted:
            with self.log.open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    self.module,
                    cwd=ROOT,
                    env=self.environment,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                )
            self.codes.append(await self.process.wait())

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)

    async def printed(self) -> list[str]:
        """Ask for its figures with SIGUSR1 and give the words of the line that it prints."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.send(signal.SIGUSR1)
        line = await asyncio.wait_for(self.process.stdout.readline(), 10)
        return line.decode().split()

    async def figures(self) -> tuple[int, int, int]:
        """Ask the scripted bot for resident bytes, open files and tasks."""
        memory, files, tasks = map(int, await self.printed())
        return memory, files, tasks


@dataclass
class Office:
    """The local Slack, the bots and what was asked."""

    sim: Simulator
    bots: tuple[BotProcess, ...]
    asked: list[Asked] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)  # trigger ids

    @property
    def bot(self) -> BotProcess:
        """Give the first bot."""
        return self.bots[0]

    async def mention(self, user: str, channel: str, text: str) -> Asked:
        """Ask in a channel."""
        return await self._write(user, channel, f"@clockify-bot {text}")

    async def direct(self, user: str, text: str) -> Asked:
        """Ask in a direct message."""
        return await self._write(user, user.replace("U", "D", 1), text)

    async def command(self, user: str, channel: str, text: str) -> None:
        """Ask with /clockify; returns once it is acknowledged or Slack gave up."""
        self.commands.append(await self.sim.command(user, channel, "/clockify", text))

    async def ask_mixed(self, number: int) -> None:
        """Ask the n-th question of a crowd: mentions, direct messages and commands in turn."""
        user = f"U0X{number % USERS + 1:03}"
        channel = f"C0X{number % CHANNELS + 1:03}"
        text = f"question number {number}?"
        match number % 5:
            case 0:
                await self.command(user, channel, text)
            case 1 | 2:
                await self.direct(user, text)
            case _:
                await self.mention(user, channel, text)

    def replies(self, asked: Asked) -> int:
        """Count what everybody in the thread sees of the bot."""
        return self.sim.count_replies(asked.channel, asked.ts)

    def is_acknowledged(self, asked: Asked) -> bool:
        """Say whether the bot has taken the question on."""
        receipts = self.sim.receipts_of(asked.channel, asked.ts)
        return any(receipt.is_acknowledged for receipt in receipts)

    def answered(self) -> int:
        """Count the questions with a reply."""
        return sum(self.replies(asked) > 0 for asked in self.asked)

    def is_finished(self) -> bool:
        """Say whether every question is acknowledged and has a reply, commands too."""
        return all(self.replies(asked) for asked in self.asked) and not self._commands_lost()

    async def finished(self, timeout_seconds: float) -> None:
        """Wait for that; what is still missing is for the verdict to say."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                while not self.is_finished():
                    await asyncio.sleep(0.25)

    def verdict(self) -> Verdict:
        """Count."""
        taken = [asked for asked in self.asked if self.is_acknowledged(asked)]
        latencies = self.sim.tally.latencies
        p99 = quantiles(latencies, n=100)[98] if len(latencies) > 1 else 0.0
        return Verdict(
            asked=len(self.asked),
            acknowledged=len(taken),
            lost=tuple(asked for asked in taken if not self.replies(asked)),
            twice=tuple(asked for asked in self.asked if self.replies(asked) > 1),
            commands=len(self.commands),
            commands_lost=self._commands_lost(),
            commands_repeated=sum(self._shown(trigger) > 2 for trigger in self.commands),
            ack_p99_ms=p99,
        )

    async def _write(self, user: str, channel: str, text: str) -> Asked:
        asked = Asked(channel, await self.sim.post(user, channel, text))
        self.asked.append(asked)
        return asked

    def _commands_lost(self) -> tuple[str, ...]:
        """List the acknowledged commands that showed no more than "searching"."""
        return tuple(trigger for trigger in self.commands if self._shown(trigger) == 1)

    def _shown(self, trigger: str) -> int:
        """Count what an acknowledged command showed, "searching" included; 0: not acknowledged."""
        receipt = self.sim.receipt(trigger)
        if receipt is None or not receipt.is_acknowledged:
            return 0
        return receipt.replies + receipt.replacements


def environment(sim: Simulator, folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Give a bot's environment; its state is in the folder."""
    names = ("PATH", "HOME", "LANG", "PYTHONPATH")
    own = {name: os.environ[name] for name in names if name in os.environ}
    return own | {
        "SLACK_BOT_TOKEN": sim.bot_token,
        "SLACK_APP_TOKEN": sim.app_token,
        "SLACK_API_URL": sim.api_url,
        "STATE_FILE": str(folder / "bot.sqlite3"),
        "AUDIT_FILE": str(folder / "audit.jsonl"),
        "FEEDBACK_FILE": str(folder / "feedback.jsonl"),
        "PYTHONUNBUFFERED": "1",
        **settings,
    }


@asynccontextmanager
async def open_office(
    folder: Path,
    *,
    bots: int = 1,
    module: str = "tests.proof.scripted_bot",
    has_rate_limits: bool = True,
    retry_delays_seconds: Sequence[float] = (0.0, 1.0, 2.0, 4.0, 8.0),
    settings: Mapping[str, str] = NO_SETTINGS,
) -> AsyncIterator[Office]:
    """Start the local Slack with a crowd and the bots; the bots are killed at the end."""
    pace = Pace(ack_timeout_seconds=3.0, retry_delays_seconds=retry_delays_seconds)
    async with await Simulator.start(
        MANIFEST,
        pace=pace,
        has_rate_limits=has_rate_limits,
        extra_users=USERS,
        extra_channels=CHANNELS,
    ) as sim:
        given = environment(sim, folder, settings)
        logs = [folder / f"bot-{number}.log" for number in range(bots)]
        office = Office(sim, tuple(BotProcess(given, log, module) for log in logs))
        running = [asyncio.create_task(bot.keep_running()) for bot in office.bots]
        try:
            await sim.wait_connected(START_SECONDS)
            yield office
        finally:
            for bot in office.bots:
                bot.is_wanted = False
                bot.kill()
            await asyncio.gather(*running)
