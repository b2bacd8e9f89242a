"""Everything durable that Slack brings → the inbox, before Slack hears that it was taken.

Bolt acknowledges events before their listeners run, so this is a middleware. An event that cannot
be recorded is not acknowledged, and Slack brings it again; a command or a click does not come
again, so whoever made it is told.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse

from bot import texts
from bot.blocks import plain_message
from bot.database import StorageError
from bot.forms import told_view
from bot.inbox import Inbox
from bot.tasks import Task

from .replies import Replies

logger = logging.getLogger(__name__)

EVENT = "event_callback"

Body = dict[str, Any]
Reader = Callable[[Body], Task | None]
EventReader = Callable[[Body], Awaitable[Task | None]]


@dataclass(frozen=True, slots=True)
class Readers:
    """Turn payloads into tasks: events by their type, of all others the first that knows it.

    Events of these types need no listener.
    """

    events: Mapping[str, EventReader]
    others: Sequence[Reader]

    def event_reader(self, body: Body) -> EventReader | None:
        """Give the reader of an event; None for other events and other payloads."""
        event = body.get("event")
        if body.get("type") != EVENT or not isinstance(event, dict):
            return None
        return self.events.get(str(event.get("type")))

    def read_other(self, body: Body) -> Task | None:
        """Read a command, a click, a form or a shortcut; None when its listener does it all."""
        if body.get("type") == EVENT:
            return None
        return next(filter(None, (reader(body) for reader in self.others)), None)


def register(
    app: AsyncApp,
    *,
    inbox: Inbox,
    notice: Callable[[Task], None],
    readers: Readers,
    replies: Replies,
) -> None:
    """Record before all listeners; notice hears of each new task."""

    async def record_event(read: EventReader, body: Body) -> BoltResponse:
        task = await read(body)
        if task is not None and await inbox.record(task):
            notice(task)
        return BoltResponse(status=200, body="")

    async def record_first(body: Body, next: Callable[[], Awaitable[None]]) -> BoltResponse | None:
        read = readers.event_reader(body)
        if read is not None:
            return await record_event(read, body)
        task = readers.read_other(body)
        if task is not None:
            try:
                is_new = await inbox.record(task)
            except StorageError as error:
                logger.error("a %s could not be recorded: %s", task.kind, error)
                return await _tell_not_taken(body, replies)
            if not is_new:
                return BoltResponse(status=200, body="")
            notice(task)
        await next()
        return None

    app.use(record_first)


async def _tell_not_taken(body: Body, replies: Replies) -> BoltResponse:
    """Acknowledge with the bad news where the acknowledgement shows, else beside it."""
    message = plain_message(texts.NOT_TAKEN)
    match body.get("type"):
        case None:  # a command
            told = {"text": message.text, "response_type": "ephemeral"}
            return BoltResponse(status=200, body=told)
        case "view_submission":
            view = told_view(texts.NOT_TAKEN_TITLE, texts.NOT_TAKEN)
            return BoltResponse(status=200, body={"response_action": "update", "view": view})
        case _:
            user = body.get("user") or {}
            if url := body.get("response_url"):
                await replies.respond(url, message, replace=False)
            elif user.get("id"):
                await replies.send(user["id"], None, message)
            return BoltResponse(status=200, body="")
