"""One direct message that is edited while something goes on, and ends with what came of it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from bot import rebuild_texts
from bot.blocks import plain_message
from bot.message import Message
from bot.sender import TryLater
from bot.slack_calls import Place
from bot.slack_failures import FAILURES, reason

from .replies import PrivateReply, Replies

logger = logging.getLogger(__name__)

ANSWERED_SECONDS = 60.0  # a command's answer takes less, unless its acknowledgement failed
EDIT_SECONDS = 1.0  # that an edit may wait for its turn: the next one says more
FINISH_SECONDS = 30.0


class DirectMessage:
    """A message of the bot to one person; where it cannot be, the command's response_url serves.

    place is known already when an earlier process posted the message. What is said there instead
    comes after the answer to the command, which would replace it: when is_answered is set.
    """

    def __init__(
        self,
        replies: Replies,
        user: str,
        *,
        place: tuple[str, str] | None = None,
        instead: PrivateReply | None = None,
        is_answered: asyncio.Event | None = None,
    ) -> None:
        self._replies = replies
        self._user = user
        self._instead = instead
        self._is_answered = is_answered
        self._place = place

    @property
    def place(self) -> tuple[str, str] | None:
        """Give channel and ts; None before the message is there."""
        return self._place

    async def open(self, message: Message) -> None:
        """Post the message; when Slack does not take it, say so where the command was used."""
        try:
            self._place = await self._replies.calls.post(Place(self._user), message)
        except (*FAILURES, TryLater) as error:
            logger.warning("no direct message to %s: %s", self._user, reason(error))
            await self._say_instead(plain_message(rebuild_texts.REBUILD_NO_DIRECT_MESSAGE))

    async def edit(self, message: Message) -> bool:
        """Replace what the message says; False when Slack did not take it or it is not there.

        Nor does Slack take it before the time that it named when it last was asked too often.
        """
        return await self._edit(message, EDIT_SECONDS)

    async def finish(self, message: Message) -> bool:
        """Say how it ended: as an edit, else as a new message, else where the command was used."""
        if await self._edit(message, FINISH_SECONDS):
            return True
        try:
            await self._replies.send(self._user, None, message)
            return True
        except (*FAILURES, TryLater) as error:
            logger.warning("no direct message to %s: %s", self._user, reason(error))
        return await self._say_instead(message)

    async def _edit(self, message: Message, patience_seconds: float) -> bool:
        if self._place is None:
            return False
        channel, ts = self._place
        try:
            await self._replies.calls.update(
                channel, ts, message, patience_seconds=patience_seconds
            )
            return True
        except (*FAILURES, TryLater) as error:
            logger.warning("cannot edit a direct message to %s: %s", self._user, reason(error))
            return False

    async def _say_instead(self, message: Message) -> bool:
        if self._instead is None:
            return False
        if self._is_answered is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_answered.wait(), ANSWERED_SECONDS)
        return await self._instead.replace(message)
