"""A click on a feedback button → one recorded vote and a thank-you that only the clicker sees."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import texts
from bot.blocks import FEEDBACK_ACTION, plain_message
from bot.feedback import FeedbackLog, Vote

from .replies import Replies

logger = logging.getLogger(__name__)

VALUE = re.compile(r"([0-9A-Za-z_-]{1,64}):(up|down)")
BLOCK_ID = re.compile(r"feedback:([a-z]{1,20}):([0-9A-Za-z_.-]{0,64}):[0-9A-Za-z_-]{1,64}")


def register(app: AsyncApp, feedback_log: FeedbackLog, replies: Replies) -> None:
    """Listen to feedback buttons."""

    @app.action(FEEDBACK_ACTION)
    async def record_vote(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        vote = read_vote(body, action)
        if vote is None:
            logger.warning("a feedback button with an unknown value was clicked")
            return
        await asyncio.to_thread(feedback_log.record, vote)
        thanks = texts.THANKS_UP if vote.vote == "up" else texts.THANKS_DOWN
        url = body.get("response_url")
        if url:
            thread = body.get("message", {}).get("thread_ts")
            await replies.respond(url, plain_message(thanks), replace=False, thread=thread)


def read_vote(body: dict[str, Any], action: dict[str, Any]) -> Vote | None:
    """Read the answer's id and the vote from the button, the rest from its block's id."""
    value = VALUE.fullmatch(action.get("value") or "")
    if value is None:
        return None
    block = BLOCK_ID.fullmatch(action.get("block_id") or "")
    surface, generation = block.groups() if block else ("", "")
    return Vote(value[1], value[2], body["user"]["id"], surface, generation)
