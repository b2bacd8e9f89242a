"""Shortcuts: "Ask Clockify about this" → a private answer; "Ask Clockify" → a form."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import form_texts
from bot.blocks import plain_message
from bot.forms import MAX_TYPED_CHARS, ask_view
from bot.response_url import ResponseUrl
from bot.slack_calls import SAFE
from bot.tasks import Inquiry, Surface, Task

from .clicks import who
from .forms import open_view, searching
from .incoming import question_text

logger = logging.getLogger(__name__)

MESSAGE_SHORTCUT, GLOBAL_SHORTCUT = "ask_about_message", "ask_clockify"

Body = dict[str, Any]


def read(body: Body) -> Task | None:
    """Read the use of the message shortcut; None for all else, and for what cannot be looked up."""
    message = _message(body)
    if message is None or _obstacle(message):
        return None
    user, team = who(body)
    ts = str(message.get("ts") or body.get("message_ts") or "")
    inquiry = Inquiry(
        key=f"shortcut {body.get('trigger_id') or body.get('action_ts')}",
        text=_question(message),
        surface=Surface.SHORTCUT,
        team=team,
        user=user,
        channel=str(body["channel"]["id"]),
        thread=str(message.get("thread_ts") or ts),
        response_url=str(body.get("response_url") or ""),
    )
    return inquiry.to_task()


def register(app: AsyncApp) -> None:
    """Listen to both."""

    @app.shortcut(MESSAGE_SHORTCUT)
    async def take_message(ack: AsyncAck, body: Body) -> None:
        await ack()
        message = _message(body) or {}
        obstacle = _obstacle(message)
        said = plain_message(obstacle) if obstacle else searching(_question(message))
        await ResponseUrl(app.client, str(body.get("response_url"))).say(said)

    @app.shortcut(GLOBAL_SHORTCUT)
    async def open_form(ack: AsyncAck, body: Body) -> None:
        await ack()
        if not await open_view(app.client, str(body.get("trigger_id")), ask_view()):
            user, _ = who(body)
            await app.client.chat_postMessage(
                channel=user, text=form_texts.SHORTCUT_TOO_LATE, **SAFE
            )


def _message(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    is_ours = body.get("type") == "message_action" and body.get("callback_id") == MESSAGE_SHORTCUT
    message = body.get("message")
    return message if is_ours and isinstance(message, Mapping) else None


def _obstacle(message: Mapping[str, Any]) -> str:
    """Say why a message cannot be looked up, "" when it can."""
    if message.get("bot_id") or message.get("subtype") == "bot_message":
        return form_texts.MESSAGE_IS_BY_A_BOT
    question = _question(message)
    if not question:
        return form_texts.MESSAGE_IS_EMPTY
    if len(question) > MAX_TYPED_CHARS:
        return form_texts.message_too_long(len(question), MAX_TYPED_CHARS)
    return ""


def _question(message: Mapping[str, Any]) -> str:
    text = message.get("text")
    return question_text(text) if isinstance(text, str) else ""
