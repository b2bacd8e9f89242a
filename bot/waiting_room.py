"""Tells askers whose question has not begun their place in the queue, where that shows quietly.

Only of questions that came to this process: what it took up from an earlier one is answered soon.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from .database import StorageError
from .delivery import Destination
from .inbox import Waiting
from .membership import FAILURES
from .policy import Decision
from .retrying import Pace
from .tasks import Claim, Inquiry, Task, TaskKind

logger = logging.getLogger(__name__)

MAX_TOLD = 100  # of those who wait; who comes later is told when fewer are before them
MAX_SHOWN_CHARS = 200  # of a question


class Decider(Protocol):
    """What the room asks whether somebody gets an answer; the policy."""

    async def decide(self, inquiry: Inquiry) -> Decision: ...


class Usher(Protocol):
    """What makes destinations; the delivery."""

    def to(self, inquiry: Inquiry, *, claim: Claim, is_private: bool = False) -> Destination: ...


@dataclass(slots=True)
class _Seat:
    """Somebody who waits; the destination is made when there is something to tell."""

    inquiry: Inquiry
    destination: Destination | None = None
    position: int = 0
    next_at: float = 0.0  # on the monotonic clock


class WaitingRoom:
    """Lives on one event loop; enter and leave may be called at any time."""

    def __init__(
        self,
        delivery: Usher,
        policy: Decider,
        *,
        ahead: Callable[[], int],
        pace: Pace,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """ahead counts those who have left the queue and still wait for the model."""
        self._delivery = delivery
        self._policy = policy
        self._ahead = ahead
        self._pace = pace
        self._clock = clock
        self._seats: dict[str, _Seat] = {}

    def enter(self, task: Task) -> None:
        """Take in somebody who may have to wait."""
        if task.kind is TaskKind.QUESTION:
            inquiry = Inquiry.of(task)
            if inquiry.is_addressed:
                shown = replace(inquiry, text=inquiry.text[:MAX_SHOWN_CHARS])
                self._seats[task.key] = _Seat(shown)

    async def tell(self, queue: Sequence[Waiting]) -> None:
        """Tell those who wait for long, in the order that they come in."""
        for position, waiting in enumerate(queue[:MAX_TOLD], 1 + self._ahead()):
            seat = self._seats.get(waiting.key)
            waited_seconds = self._clock() - waiting.received_at
            if seat is not None and waited_seconds >= self._pace.patience:
                await self._tell(seat, waiting, position)

    async def leave(self, key: str) -> None:
        """End what is shown to somebody whose turn it is."""
        seat = self._seats.pop(key, None)
        if seat is not None and seat.destination is not None:
            await seat.destination.close()

    async def _tell(self, seat: _Seat, waiting: Waiting, position: int) -> None:
        now = time.monotonic()
        if position == seat.position or now < seat.next_at:
            return
        seat.position, seat.next_at = position, now + self._pace.again
        try:
            decision = await self._policy.decide(seat.inquiry)
        except (*FAILURES, StorageError) as error:
            logger.debug("a place in the queue is not shown: %s", type(error).__name__)
            return
        if not decision.is_allowed or waiting.key not in self._seats:
            return
        if seat.destination is None:
            claim = Claim(seat.inquiry.to_task(), waiting.tries, waiting.received_at)
            is_private = decision.rules.is_private
            seat.destination = self._delivery.to(seat.inquiry, claim=claim, is_private=is_private)
        await seat.destination.show_waiting(position)
