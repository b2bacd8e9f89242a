"""Who is an admin: a user id, the settings and what Slack knows of the person in, a verdict out.

Fails closed: what cannot be asked, or is not told, is CHECK_FAILED. Verdicts are kept for five
minutes, so somebody who becomes an admin, a guest or nobody at all is so here that much later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection

from slack_sdk.web.async_client import AsyncWebClient

from .aged_table import AgedTable
from .membership import CACHE_SECONDS, FAILURES, CheckFailed, Membership, Verdict
from .single_flight import SingleFlight

logger = logging.getLogger(__name__)

CHECK_SECONDS = 10.0  # for both calls together


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
        membership: Membership | None = None,
    ) -> None:
        """Take the settings; a given membership shares its cache."""
        self._client = client
        self._admins = frozenset(admins)
        self._usergroup = usergroup
        self._timeout_seconds = timeout_seconds
        self._membership = membership or Membership(client, team_id=team_id, clock=clock)
        self._team_id = team_id
        self._members: SingleFlight[frozenset[str]] = SingleFlight(
            AgedTable(1, CACHE_SECONDS, clock)
        )

    async def verdict(self, user_id: str, *, team: str | None = None) -> Verdict:
        """Say whether a person is an admin; takes timeout_seconds at most.

        team is the workspace that the payload names, which must be ours; None: it names none.
        """
        if not self._admins and not self._usergroup:
            return Verdict.NO_ADMINS
        if team is not None and team != self._team_id:
            return Verdict.STRANGER
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if not await self._is_named(user_id):
                    return Verdict.NOT_ADMIN
                return await self._membership.verdict(user_id)
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
        return await self._members.get(self._usergroup, self._ask_for_members)

    async def _ask_for_members(self) -> frozenset[str]:
        reply = await self._client.usergroups_users_list(usergroup=self._usergroup)
        listed = reply.get("users")
        if not isinstance(listed, list):
            raise CheckFailed("the members of the user group are not told")
        return frozenset(map(str, listed))


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    code = response.get("error") if response is not None else None
    return f"{type(error).__name__}: {code or error or 'no answer in time'}"
