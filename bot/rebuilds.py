"""One rebuild at a time: start, cancel, roll back, and say what runs or ran, here or elsewhere.

A rebuild of another process is known from the state on disk. One that this bot was killed in has a
message that still says "rebuilding"; finish_left_over ends it at the next start.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.build_state import BuildOutcome, BuildState
from core.errors import BotError, DurabilityUnknown

from . import rebuild_texts, texts
from .lifeline import GRACE_SECONDS, PUBLISHING_SECONDS
from .markup import escape
from .message import Message
from .open_message import OpenMessage
from .rebuild_run import Ending, LiveMessage, RebuildRun, RebuildTools
from .rebuilder import RolledBack
from .report_blocks import lines_message
from .status_blocks import after_restart_message, status_message

LiveMeta = Callable[[], Mapping[str, Any] | None]  # meta.json of the live generation
# A builder whose bot was killed ends within this; it yields the processor to everything else.
MARGIN_SECONDS = 10.0
DYING_SECONDS = GRACE_SECONDS + PUBLISHING_SECONDS + MARGIN_SECONDS


@dataclass(frozen=True, slots=True)
class Reply:
    """What whoever used the command is told, and the same in a word for the audit."""

    message: Message
    outcome: str


class Rebuilds:
    """Lives on one event loop; only a start and a rollback wait for each other."""

    def __init__(
        self,
        tools: RebuildTools,
        *,
        cooldown_seconds: float,
        live_meta: LiveMeta = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tools = tools
        self._cooldown_seconds = cooldown_seconds
        self._live_meta = live_meta
        self._clock = clock
        self._changing = asyncio.Lock()  # no rebuild begins while a rollback is under way
        self._running: RebuildRun | None = None
        self._last: tuple[float, Ending] | None = None  # when and how the last one here ended

    async def start(self, user: str, message: LiveMessage, *, force: bool = False) -> Reply:
        """Start a rebuild, or say who runs one already, or how long to wait."""
        async with self._changing:
            state = await self._tools.state()
            obstacle = self._obstacle(state)
            if obstacle is not None:
                return Reply(
                    lines_message(rebuild_texts.rebuild_running(*obstacle)), "running already"
                )
            seconds = self._cooldown_left(force=force)
            if seconds > 0:
                return Reply(lines_message(rebuild_texts.rebuild_cooldown(seconds)), "too soon")
            self._running = RebuildRun(
                self._tools,
                message,
                user=user,
                is_forced=force,
                before=state.record if state is not None else None,
                on_end=self._end,
            )
        text = rebuild_texts.REBUILD_FORCED if force else rebuild_texts.REBUILD_STARTED
        return Reply(lines_message(text), "started")

    async def cancel(self, user: str) -> Reply:
        """Stop the rebuild of this bot and say what became of it."""
        running = self._running
        if running is None:
            obstacle = self._obstacle(await self._tools.state())
            if obstacle is None:
                told = (rebuild_texts.REBUILD_NONE_RUNS, self._knowledge())
                return Reply(lines_message(*told), "nothing runs")
            told = (rebuild_texts.rebuild_running(*obstacle), rebuild_texts.CANCEL_NOT_OURS)
            return Reply(lines_message(*told), "runs elsewhere")
        ending = await running.cancel(user)
        if ending.outcome == "cancelled":
            told = (
                rebuild_texts.you_cancelled(rebuild_texts.starter(running.user)),
                self._knowledge(),
            )
            return Reply(lines_message(*told), "cancelled")
        return Reply(lines_message(rebuild_texts.CANCEL_TOO_LATE, self._knowledge()), "too late")

    async def rollback(self, number: str | None) -> Reply:
        """Make an earlier generation live, unless a rebuild runs."""
        async with self._changing:
            obstacle = self._obstacle(await self._tools.state())
            if obstacle is not None:
                return Reply(
                    lines_message(rebuild_texts.rollback_blocked(*obstacle)), "running already"
                )
            try:
                done = await self._tools.rebuilder.rollback(number)
            except DurabilityUnknown as error:
                told = [rebuild_texts.ROLLBACK_NOT_DURABLE, escape(str(error)), self._knowledge()]
                return Reply(lines_message(*told), "not durable")
            except BotError as error:
                told = [rebuild_texts.rollback_failed(escape(str(error))), self._knowledge()]
                return Reply(lines_message(*told), "refused")
        outcome = f"rolled back from {done.before or 'none'} to {done.after}"
        return Reply(self._rolled_back(done), outcome)

    def _rolled_back(self, done: RolledBack) -> Message:
        problem = rebuild_texts.chosen(done.after, self._tools.asker.generation, done.problem)
        return lines_message(
            problem or rebuild_texts.rolled_back(escape(done.after)),
            rebuild_texts.held_back(escape(done.before)) if done.held_back else "",
        )

    async def rollback_which(self) -> Reply:
        """Say what a rollback takes, and what there is."""
        there = rebuild_texts.generations_there(await self._generations())
        return Reply(lines_message(rebuild_texts.ROLLBACK_WHICH, there), "no such number")

    async def status(self) -> Reply:
        """Say what runs, how the last rebuild ended, and what is live."""
        rebuilder = self._tools.rebuilder
        problem = await rebuilder.look()
        state = await self._tools.state()
        obstacle = self._obstacle(state)
        created = await self._created()
        generation = self._tools.asker.generation
        there = rebuild_texts.generations_there(await self._generations())
        remarks = (rebuild_texts.chosen(rebuilder.live(), generation, problem), there)
        return Reply(status_message(obstacle, state, generation, created, remarks), "told")

    def stop(self) -> None:
        """End what runs, for it would not end by itself while the bot drains."""
        if self._running is not None:
            self._running.stop()

    async def finish_left_over(self, message_at: Callable[[OpenMessage], LiveMessage]) -> None:
        """End the message of a rebuild that this bot was killed in; nothing when there is none."""
        left = await asyncio.to_thread(self._tools.open_file.read)
        if left is None or left.is_of_another_bot():
            return
        state = await self._settled_state()
        generation = self._tools.asker.generation
        message = after_restart_message(left, state, generation)
        if await message_at(left).finish(message):
            await asyncio.to_thread(self._tools.open_file.clear, only=left)

    async def _settled_state(self) -> BuildState | None:
        """Read the state once the orphaned builder has ended; it may take some seconds."""
        deadline = time.monotonic() + DYING_SECONDS
        while True:
            state = await self._tools.state()
            if not runs_elsewhere(state) or time.monotonic() > deadline:
                return state
            await asyncio.sleep(0.2)

    def _end(self, ending: Ending) -> None:
        self._running = None
        self._last = self._clock(), ending

    def _obstacle(self, state: BuildState | None) -> tuple[str, str] | None:
        """Name who runs a rebuild, and how far it is; None when none runs."""
        if self._running is not None:
            where = rebuild_texts.rebuild_where(self._running.progress)
            return rebuild_texts.starter(self._running.user), where
        if state is not None and runs_elsewhere(state):
            where = rebuild_texts.rebuild_where(state.progress)
            return rebuild_texts.starter(state.started_by, state.record), where
        return None

    def _cooldown_left(self, *, force: bool) -> float:
        """Give the seconds to wait; none to force what a guard has just refused."""
        if self._last is None or (force and self._last[1].is_refusal):
            return 0.0
        return self._last[0] + self._cooldown_seconds - self._clock()

    async def _generations(self) -> tuple[str, ...]:
        return await asyncio.to_thread(self._tools.rebuilder.generations)

    def _knowledge(self) -> str:
        return texts.knowledge_of(escape(self._tools.asker.generation))

    async def _created(self) -> str:
        meta = await asyncio.to_thread(self._live_meta)
        is_live = meta is not None and meta.get("generation") == self._tools.asker.generation
        return str(meta.get("created", "")) if meta is not None and is_live else ""


def runs_elsewhere(state: BuildState | None) -> bool:
    """Say whether another process builds; of its own, this one knows more than the disk."""
    if state is None or state.outcome is not BuildOutcome.RUNNING:
        return False
    return not (state.record.pid == os.getpid() and state.record.is_alive())
