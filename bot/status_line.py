"""What the bot is doing, shown in a thread until it replies: set, kept alive, ended in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from .pace import DeliveryPace
from .sender import TryLater
from .slack_calls import Place, SlackCalls
from .slack_failures import FAILURES, UNSUPPORTED, reason

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class StatusSupport:
    """Whether this workspace has such statuses, as far as the process knows."""

    is_on: bool = True


class StatusLine:
    """The status of one thread, which Slack takes away when the bot posts there.

    One that is set after the post would stay for two minutes: end before posting.
    """

    def __init__(
        self,
        calls: SlackCalls,
        place: Place,
        support: StatusSupport,
        *,
        pace: DeliveryPace,
        is_over: Callable[[], bool],
    ) -> None:
        """is_over tells that something is there to read, so that no status is needed."""
        self._calls = calls
        self._place = place
        self._support = support
        self._pace = pace
        self._is_over = is_over
        self._text = ""
        self._changed = asyncio.Event()
        self._is_ending = False
        self._task: asyncio.Task[None] | None = None

    def show(self, text: str) -> None:
        """Show a text from now on."""
        if self._is_ending or text == self._text or not self._place.thread:
            return
        self._text = text
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Set it no more; a call that is under way ends first."""
        self._is_ending = True
        self._changed.set()
        if self._task is not None:
            await self._task

    async def close(self) -> None:
        """Set it no more; a call that is under way is broken off if it takes long."""
        self._is_ending = True
        self._changed.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=self._pace.goodbye)
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while self._support.is_on and not self._is_ending and not self._is_over():
            self._changed.clear()
            await self._set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._pace.status)

    async def _set(self) -> None:
        seconds = self._pace.status_call
        try:
            async with asyncio.timeout(seconds):
                await self._calls.set_status(self._place, self._text, seconds)
        except (*FAILURES, TryLater) as error:
            if reason(error) in UNSUPPORTED:
                self._support.is_on = False
                logger.info("no status from now on: %s", reason(error))
            else:
                logger.debug("no status: %s", reason(error))
