"""The kinds of places that replies go to: a thread, one member's eyes, a command, a person."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from slack_sdk.errors import SlackApiError

from . import delivery_texts
from .ladder import Ladder
from .message import Message
from .one_message import OneMessage, Stopped
from .pace import DeliveryPace
from .response_url import TRIES, ResponseUrl
from .sender import TryLater
from .slack_calls import Place, SlackCalls
from .slack_failures import FAILURES, is_uncertain
from .status_line import StatusLine

RESPONSE_URL_USES = 5
MAX_REPEATED_CHARS = 200

Note = Callable[..., Awaitable[None]]  # keeps names and values about the task


class Destination(Protocol):
    """Where one reply goes.

    The show methods return at once. show_draft takes checked Markdown, all that there is so far.
    post sees to it that the message is there exactly once where Slack allows that (at least once
    elsewhere), also when an earlier try may have posted it, and gives its ts, "" where there is
    none. say tells the asker alone, where possible. show_draft, post and say raise Stopped when
    the reader stopped the answer; post and say raise TryLater when Slack cannot be reached now,
    and SlackApiError when it will not have it at all. close ends what goes on in the background:
    call it when there is no post; twice does no harm.
    """

    async def show_searching(self) -> None: ...

    async def show_waiting(self, position: int) -> None: ...

    async def show_draft(self, text: str) -> None: ...

    async def post(self, message: Message) -> str: ...

    async def say(self, message: Message) -> None: ...

    async def close(self) -> None: ...


class ThreadReply:
    """A reply in a thread, or a post at the end of a channel; what it says grows if it may."""

    def __init__(
        self,
        message: OneMessage,
        ladder: Ladder,
        status: StatusLine,
        note: Note,
        *,
        asker: str,
        is_stopped: bool = False,
    ) -> None:
        """asker is who say tells; "" where everybody there is the asker."""
        self._message = message
        self._ladder = ladder
        self._status = status
        self._note = note
        self._asker = asker
        self._is_stopped = is_stopped

    async def show_searching(self) -> None:
        """Show the status."""
        self._status.show(delivery_texts.SEARCHING_STATUS)

    async def show_waiting(self, position: int) -> None:
        """Show the place in the queue as the status."""
        self._status.show(delivery_texts.waiting_status(position))

    async def show_draft(self, text: str) -> None:
        """Show it when there is time."""
        try:
            self._check()
            self._ladder.show(text)
        except Stopped:
            await self._note(stopped=True)
            raise

    async def post(self, message: Message) -> str:
        """Put the message in place of whatever is shown."""
        await self._status.end()
        try:
            self._check()
            await self._ladder.settle()
            return await self._message.put(message)
        except Stopped:
            await self._note(stopped=True)
            raise

    async def say(self, message: Message) -> None:
        """Tell the asker alone; in the thread when Slack does not take it so."""
        if not self._asker or self._message.may_exist or self._message.ts:
            await self.post(message)
            return
        await self._status.end()
        try:
            await show_to(
                self._message.calls,
                self._message.place,
                self._asker,
                message,
                pace=self._message.pace,
            )
        except SlackApiError:
            await self.post(message)

    async def close(self) -> None:
        """End what goes on in the background."""
        await asyncio.gather(self._status.close(), self._ladder.close())

    def _check(self) -> None:
        if self._is_stopped:
            raise Stopped


class DirectReply:
    """A direct message to a person who asked elsewhere; until it is an answer, it says so."""

    def __init__(self, message: OneMessage, ladder: Ladder, *, question: str = "") -> None:
        self._message = message
        self._ladder = ladder
        self._question = question[:MAX_REPEATED_CHARS]

    async def show_searching(self) -> None:
        """Say in the message that its answer is being looked for."""
        if self._question:
            self._ladder.show(delivery_texts.searching(self._question))

    async def show_waiting(self, position: int) -> None:
        """Say in the message how many come first."""
        if self._question:
            self._ladder.show(delivery_texts.waiting(self._question, position))

    async def show_draft(self, text: str) -> None:
        """Show it when there is time."""
        self._ladder.show(text)

    async def post(self, message: Message) -> str:
        """Put the message in place of whatever is shown."""
        await self._ladder.settle()
        return await self._message.put(message)

    async def say(self, message: Message) -> None:
        """Post it."""
        await self.post(message)

    async def close(self) -> None:
        """End what goes on in the background."""
        await self._ladder.close()


class EphemeralReply:
    """A reply in a thread that only the asker sees; Slack cannot say later whether it is there."""

    def __init__(self, calls: SlackCalls, place: Place, user: str, *, pace: DeliveryPace) -> None:
        self._calls = calls
        self._place = place
        self._user = user
        self._pace = pace

    async def show_searching(self) -> None:
        """Show nothing: everybody in the thread would see the status."""

    async def show_waiting(self, position: int) -> None:
        """Show nothing."""

    async def show_draft(self, text: str) -> None:
        """Show nothing."""

    async def post(self, message: Message) -> str:
        """Show it to the asker, at least once."""
        await show_to(self._calls, self._place, self._user, message, pace=self._pace)
        return ""

    async def say(self, message: Message) -> None:
        """Show it to the asker."""
        await self.post(message)

    async def close(self) -> None:
        """Do nothing: nothing goes on."""


class PrivateReply:
    """A response_url while it lasts (5 uses, 30 minutes), then the person's direct messages.

    Every post asks to replace the one before. Slack does so for clicks; after a slash command it
    may show a new message instead (bolt-python #1268), so nothing is said but the reply itself.
    """

    def __init__(
        self,
        url: ResponseUrl,
        direct: OneMessage,
        note: Note,
        *,
        uses: int,
        replaces: bool,
        ends_at: float,
        acknowledged_at: float,
        clock: Callable[[], float],
    ) -> None:
        """uses were made of the address by earlier tries; it is good until ends_at."""
        self._url = url
        self._direct = direct
        self._note = note
        self._uses = uses
        self._replaces = replaces
        self._ends_at = ends_at
        self._acknowledged_at = acknowledged_at
        self._clock = clock

    async def show_searching(self) -> None:
        """Show nothing: the acknowledgement of the command said it."""

    async def show_waiting(self, position: int) -> None:
        """Show nothing: it could become a message of its own."""

    async def show_draft(self, text: str) -> None:
        """Show nothing."""

    async def post(self, message: Message) -> str:
        """Say it for good; "" unless it became a direct message."""
        # 1. The command's listener calls ack. 2. Bolt sees it up to 10 ms later and sends it over
        # the socket. 3. A quick answer is posted over HTTP. Without this wait 3 can overtake 2,
        # and the searching line would then replace the answer.
        await asyncio.sleep(max(0.0, self._acknowledged_at - self._clock()))
        if await self._respond(message):
            return ""
        return await self._direct.put(message)

    async def say(self, message: Message) -> None:
        """Say it."""
        await self.post(message)

    async def close(self) -> None:
        """Do nothing: nothing goes on."""

    async def _respond(self, message: Message) -> bool:
        for _ in range(TRIES if self._url.is_slacks else 0):
            if self._uses >= RESPONSE_URL_USES or self._clock() >= self._ends_at:
                return False
            self._uses += 1
            await self._note(url_uses=self._uses)
            outcome = await self._url.post(message, replaces=self._replaces)
            if outcome.is_taken:
                return True
            if outcome.wait_seconds is None:
                if not message.blocks:
                    return False
                message = Message(message.text)  # Slack may not like the blocks
            await asyncio.sleep(outcome.wait_seconds or 0.0)
        return False


async def show_to(
    calls: SlackCalls, place: Place, user: str, message: Message, *, pace: DeliveryPace
) -> None:
    """Show a message to one member, at least once.

    Raises TryLater, and SlackApiError when Slack will not have it at all.
    """
    failure: Exception | None = None
    for _ in range(TRIES):
        try:
            await calls.post_ephemeral(place, user, message)
            return
        except FAILURES as error:
            if not is_uncertain(error):
                raise
            failure = error
        await asyncio.sleep(pace.settle)
    raise TryLater("Slack did not confirm a private reply.") from failure
