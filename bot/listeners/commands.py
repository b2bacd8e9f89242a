"""/clockify QUESTION → a private answer; help, status, feedback and gaps do what they say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import form_texts, texts
from bot.background import Background
from bot.blocks import plain_message
from bot.command_status import StatusSource, status_message
from bot.conversations import Conversations
from bot.forms import feedback_view
from bot.gap_command import GapCommand
from bot.message import Block, Message
from bot.question_log import new_reference
from bot.response_url import ResponseUrl
from bot.tasks import Inquiry, Surface, Task

from .forms import open_view, searching
from .incoming import question_text

logger = logging.getLogger(__name__)

COMMAND = "/clockify"
ACK_SECONDS = 0.5  # Slack gives up after 3 s; people after one

Body = dict[str, Any]


class Subcommand(StrEnum):
    """What /clockify does beside answering; the whole text, and nothing else, names it."""

    HELP = "help"  # typed as nothing, too
    STATUS = "status"
    FEEDBACK = "feedback"
    GAPS = "gaps"


@dataclass(frozen=True, slots=True)
class CommandTools:
    """What the subcommands work with."""

    status: StatusSource
    gaps: GapCommand
    conversations: Conversations
    background: Background


def read_subcommand(question: str) -> Subcommand | None:
    """Read what was typed; None for a question.

    >>> read_subcommand("Help"), read_subcommand("help with timesheets")
    (<Subcommand.HELP: 'help'>, None)
    """
    word = question.lower() or Subcommand.HELP
    return Subcommand(word) if word in set(Subcommand) else None


def read(body: Body) -> Task | None:
    """Read a question that was asked with /clockify; None for all else."""
    question = _question(body)
    if body.get("command") != COMMAND or read_subcommand(question) is not None:
        return None
    response_url = str(body.get("response_url") or "")
    inquiry = Inquiry(
        key=f"command {body.get('trigger_id') or response_url}",
        text=question,
        surface=Surface.COMMAND,
        team=str(body.get("team_id") or ""),
        user=str(body["user_id"]),
        channel=str(body.get("channel_id") or ""),
        response_url=response_url,
    )
    return inquiry.to_task()


def register(app: AsyncApp, tools: CommandTools | None = None) -> None:
    """Listen to /clockify; questions are answered by those who work on the inbox."""

    @app.command(COMMAND)
    async def answer_command(ack: AsyncAck, body: Body) -> None:
        question = _question(body)
        address = ResponseUrl(app.client, str(body.get("response_url")))
        match read_subcommand(question):
            case None:
                await acknowledge(ack, searching(question).text)
            case _ if tools is None:
                await acknowledge(ack, texts.HOW_TO_USE)
            case Subcommand.HELP:
                await acknowledge(ack, f"{texts.HOW_TO_USE}\n\n{form_texts.COMMAND_HELP}")
            case Subcommand.STATUS:
                await _answer(ack, _status(tools), address, tools.background)
            case Subcommand.GAPS:
                asked = tools.gaps.answer(
                    user=body["user_id"],
                    team=str(body.get("team_id") or ""),
                    channel=str(body.get("channel_id") or ""),
                )
                await _answer(ack, asked, address, tools.background)
            case Subcommand.FEEDBACK:
                await ack()
                await _ask_for_feedback(app, body, address, tools)


async def acknowledge(ack: AsyncAck, text: str, blocks: Sequence[Block] | None = None) -> None:
    """Answer a command at once, visible only to who typed it."""
    await ack(
        text=text,
        blocks=blocks,
        response_type="ephemeral",
        unfurl_links=False,
        unfurl_media=False,
    )


async def _status(tools: CommandTools) -> Message:
    return status_message(await tools.status.status())


async def _ask_for_feedback(
    app: AsyncApp, body: Body, address: ResponseUrl, tools: CommandTools
) -> None:
    view = feedback_view(await tools.conversations.recent(body["user_id"]))
    if not await open_view(app.client, body["trigger_id"], view):
        too_late = plain_message(form_texts.COMMAND_TOO_LATE)
        await address.say(too_late)


async def _answer(
    ack: AsyncAck, asked: Coroutine[Any, Any, Message], address: ResponseUrl, background: Background
) -> None:
    """Acknowledge with the answer; one that takes longer is told afterwards."""
    answering = asyncio.ensure_future(asked)
    await asyncio.wait({answering}, timeout=ACK_SECONDS)
    if answering.done():
        message = answering.result()
        await acknowledge(ack, message.text, message.blocks)
        return
    await acknowledge(ack, form_texts.ONE_MOMENT)
    background.spawn(answer_late(answering, address))


async def answer_late(answering: asyncio.Future[Message], address: ResponseUrl) -> None:
    """Tell what came of a subcommand; when it breaks or the bot stops before that, tell this."""
    try:
        message = await answering
    except asyncio.CancelledError:
        await address.say(plain_message(form_texts.COMMAND_INTERRUPTED))
        raise
    except Exception:  # the outermost frame of this task
        reference = new_reference()
        logger.exception("a subcommand failed, reference %s", reference)
        message = plain_message(texts.error(reference))
    await address.say(message)


def _question(body: Body) -> str:
    return question_text(str(body.get("text") or ""))
