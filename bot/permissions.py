"""Who may rebuild: a user id, the settings and what Slack knows of the person in, a verdict out.

Fails closed: what cannot be asked, or is not told, is CHECK_FAILED. Verdicts are kept for five
minutes, so somebody who becomes an admin, a guest or nobody at all is so here that much later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from .desk import AgedTable

logger = logging.getLogger(__name__)

CACHE_SECONDS = 300.0
CACHE_ITEMS = 200
CHECK_SECONDS = 10.0  # for both calls together
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


class AdminCheck:
    """Asks Slack about a person when the settings alone do not say no."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        admins: Collection[str],
        usergroup: str,
        team_id: str,
        timeout_seconds: float = CHECK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._admins = frozenset(admins)
        self._usergroup = usergroup
        self._team_id = team_id
        self._timeout_seconds = timeout_seconds
        self._verdicts: AgedTable[Verdict] = AgedTable(CACHE_ITEMS, CACHE_SECONDS, clock)
        self._members: AgedTable[frozenset[str]] = AgedTable(1, CACHE_SECONDS, clock)

    async def verdict(self, user_id: str) -> Verdict:
        """Say whether a person may rebuild; takes timeout_seconds at most."""
        if not self._admins and not self._usergroup:
            return Verdict.NO_ADMINS
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if not await self._is_named(user_id):
                    return Verdict.NOT_ADMIN
                return await self._membership(user_id)
        except FAILURES as error:
            logger.warning("could not check who %s is: %s", user_id, _reason(error))
            return Verdict.CHECK_FAILED

    async def members(self) -> frozenset[str] | None:
        """List the user group; None when that fails."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._group()
        except FAILURES as error:
            logger.warning("could not read %s: %s", self._usergroup, _reason(error))
            return None

    async def _is_named(self, user_id: str) -> bool:
        if user_id in self._admins:
            return True
        return bool(self._usergroup) and user_id in await self._group()

    async def _group(self) -> frozenset[str]:
        members = self._members.get(self._usergroup)
        if members is None:
            reply = await self._client.usergroups_users_list(usergroup=self._usergroup)
            listed = reply.get("users")
            if not isinstance(listed, list):
                raise CheckFailed("the members of the user group are not told")
            members = frozenset(map(str, listed))
            self._members.put(self._usergroup, members)
        return members

    async def _membership(self, user_id: str) -> Verdict:
        verdict = self._verdicts.get(user_id)
        if verdict is None:
            reply = await self._client.users_info(user=user_id)
            user = reply.get("user")
            if not isinstance(user, Mapping):
                raise CheckFailed("the reply tells nothing of the user")
            verdict = judge(user, user_id=user_id, team_id=self._team_id)
            self._verdicts.put(user_id, verdict)
        return verdict


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    code = response.get("error") if response is not None else None
    return f"{type(error).__name__}: {code or error or 'no answer in time'}"
