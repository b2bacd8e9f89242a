"""Shows an answer while it is being written: a native stream, else edits, else only at its end.

The ladder takes drafts as fast as they come and sends what Slack's limits allow, in one task in
the background. A rung that fails is left for the next one; the final message, which OneMessage
puts in place of whatever is shown, needs none of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from core.errors import BotError

from .blocks import MAX_SECTION_CHARS, MAX_TEXT_CHARS, section
from .markup import Links, to_mrkdwn
from .message import Message
from .one_message import OneMessage, Stopped
from .pace import DeliveryPace
from .sender import TryLater
from .slack_calls import Reader
from .slack_failures import FAILURES, UNSUPPORTED, reason
from .splitting import cut, split
from .stream_text import chunks, ready

logger = logging.getLogger(__name__)

# Keeps where a draft is for the next try: "" when it may be there from now on, then its ts,
# None when it is not.
Note = Callable[[str | None], Awaitable[None]]
FREE_EDITS = 25  # of 50 a minute: a shown draft costs one more, for the final message


class StepDown(Exception):
    """Raised by a rung that cannot show more."""


class Rung(Protocol):
    """One way to show drafts; show raises StepDown, and Stopped when the reader stopped it."""

    @property
    def pause_seconds(self) -> float:
        """How long to wait until the next draft is shown."""
        ...

    async def show(self, draft: str) -> None: ...


@dataclass(slots=True)
class NativeSupport:
    """Whether this workspace has streams, as far as the process knows."""

    is_on: bool = True


class NativeRung:
    """Slack's own stream: text is appended until the stream's life is nearly over."""

    def __init__(
        self,
        message: OneMessage,
        reader: Reader,
        note: Note,
        *,
        support: NativeSupport,
        pace: DeliveryPace,
    ) -> None:
        self._message = message
        self._reader = reader
        self._note = note
        self._support = support
        self._pace = pace
        self._shown = ""
        self._ends_at = 0.0

    @property
    def pause_seconds(self) -> float:
        """Give the time between two additions."""
        return self._pace.append

    async def show(self, draft: str) -> None:
        """Begin the stream, or add what is new."""
        text = ready(draft)
        if not self._support.is_on or (not self._message.ts and self._message.has_neighbours()):
            raise StepDown
        if not self._message.ts:
            await self._begin(text)
        elif _now() >= self._ends_at or not text.startswith(self._shown):
            raise StepDown
        else:
            await self._add(text[len(self._shown) :])

    async def _begin(self, text: str) -> None:
        parts = chunks(text)
        if not parts:
            return
        await self._note("")
        try:
            await self._message.stream(self._reader, parts[0])
        except (*FAILURES, TryLater) as error:
            if reason(error) in UNSUPPORTED:
                self._support.is_on = False
            logger.info("no stream: %s", reason(error))
            if not self._message.may_exist:
                await self._note(None)
            raise StepDown from error
        self._ends_at = _now() + self._pace.stream
        self._shown = parts[0]
        await self._note(self._message.ts)

    async def _add(self, text: str) -> None:
        for part in chunks(text):
            try:
                await self._message.append(part)
            except TryLater:
                return  # it goes with the next addition
            except FAILURES as error:
                logger.info("no more of a stream: %s", reason(error))
                raise StepDown from error
            self._shown += part


class EditRung:
    """A message that is edited every few seconds; begun only where edits are to be had."""

    def __init__(self, message: OneMessage, note: Note, *, pace: DeliveryPace) -> None:
        self._message = message
        self._note = note
        self._pace = pace
        self._shown = ""

    @property
    def pause_seconds(self) -> float:
        """Give the time between two edits."""
        return self._pace.edit

    async def show(self, draft: str) -> None:
        """Post, or edit."""
        message = self._message
        if message.is_streaming:
            await message.stop_stream()
        if not message.ts and not message.calls.has_room_to_edit(FREE_EDITS):
            raise StepDown
        text = to_mrkdwn(draft, Links())
        if not text.strip() or text == self._shown:
            return
        is_new = not message.ts
        try:
            await message.show(_draft_message(text))
        except TryLater:
            return
        except FAILURES as error:
            logger.info("no more drafts of an answer: %s", reason(error))
            raise StepDown from error
        self._shown = text
        if is_new:
            await self._note(message.ts)


class Ladder:
    """Shows drafts on the first rung that works; none is left when a message may be there."""

    def __init__(self, message: OneMessage, rungs: Sequence[Rung], *, pace: DeliveryPace) -> None:
        self._message = message
        self._rungs = list(rungs)
        self._pace = pace
        self._newest = ""
        self._changed = asyncio.Event()
        self._ending = asyncio.Event()
        self._is_stopped = False
        self._task: asyncio.Task[None] | None = None

    def show(self, draft: str) -> None:
        """Take a draft; raises Stopped once the reader has stopped the answer."""
        self._check()
        if self._ending.is_set() or not self._rungs or self._message.may_exist:
            return
        self._newest = draft
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def settle(self) -> None:
        """Show no more and let a call that is under way end; raises Stopped."""
        self._ending.set()
        self._changed.set()
        if self._task is not None:
            await self._task
        self._check()

    async def close(self) -> None:
        """Show no more; a call that is under way may end, so that it is known what is there."""
        self._ending.set()
        self._changed.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=self._pace.goodbye)
            self.abandon()
            await asyncio.wait({self._task})

    def abandon(self) -> None:
        """Show no more and wait for nothing."""
        self._ending.set()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        await self._pause(self._pace.first_draft)
        while self._rungs and not self._ending.is_set():
            self._changed.clear()
            try:
                await self._rungs[0].show(self._newest)
            except StepDown:
                del self._rungs[0 : len(self._rungs) if self._message.may_exist else 1]
                continue
            except Stopped:
                self._is_stopped = True
                return
            except BotError as error:  # the inbox could not note it
                logger.warning("no more drafts of an answer: %s", error)
                return
            await self._pause(self._rungs[0].pause_seconds)
            await self._changed.wait()

    def _check(self) -> None:
        if self._is_stopped:
            raise Stopped

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)


def _draft_message(mrkdwn: str) -> Message:
    text = cut(mrkdwn, MAX_TEXT_CHARS)
    return Message(text, tuple(section(part) for part in split(text, MAX_SECTION_CHARS)))


def _now() -> float:
    return asyncio.get_running_loop().time()
