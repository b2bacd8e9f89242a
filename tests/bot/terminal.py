"""The command line as a person uses it: real processes, each in a folder of its own."""

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

from .articles import write_articles

Json = dict[str, Any]
T = TypeVar("T")

MODULE = (sys.executable, "-m", "bot")
SCRIPT = (str(Path(sys.executable).with_name("clockify-bot")),)
NOWHERE = "http://127.0.0.1:1"  # no Ollama of the machine may answer
WAIT_SECONDS = 30.0
REFUSAL = "I don't know based on the MD."


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
