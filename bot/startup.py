"""What comes before the connection: a client for Slack, and whether both tokens work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp
from aiolimiter import AsyncLimiter
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from core.errors import BotError, SettingsError

from .config import REQUIRED_SCOPES, SlackConfig
from .patience import PATIENCE_SECONDS, try_patiently, unreachable

CONNECT_SECONDS = 10.0
OPEN_SECONDS = 10.0  # for apps.connections.open, which a working Slack answers in one
MAX_RETRY_AFTER_SECONDS = 30

_UNKNOWN = "Slack does not know this token. Copy it again from the app's settings."
BAD_TOKEN = {
    "invalid_auth": _UNKNOWN,
    "not_authed": _UNKNOWN,
    "account_inactive": "The app was removed from the workspace. Install it again and copy the "
    "new token.",
    "token_revoked": "The token was revoked. Install the app again and copy the new token.",
    "token_expired": "The token has expired. Switch token rotation off and install the app again.",
    "not_allowed_token_type": "This is another kind of token.",
    "missing_scope": "The token lacks a scope; an app-level token needs connections:write.",
}
# Errors of Slack's own (docs: every method's list of errors); all others are about the token.
PASSING = frozenset(
    {
        "accesslimited",
        "fatal_error",
        "internal_error",
        "ratelimited",
        "rate_limited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is, as Slack says."""

    team: str  # its name
    team_id: str
    bot_user_id: str
    bot_id: str = ""


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


def without_retries(client: AsyncWebClient) -> AsyncWebClient:
    """Give a client on the same session that tries each call once."""
    single = AsyncWebClient(
        token=client.token, base_url=client.base_url, ssl=client.ssl, session=client.session
    )
    single.proxy = client.proxy
    single.retry_handlers = []
    return single


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


async def wait_for_slack(
    client: AsyncWebClient,
    slack: SlackConfig,
    limit: AsyncLimiter,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Identity:
    """Check the tokens; Slack or a network that does not answer is tried again for a while.

    Raises SettingsError at once for a token that Slack rejects, ConnectionGivenUp at the end.
    """
    single = without_retries(client)
    return await try_patiently(
        lambda: check_tokens(single, slack), limit=limit, patience_seconds=patience_seconds
    )


async def check_tokens(client: AsyncWebClient, slack: SlackConfig) -> Identity:
    """Ask Slack whether both tokens work.

    Raises SettingsError for a bad token or a missing scope, SlackUnreachable when Slack does not
    answer.
    """
    name = "SLACK_BOT_TOKEN"
    with explained(name, client.base_url):
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
    await open_address(client, slack.app_token)
    return Identity(
        team=str(who.get("team", "")),
        team_id=str(who.get("team_id", "")),
        bot_user_id=str(who.get("user_id", "")),
        bot_id=str(who.get("bot_id", "")),
    )


async def open_address(client: AsyncWebClient, app_token: str) -> str:
    """Ask for the address of a new Socket Mode connection; raises as check_tokens does."""
    with explained("SLACK_APP_TOKEN", client.base_url):
        async with asyncio.timeout(OPEN_SECONDS):
            opened = await client.apps_connections_open(app_token=app_token)
    address = opened.get("url")
    if not isinstance(address, str):
        raise unreachable(client.base_url, "apps.connections.open gave no address")
    return address


@contextmanager
def explained(token_name: str, url: str) -> Iterator[None]:
    """Translate what a call with this token raises into SettingsError or SlackUnreachable."""
    try:
        yield
    except SlackApiError as error:
        raise _judge(error, token_name, url) from error
    except (aiohttp.ClientError, OSError) as error:  # OSError: time-outs, too
        raise unreachable(url, type(error).__name__) from error
    except AttributeError as error:  # slack_sdk on JSON or a plain text that is no object
        raise unreachable(url, "the reply is not Slack's") from error


def _judge(error: SlackApiError, token_name: str, url: str) -> BotError:
    reply = error.response  # slack_sdk's; aiohttp's own when the body was no JSON
    data = getattr(reply, "data", None)
    status = int(getattr(reply, "status_code", 0) or getattr(reply, "status", 0))
    code = data.get("error") if isinstance(data, dict) else None
    if isinstance(code, str) and status < 500 and status != 429 and code not in PASSING:
        return SettingsError(
            f"{token_name}: {BAD_TOKEN.get(code, f'Slack refused it with {code}.')}"
        )
    waits = {str(key).lower(): value for key, value in reply.headers.items()}
    wait = str(waits.get("retry-after", ""))
    seconds = float(wait) if wait.replace(".", "", 1).isdecimal() else 0.0
    return unreachable(url, str(code or f"HTTP {status}"), retry_after_seconds=seconds)
