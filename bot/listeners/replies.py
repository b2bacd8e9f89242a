"""Private replies to /clockify-rebuild and what a listener says at once; through the sender."""

from __future__ import annotations

import asyncio
import time

from slack_sdk.web.async_client import AsyncWebClient

from bot.message import Message
from bot.response_url import ResponseUrl
from bot.sender import Sender
from bot.slack_calls import Place, SlackCalls

RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 29 * 60.0  # Slack: 30 minutes
ACKNOWLEDGED_AFTER_SECONDS = 0.25


class Replies:
    """What nobody repeats after a restart, and so needs no place in the inbox."""

    def __init__(self, client: AsyncWebClient, sender: Sender | None = None) -> None:
        """sender is the one that all of the process share; the default has its own limits."""
        self.calls = SlackCalls(client, sender or Sender())

    def in_private(self, response_url: str, user: str) -> PrivateReply:
        """Reply so that only the user sees it; call this when the command arrives."""
        return PrivateReply(self, response_url, user)

    async def send(self, channel: str, thread: str | None, message: Message) -> str:
        """Post and give the ts; raises FAILURES and TryLater."""
        _, ts = await self.calls.post(Place(channel, thread or ""), message)
        return ts

    async def respond(
        self, url: str, message: Message, *, replace: bool, thread: str | None = None
    ) -> bool:
        """Post to a response_url, visible to one person; False when Slack does not take it."""
        address = ResponseUrl(self.calls.client, url)
        return await address.say(message, replaces=replace, thread=thread or "")


class PrivateReply:
    """A response_url while it lasts (5 uses, 30 minutes), then the person's direct messages.

    Every post asks to replace the one before. Slack does so for clicks; after a slash command it
    may show a new message instead (bolt-python #1268), so nothing relies on it.
    """

    def __init__(self, replies: Replies, response_url: str, user: str) -> None:
        self._replies = replies
        self._url = response_url
        self._user = user
        self._uses_left = RESPONSE_URL_USES
        self._opened = self._acknowledged = time.monotonic()

    def keep_distance(self) -> None:
        """Note that the command is acknowledged only now."""
        self._acknowledged = time.monotonic()

    async def post(self, message: Message) -> str:
        """Say it for good; "" unless it became a direct message."""
        if await self.replace(message):
            return ""
        return await self._replies.send(self._user, None, message)

    async def replace(self, message: Message) -> bool:
        """Say it in place of what was said last; False when the response_url is spent."""
        now = time.monotonic()
        if self._uses_left <= 0 or now - self._opened >= RESPONSE_URL_SECONDS:
            return False
        # 1. The command's listener calls ack. 2. Bolt sees it up to 10 ms later and sends it over
        # the socket. 3. A quick answer is posted over HTTP. Without this wait 3 can overtake 2,
        # and the searching line would then replace the answer.
        await asyncio.sleep(max(0.0, self._acknowledged + ACKNOWLEDGED_AFTER_SECONDS - now))
        self._uses_left -= 1
        return await self._replies.respond(self._url, message, replace=True)
