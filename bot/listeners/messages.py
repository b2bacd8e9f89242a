"""message.im → an answer in the direct message, threaded only if the question was."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.desk import Desk, Inquiry, Surface

from .incoming import question_text
from .replies import Replies

ANSWERED_SUBTYPES = frozenset({"", "file_share", "thread_broadcast"})


def register(app: AsyncApp, desk: Desk, replies: Replies) -> None:
    """Listen to direct messages of people; edits, deletions and bots are ignored."""

    @app.event("message")
    async def answer_direct(body: dict[str, Any], event: dict[str, Any]) -> None:
        if not is_for_us(event):
            return
        channel, ts = event["channel"], event["ts"]
        thread = event.get("thread_ts")
        inquiry = Inquiry(
            text=question_text(event.get("text") or ""),
            surface=Surface.DIRECT,
            keys=(f"event {body.get('event_id', ts)}", f"message {channel} {ts}"),
            channel=channel,
            thread=thread or ts,
        )
        desk.take(inquiry, replies.in_channel(channel, thread))


def is_for_us(event: dict[str, Any]) -> bool:
    """Tell whether a message event is a person writing to the bot."""
    return (
        event.get("channel_type") == "im"
        and event.get("subtype", "") in ANSWERED_SUBTYPES
        and not event.get("bot_id")
        and event.get("user", "USLACKBOT") != "USLACKBOT"
    )
