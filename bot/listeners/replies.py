"""Where replies go: a thread, a direct message, or a response_url that only one person sees.

Every call carries the flags that keep Slack from parsing, unfurling and linking by itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import texts
from bot.message import Message

logger = logging.getLogger(__name__)

SAFE: dict[str, Any] = {
    "parse": "none",
    "link_names": False,
    "unfurl_links": False,
    "unfurl_media": False,
}
# What Slack says when it refuses the blocks; the words alone may still pass.
BLOCK_ERRORS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
STATUS_SECONDS = 3.0
RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 29 * 60.0  # Slack: 30 minutes
ACKNOWLEDGED_AFTER_SECONDS = 0.25
MAX_RETRY_AFTER_SECONDS = 30


class Replies:
    """Makes destinations; knows whether this workspace takes a searching status."""

    def __init__(self, client: AsyncWebClient) -> None:
        self.client = client
        self._has_status = True

    def in_channel(self, channel: str, thread: str | None) -> ChannelReply:
        """Reply in a thread, or at the end of a direct message when thread is None."""
        return ChannelReply(self, channel, thread)

    def in_private(self, response_url: str, user: str) -> PrivateReply:
        """Reply so that only the user sees it; call this when the command arrives."""
        return PrivateReply(self, response_url, user)

    async def send(self, channel: str, thread: str | None, message: Message) -> str:
        """Post and give the ts; blocks that Slack refuses are left out the second time."""
        place: dict[str, Any] = {"channel": channel, "thread_ts": thread, **SAFE}
        try:
            sent = await self.client.chat_postMessage(
                text=message.text, blocks=list(message.blocks), **place
            )
        except SlackApiError as error:
            if error.response.get("error") not in BLOCK_ERRORS:
                raise
            logger.error("Slack refused the blocks of a reply: %s", error.response.get("error"))
            sent = await self.client.chat_postMessage(text=message.text, **place)
        return str(sent.get("ts", ""))

    async def show_status(self, channel: str, thread: str) -> None:
        """Show the searching status; one failure and it is not tried again."""
        if not self._has_status:
            return
        try:
            async with asyncio.timeout(STATUS_SECONDS):
                await self.client.assistant_threads_setStatus(
                    channel_id=channel, thread_ts=thread, status=texts.SEARCHING_STATUS
                )
        except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
            self._has_status = False
            logger.info("no searching status from now on: %s", type(error).__name__)

    async def respond(
        self, url: str, message: Message, *, replace: bool, thread: str | None = None
    ) -> bool:
        """Post to a response_url, visible to one person; False when Slack does not take it."""
        body = {
            "response_type": "ephemeral",
            "replace_original": replace,
            "text": message.text,
            **({"blocks": list(message.blocks)} if message.blocks else {}),
            **({"thread_ts": thread} if thread else {}),
            **SAFE,
        }
        try:
            status, retry_after = await self._post(url, body)
            if status == 429 and retry_after <= MAX_RETRY_AFTER_SECONDS:
                await asyncio.sleep(retry_after)
                status, _ = await self._post(url, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("a response_url did not answer: %s", type(error).__name__)
            return False
        return status == 200

    async def _post(self, url: str, body: dict[str, Any]) -> tuple[int, int]:
        session = self.client.session
        assert session is not None  # app.create_app sets it
        async with session.post(
            url, json=body, proxy=self.client.proxy, allow_redirects=False
        ) as response:
            retry_after = response.headers.get("Retry-After", "1")
            return response.status, int(retry_after) if retry_after.isdigit() else 1


class ChannelReply:
    """A thread of a channel, or a direct message."""

    def __init__(self, replies: Replies, channel: str, thread: str | None) -> None:
        self._replies = replies
        self._channel = channel
        self._thread = thread

    async def show_searching(self) -> None:
        """Show the status where there is a thread to show it in."""
        if self._thread is not None:
            await self._replies.show_status(self._channel, self._thread)

    async def post(self, message: Message) -> str:
        """Post and give the ts."""
        return await self._replies.send(self._channel, self._thread, message)


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

    async def show_searching(self) -> None:
        """Do nothing: the acknowledgement of the command said it."""

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
        if await self._replies.respond(self._url, message, replace=True):
            return True
        if self._uses_left <= 0 or not message.blocks:
            return False
        self._uses_left -= 1
        return await self._replies.respond(self._url, Message(message.text), replace=True)
