"""POST|GET /api/{method}: token, scopes, limits, then the method; every call is recorded."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from .calls import Arguments, Method, read_arguments
from .disturbing import disturbed
from .faults import FaultKind, Faults
from .model import Json, RateLimited, SlackError
from .workspace import Workspace

MAX_BUCKETS = 500
BURST = 5  # chat.postMessage: one a second and channel, with short bursts


@dataclass(frozen=True, slots=True)
class Tokens:
    """The two credentials of the installed app."""

    bot_token: str
    app_token: str

    @classmethod
    def new(cls) -> Tokens:
        """Make credentials that nobody can guess."""
        return cls(f"xoxb-sim-{secrets.token_hex(12)}", f"xapp-sim-{secrets.token_hex(12)}")


class Buckets:
    """One token bucket for each method, for chat.postMessage one for each channel."""

    def __init__(self, workspace: Workspace) -> None:
        self._clock = workspace.clock
        self._levels: dict[tuple[str, str], tuple[float, float]] = {}  # tokens left, as of

    def take(self, name: str, method: Method, channel: str) -> None:
        """Use one token; raise RateLimited when the bucket is empty."""
        key = (name, channel if method.is_per_channel else "")
        capacity = BURST if method.is_per_channel else method.per_minute
        now, per_second = self._clock(), method.per_minute / 60
        left, as_of = self._levels.pop(key, (float(capacity), now))
        left = min(float(capacity), left + (now - as_of) * per_second)
        self._levels[key] = (left - 1 if left >= 1 else left, now)
        while len(self._levels) > MAX_BUCKETS:
            del self._levels[next(iter(self._levels))]
        if left < 1:
            raise RateLimited(math.ceil((1 - left) / per_second))


class WebApi:
    """Dispatches calls to the table of methods; API errors are HTTP 200 with ok false."""

    def __init__(
        self,
        workspace: Workspace,
        methods: Mapping[str, Method],
        *,
        tokens: Tokens,
        faults: Faults,
        has_rate_limits: bool,
    ) -> None:
        self._workspace = workspace
        self._methods = methods
        self._tokens = tokens
        self._faults = faults
        self._buckets = Buckets(workspace) if has_rate_limits else None

    async def answer(self, request: web.Request) -> web.Response:
        """Serve one call, as far as no fault is ordered for it."""
        return await disturbed(request, self._faults, request.match_info["method"], self._serve)

    async def _serve(self, request: web.Request, breakdown: str) -> web.Response:
        name = request.match_info["method"]
        arguments: Json = {}
        body: Json = {}
        error: str | None = None
        status, headers = 200, self._headers()
        try:
            read = await read_arguments(request)
            token = _token(request, read)
            method = self._methods.get(name)
            arguments = read.of(method)
            if method is None:
                raise SlackError("unknown_method", req_method=name)
            if not breakdown:
                if method.is_app_level and request.method != "POST":
                    raise SlackError("insecure_request")
                body = {"ok": True} | self._run(name, method, arguments, token)
        except SlackError as failure:
            error = failure.code
            body = {"ok": False, "error": error} | failure.fields
        except RateLimited as limit:
            error, status = "ratelimited", 429
            headers |= limit.headers
            body = {"ok": False, "error": error}
        self._workspace.feed.record("call", name, arguments, breakdown or error)
        return web.json_response(body, status=status, headers=headers)

    def _run(self, name: str, method: Method, arguments: Json, token: str) -> Json:
        self._check_token(method, token)
        if fault := self._faults.take(FaultKind.RATE_LIMIT, name):
            raise RateLimited(fault.retry_after_seconds)
        if fault := self._faults.take(FaultKind.API_ERROR, name):
            raise SlackError(fault.error)
        if self._buckets is not None:
            self._buckets.take(name, method, str(arguments.get("channel")))
        self._check_scopes(method)
        return method.run(arguments)

    def _check_token(self, method: Method, token: str) -> None:
        wanted, other = self._tokens.bot_token, self._tokens.app_token
        if method.is_app_level:
            wanted, other = other, wanted
        if not token:
            raise SlackError("not_authed")
        if secrets.compare_digest(token.encode(), other.encode()):
            raise SlackError("not_allowed_token_type")
        if not secrets.compare_digest(token.encode(), wanted.encode()):
            raise SlackError("invalid_auth")

    def _check_scopes(self, method: Method) -> None:
        granted = self._workspace.manifest.scopes
        if method.scopes and not set(method.scopes) & set(granted):
            provided = ",".join(granted)
            raise SlackError("missing_scope", needed=method.scopes[0], provided=provided)

    def _headers(self) -> dict[str, str]:
        scopes = ",".join(self._workspace.manifest.scopes)
        return {"x-slack-req-id": secrets.token_hex(16), "x-oauth-scopes": scopes}


def _token(request: web.Request, read: Arguments) -> str:
    """Take the token out of the arguments; one inside a JSON body does not count."""
    read.body.pop("token", None)
    given = str(read.plain.pop("token", ""))
    is_app_token = given.startswith("xapp-")  # goes in the header alone
    in_header = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return in_header or ("" if is_app_token else given)
