"""app_mention → a question, answered in the thread."""

from __future__ import annotations

from typing import Any

from bot.tasks import Inquiry, Surface, Task

from .incoming import question_text, written_by_a_person


def read(body: dict[str, Any]) -> Task | None:
    """Read an event; those by other bots are no task, else two bots could talk for ever."""
    event = body["event"]
    if not written_by_a_person(event):
        return None
    return inquiry_of(body, Surface.MENTION).to_task()


def inquiry_of(body: dict[str, Any], surface: Surface) -> Inquiry:
    """Read the question from an event about a message."""
    event = body["event"]
    channel, ts = str(event["channel"]), str(event["ts"])
    return Inquiry(
        key=f"event {body.get('event_id') or f'{channel} {ts}'}",
        text=question_text(event.get("text") or ""),
        surface=surface,
        team=str(body.get("team_id") or ""),
        user=str(event["user"]),
        channel=channel,
        ts=ts,
        thread=str(event.get("thread_ts") or ts),
        is_external=bool(body.get("is_ext_shared_channel")),
    )
