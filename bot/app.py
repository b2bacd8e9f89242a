"""Assembles the Slack side: client, Bolt app, listeners, error handler; and runs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from core.errors import BotError, SettingsError

from . import listeners, texts
from .audit import AuditLog
from .blocks import plain_message
from .config import REQUIRED_SCOPES, SlackConfig
from .desk import Asker, Desk, apologise, new_reference
from .feedback import FeedbackLog
from .listeners.direct import DirectMessage
from .listeners.replies import MAX_RETRY_AFTER_SECONDS, Replies
from .open_message import OpenMessage, OpenMessageFile
from .permissions import AdminCheck
from .rebuild_commands import RebuildCommands
from .rebuild_run import UPDATE_SECONDS, RebuildTools
from .rebuilder import Rebuilder
from .rebuilds import LiveMeta, Rebuilds
from .socket import Supervisor

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 4.0
CONNECT_SECONDS = 10.0
OPEN_MESSAGE_NAME = "rebuild-message.json"  # next to the audit

BAD_TOKEN = {
    "invalid_auth": "Slack does not know this token. Copy it again from the app's settings.",
    "not_authed": "Slack does not know this token. Copy it again from the app's settings.",
    "account_inactive": "The app was removed from the workspace. Install it again and copy the "
    "new token.",
    "token_revoked": "The token was revoked. Install the app again and copy the new token.",
    "token_expired": "The token has expired. Switch token rotation off and install the app again.",
    "not_allowed_token_type": "This is another kind of token.",
    "missing_scope": "The token lacks a scope; an app-level token needs connections:write.",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is, as Slack says."""

    team: str  # its name
    team_id: str
    bot_user_id: str


class BoundedRateLimitHandler(AsyncRateLimitErrorRetryHandler):
    """Obeys Retry-After, twice at most and never for longer than half a minute.

    It is the only retry handler: after a lost connection the message may be posted already.
    """

    def __init__(self) -> None:
        super().__init__(max_retry_count=2)

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or response.status_code != 429:
            return False
        headers = {name.lower(): value for name, value in response.headers.items()}
        waits = headers.get("retry-after") or ["1"]
        return waits[0].isdigit() and int(waits[0]) <= MAX_RETRY_AFTER_SECONDS


def prepare_client(client: AsyncWebClient, slack: SlackConfig) -> AsyncWebClient:
    """Point a client at Slack with one session, its time-outs and our retries."""
    limits = aiohttp.ClientTimeout(total=slack.timeout_seconds, connect=CONNECT_SECONDS)
    client.session = aiohttp.ClientSession(timeout=limits)
    client.base_url = slack.api_url
    client.retry_handlers = [BoundedRateLimitHandler()]
    if slack.is_local:
        client.proxy = None  # the SDK took it from the environment
    return client


async def close_client(client: AsyncWebClient) -> None:
    """Close the session that prepare_client opened."""
    if client.session is not None:
        await client.session.close()


@asynccontextmanager
async def open_client(slack: SlackConfig) -> AsyncIterator[AsyncWebClient]:
    """Give a client without an app, for `clockify-bot doctor`."""
    client = prepare_client(AsyncWebClient(token=slack.bot_token), slack)
    try:
        yield client
    finally:
        await close_client(client)


async def check_tokens(client: AsyncWebClient, slack: SlackConfig) -> Identity:
    """Ask Slack whether both tokens work.

    Raises SettingsError for a bad token or a missing scope, BotError when Slack does not answer.
    """
    name = "SLACK_BOT_TOKEN"
    try:
        who = await client.auth_test()
        scopes = {str(key).lower(): str(value) for key, value in who.headers.items()}.get(
            "x-oauth-scopes", ""
        )
        granted = {scope.strip() for scope in scopes.split(",")}
        missing = [scope for scope in REQUIRED_SCOPES if scopes and scope not in granted]
        if missing:
            raise SettingsError(
                f"{name} lacks the scopes {', '.join(missing)}. "
                "Add them as in manifest.yml and install the app again."
            )
        name = "SLACK_APP_TOKEN"
        await client.apps_connections_open(app_token=slack.app_token)
    except SlackApiError as error:
        raise SettingsError(f"{name}: {_explain(error)}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise BotError(
            f"Slack does not answer at {slack.api_url}: {type(error).__name__}. "
            "Check the network, the proxy and SLACK_API_URL."
        ) from error
    return Identity(
        team=str(who.get("team", "")),
        team_id=str(who.get("team_id", "")),
        bot_user_id=str(who.get("user_id", "")),
    )


def _explain(error: SlackApiError) -> str:
    reason = str(error.response.get("error", "no reason given"))
    return BAD_TOKEN.get(reason, f"Slack refused it with {reason}.")


def create_app(
    slack: SlackConfig, desk: Desk, rebuilds: Rebuilds, audit: AuditLog, *, team_id: str
) -> AsyncApp:
    """Make the Bolt app with all listeners; close_client(app.client) when it is done with."""

    async def share_client(
        context: AsyncBoltContext, next: Callable[[], Awaitable[Any]]
    ) -> BoltResponse | None:
        # Bolt's own client per request would take a proxy from the environment again.
        context["client"] = app.client
        logger.debug("received a payload, retry %s", context.get("retry_num", 0))
        result: BoltResponse | None = await next()
        return result

    app = AsyncApp(
        name="clockify-bot",
        token=slack.bot_token,
        before_authorize=share_client,
        request_verification_enabled=False,  # Socket Mode payloads are not signed
    )
    prepare_client(app.client, slack)
    check = AdminCheck(
        app.client, admins=slack.admins, usergroup=slack.admin_usergroup, team_id=team_id
    )
    listeners.register(
        app,
        desk=desk,
        rebuild_commands=RebuildCommands(rebuilds, check, audit, usergroup=slack.admin_usergroup),
        feedback_log=FeedbackLog(slack.feedback_file, secret=slack.bot_token),
    )
    _report_errors(app)
    return app


def _report_errors(app: AsyncApp) -> None:
    replies = Replies(app.client)

    @app.error
    async def report_error(
        error: Exception,
        body: dict[str, Any],
        context: AsyncBoltContext,
        response: BoltResponse | None,
    ) -> BoltResponse | None:
        reference = new_reference()
        logger.error("a listener failed, reference %s", reference, exc_info=error)
        message = plain_message(texts.error(reference))
        if response is not None:  # not acknowledged yet: the answer travels with it
            return BoltResponse(
                status=200, body={"text": message.text, "response_type": "ephemeral"}
            )
        event = body.get("event", {})
        if context.response_url:
            await replies.respond(context.response_url, message, replace=False)
        elif event.get("type") in ("app_mention", "message") and event.get("channel"):
            thread = event.get("thread_ts") or event.get("ts")
            await apologise(replies.in_channel(event["channel"], thread), reference)
        return None


def make_rebuilds(
    slack: SlackConfig,
    desk: Desk,
    rebuilder: Rebuilder,
    audit: AuditLog,
    *,
    live_meta: LiveMeta = lambda: None,
    update_seconds: float = UPDATE_SECONDS,
) -> Rebuilds:
    """Put together what /clockify-rebuild needs."""
    open_file = OpenMessageFile(slack.audit_file.with_name(OPEN_MESSAGE_NAME))
    tools = RebuildTools(rebuilder, desk, audit, open_file, update_seconds)
    return Rebuilds(tools, cooldown_seconds=slack.rebuild_cooldown_seconds, live_meta=live_meta)


async def serve(
    slack: SlackConfig,
    asker: Asker,
    rebuilder: Rebuilder,
    stop: asyncio.Event,
    *,
    on_ready: Callable[[Identity], None] | None = None,
    live_meta: LiveMeta = lambda: None,
    update_seconds: float = UPDATE_SECONDS,
) -> None:
    """Check the tokens, connect, answer until stop is set, then end within DRAIN_SECONDS.

    live_meta gives meta.json of the live generation. Raises SettingsError or BotError before
    anything is answered when Slack does not let us in.
    """
    async with open_client(slack) as client:
        identity = await check_tokens(client, slack)
    desk, audit = Desk(asker, max_concurrent=slack.max_concurrent), AuditLog(slack.audit_file)
    rebuilds = make_rebuilds(
        slack, desk, rebuilder, audit, live_meta=live_meta, update_seconds=update_seconds
    )
    app = create_app(slack, desk, rebuilds, audit, team_id=identity.team_id)
    replies = Replies(app.client)

    def left_message(left: OpenMessage) -> DirectMessage:
        return DirectMessage(replies, left.user, place=(left.channel, left.ts))

    try:
        socket = Supervisor(app, slack.app_token)
        await socket.start()
        logger.info("connected to Slack as %s", identity.bot_user_id)
        desk.spawn(rebuilds.finish_left_over(left_message))
        if on_ready is not None:
            on_ready(identity)
        try:
            await stop.wait()
        finally:
            rebuilds.stop()
            await socket.stop()
            await desk.drain(DRAIN_SECONDS)
    finally:
        await close_client(app.client)
