"""Clicks on "I need a human" and on Resolve → tasks for the inbox."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.blocks import HUMAN_ACTION
from bot.config import USER_ID
from bot.escalation_blocks import RESOLVE_ACTION
from bot.tasks import Task, TaskKind

from .clicks import Click, read_click

logger = logging.getLogger(__name__)

MAX_SAID_CHARS = 4_000

Body = dict[str, Any]


def read(body: Body) -> Task | None:
    """Read a press of either button; None for all else, and for a value that is no answer's id."""
    click = read_click(body)
    if click is None or not click.answer_id or not USER_ID.fullmatch(click.user):
        return None
    if click.action_id == HUMAN_ACTION:
        return _task(body, click, TaskKind.ESCALATION, _what_was_said(body, click))
    if click.action_id == RESOLVE_ACTION and not click.is_ephemeral:
        return _task(body, click, TaskKind.RESOLUTION, {"blocks": _blocks(body)})
    return None


def register(app: AsyncApp) -> None:
    """Acknowledge both; the inbox has them already."""

    async def take(ack: AsyncAck, body: Body) -> None:
        await ack()
        if read(body) is None:
            logger.warning("a button for a human came with an unknown value")

    app.action(HUMAN_ACTION)(take)
    app.action(RESOLVE_ACTION)(take)


def _task(body: Body, click: Click, kind: TaskKind, more: dict[str, Any]) -> Task:
    action_ts = body["actions"][0].get("action_ts", "")
    message = _message(body)
    return Task(
        f"action {action_ts} {click.user} {click.answer_id}",
        kind,
        click.user,
        click.channel,
        body={
            "answer_id": click.answer_id,
            "team": click.team,
            "response_url": click.response_url,
            "thread_ts": str(message.get("thread_ts") or ""),
            "message_ts": str(message.get("ts") or ""),
            **more,
        },
    )


def _what_was_said(body: Body, click: Click) -> dict[str, Any]:
    """Keep the reply's words, in case that the conversation is kept nowhere."""
    return {
        "is_private": click.is_ephemeral or click.is_direct,
        "said": str(_message(body).get("text") or "")[:MAX_SAID_CHARS],
    }


def _message(body: Body) -> dict[str, Any]:
    message = body.get("message")  # Slack leaves it out where only one person sees it
    return message if isinstance(message, dict) else {}


def _blocks(body: Body) -> list[dict[str, Any]]:
    blocks = _message(body).get("blocks")
    return [block for block in blocks if isinstance(block, dict)] if blocks else []
