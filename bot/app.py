"""Assembles the Slack side: client, Bolt app, listeners, error handler; and runs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from core.errors import BotError

from . import listeners, texts
from .asking import Asker
from .assembly import open_parts, open_store
from .blocks import plain_message
from .config import SlackConfig
from .example_shelf import Examples, no_examples
from .health import HealthRecord
from .home_actions import Folders
from .listeners.direct import DirectMessage
from .listeners.intake import EVENT
from .listeners.replies import Replies
from .open_message import OpenMessage
from .parts import Knowledge, Parts
from .patience import opening_limit
from .question_log import new_reference
from .rebuild_run import UPDATE_SECONDS
from .rebuilder import Rebuilder
from .rebuilds import LiveMeta
from .retrying import Pace
from .socket import Supervisor
from .startup import Identity, open_client, wait_for_slack

logger = logging.getLogger(__name__)

BACKGROUND_SECONDS = 4.0  # what rebuilds have to tell


def create_app(parts: Parts) -> AsyncApp:
    """Make the Bolt app with all listeners."""

    async def share_client(
        context: AsyncBoltContext, next: Callable[[], Awaitable[Any]]
    ) -> BoltResponse | None:
        # Bolt's own client per request would take a proxy from the environment again.
        context["client"] = parts.client
        logger.debug("received a payload, retry %s", context.get("retry_num", 0))
        result: BoltResponse | None = await next()
        return result

    async def authorize() -> AuthorizeResult:
        # Known since the start. Bolt would ask Slack with the first payloads, and acknowledge and
        # drop those during which Slack did not answer.
        return AuthorizeResult(
            enterprise_id=None,
            team_id=parts.identity.team_id,
            bot_user_id=parts.identity.bot_user_id,
            bot_id=parts.identity.bot_id,
            bot_token=parts.slack.bot_token,
        )

    parts.client.token = None  # with a token Bolt would not use authorize
    app = AsyncApp(
        name="clockify-bot",
        client=parts.client,
        authorize=authorize,
        before_authorize=share_client,
        request_verification_enabled=False,  # Socket Mode payloads are not signed
    )
    parts.client.token = parts.slack.bot_token
    listeners.register(app, parts)
    _report_errors(app, Replies(parts.client))
    return app


def _report_errors(app: AsyncApp, replies: Replies) -> None:
    @app.error
    async def report_error(
        error: Exception,
        body: dict[str, Any],
        context: AsyncBoltContext,
        response: BoltResponse | None,
    ) -> BoltResponse | None:
        if body.get("type") == EVENT and response is not None:
            trace = None if isinstance(error, BotError) else error
            logger.error("an event waits for Slack to bring it again: %s", error, exc_info=trace)
            return None
        reference = new_reference()
        logger.error("a listener failed, reference %s", reference, exc_info=error)
        message = plain_message(texts.error(reference))
        if response is not None:  # not acknowledged yet: the answer travels with it
            return BoltResponse(
                status=200, body={"text": message.text, "response_type": "ephemeral"}
            )
        if context.response_url:
            await replies.respond(context.response_url, message, replace=False)
        return None


async def serve(
    slack: SlackConfig,
    asker: Asker,
    rebuilder: Rebuilder,
    stop: asyncio.Event,
    *,
    on_ready: Callable[[Identity], None] | None = None,
    live_meta: LiveMeta = lambda: None,
    examples: Examples = no_examples,
    folders: Folders = tuple,
    update_seconds: float = UPDATE_SECONDS,
    pace: Pace | None = None,
) -> None:
    """Check the tokens, connect, answer until stop is set, then end within 12 s.

    live_meta gives meta.json of the live generation, examples questions that it answers, folders
    those of the knowledge. Raises StorageError for a state file that
    cannot be used, SettingsError when Slack rejects a token, at the start or later, and
    ConnectionGivenUp after two minutes without a connection.
    """
    knowledge = Knowledge(
        asker=asker,
        rebuilder=rebuilder,
        live_meta=live_meta,
        update_seconds=update_seconds,
        examples=examples,
        folders=folders,
    )
    limit, record = opening_limit(), HealthRecord()
    async with open_store(slack) as store:
        async with open_client(slack) as client:
            identity = await wait_for_slack(client, slack, limit)
        async with open_parts(slack, knowledge, identity, store, health=record, pace=pace) as parts:
            socket = Supervisor(create_app(parts), slack.app_token, record=record, limit=limit)
            try:
                await socket.start()
                logger.info("connected to Slack as %s", identity.bot_user_id)
                await _begin(parts)
                if on_ready is not None:
                    on_ready(identity)
                await socket.wait(stop)
            finally:
                await _end(parts, socket)


async def _begin(parts: Parts) -> None:
    replies = Replies(parts.client)

    def left_message(left: OpenMessage) -> DirectMessage:
        return DirectMessage(replies, left.user, place=(left.channel, left.ts))

    await parts.workers.start()
    parts.background.spawn(parts.rebuilds.finish_left_over(left_message))


async def _end(parts: Parts, socket: Supervisor) -> None:
    """Take no more events, finish or hand back what is in flight."""
    parts.rebuilds.stop()
    await socket.stop()
    await asyncio.gather(
        parts.workers.drain(parts.pace.drain), parts.background.drain(BACKGROUND_SECONDS)
    )
