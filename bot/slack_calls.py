"""Every call that shows something in Slack: through the sender, never repeated by the SDK.

Each carries the flags that keep Slack from parsing, unfurling and linking by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from .blocks import MAX_TEXT_CHARS
from .message import Message
from .sender import MAX_WAIT_SECONDS, Sender
from .slack_failures import BLOCK_ERRORS, reason
from .splitting import cut

logger = logging.getLogger(__name__)

QUIET: dict[str, Any] = {"parse": "none", "link_names": False}  # chat.update takes no more
SAFE: dict[str, Any] = {**QUIET, "unfurl_links": False, "unfurl_media": False}
PAGE_MESSAGES = 200
MAX_PAGES = 20
EVENT_TYPE = "clockify_bot_reply"
# Slack does not let the bot look there, and will not soon.
BLIND = frozenset({"missing_scope", "not_in_channel", "thread_not_found", "channel_not_found"})
PEOPLE = ("U", "W")  # how the ids of people begin

Json = dict[str, Any]
Send = Callable[[Json], Awaitable[AsyncSlackResponse]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message belongs.

    thread is "" outside threads. Nothing that answers is older than since, a ts.
    """

    channel: str
    thread: str = ""
    since: str = "0"


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a stream is; Slack wants to know in channels."""

    user: str
    team: str


def reply_metadata(key: str, *, is_draft: bool = False) -> Json:
    """Mark a message as the reply to a task, which other apps can read, too."""
    payload: Json = {"key": key, "is_draft": True} if is_draft else {"key": key}
    return {"event_type": EVENT_TYPE, "event_payload": payload}


class SlackCalls:
    """The calls by name; they raise TryLater and slack_failures.FAILURES."""

    def __init__(self, client: AsyncWebClient, sender: Sender) -> None:
        self.client = client
        self.sender = sender
        self._unrepeated: AsyncWebClient | None = None
        self._bot_user = ""
        self._is_blindness_told = False

    def has_room_to_edit(self, calls: int) -> bool:
        """Tell whether so many messages could be edited now."""
        return self.sender.has_room("chat.update", "", calls)

    async def post(
        self,
        place: Place,
        message: Message,
        *,
        metadata: Json | None = None,
        patience_seconds: float = MAX_WAIT_SECONDS,
    ) -> tuple[str, str]:
        """Post and give the channel, which differs from the place's for a user id, and the ts."""
        client = self._calling()
        arguments = {"channel": place.channel, **SAFE, **_given(metadata=metadata)}
        arguments |= _given(thread_ts=place.thread)

        async def send(content: Json) -> AsyncSlackResponse:
            return await client.chat_postMessage(**arguments, **content)

        method = "chat.postMessage"
        sent = await self._show(method, place.channel, send, message, patience_seconds)
        return str(sent.get("channel") or place.channel), str(sent.get("ts") or "")

    async def update(
        self,
        channel: str,
        ts: str,
        message: Message,
        *,
        metadata: Json | None = None,
        patience_seconds: float = MAX_WAIT_SECONDS,
    ) -> None:
        """Replace what a message says."""
        client = self._calling()
        arguments = {"channel": channel, "ts": ts, **QUIET, **_given(metadata=metadata)}

        async def send(content: Json) -> AsyncSlackResponse:
            return await client.chat_update(**arguments, **content)

        await self._show("chat.update", channel, send, message, patience_seconds)

    async def post_ephemeral(self, place: Place, user: str, message: Message) -> None:
        """Show a message to one member of a channel."""
        client = self._calling()
        arguments = {"channel": place.channel, "user": user, **QUIET}
        arguments |= _given(thread_ts=place.thread)

        async def send(content: Json) -> AsyncSlackResponse:
            return await client.chat_postEphemeral(**arguments, **content)

        await self._show("chat.postEphemeral", place.channel, send, message, MAX_WAIT_SECONDS)

    async def start_stream(
        self, place: Place, reader: Reader, markdown: str, patience_seconds: float
    ) -> str:
        """Begin a message that grows and give its ts."""
        client = self._calling()

        async def send() -> AsyncSlackResponse:
            return await client.chat_startStream(
                channel=place.channel,
                thread_ts=place.thread,
                recipient_user_id=reader.user,
                recipient_team_id=reader.team,
                markdown_text=markdown,
            )

        started = await self._turn("chat.startStream", place.channel, send, patience_seconds)
        return str(started["ts"])

    async def append_stream(
        self, channel: str, ts: str, markdown: str, patience_seconds: float
    ) -> None:
        """Let it grow."""
        client = self._calling()

        async def send() -> AsyncSlackResponse:
            return await client.chat_appendStream(channel=channel, ts=ts, markdown_text=markdown)

        await self._turn("chat.appendStream", channel, send, patience_seconds)

    async def stop_stream(self, channel: str, ts: str, patience_seconds: float) -> None:
        """End its growth."""
        client = self._calling()

        async def send() -> AsyncSlackResponse:
            return await client.chat_stopStream(channel=channel, ts=ts)

        await self._turn("chat.stopStream", channel, send, patience_seconds)

    async def set_status(self, place: Place, status: str, patience_seconds: float) -> None:
        """Show in a thread what the bot is doing."""
        client = self._calling()

        async def send() -> AsyncSlackResponse:
            return await client.assistant_threads_setStatus(
                channel_id=place.channel, thread_ts=place.thread, status=status
            )

        await self._turn("assistant.threads.setStatus", place.channel, send, patience_seconds)

    async def own_messages(self, place: Place) -> tuple[Json, ...]:
        """List what the bot wrote there since, oldest first; nothing where it may not look.

        Nor is there anything to list under a person's id: their direct messages have an id of
        their own, which only a post tells.
        """
        if place.channel.startswith(PEOPLE):
            return ()
        author = await self._bot_user_id()
        own: list[Json] = []
        cursor = ""
        for _ in range(MAX_PAGES):
            try:
                page = await self._page(place, cursor)
            except SlackApiError as error:
                if reason(error) not in BLIND:
                    raise
                self._tell_blindness(reason(error))
                break
            messages = page.get("messages") or []
            own += (m for m in messages if m.get("user") == author and m["ts"] > place.since)
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return tuple(sorted(own, key=lambda message: str(message["ts"])))

    def _tell_blindness(self, code: str) -> None:
        if not self._is_blindness_told:
            logger.warning(
                "cannot look whether a reply is there already (%s): after a failure it may come "
                "twice. Check the scopes channels:history, groups:history and im:history.",
                code,
            )
        self._is_blindness_told = True

    async def _page(self, place: Place, cursor: str) -> AsyncSlackResponse:
        client = self._calling()
        arguments: Json = {"channel": place.channel, "limit": PAGE_MESSAGES, "oldest": place.since}
        arguments |= {"include_all_metadata": True, **_given(cursor=cursor)}

        async def send() -> AsyncSlackResponse:
            if place.thread:
                return await client.conversations_replies(ts=place.thread, **arguments)
            return await client.conversations_history(**arguments)

        method = "conversations.replies" if place.thread else "conversations.history"
        return await self._turn(method, place.channel, send, MAX_WAIT_SECONDS)

    async def _bot_user_id(self) -> str:
        if not self._bot_user:
            who = await self._turn("auth.test", "", self._calling().auth_test, MAX_WAIT_SECONDS)
            self._bot_user = str(who["user_id"])
        return self._bot_user

    async def _show(
        self, method: str, channel: str, send: Send, message: Message, patience_seconds: float
    ) -> AsyncSlackResponse:
        """Send blocks with their text; blocks that Slack refuses are left out the second time."""
        text = cut(message.text, MAX_TEXT_CHARS)

        async def with_blocks() -> AsyncSlackResponse:
            return await send({"text": text, "blocks": list(message.blocks)})

        async def in_words() -> AsyncSlackResponse:
            return await send({"text": text, "blocks": []})

        try:
            return await self._turn(method, channel, with_blocks, patience_seconds)
        except SlackApiError as error:
            if reason(error) not in BLOCK_ERRORS or not message.blocks:
                raise
            logger.error("Slack refused the blocks of a message: %s", reason(error))
        return await self._turn(method, channel, in_words, patience_seconds)

    async def _turn(
        self,
        method: str,
        channel: str,
        send: Callable[[], Awaitable[AsyncSlackResponse]],
        patience_seconds: float,
    ) -> AsyncSlackResponse:
        return await self.sender.call(method, channel, send, patience_seconds=patience_seconds)

    def _calling(self) -> AsyncWebClient:
        """Give the client without retry handlers: they sleep in each call and wake together."""
        if self._unrepeated is None:
            known = self.client
            self._unrepeated = AsyncWebClient(
                token=known.token,
                base_url=known.base_url,
                ssl=known.ssl,
                session=known.session,
                headers=known.headers,
                user_agent_prefix=None,
                retry_handlers=[],
            )
            self._unrepeated.proxy = known.proxy  # the SDK took it from the environment again
        return self._unrepeated


def _given(**arguments: Any) -> Mapping[str, Any]:
    return {name: value for name, value in arguments.items() if value}
