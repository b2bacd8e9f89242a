"""What admins do from the Home tab: rebuild, gaps, the form for a channel's settings.

Who clicked is Slack's word; what the click carries is not looked at. Every use leaves a line in
the audit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from . import home_texts
from .audit import Attempt, AuditLog
from .blocks import section
from .channel_form import ChannelPage, channel_view
from .channel_rules import ChannelRulesTable
from .channel_settings import SUBCOMMAND, refusal
from .database import StorageError
from .forms import told_view
from .gap_command import GapCommand
from .hearing import Hearing
from .membership import Verdict
from .message import Block
from .permissions import AdminCheck
from .rebuild_commands import RebuildCommand, RebuildCommands, Subcommand
from .rebuild_run import LiveMessage

logger = logging.getLogger(__name__)

Folders = Callable[[], tuple[str, ...]]  # of the live knowledge


@dataclass(frozen=True, slots=True)
class Person:
    """Who clicked, as Slack says."""

    user: str
    team: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTools:
    """What the actions work with."""

    rebuild_commands: RebuildCommands
    gaps: GapCommand
    rules: ChannelRulesTable
    admin_check: AdminCheck
    audit: AuditLog
    hearing: Hearing
    folders: Folders
    usergroup: str


class HomeActions:
    """Does what an admin wants, and says to everybody else why not."""

    def __init__(self, tools: ActionTools) -> None:
        self._tools = tools

    async def rebuild(self, person: Person, message: LiveMessage) -> str:
        """Start a rebuild as /clockify-rebuild does; gives what to tell, as mrkdwn."""
        command = RebuildCommand(person.user, person.team, "", Subcommand.REBUILD)
        return (await self._tools.rebuild_commands.answer(command, message)).text

    async def gaps_view(self, person: Person) -> Block:
        """Show what was asked in vain."""
        try:
            found = await self._tools.gaps.answer(user=person.user, team=person.team, channel="")
        except StorageError as error:
            logger.error("the gaps could not be read: %s", error)
            return told_view(home_texts.GAPS_TITLE, home_texts.GAPS_FAILED)
        view = told_view(home_texts.GAPS_TITLE, found.text)
        return view | {"blocks": list(found.blocks) or [section(found.text)]}

    async def channels_view(self, person: Person, channel: str = "") -> Block:
        """Show the form, with the settings of a channel when one is chosen."""
        tools = self._tools
        verdict = await tools.admin_check.verdict(person.user, team=person.team)
        is_allowed = verdict is Verdict.ALLOWED
        outcome = "shown" if is_allowed else verdict.value
        await self.record(person, SUBCOMMAND, outcome, is_allowed=is_allowed, channel=channel)
        if not is_allowed:
            return told_view(home_texts.CHANNEL_TITLE, refusal(verdict, tools.usergroup))
        try:
            settings = await tools.rules.all()
        except StorageError as error:
            logger.error("the settings could not be read: %s", error)
            return told_view(home_texts.CHANNEL_TITLE, home_texts.CHANNELS_FAILED)
        page = ChannelPage(
            channel=channel,
            settings=settings,
            folders=await asyncio.to_thread(tools.folders),
            hears=tools.hearing.hears_any,
        )
        return channel_view(page)

    async def record(
        self,
        person: Person,
        subcommand: str,
        outcome: str,
        *,
        is_allowed: bool = False,
        channel: str = "",
    ) -> None:
        """Leave a line in the audit."""
        await self._tools.audit.record(
            Attempt(
                user=person.user,
                team=person.team,
                channel=channel,
                subcommand=subcommand,
                allowed=is_allowed,
                outcome=outcome,
            )
        )
