"""Rebuilds and rollbacks that Slack asks for: in child processes, so that nothing hurts the bot."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from core.build_state import BuildState, read_state
from core.config import Config
from core.errors import DurabilityUnknown, RebuildRefused
from core.pipeline import Pipeline
from core.report import BuildReport, Phase, Progress
from core.settings import to_environment
from core.store import Store

from .child import PROGRAM, STOP_SECONDS, Child, Unruly, ending_text
from .events import EventReader
from .following import Follower
from .rebuilder import RolledBack

logger = logging.getLogger(__name__)

SILENCE_SECONDS = 600.0  # the longest step of a build without a word: the graph of 100,000 chunks
EXIT_SECONDS = 10.0  # after the last word
PUBLISHING_STOP_SECONDS = 15.0  # for a builder that is stopped while it publishes, to finish it
ROLLBACK_SECONDS = 120.0
NO_EVENT_BYTES = 2**20  # of output that is none of a builder's


class ChildRebuilder:
    """Implements bot.rebuilder.Rebuilder: builds in a child, then lets the follower swap."""

    def __init__(
        self,
        config: Config,
        pipeline: Pipeline,
        follower: Follower,
        *,
        silence_seconds: float | None = None,
        stop_seconds: float = STOP_SECONDS,
        program: tuple[str, ...] = PROGRAM,
    ) -> None:
        """Take what is followed; a builder that says nothing for silence_seconds is ended.

        One that is ended has stop_seconds to do so by itself, and more while it publishes.
        """
        self._config = config
        self._store = Store(config.index_dir)
        self._stop_seconds = stop_seconds
        self._pipeline = pipeline
        self._follower = follower
        self._silence_seconds = silence_seconds or _longest_silence(config)
        self._start = partial(Child.started, *program, environment=to_environment(config))

    async def rebuild(
        self,
        on_progress: Callable[[Progress], None],
        *,
        started_by: str = "",
        force: bool = False,
    ) -> BuildReport:
        """Build, publish and make live; raises BotError, the old generation then stays."""
        before = self._pipeline.generation
        events = EventReader(on_progress)
        ending = await self._build(events, self._arguments(started_by, force=force))
        problem = await self._follower.look()
        if events.report is not None:
            if problem:
                note = f"Generation {self._pipeline.generation} keeps answering here: {problem}"
                return replace(events.report, notes=(*events.report.notes, note))
            return events.report
        if events.is_published:
            raise DurabilityUnknown(events.error)
        raise RebuildRefused(events.error or f"{ending} {self._what_answers(before)}")

    async def rollback(self, number: str | None = None) -> RolledBack:
        """Make another generation live.

        Raises DurabilityUnknown when it is live, but perhaps not after a power cut; any other
        BotError means that nothing has changed.
        """
        try:
            rolled_back = await self._roll_back(number)
        finally:
            problem = await self._follower.look()
        return replace(rolled_back, problem=problem)

    async def _roll_back(self, number: str | None) -> RolledBack:
        chosen = [number] if number is not None else []
        arguments = ("generations", "rollback", "--json", "--", *chosen)
        async with self._start(*arguments) as child:
            told = b""
            try:
                async with asyncio.timeout(ROLLBACK_SECONDS + self._config.build_lock_timeout):
                    async for line in child.lines():
                        told = line
            except (TimeoutError, Unruly) as error:
                raise RebuildRefused("The rollback did not end and was stopped.") from error
            code = await child.ended(within_seconds=EXIT_SECONDS)
            return _rolled_back(told, f"{ending_text(code)}: {child.last_word()}")

    def state(self) -> BuildState | None:
        """Give the newest build of the index, whoever started it."""
        return read_state(self._config.index_dir)

    def live(self) -> str:
        """Name the generation that is live on disk, "" for none."""
        return self._store.live()

    def generations(self) -> tuple[str, ...]:
        """List the whole generations on disk, newest first; reads each of them."""
        return tuple(info.number for info in self._store.list() if not info.reason)

    async def look(self) -> str:
        """Answer from what is live from now on; say why that cannot be, "" when it can."""
        return await self._follower.look()

    def _arguments(self, started_by: str, *, force: bool) -> tuple[str, ...]:
        flags = {"--lexical-only": self._pipeline.index.spec is None, "--force": force}
        return (
            *("build", "--events", "--lifeline", "--log", "WARNING"),
            f"--started-by={started_by}",
            *(flag for flag, is_set in flags.items() if is_set),
        )

    async def _build(self, events: EventReader, arguments: tuple[str, ...]) -> str:
        """Run a builder to its end; gives how it ended, for when it told no report and no error."""
        async with self._start(*arguments) as child:
            child.stop_seconds = self._stop_seconds
            try:
                await self._read(child, events)
            except TimeoutError:
                seconds = self._silence_seconds
                return f"The build had said nothing for {seconds:.0f} s and was stopped."
            except Unruly as error:
                return f"The builder {error} and was stopped."
            code = await child.ended(within_seconds=EXIT_SECONDS)
            word = child.last_word()
        if events.report is None:
            logger.warning("a build ended with %s: %s", ending_text(code), word)
        said = f": {word}" if word else ""
        return f"The build ended without a word ({ending_text(code)}){said.rstrip('.')}."

    async def _read(self, child: Child, events: EventReader) -> None:
        loop = asyncio.get_running_loop()
        spare_bytes = NO_EVENT_BYTES
        async with asyncio.timeout(self._silence_seconds) as silence:
            async for line in child.lines():
                if events.take(line):
                    if events.phase is Phase.PUBLISHING:
                        child.stop_seconds = PUBLISHING_STOP_SECONDS
                    silence.reschedule(loop.time() + self._silence_seconds)
                    continue
                spare_bytes -= len(line) + 1
                if spare_bytes < 0:
                    raise Unruly("wrote what no builder writes")

    def _what_answers(self, before: str) -> str:
        now = self._pipeline.generation
        if now == before:
            return f"Generation {before} keeps answering."
        return f"It had published: generation {now} answers now."


def _longest_silence(config: Config) -> float:
    """Give the seconds that waiting for the lock, for Ollama and for the graph may take at most."""
    request = config.emb_connect_timeout + config.emb_read_timeout
    return SILENCE_SECONDS + config.build_lock_timeout + request * (config.retries + 1)


def _rolled_back(line: bytes, ending: str) -> RolledBack:
    """Read what `generations rollback --json` wrote; raises BotError with its error."""
    try:
        told = json.loads(line)
        if "error" in told:
            is_live = told.get("is_published") is True
            raise (DurabilityUnknown if is_live else RebuildRefused)(str(told["error"]))
        return RolledBack(
            before=str(told["before"]),
            after=str(told["after"]),
            held_back=told.get("held_back") is True,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise RebuildRefused(f"The rollback ended without a word ({ending}).") from error
