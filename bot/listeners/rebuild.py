"""/clockify-rebuild → acknowledged within a second; what takes longer is told afterwards."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import rebuild_texts
from bot.background import Background
from bot.blocks import plain_message
from bot.message import Message
from bot.rebuild_commands import RebuildCommand, RebuildCommands, read_subcommand

from .direct import DirectMessage
from .replies import PrivateReply, Replies

ACK_SECONDS = 0.5  # Slack gives up after 3 s; people after one


def register(
    app: AsyncApp, commands: RebuildCommands, background: Background, replies: Replies
) -> None:
    """Listen to /clockify-rebuild."""

    @app.command("/clockify-rebuild")
    async def rebuild_knowledge(ack: AsyncAck, command: dict[str, Any]) -> None:
        user = command["user_id"]
        private = replies.in_private(command["response_url"], user)
        is_answered = asyncio.Event()
        message = DirectMessage(replies, user, instead=private, is_answered=is_answered)
        answering = asyncio.ensure_future(commands.answer(_read(command), message))
        await asyncio.wait({answering}, timeout=ACK_SECONDS)
        if answering.done():
            await _acknowledge(ack, answering.result())
            is_answered.set()
        else:
            await _acknowledge(ack, plain_message(rebuild_texts.REBUILD_ONE_MOMENT))
            private.keep_distance()
            background.spawn(_answer_late(answering, private, is_answered))


def _read(command: dict[str, Any]) -> RebuildCommand:
    subcommand, generation = read_subcommand(command.get("text") or "")
    return RebuildCommand(
        user=command["user_id"],
        team=str(command.get("team_id", "")),
        channel=str(command.get("channel_id", "")),
        subcommand=subcommand,
        generation=generation,
    )


async def _acknowledge(ack: AsyncAck, message: Message) -> None:
    await ack(
        text=message.text,
        blocks=list(message.blocks),
        response_type="ephemeral",
        unfurl_links=False,
        unfurl_media=False,
    )


async def _answer_late(
    answering: asyncio.Future[Message], private: PrivateReply, is_answered: asyncio.Event
) -> None:
    """Tell what came of the command; when the bot stops before that, tell this."""
    try:
        await private.post(await asyncio.shield(answering))
    except asyncio.CancelledError:
        is_done = answering.done()
        answering.cancel()
        interrupted = plain_message(rebuild_texts.COMMAND_INTERRUPTED)
        await private.post(answering.result() if is_done else interrupted)
        await asyncio.wait({answering})
        raise
    finally:
        is_answered.set()
