"""Settings of the Slack side: tokens (never shown), admins, limits; read from an environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.config import STATE_DIR
from core.errors import SettingsError
from core.settings import question_deadline_setting, read_settings, setting

SLACK_API_URL = "https://slack.com/api/"
USER_ID = re.compile(r"[UW][A-Z0-9]{2,20}")
CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{2,20}")
USERGROUP_ID = re.compile(r"S[A-Z0-9]{2,20}")

# The scopes of manifest.yml, which a test compares with this list.
REQUIRED_SCOPES = (
    "app_mentions:read",
    "chat:write",
    "commands",
    "im:history",
    "channels:history",
    "groups:history",
    "channels:read",
    "groups:read",
    "users:read",
    "usergroups:read",
)


def parse_user_ids(raw: str) -> tuple[str, ...]:
    """Split comma-separated Slack user ids, without repeats; raises ValueError naming the bad ones.

    >>> parse_user_ids("U0ADA, W0BOB")
    ('U0ADA', 'W0BOB')
    """
    ids = tuple(dict.fromkeys(part.strip() for part in raw.split(",") if part.strip()))
    bad = [user_id for user_id in ids if not USER_ID.fullmatch(user_id)]
    if bad:
        raise ValueError(
            f"{', '.join(bad)} is not a Slack user id such as U0123ABCD "
            "(in Slack: profile, three dots, Copy member ID)"
        )
    return ids


def parse_usergroup_id(raw: str) -> str:
    """Give the id of a user group; raises ValueError for anything else."""
    if not USERGROUP_ID.fullmatch(raw):
        raise ValueError(
            "it must be the id of a user group such as S0123ABCD "
            "(in Slack: People, User groups, three dots, Copy group ID)"
        )
    return raw


def parse_channel_id(raw: str) -> str:
    """Give the id of a channel; raises ValueError for anything else."""
    if not CHANNEL_ID.fullmatch(raw):
        raise ValueError(
            "it must be the id of a channel such as C0123ABCD "
            "(in Slack: the channel's name, About, Channel ID)"
        )
    return raw


def parse_api_url(raw: str) -> str:
    """Give the base address of Slack's Web API with a slash at its end."""
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("it must be an http or https address without user name or password")
    return raw if raw.endswith("/") else f"{raw}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackConfig:
    """What the bot needs to know about Slack; the tokens are left out of repr."""

    bot_token: str = setting(
        "SLACK_BOT_TOKEN", "Bot User OAuth Token of the Slack app (xoxb-…).", secret=True
    )
    app_token: str = setting(
        "SLACK_APP_TOKEN",
        "App-level token with the scope connections:write (xapp-…).",
        secret=True,
    )
    api_url: str = setting(
        "SLACK_API_URL",
        "Address of Slack's Web API; the local Slack has another.",
        SLACK_API_URL,
        parse=parse_api_url,
    )
    admins: tuple[str, ...] = setting(
        "ADMIN_USERS",
        "Slack user ids of the admins, who may rebuild and change settings; comma-separated.",
        (),
        parse=parse_user_ids,
    )
    admin_usergroup: str = setting(
        "ADMIN_USERGROUP",
        "Id of a Slack user group (S0123ABCD) whose members are admins, too.",
        "",
        parse=parse_usergroup_id,
    )
    rebuild_cooldown_seconds: float = setting(
        "REBUILD_COOLDOWN", "Seconds between two rebuilds from Slack.", 60.0, low=0, high=86_400
    )
    audit_file: Path = setting(
        "AUDIT_FILE",
        "Where every attempt to rebuild or to change settings is recorded, one JSON line each.",
        STATE_DIR / "audit.jsonl",
    )
    state_file: Path = setting(
        "STATE_FILE",
        "The SQLite file with the questions in hand, past conversations and channel settings.",
        STATE_DIR / "bot.sqlite3",
    )
    retention_days: int = setting(
        "QUESTION_RETENTION_DAYS",
        "Days that questions and answers are kept for follow-ups and gaps; 0 keeps none.",
        7,
        low=0,
        high=3_650,
    )
    deadline_seconds: float = question_deadline_setting()
    max_concurrent: int = setting(
        "MAX_CONCURRENT", "Questions answered at the same time.", 4, low=1, high=64
    )
    streaming: str = setting(
        "STREAMING",
        "How an answer that takes a while appears: native (Slack's streams), update (edits) or "
        "off.",
        "native",
        choices=("native", "update", "off"),
    )
    allows_guests: bool = setting(
        "ALLOW_GUESTS", "Whether guests of the workspace get answers.", False
    )
    escalation_channel: str = setting(
        "ESCALATION_CHANNEL",
        "Id of the channel (C0123ABCD) that `I need a human` posts to; unset: no such button.",
        "",
        parse=parse_channel_id,
    )
    escalation_group: str = setting(
        "ESCALATION_GROUP",
        "Id of the user group (S0123ABCD) that is mentioned there.",
        "",
        parse=parse_usergroup_id,
    )
    stale_after_days: int = setting(
        "STALE_AFTER_DAYS",
        "Days after which answers say how old the knowledge is; 0 never says it.",
        30,
        low=0,
        high=3_650,
    )
    feedback_file: Path = setting(
        "FEEDBACK_FILE",
        "Where feedback is recorded, one JSON line a vote.",
        STATE_DIR / "feedback.jsonl",
    )
    timeout_seconds: float = setting(
        "SLACK_TIMEOUT", "Seconds to wait for a call to Slack.", 30.0, low=1, high=300
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> SlackConfig:
        """Read all settings and check the tokens; raises SettingsError naming the first bad one."""
        settings = read_settings(cls, environ)
        check_token_shapes(settings.bot_token, settings.app_token)
        return settings

    @property
    def is_local(self) -> bool:
        """Whether the Web API is on this machine, where no proxy reaches it."""
        return urlsplit(self.api_url).hostname in ("127.0.0.1", "localhost", "::1")


def check_token_shapes(bot_token: str, app_token: str) -> None:
    """Raise SettingsError when a token is missing or of another kind; the value is never shown."""
    if bot_token.startswith("xapp-") and app_token.startswith("xoxb-"):
        raise SettingsError("SLACK_BOT_TOKEN and SLACK_APP_TOKEN are swapped; exchange the two.")
    _check_token_shape(
        "SLACK_BOT_TOKEN",
        bot_token,
        prefix="xoxb-",
        origin="the Bot User OAuth Token under OAuth & Permissions of your Slack app",
    )
    _check_token_shape(
        "SLACK_APP_TOKEN",
        app_token,
        prefix="xapp-",
        origin="an App-Level Token with connections:write under Basic Information of your app",
    )


def _check_token_shape(name: str, token: str, *, prefix: str, origin: str) -> None:
    if not token:
        raise SettingsError(f"{name} is not set. Put {origin} ({prefix}…) in .env.")
    if not token.startswith(prefix):
        kind = token[:5] if re.match(r"x[a-z]{3}-", token) else "something else"
        raise SettingsError(f"{name} must start with {prefix}, not {kind}. Use {origin}.")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", token):
        raise SettingsError(f"{name} holds a character that no token has. Copy it again: {origin}.")
