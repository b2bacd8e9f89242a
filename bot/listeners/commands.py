"""/clockify QUESTION → an answer that only the asker sees; alone or with help → how to use it."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import texts
from bot.desk import Desk, Inquiry, Surface
from bot.markup import escape

from .incoming import question_text
from .replies import Replies

MAX_REPEATED_CHARS = 200
HELP_WORDS = frozenset({"", "help"})  # the whole text: "help with timesheets" is a question


def register(app: AsyncApp, desk: Desk, replies: Replies) -> None:
    """Listen to /clockify."""

    @app.command("/clockify")
    async def answer_command(ack: AsyncAck, command: dict[str, Any]) -> None:
        question = question_text(command.get("text") or "")
        if question.lower() in HELP_WORDS:
            await acknowledge(ack, texts.HOW_TO_USE)
            return
        reply = replies.in_private(command["response_url"], command["user_id"])
        await acknowledge(ack, texts.searching(escape(question[:MAX_REPEATED_CHARS])))
        keys = (f"command {command.get('trigger_id', command['response_url'])}",)
        desk.take(Inquiry(text=question, surface=Surface.COMMAND, keys=keys), reply)


async def acknowledge(ack: AsyncAck, text: str) -> None:
    """Answer a command at once, visible only to who typed it."""
    await ack(text=text, response_type="ephemeral", unfurl_links=False, unfurl_media=False)
