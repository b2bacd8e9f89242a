"""The one message that a task leaves in a place: there exactly once, however often it is tried.

A message carries the task's key as metadata. When Slack may have taken a call without saying so
(connection lost, time-out, HTTP 5xx), or an earlier process may have made it:
1. wait until what is under way has arrived, 2. look for the key among the bot's own messages
there, 3. post only when it is not there. Edits may be repeated without harm, so a message that
exists already is edited.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from .message import Message
from .pace import DeliveryPace
from .sender import MAX_WAIT_SECONDS, TryLater
from .slack_calls import Json, Place, Reader, SlackCalls, reply_metadata
from .slack_failures import FAILURES, is_uncertain, reason

logger = logging.getLogger(__name__)

TRIES = 3
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
STREAMING = "streaming_state_conflict"
STOPPED = "stopped_by_user"


class Stopped(Exception):
    """Raised when the reader stopped the answer: what is there stays, nothing more is said."""


class OneMessage:
    """Posts, finds again and edits one message; ts is "" until it is known to be there.

    may_exist: an earlier try may have posted it. may_stream: one may have begun a stream, which
    has no metadata before its end. is_streaming: ts is a stream that may still be open. is_urgent:
    no earlier process can have had a call under way when this one began. neighbours gives the
    other messages in hand. before_post notes, once, that the message may exist from now on: a
    try that is handed back does not count, so its number would not tell.
    """

    def __init__(
        self,
        calls: SlackCalls,
        place: Place,
        key: str,
        *,
        pace: DeliveryPace,
        is_urgent: bool = True,
        neighbours: Callable[[], Iterable[OneMessage]] = tuple,
        before_post: Callable[[], Awaitable[None]],
    ) -> None:
        self.calls = calls
        self.place = place
        self.ts = ""
        self.is_streaming = self.may_exist = self.may_stream = self.is_done = False
        self._key = key
        self.pace = pace
        self._neighbours = neighbours
        self._before_post: Callable[[], Awaitable[None]] | None = before_post
        self._settled_at = 0.0 if is_urgent else _now() + pace.settle

    def remember(self, *, channel: str, ts: str, may_exist: bool, may_stream: bool) -> None:
        """Take in what an earlier try, here or in another process, has noted.

        ts, "" when unknown, is of a draft in channel, which may be a stream that is still open.
        """
        self.may_exist = self.may_exist or may_exist
        if not self.ts:
            self.ts, self.may_stream = ts, self.may_stream or may_stream
            self.is_streaming = bool(ts)
            self.place = replace(self.place, channel=channel or self.place.channel)

    async def put(self, message: Message) -> str:
        """See to it that the message is there, as it is meant to stay; give its ts.

        Raises Stopped, TryLater, and SlackApiError when Slack will not have it at all.
        """
        for _ in range(TRIES):
            if await self._is_there() or await self._is_edited(message):
                break
            try:
                await self._post(message, reply_metadata(self._key))
                break
            except FAILURES as error:
                if not self.may_exist:
                    raise
                logger.warning("a reply may not have arrived: %s", reason(error))
        else:
            if not await self._is_there():
                raise TryLater("Slack did not confirm a reply.")
        self.is_done = True
        return self.ts

    def has_neighbours(self) -> bool:
        """Tell whether another stream is in hand in this thread: two could be mixed up later."""
        return any(other.is_streaming or other.may_stream for other in self._others_here())

    async def show(self, draft: Message) -> None:
        """Show what is there of the message, if Slack takes it soon; raises FAILURES, TryLater."""
        metadata, patience = reply_metadata(self._key, is_draft=True), self.pace.preview
        if self.ts:
            await self.calls.update(
                self.place.channel, self.ts, draft, metadata=metadata, patience_seconds=patience
            )
        else:
            await self._post(draft, metadata, patience)

    async def stream(self, reader: Reader, markdown: str) -> None:
        """Begin to stream it, if Slack takes it soon; raises FAILURES and TryLater."""
        self.may_stream = True
        try:
            with self._doubt():
                self.ts = await self.calls.start_stream(
                    self.place, reader, markdown, self.pace.preview
                )
            self.is_streaming = True
        finally:
            self.may_stream = self.may_exist

    async def append(self, markdown: str) -> None:
        """Add to the stream; raises Stopped, FAILURES and TryLater."""
        try:
            await self.calls.append_stream(self.place.channel, self.ts, markdown, self.pace.preview)
        except FAILURES as error:
            if reason(error) == STOPPED:
                raise Stopped from error
            raise

    async def stop_stream(self) -> None:
        """End the stream, whatever its state; raises Stopped when the reader did."""
        try:
            await self.calls.stop_stream(self.place.channel, self.ts, self.pace.stop)
        except (*FAILURES, TryLater) as error:
            if reason(error) == STOPPED:
                raise Stopped from error
            logger.debug("a stream could not be ended: %s", reason(error))
        self.is_streaming = False

    async def _post(
        self, message: Message, metadata: Json, patience_seconds: float = MAX_WAIT_SECONDS
    ) -> None:
        if self._before_post is not None:
            await self._before_post()
            self._before_post = None
        with self._doubt():
            channel, self.ts = await self.calls.post(
                self.place, message, metadata=metadata, patience_seconds=patience_seconds
            )
        self.place = replace(self.place, channel=channel)

    @contextmanager
    def _doubt(self) -> Iterator[None]:
        """Keep in mind that something may be there, unless Slack says that it is, or is not."""
        before, self.may_exist = self.may_exist, True
        try:
            yield
        except (*FAILURES, TryLater) as error:
            if isinstance(error, TryLater) or not is_uncertain(error):
                self.may_exist = before
            else:
                self._settled_at = _now() + self.pace.settle
            raise
        except BaseException:  # cancelled in the middle of it
            self._settled_at = _now() + self.pace.settle
            raise
        self.may_exist = before

    async def _is_there(self) -> bool:
        """Look for it where that may help, and note its ts; True when it is there to stay."""
        if not self.may_exist:
            return False
        await asyncio.sleep(max(0.0, self._settled_at - _now()))
        messages = await self._own_messages()
        self.may_exist = False
        marked = [m for m in messages if _payload(m).get("key") == self._key]
        final = next((m for m in marked if not _payload(m).get("is_draft")), None)
        if final is not None:
            self.ts = str(final["ts"])
            return True
        if marked and not self.ts:
            self.ts = str(marked[0]["ts"])
        elif self.may_stream and not self.ts:
            self._adopt(messages)
        return False

    def _adopt(self, messages: Sequence[Json]) -> None:
        taken = {other.ts for other in self._others_here()}
        nameless = (str(message["ts"]) for message in messages if not message.get("metadata"))
        self.ts = next((ts for ts in nameless if ts not in taken), "")
        self.is_streaming = bool(self.ts)

    def _others_here(self) -> list[OneMessage]:
        spot = self.place.channel, self.place.thread
        return [
            other
            for other in self._neighbours()
            if other is not self and (other.place.channel, other.place.thread) == spot
        ]

    async def _own_messages(self) -> tuple[Json, ...]:
        failure: Exception | None = None
        for _ in range(TRIES):
            try:
                return await self.calls.own_messages(self.place)
            except FAILURES as error:
                failure = error
                await asyncio.sleep(self.pace.settle)
        raise TryLater("Slack did not say whether a reply is there.") from failure

    async def _is_edited(self, message: Message) -> bool:
        """Replace what is there; False when there is nothing, or nothing any more."""
        if self.ts and self.is_streaming:
            await self.stop_stream()
        metadata = reply_metadata(self._key)
        for _ in range(TRIES if self.ts else 0):
            try:
                await self.calls.update(self.place.channel, self.ts, message, metadata=metadata)
                return True
            except FAILURES as error:
                if reason(error) in GONE:
                    self.ts = ""
                    return False
                if reason(error) == STREAMING:
                    await self.stop_stream()
                elif not is_uncertain(error):
                    raise
                await asyncio.sleep(self.pace.settle)
        if self.ts:
            raise TryLater("Slack did not confirm an edit.")
        return False


def _payload(message: Json) -> Json:
    return (message.get("metadata") or {}).get("event_payload") or {}


def _now() -> float:
    return asyncio.get_running_loop().time()
