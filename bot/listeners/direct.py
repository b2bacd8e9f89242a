"""One direct message that is edited while something goes on, and ends with what came of it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

import aiohttp
from slack_sdk.errors import SlackClientError

from bot import rebuild_texts
from bot.blocks import plain_message
from bot.message import Message

from .replies import BLOCK_ERRORS, SAFE, PrivateReply, Replies

logger = logging.getLogger(__name__)

ANSWERED_SECONDS = 60.0  # a command's answer takes less, unless its acknowledgement failed
FAILURES = (SlackClientError, aiohttp.ClientError, TimeoutError)


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
        self._next_edit = 0.0  # on the monotonic clock, when Slack has named a time

    @property
    def place(self) -> tuple[str, str] | None:
        """Give channel and ts; None before the message is there."""
        return self._place

    async def open(self, message: Message) -> None:
        """Post the message; when Slack does not take it, say so where the command was used."""
        try:
            sent = await self._replies.client.chat_postMessage(
                channel=self._user, text=message.text, blocks=list(message.blocks), **SAFE
            )
            self._place = str(sent["channel"]), str(sent["ts"])
        except FAILURES as error:
            logger.warning("no direct message to %s: %s", self._user, _reason(error))
            await self._say_instead(plain_message(rebuild_texts.REBUILD_NO_DIRECT_MESSAGE))

    async def edit(self, message: Message) -> bool:
        """Replace what the message says; False when Slack did not take it or it is not there.

        Nor does Slack take it before the time that it named when it last was asked too often.
        """
        if self._place is None or time.monotonic() < self._next_edit:
            return False
        try:
            await self._update(message)
            return True
        except FAILURES as error:
            reason = _reason(error)
            logger.warning("cannot edit a direct message to %s: %s", self._user, reason)
            self._next_edit = time.monotonic() + _retry_after_seconds(error)
        if reason not in BLOCK_ERRORS:
            return False
        try:
            await self._update(Message(message.text))
            return True
        except FAILURES:
            return False

    async def finish(self, message: Message) -> bool:
        """Say how it ended: as an edit, else as a new message, else where the command was used."""
        if await self.edit(message):
            return True
        try:
            await self._replies.send(self._user, None, message)
            return True
        except FAILURES as error:
            logger.warning("no direct message to %s: %s", self._user, _reason(error))
        return await self._say_instead(message)

    async def _say_instead(self, message: Message) -> bool:
        if self._instead is None:
            return False
        if self._is_answered is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_answered.wait(), ANSWERED_SECONDS)
        return await self._instead.replace(message)

    async def _update(self, message: Message) -> None:
        assert self._place is not None  # edit asks
        channel, ts = self._place
        await self._replies.client.chat_update(
            channel=channel,
            ts=ts,
            text=message.text,
            blocks=list(message.blocks),
            parse="none",
            link_names=False,
        )


def _retry_after_seconds(error: Exception) -> float:
    """Give how long Slack wants to be left alone, 0 when it does not say."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    waits = [value for name, value in headers.items() if name.lower() == "retry-after"]
    return float(waits[0]) if waits and str(waits[0]).isdigit() else 0.0


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    code = response.get("error") if response is not None else None
    return str(code or type(error).__name__)
