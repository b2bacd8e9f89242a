"""What the simulated workspace is made of: users, channels, ids, and its two kinds of error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]  # a JSON object as Slack sends it
Clock = Callable[[], float]  # seconds since 1970

TEAM_ID = "T0SIM"
PARTNER_TEAM_ID = "T0EXT"  # the other company of the shared channel
TEAM_NAME = "Acme Support"
TEAM_DOMAIN = "acme-support"
APP_ID = "A0SIM"
BOT_USER_ID = "U0BOT"
BOT_ID = "B0BOT"


class ChannelKind(StrEnum):
    """PRIVATE needs groups:* scopes, IM im:*, the other two channels:*."""

    PUBLIC = "public"
    PRIVATE = "private"
    IM = "im"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class User:
    """A person or the bot; `name` is the handle that people type after an @."""

    id: str
    name: str
    real_name: str
    is_admin: bool = False
    is_restricted: bool = False
    is_bot: bool = False
    is_deleted: bool = False
    team_id: str = TEAM_ID

    @property
    def role(self) -> str:
        """Name the role as the chat page shows it."""
        if self.is_bot:
            return "bot"
        if self.is_deleted:
            return "deactivated"
        if self.team_id != TEAM_ID:
            return "external"
        if self.is_admin:
            return "admin"
        return "guest" if self.is_restricted else "agent"


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation; `user` is the human of a DM with the bot."""

    id: str
    name: str
    kind: ChannelKind
    members: frozenset[str]
    user: str | None = None
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """How long Slack waits before it does something; tests shorten it."""

    ack_timeout_seconds: float = 3.0
    retry_delays_seconds: Sequence[float] = (0.0, 60.0, 300.0)
    ticket_seconds: float = 30.0  # that a WebSocket address is good for
    trigger_seconds: float = 3.0  # that a trigger_id is good for
    stream_seconds: float = 300.0  # measured 5.2 min on Slack; appending does not extend it
    ping_seconds: float = 20.0  # between the server's own pings
    heartbeat_seconds: float = 15.0  # of the page's event stream


class SlackError(Exception):
    """Raised by Web API methods: the error code of the reply, and its further fields."""

    def __init__(self, code: str, **fields: Any) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields


class RateLimited(Exception):
    """Raised before a method runs; becomes HTTP 429 with Retry-After, None leaves that out."""

    def __init__(self, retry_after_seconds: float | str | None) -> None:
        super().__init__(f"retry after {retry_after_seconds} s")
        self.headers: dict[str, str] = {}
        if retry_after_seconds is not None:
            self.headers["Retry-After"] = str(retry_after_seconds)


class ControlError(Exception):
    """Raised by what people do on the page; str() is the sentence of the HTTP 400."""
