"""The command line as a person uses it: real processes, a folder of their own, eight articles."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any, TypeVar

from bot.simulator.server import Simulator

Json = dict[str, Any]
T = TypeVar("T")

MODULE = (sys.executable, "-m", "bot")
SCRIPT = (str(Path(sys.executable).with_name("clockify-bot")),)
NOWHERE = "http://127.0.0.1:1"  # no Ollama of the machine may answer
WAIT_SECONDS = 30.0
REFUSAL = "I don't know based on the MD."
HELP = "https://clockify.me/help/"

ARTICLES = {
    "lock-timesheets": (
        "Lock timesheets",
        """A locked day cannot be edited by anybody but admins.

## How to lock timesheets

1. Open **Workspace settings**.
2. Choose **Permissions**.
3. Switch on **Lock entries** and pick a date.

## Lock timesheets automatically

Pick weekly or monthly under **Update the lock date** and the date moves on by itself.
""",
    ),
    "track-time": (
        "Track time",
        """You can record hours while you work or write them down later.

## Track time with the timer

1. Type what you are working on.
2. Click **Start**.
3. Click **Stop** when you are done.

## Add time by hand

Switch to manual mode, enter the start and the end, and click **Add**.
""",
    ),
    "tags": (
        "Tags",
        """Tags group entries across projects, for example by place of work.

## Create a tag

Open **Tags** in the menu, type a name and press Enter. Only managers may delete a tag.
""",
    ),
    "hourly-rates": (
        "Hourly rates",
        """A billable rate says what a client pays for one hour.

## Which rate counts

| Level | Wins over |
|---|---|
| Task | Project |
| Project | Member |
| Member | Workspace |
""",
    ),
    "time-off": (
        "Time off",
        """Vacation days are requested in Clockify and approved by a manager.

## Request vacation

Open **Time off**, click **Request**, choose the days and send it.
""",
    ),
    "kiosk": (
        "Kiosk",
        """A kiosk is one shared tablet on which a whole crew clocks in.

## Clock in at a kiosk

Tap your name, enter your four-digit PIN and tap **In**.
""",
    ),
    "export-reports": (
        "Export reports",
        """Every report can leave Clockify as a file.

## Export a report

Open the report, click **Export** and choose PDF, CSV or Excel.
""",
    ),
    "user-roles": (
        "User roles",
        """Owners, admins, managers and members see different things.

## What an admin may do

Admins invite people, change roles and see every timesheet of the workspace.
""",
    ),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        """Read the one line of JSON on standard output."""
        (line,) = self.out.splitlines()
        parsed: Json = json.loads(line)
        return parsed

    @property
    def failure(self) -> tuple[int, str]:
        """Give the exit status and the sentence of a failure, which must be all there is."""
        assert (self.out, "Traceback" in self.err) == ("", False), self
        return self.code, self.err.strip().splitlines()[-1]


class Running:
    """A process that is being read."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []  # of standard output and standard error together
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def line(self, holds: str) -> str:
        """Wait for a line that holds some text."""
        found = await self.wait_for(lambda: [line for line in self.lines if holds in line])
        return found[0]

    async def wait_for(self, predicate: Callable[[], T]) -> T:
        """Wait until something is true of the lines; fails when the process ends before."""
        async with asyncio.timeout(WAIT_SECONDS), self._changed:
            await self._changed.wait_for(lambda: predicate() or self._reading.done())
        found = predicate()
        assert found, self.text
        return found

    async def stop(self, signal: Signals) -> tuple[int, float]:
        """Send a signal; give the exit status and the seconds that it took."""
        started = asyncio.get_running_loop().time()
        self.process.send_signal(signal)
        code = await self.ended()
        return code, asyncio.get_running_loop().time() - started

    async def ended(self) -> int:
        """Wait for the end; give the exit status."""
        async with asyncio.timeout(WAIT_SECONDS):
            await self._reading
            return await self.process.wait()

    async def kill(self) -> None:
        """End it whatever it does."""
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()

    @property
    def text(self) -> str:
        """Everything it has written."""
        return "\n".join(self.lines)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._changed:
                self.lines.append(line.decode().rstrip("\n"))
                self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Terminal:
    """A folder to be in and the variables that are set."""

    folder: Path
    environ: Mapping[str, str]

    def having(self, **environ: str) -> Terminal:
        """Give a terminal in the same folder with more variables."""
        return Terminal(self.folder, {**self.environ, **environ})

    def on(self, sim: Simulator, **environ: str) -> Terminal:
        """Give a terminal whose bot finds the local Slack, with Ada as its admin and no Ollama."""
        return self.having(
            **{
                "SLACK_API_URL": sim.api_url,
                "SLACK_BOT_TOKEN": sim.bot_token,
                "SLACK_APP_TOKEN": sim.app_token,
                "ADMIN_USERS": "U0ADA",
                **environ,
            }
        )

    async def run(
        self, *arguments: str, stdin: str | bytes = b"", program: tuple[str, ...] = MODULE
    ) -> Ended:
        """Run to the end."""
        process = await asyncio.create_subprocess_exec(
            *program,
            *arguments,
            cwd=self.folder,
            env=self.environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        given = stdin.encode() if isinstance(stdin, str) else stdin
        async with asyncio.timeout(WAIT_SECONDS):
            out, err = await process.communicate(given)
        return Ended(await process.wait(), out.decode(), err.decode())

    async def start(self, *arguments: str) -> Running:
        """Start and read along."""
        return Running(
            await asyncio.create_subprocess_exec(
                *MODULE,
                *arguments,
                cwd=self.folder,
                env=self.environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        )

    def write(self, name: str, *rows: Json | str) -> Path:
        """Write a file of JSON lines, or of lines as they are."""
        path = self.folder / name
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    def read(self, name: str) -> list[Json]:
        """Read a file of JSON lines."""
        return [json.loads(line) for line in (self.folder / name).read_bytes().splitlines()]


def write_articles(folder: Path, *names: str) -> Path:
    """Write some of the articles, or all, as a folder of Markdown with front matter."""
    folder.mkdir(parents=True)
    for name in names or ARTICLES:
        write_article(folder, name)
    return folder


def write_article(folder: Path, name: str, body: str = "") -> None:
    """Write one article, with its own body or another."""
    title, own = ARTICLES[name]
    text = f"---\ntitle: {title}\nurl: {HELP}{name}\n---\n\n{body or own}"
    (folder / f"{name}.md").write_text(text, encoding="utf-8")


def build_library(folder: Path) -> Path:
    """Write all articles and build their index, once for the whole session."""
    knowledge, index = write_articles(folder / "knowledge"), folder / "index"
    command = [*MODULE, "build", str(knowledge), "--index", str(index)]
    subprocess.run(command, cwd=folder, env=bare(folder), check=True, capture_output=True)
    return folder


def bare(folder: Path) -> dict[str, str]:
    """Give the variables of someone who has set nothing; no Ollama, whatever runs here."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "OLLAMA_URL": NOWHERE}


def settled(folder: Path, library: Path) -> Terminal:
    """Give a terminal that answers from the library, which it must not change."""
    places = {"KNOWLEDGE": str(library / "knowledge"), "INDEX": str(library / "index")}
    return Terminal(folder, {**bare(folder), **places})


def moved_in(folder: Path, library: Path) -> Terminal:
    """Give a terminal with a copy of the library in its folder, to change as it likes."""
    shutil.copytree(library, folder, dirs_exist_ok=True)
    return settled(folder, folder)
