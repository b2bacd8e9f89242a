"""agent_session_stopped → the question of that conversation is not answered any further."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.desk import Desk

logger = logging.getLogger(__name__)


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to Slack's stop button; agent workspaces alone have it."""

    @app.event("agent_session_stopped")
    async def stop_answering(event: dict[str, Any]) -> None:
        channel = str(event.get("channel") or event.get("channel_id") or "")
        thread = str(event.get("thread_ts") or "")
        is_stopped = desk.stop(channel, thread)
        logger.info("a reader pressed stop%s", "" if is_stopped else "; nothing was being answered")
