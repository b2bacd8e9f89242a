"""A child process of ours that tells lines: started, read within bounds, ended for certain.

Whatever it does (hangs, crashes, floods its output, is killed) the bot goes on.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Self

from core.errors import RebuildRefused

from .logs import mask

PROGRAM = (sys.executable, "-m", "bot")
PIECE_BYTES = 16 * 2**10  # read at a time: between two of them the event loop may do other things
LINE_BYTES = 2**20
STDERR_BYTES = 8 * 2**10  # kept of standard error
WORD_CHARS = 300
STOP_SECONDS = 3.0  # between asking a child to end and killing it
POLL_SECONDS = 0.02
DRAIN_SECONDS = 1.0  # for what an ended child has left in its pipes


class Unruly(Exception):
    """A child does what no child of ours does; says what."""


class Child:
    """One child process; its standard input stays open until stop(), and ends if we do.

    The other end is marked close-on-exec, as all of Python's are: nobody else inherits it.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.stop_seconds = STOP_SECONDS
        self._stderr = bytearray()
        self._reading_stderr = asyncio.create_task(self._keep_stderr())

    @classmethod
    @asynccontextmanager
    async def started(cls, *command: str, environment: Mapping[str, str]) -> AsyncIterator[Self]:
        """Start it; it has ended when the block is left. Raises RebuildRefused if it cannot be."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, **environment},
            )
        except OSError as error:
            raise RebuildRefused(f"No process could be started: {error}.") from error
        child = cls(process)
        try:
            yield child
        finally:
            await child.stop()

    async def lines(self) -> AsyncIterator[bytes]:
        """Give the lines of standard output as they come; raises Unruly for one without end."""
        assert self.process.stdout is not None
        rest = b""
        while piece := await self.process.stdout.read(PIECE_BYTES):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line
            if len(rest) > LINE_BYTES:
                raise Unruly(f"wrote a line of more than {LINE_BYTES >> 10} KiB")
            await asyncio.sleep(0)
        if rest:
            yield rest

    async def ended(self, *, within_seconds: float) -> int:
        """Give the exit status, negative for a signal; ends it when it does not end by itself."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                await self._until_ended()
        await self.stop()
        return self.process.returncode or 0

    def last_word(self) -> str:
        """Give the last line of standard error, without secrets and not for ever."""
        lines = self._stderr.decode("utf-8", "replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return mask(said[-1])[:WORD_CHARS] if said else ""

    async def stop(self) -> None:
        """Close standard input and send SIGTERM, then SIGKILL; a child that has ended is left."""
        try:
            if self.process.returncode is None:
                assert self.process.stdin is not None
                self.process.stdin.close()
                with suppress(ProcessLookupError):
                    self.process.terminate()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.stop_seconds):
                        await self._until_ended()
        finally:  # also when we are cancelled a second time
            if self.process.returncode is None:
                with suppress(ProcessLookupError):
                    self.process.kill()
            await self._until_ended()  # what it did last is on disk then
        await self._read_out()

    async def _until_ended(self) -> None:
        """Wait for the process alone; process.wait() would wait for its pipes, too."""
        while self.process.returncode is None:
            await asyncio.sleep(POLL_SECONDS)

    async def _read_out(self) -> None:
        """Read both pipes to their ends, which closes them; what a child of it holds is left."""
        assert self.process.stdout is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while await self.process.stdout.read(PIECE_BYTES):
                    pass
                await self._reading_stderr
        self._reading_stderr.cancel()

    async def _keep_stderr(self) -> None:
        assert self.process.stderr is not None
        while piece := await self.process.stderr.read(PIECE_BYTES):
            self._stderr += piece
            del self._stderr[:-STDERR_BYTES]


def ending_text(code: int) -> str:
    """Say how a process ended.

    >>> ending_text(1)
    'exit status 1'
    >>> ending_text(-11)
    'SIGSEGV'
    """
    if code >= 0:
        return f"exit status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name}, perhaps for want of memory" if name == "SIGKILL" else name
