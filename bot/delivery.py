"""Chooses where the reply to an inquiry, or another message of a task, goes.

A message that was begun and not finished is kept in hand under the task's key, so that whoever
tries again in this process goes on with it; after a restart the claim's notes serve for that.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from slack_sdk.web.async_client import AsyncWebClient

from .destinations import (
    Destination,
    DirectReply,
    EphemeralReply,
    Note,
    PrivateReply,
    ThreadReply,
)
from .ladder import EditRung, Ladder, NativeRung, NativeSupport, Rung
from .message import Message
from .one_message import OneMessage, Stopped
from .pace import REAL_PACE, DeliveryPace
from .response_url import ResponseUrl
from .sender import Sender, TryLater
from .slack_calls import Place, Reader, SlackCalls
from .status_line import StatusLine, StatusSupport
from .tasks import Claim, Inquiry, Surface

__all__ = ["Delivery", "Destination", "NoteKeeper", "Stopped", "TryLater"]

logger = logging.getLogger(__name__)

MAX_IN_HAND = 500
MAX_SKEW_SECONDS = 300.0  # between this machine's clock and Slack's
RESPONSE_URL_SECONDS = 29 * 60.0  # Slack: 30 minutes


class NoteKeeper(Protocol):
    """What keeps notes about a task for its next try; the inbox."""

    async def note(self, key: str, **notes: Any) -> None: ...


class Delivery:
    """Makes destinations; one for each process, on one event loop."""

    def __init__(
        self,
        client: AsyncWebClient,
        sender: Sender,
        *,
        inbox: NoteKeeper,
        team: str,
        streaming: str,
        pace: DeliveryPace = REAL_PACE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """team is the workspace's id; streaming is native, update or off."""
        self.calls = SlackCalls(client, sender)
        self._inbox = inbox
        self._team = team
        self._streaming = streaming
        self._pace = pace
        self._clock = clock
        self._native, self._statuses = NativeSupport(), StatusSupport()
        self._in_hand: OrderedDict[str, tuple[OneMessage, Ladder]] = OrderedDict()

    def to(self, inquiry: Inquiry, *, claim: Claim, is_private: bool = False) -> Destination:
        """Choose where the reply to a question goes; is_private: its channel wants it unseen."""
        if inquiry.response_url:
            is_more = inquiry.surface is Surface.SHORTCUT or bool(inquiry.continues)
            return self.in_private(
                inquiry.response_url, inquiry.user, claim=claim, replaces=not is_more
            )
        if inquiry.surface in (Surface.FORM, Surface.HOME) or not inquiry.channel:
            return self.in_direct(inquiry.user, claim=claim, question=inquiry.text)
        place = Place(inquiry.channel, inquiry.thread or inquiry.ts, inquiry.ts or "0")
        is_direct = inquiry.surface is Surface.DIRECT
        if is_private and not is_direct:
            return EphemeralReply(self.calls, place, inquiry.user, pace=self._pace)
        reader = Reader(inquiry.user, self._team)
        return self._reply(place, claim, reader=reader, asker="" if is_direct else inquiry.user)

    def in_thread(
        self, channel: str, thread: str, *, claim: Claim, user: str = "", part: str = ""
    ) -> Destination:
        """Reply in a thread, or post into the channel when thread is "".

        user is whom say tells. part tells several messages of one task apart.
        """
        since = thread or f"{claim.received_at - MAX_SKEW_SECONDS:.6f}"
        place = Place(channel, thread, since)
        return self._reply(place, claim, reader=None, asker=user, part=part)

    def in_private(
        self,
        response_url: str,
        user: str,
        *,
        claim: Claim,
        part: str = "",
        replaces: bool = True,
    ) -> Destination:
        """Answer a command so that only this person sees it: there, else as a direct message.

        Each post replaces the one before, or the message with the button, unless told not to.
        """
        message, _ = self._open(Place(user), claim, part=part)
        is_fresh = not claim.may_be_repeated
        return PrivateReply(
            self.response_url(response_url),
            message,
            self._noter(claim),
            uses=int(claim.notes.get("url_uses", 0)),
            replaces=replaces,
            ends_at=claim.received_at + RESPONSE_URL_SECONDS,
            acknowledged_at=self._clock() + self._pace.acknowledgement if is_fresh else 0.0,
            clock=self._clock,
        )

    def in_direct(
        self, user: str, *, claim: Claim, part: str = "", question: str = ""
    ) -> Destination:
        """Write to a person; a question is repeated there while its answer is looked for."""
        message, ladder = self._open(Place(user), claim, part=part)
        return DirectReply(message, ladder, question=question)

    def response_url(self, url: str) -> ResponseUrl:
        """Give the address that came with a command or a click."""
        return ResponseUrl(self.calls.client, url, repeat_seconds=self._pace.repeat)

    async def edit(self, channel: str, ts: str, message: Message) -> None:
        """Replace what one of the bot's messages says; raises FAILURES and TryLater."""
        await self.calls.update(channel, ts, message)

    def _reply(
        self, place: Place, claim: Claim, *, reader: Reader | None, asker: str, part: str = ""
    ) -> Destination:
        message, ladder = self._open(place, claim, reader=reader, part=part)
        status = StatusLine(
            self.calls, place, self._statuses, pace=self._pace, is_over=lambda: bool(message.ts)
        )
        is_stopped = bool(claim.notes.get("stopped"))
        note = self._noter(claim)
        return ThreadReply(message, ladder, status, note, asker=asker, is_stopped=is_stopped)

    def _open(
        self, place: Place, claim: Claim, *, reader: Reader | None = None, part: str = ""
    ) -> tuple[OneMessage, Ladder]:
        """Give the message of this task, which an earlier try may have begun.

        A task that is not claimed yet (tries is 0) leaves nothing that somebody has to know.
        """
        if claim.tries == 0:
            message = self._message(place, claim, part)
            return message, Ladder(message, (), pace=self._pace)
        name = f"{claim.task.key} {part} {place.channel} {place.thread}"
        before = self._in_hand.pop(name, None)
        if before is not None:
            before[1].abandon()
        is_open = before is not None and not before[0].is_done
        message = before[0] if before and is_open else self._message(place, claim, part)
        self._remind(message, claim, part)
        rungs = () if part else tuple(self._rungs(message, reader, self._noter(claim)))
        ladder = Ladder(message, rungs, pace=self._pace)
        self._in_hand[name] = message, ladder
        self._forget()
        return message, ladder

    def _message(self, place: Place, claim: Claim, part: str) -> OneMessage:
        async def before_post() -> None:
            await self._inbox.note(claim.task.key, **{_posting(part): True})

        return OneMessage(
            self.calls,
            place,
            f"{claim.task.key} {part}".strip(),
            pace=self._pace,
            is_urgent=claim.reply is None and not claim.notes,
            neighbours=lambda: [message for message, _ in self._in_hand.values()],
            before_post=before_post,
        )

    def _remind(self, message: OneMessage, claim: Claim, part: str) -> None:
        draft = None if part else claim.notes.get("draft")  # see note_draft
        channel, _, ts = (draft or "").partition(" ")
        is_begun = claim.reply is not None or draft is not None
        message.remember(
            channel=channel,
            ts=ts,
            may_exist=is_begun or claim.may_be_repeated or bool(claim.notes.get(_posting(part))),
            may_stream=draft == "",
        )

    def _rungs(self, message: OneMessage, reader: Reader | None, note: Note) -> Iterator[Rung]:
        async def note_draft(ts: str | None) -> None:
            await note(draft=f"{message.place.channel} {ts}" if ts else ts)

        if self._streaming == "native" and reader is not None and message.place.thread:
            yield NativeRung(message, reader, note_draft, support=self._native, pace=self._pace)
        if self._streaming != "off":
            yield EditRung(message, note_draft, pace=self._pace)

    def _noter(self, claim: Claim) -> Note:
        async def note(**notes: Any) -> None:
            await self._inbox.note(claim.task.key, **notes)

        return note

    def _forget(self) -> None:
        for key in [key for key, (message, _) in self._in_hand.items() if message.is_done]:
            del self._in_hand[key]
        while len(self._in_hand) > MAX_IN_HAND:
            self._in_hand.popitem(last=False)


def _posting(part: str) -> str:
    """Name the note that a part may have been posted."""
    return f"posting {part}".strip()
