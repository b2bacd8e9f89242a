"""app_mention → an answer in the thread."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.desk import Desk, Inquiry, Surface

from .incoming import question_text
from .replies import Replies


def register(app: AsyncApp, desk: Desk, replies: Replies) -> None:
    """Listen to mentions; those by other bots are ignored, else two bots could talk for ever."""

    @app.event("app_mention")
    async def answer_mention(body: dict[str, Any], event: dict[str, Any]) -> None:
        if event.get("bot_id") or not event.get("user"):
            return
        channel, ts = event["channel"], event["ts"]
        thread = event.get("thread_ts") or ts
        inquiry = Inquiry(
            text=question_text(event.get("text") or ""),
            surface=Surface.MENTION,
            keys=(f"event {body.get('event_id', ts)}", f"message {channel} {ts}"),
            channel=channel,
            thread=thread,
        )
        desk.take(inquiry, replies.in_channel(channel, thread))
