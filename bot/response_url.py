"""A response_url: where Slack takes up to five private replies to a command or a click."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from .message import Message
from .slack_calls import SAFE
from .slack_failures import read_retry_after

logger = logging.getLogger(__name__)

TRIES = 3
MAX_RETRY_AFTER_SECONDS = 30.0
SLACK_HOST = "hooks.slack.com"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a post; wait_seconds is None when it is not worth another try."""

    is_taken: bool
    wait_seconds: float | None = None


def is_slacks(url: str, *, base_url: str) -> bool:
    """Tell whether an address is Slack's own, or the local Slack's when the Web API is that.

    >>> is_slacks("https://hooks.slack.com/commands/T1/2/3", base_url="https://slack.com/api/")
    True
    >>> is_slacks("https://hooks.slack.com.evil.com/", base_url="https://slack.com/api/")
    False
    """
    try:
        parts, base = urlsplit(url), urlsplit(base_url)
        is_local = parts.port == base.port and parts.scheme == base.scheme
        has_default_port = parts.port in (None, 443)
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None:
        return False
    if base.hostname in LOOPBACK:
        return is_local and parts.hostname == base.hostname
    return parts.scheme == "https" and parts.hostname == SLACK_HOST and has_default_port


class ResponseUrl:
    """Posts to an address that a payload named, if it is Slack's: payloads can be made up."""

    def __init__(self, client: AsyncWebClient, url: str, *, repeat_seconds: float = 1.0) -> None:
        self._client = client
        self._url = url
        self._repeat_seconds = repeat_seconds

    @property
    def is_slacks(self) -> bool:
        """Whether anything is sent there."""
        return is_slacks(self._url, base_url=self._client.base_url)

    async def say(self, message: Message, *, replaces: bool = False, thread: str = "") -> bool:
        """Show a message to who used it, tried three times; False when Slack does not take it."""
        for _ in range(TRIES):
            outcome = await self.post(message, replaces=replaces, thread=thread)
            if outcome.is_taken:
                return True
            if outcome.wait_seconds is None:
                if not message.blocks:
                    break
                message = Message(message.text)
            await asyncio.sleep(outcome.wait_seconds or 0.0)
        return False

    async def delete(self) -> bool:
        """Take the message away on which somebody clicked; False when Slack does not."""
        return (await self._post({"delete_original": True})).is_taken

    async def post(self, message: Message, *, replaces: bool, thread: str = "") -> Outcome:
        """Try once to show a message to who used the command or clicked."""
        return await self._post(
            {
                "response_type": "ephemeral",
                "replace_original": replaces,
                "text": message.text,
                **({"blocks": list(message.blocks)} if message.blocks else {}),
                **({"thread_ts": thread} if thread else {}),
                **SAFE,
            }
        )

    async def _post(self, body: Json) -> Outcome:
        if not self.is_slacks:
            logger.warning("a response_url is not Slack's; nothing is sent there")
            return Outcome(False)
        session, proxy = self._client.session, self._client.proxy
        assert session is not None  # startup.prepare_client sets it
        try:
            async with session.post(
                self._url, json=body, proxy=proxy, allow_redirects=False
            ) as response:
                status, retry_after = response.status, response.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("a response_url did not answer: %s", type(error).__name__)
            return Outcome(False, self._repeat_seconds)
        if status == 429:
            seconds = read_retry_after(retry_after)
            return Outcome(False, seconds if seconds <= MAX_RETRY_AFTER_SECONDS else None)
        return Outcome(status == 200, self._repeat_seconds if status >= 500 else None)
