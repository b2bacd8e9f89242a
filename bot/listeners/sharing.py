"""Buttons under private answers: "Share in channel" → a share for the inbox; "Dismiss" → gone."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.blocks import DISMISS_ACTION, SHARE_ACTION
from bot.response_url import ResponseUrl
from bot.sharing import Share
from bot.tasks import Task

from .clicks import read_click

logger = logging.getLogger(__name__)

Body = dict[str, Any]


def read(body: Body) -> Task | None:
    """Read the press of Share; None for all else, and for a value that is no answer's id."""
    click = read_click(body)
    if click is None or click.action_id != SHARE_ACTION or not click.answer_id:
        return None
    share = Share(
        key=f"action {click.trigger_id}",
        answer_id=click.answer_id,
        user=click.user,
        team=click.team,
        channel=click.channel,
        response_url=click.response_url,
        thread=click.thread if click.is_ephemeral else "",
    )
    return share.to_task()


def register(app: AsyncApp) -> None:
    """Listen to both."""

    @app.action(SHARE_ACTION)
    async def take_share(ack: AsyncAck) -> None:
        await ack()

    @app.action(DISMISS_ACTION)
    async def dismiss(ack: AsyncAck, body: Body) -> None:
        await ack()
        click = read_click(body)
        # Only what nobody else sees: this deletes whatever message the button is under.
        if click is None or not (click.is_ephemeral or click.is_direct):
            logger.warning("a public message was not dismissed")
            return
        await ResponseUrl(app.client, click.response_url).delete()
