"""Who somebody is: a user id and what Slack knows of the person in, a verdict out.

Verdicts are kept for five minutes, so somebody who becomes a guest or nobody at all is so here
that much later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from .aged_table import AgedTable
from .single_flight import SingleFlight

CACHE_SECONDS = 300.0
CACHE_ITEMS = 2_000
SLACKBOT = "USLACKBOT"  # users.info says that it is no bot


class Verdict(StrEnum):
    """What became of the check; ALLOWED alone lets anybody do anything."""

    ALLOWED = "allowed"
    NO_ADMINS = "no admins are set"
    NOT_ADMIN = "not an admin"
    DEACTIVATED = "deactivated"
    BOT = "a bot"
    STRANGER = "of another workspace"
    GUEST = "a guest"
    CHECK_FAILED = "the check failed"


class CheckFailed(Exception):
    """Raised inside the check when Slack's reply lacks what has to be known; says what."""


FAILURES = (SlackClientError, aiohttp.ClientError, TimeoutError, CheckFailed)


def judge(user: Mapping[str, Any], *, user_id: str, team_id: str) -> Verdict:
    """Say of the user of a users.info reply whether they are a full member of our workspace.

    Raises CheckFailed for a field that is missing or odd. Slack leaves most fields out for
    deactivated users and for those of other companies, so these are looked at first.
    """
    if user.get("id") != user_id or not user_id:
        raise CheckFailed("the reply is about somebody else")
    if _flag(user, "deleted"):
        return Verdict.DEACTIVATED
    if _flag(user, "is_stranger", default=False) or not _is_ours(user, team_id):
        return Verdict.STRANGER
    if _flag(user, "is_bot") or _flag(user, "is_workflow_bot", default=False):
        return Verdict.BOT
    if user_id == SLACKBOT:
        return Verdict.BOT
    if _flag(user, "is_restricted") or _flag(user, "is_ultra_restricted"):
        return Verdict.GUEST
    return Verdict.ALLOWED


def _is_ours(user: Mapping[str, Any], team_id: str) -> bool:
    theirs = user.get("team_id")
    if not team_id or not isinstance(theirs, str) or not theirs:
        raise CheckFailed("the workspace is not known")
    enterprise = user.get("enterprise_user")
    teams = enterprise.get("teams") if isinstance(enterprise, Mapping) else None
    return theirs == team_id or (isinstance(teams, list) and team_id in teams)


def _flag(user: Mapping[str, Any], name: str, *, default: bool | None = None) -> bool:
    value = user.get(name, default)
    if not isinstance(value, bool):
        raise CheckFailed(f"{name} is not told")
    return value


class Membership:
    """Asks Slack who a person is."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        team_id: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._team_id = team_id
        self._verdicts: SingleFlight[Verdict] = SingleFlight(
            AgedTable(CACHE_ITEMS, CACHE_SECONDS, clock)
        )

    async def verdict(self, user_id: str) -> Verdict:
        """Say who a person is, ALLOWED for a full member; raises one of FAILURES."""
        return await self._verdicts.get(user_id, lambda: self._ask(user_id))

    async def _ask(self, user_id: str) -> Verdict:
        reply = await self._client.users_info(user=user_id)
        user = reply.get("user")
        if not isinstance(user, Mapping):
            raise CheckFailed("the reply tells nothing of the user")
        return judge(user, user_id=user_id, team_id=self._team_id)
