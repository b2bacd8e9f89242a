"""Carries out what is in the inbox: claims it fairly, sees each task to its end, gives up aloud.

A task ends in something the person sees: its handler's own doing, or the apology of give_up. What
is not done when the process ends goes back to the inbox, for the next one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .background import Background
from .database import StorageError
from .fair_queue import FairQueue, Limits
from .inbox import Inbox, Waiting
from .question_log import reference_of
from .retrying import GIVEN_UP, Next, Pace, after_failure, reason_to_give_up
from .tasks import Claim, Handler, Task, TaskKind
from .waiting_room import WaitingRoom

logger = logging.getLogger(__name__)

MAX_WAITING = 10_000

Chore = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is in hand: questions, which take long, and all else, which does not."""

    questions: Limits = field(default_factory=Limits)
    clicks: Limits = field(default_factory=lambda: Limits(in_flight=16, per_user=4))
    apologies: Limits = field(default_factory=lambda: Limits(in_flight=8, per_user=8))
    waiting: int = MAX_WAITING


class Workers:
    """Lives on one event loop, between start and drain."""

    def __init__(
        self,
        inbox: Inbox,
        handlers: Mapping[TaskKind, Handler],
        *,
        waiting_room: WaitingRoom | None = None,
        chores: Sequence[Chore] = (),
        bounds: Bounds | None = None,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """The waiting room tells places in the queue; chores are done every hour."""
        self._inbox = inbox
        self._handlers = handlers
        self._waiting_room = waiting_room
        self._chores = chores
        self._bounds = bounds or Bounds()
        self._pace = pace or Pace()
        self._clock = clock
        self._questions = FairQueue(self._bounds.questions)
        self._clicks = FairQueue(self._bounds.clicks)
        self._apologies = FairQueue(self._bounds.apologies)
        self._busy: set[str] = set()  # came when too many were waiting
        self._paused: set[str] = set()
        self._running, self._pausing = Background(), Background()
        self._upkeep: list[asyncio.Task[None]] = []
        self._is_open = False

    async def start(self) -> None:
        """Take up what an earlier process left, and begin."""
        self._is_open = True
        await _guarded(self._sweep)
        rounds = (
            (self._pace.sweep, self._sweep),
            (self._pace.telling, self._tell_places),
            (self._pace.heartbeat, self._inbox.renew),
            (self._pace.chores, self._do_chores),
        )
        self._upkeep = [asyncio.create_task(_every(*one)) for one in rounds]

    def notice(self, task: Task) -> None:
        """Take in that a task was recorded just now."""
        waiting = Waiting(task.key, task.kind, task.user, task.channel, self._clock(), 0)
        queue = self._queue_of(task.kind)
        if len(queue) >= self._bounds.waiting:
            self._busy.add(task.key)
            queue = self._apologies
        elif self._waiting_room is not None:
            self._waiting_room.enter(task)
        queue.put(waiting)
        self._fill()

    def position(self, key: str) -> int | None:
        """Give the place in the queue, from 1; None for what does not wait."""
        keys = [waiting.key for waiting in self._questions.in_turn()]
        return keys.index(key) + 1 if key in keys else None

    async def drain(self, timeout_seconds: float) -> None:
        """Begin nothing more, wait for what is in flight, hand back the rest."""
        self._is_open = False
        for task in self._upkeep:
            task.cancel()
        await asyncio.gather(
            *self._upkeep,
            self._pausing.drain(0.0),
            self._running.drain(timeout_seconds),
            return_exceptions=True,
        )
        await self._pausing.drain(0.0)  # what failed at the very end

    def _queue_of(self, kind: TaskKind) -> FairQueue:
        return self._questions if kind is TaskKind.QUESTION else self._clicks

    async def _sweep(self) -> None:
        """Find what others have left, and what has waited for too long."""
        for waiting in await self._inbox.waiting():
            queues = (self._questions, self._clicks, self._apologies, self._paused)
            if not any(waiting.key in queue for queue in queues):
                self._queue_of(waiting.kind).put(waiting)
        for waiting in self._questions.take_older(self._clock() - self._pace.too_late):
            self._apologies.put(waiting)
        self._fill()

    async def _tell_places(self) -> None:
        if self._waiting_room is not None and len(self._questions):
            await self._waiting_room.tell(tuple(self._questions.in_turn()))

    async def _do_chores(self) -> None:
        for chore in self._chores:
            await chore()

    def _fill(self) -> None:
        if not self._is_open:
            return
        for queue in (self._apologies, self._clicks, self._questions):
            while (waiting := queue.take()) is not None:
                self._running.spawn(self._run(queue, waiting))

    async def _run(self, queue: FairQueue, waiting: Waiting) -> None:
        try:
            if self._waiting_room is not None:
                await self._waiting_room.leave(waiting.key)
            claim = await self._inbox.claim(waiting.key)
            if claim is not None:
                await self._carry_out(waiting, claim)
        except StorageError as error:
            logger.error("the inbox failed: %s", error)
            self._try_again(waiting, Next(self._pace.sweep))
        except asyncio.CancelledError:
            # Only a question's handler notes what it begins to show; others may have posted.
            await self._hand_back(waiting, uncount=waiting.kind is TaskKind.QUESTION)
            raise
        finally:
            queue.end(waiting.key)
            self._busy.discard(waiting.key)
            self._fill()

    async def _carry_out(self, waiting: Waiting, claim: Claim) -> None:
        is_busy = waiting.key in self._busy
        age_seconds = self._clock() - claim.received_at
        why = reason_to_give_up(claim, age_seconds=age_seconds, is_busy=is_busy, pace=self._pace)
        try:
            handler = self._handlers[claim.task.kind]
            if why is None:
                await handler.handle(claim)
            else:
                await self._inbox.note(waiting.key, **{GIVEN_UP: why})
                await handler.give_up(claim, why, reference_of(waiting.key))
        except Exception as error:  # the outermost frame of the task: somebody has to be told
            await self._after(error, waiting, claim, was_apology=why is not None)
        else:
            await self._inbox.finish(waiting.key)

    async def _after(
        self, error: Exception, waiting: Waiting, claim: Claim, *, was_apology: bool
    ) -> None:
        name = f"{claim.task.kind} {reference_of(waiting.key)}"
        age_seconds = self._clock() - claim.received_at
        coming = after_failure(
            error, claim, was_apology=was_apology, age_seconds=age_seconds, pace=self._pace
        )
        if coming.pause_seconds is None:
            logger.error("could not tell anybody about %s", name, exc_info=error)
            await self._inbox.finish(waiting.key)
            return
        if coming.give_up is None:
            logger.warning("%s is tried again: %s", name, type(error).__name__)
        else:
            logger.error("%s failed", name, exc_info=error)
            await self._inbox.note(waiting.key, **{GIVEN_UP: coming.give_up})
        self._try_again(waiting, coming)

    def _try_again(self, waiting: Waiting, coming: Next) -> None:
        self._paused.add(waiting.key)
        self._pausing.spawn(self._release_after(waiting, coming))

    async def _release_after(self, waiting: Waiting, coming: Next) -> None:
        """Keep the claim for a while, so that no other process is quicker."""
        try:
            await asyncio.sleep(coming.pause_seconds or 0.0 if self._is_open else 0.0)
            await self._inbox.release(waiting.key, uncount=coming.uncount)
        except asyncio.CancelledError:
            await self._hand_back(waiting, uncount=coming.uncount)
            raise
        except StorageError as error:
            logger.error("the inbox failed: %s", error)
            self._try_again(waiting, replace(coming, pause_seconds=self._pace.sweep))
            return
        self._paused.discard(waiting.key)
        self._queue_of(waiting.kind).put(waiting)
        self._fill()

    async def _hand_back(self, waiting: Waiting, *, uncount: bool) -> None:
        """Release it for the next process; without that it finds the claim of one that is gone."""
        try:
            await self._inbox.release(waiting.key, uncount=uncount)
        except StorageError as error:
            logger.error("the inbox failed: %s", error)


async def _every(seconds: float, work: Chore) -> None:
    while True:
        await asyncio.sleep(seconds)
        await _guarded(work)


async def _guarded(work: Chore) -> None:
    try:
        await work()
    except StorageError as error:
        logger.error("the inbox failed: %s", error)
