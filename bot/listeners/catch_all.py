"""Whatever nothing else listens to → an acknowledgement, so that Slack does not send it again."""

from __future__ import annotations

import logging
import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import texts
from bot.health import HealthRecord

from .commands import acknowledge

logger = logging.getLogger(__name__)

ANYTHING = re.compile(r"[\s\S]*")


def register(app: AsyncApp, record: HealthRecord) -> None:
    """Listen to every event, action, command, shortcut and view left over; register this last."""

    @app.command(ANYTHING)
    async def answer_unknown_command(ack: AsyncAck) -> None:
        record.unknown()
        logger.warning("an unknown command was used")
        await acknowledge(ack, texts.UNKNOWN_COMMAND)

    @app.event(ANYTHING)
    async def ignore_event(event: dict[str, Any]) -> None:
        record.unknown()
        logger.info("ignored an event of type %s", _name(event.get("type")))

    async def ignore(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        record.unknown()
        logger.warning("ignored a payload of type %s", _name(body.get("type")))

    app.action(ANYTHING)(ignore)
    app.shortcut(ANYTHING)(ignore)
    app.view(ANYTHING)(ignore)
    app.view_closed(ANYTHING)(ignore)
    app.options(ANYTHING)(ignore)


def _name(value: object) -> str:
    return re.sub(r"[^a-z_.]", "?", str(value))[:40]
