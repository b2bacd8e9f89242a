"""A channel's settings from an admin's form into the database; who may is checked once more."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError

from . import home_texts, rebuild_texts
from .audit import Attempt, AuditLog
from .blocks import plain_message
from .channel_form import ChannelWish, rules_told
from .channel_rules import ChannelRules, ChannelRulesTable, Mode
from .delivery import Delivery
from .membership import CheckFailed, Verdict
from .permissions import AdminCheck
from .slack_failures import reason
from .tasks import Claim, GiveUp, Task, TaskKind

logger = logging.getLogger(__name__)

SUBCOMMAND = "channel settings"  # in the audit


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """One form that was sent; user and team are Slack's words."""

    key: str
    user: str
    team: str
    wish: ChannelWish

    def to_task(self) -> Task:
        """Give what the inbox keeps."""
        rules = self.wish.rules
        body: dict[str, Any] = {
            "team": self.team,
            "mode": rules.mode.value,
            "is_private": rules.is_private,
            "folders": list(rules.folders),
            "allows_external": rules.allows_external,
        }
        return Task(self.key, TaskKind.CHANNEL_RULES, self.user, self.wish.channel, body=body)

    @classmethod
    def of(cls, task: Task) -> SettingsChange:
        """Read it back."""
        body = task.body
        rules = ChannelRules(
            Mode(body["mode"]), body["is_private"], tuple(body["folders"]), body["allows_external"]
        )
        return cls(task.key, task.user, body["team"], ChannelWish(task.channel, rules))


class ChannelSettingsHandler:
    """The handler of settings. What came of it is told in a direct message."""

    def __init__(
        self,
        *,
        rules: ChannelRulesTable,
        admin_check: AdminCheck,
        audit: AuditLog,
        delivery: Delivery,
        usergroup: str,
    ) -> None:
        self._rules = rules
        self._check = admin_check
        self._audit = audit
        self._delivery = delivery
        self._usergroup = usergroup

    async def handle(self, claim: Claim) -> None:
        """Save, or say why not; raises CheckFailed when Slack does not tell who it is."""
        change = SettingsChange.of(claim.task)
        verdict = await self._check.verdict(change.user, team=change.team)
        if verdict is Verdict.CHECK_FAILED:
            raise CheckFailed("whether somebody is an admin is not told")
        if verdict is not Verdict.ALLOWED:
            await self._record(change, verdict.value, is_allowed=False)
            await self._tell_refusal(claim, change, refusal(verdict, self._usergroup))
            return
        channel, rules = change.wish.channel, change.wish.rules
        await self._rules.set(channel, rules, change.user)
        await self._record(change, "saved", is_allowed=True)
        await self._tell(claim, change, home_texts.saved(channel, rules_told(rules)))

    async def give_up(self, claim: Claim, why: GiveUp, reference: str) -> None:
        """Say that nothing changed."""
        change = SettingsChange.of(claim.task)
        await self._record(change, why.value, is_allowed=False)
        sentence = home_texts.not_saved(change.wish.channel, reference)
        await self._tell_refusal(claim, change, sentence)

    async def _tell(self, claim: Claim, change: SettingsChange, sentence: str) -> None:
        await self._delivery.in_direct(change.user, claim=claim).post(plain_message(sentence))

    async def _tell_refusal(self, claim: Claim, change: SettingsChange, sentence: str) -> None:
        """Tell, unless Slack has no direct messages with such a person."""
        try:
            await self._tell(claim, change, sentence)
        except SlackApiError as error:
            logger.warning("no direct message to %s: %s", change.user, reason(error))

    async def _record(self, change: SettingsChange, outcome: str, *, is_allowed: bool) -> None:
        await self._audit.record(
            Attempt(
                user=change.user,
                team=change.team,
                channel=change.wish.channel,
                subcommand=SUBCOMMAND,
                allowed=is_allowed,
                outcome=outcome,
                change=_change(change.wish.rules) if is_allowed else "",
            )
        )


def refusal(verdict: Verdict, usergroup: str) -> str:
    """Say why somebody may not see or change settings."""
    match verdict:
        case Verdict.NO_ADMINS:
            return home_texts.SETTINGS_NO_ADMINS
        case Verdict.NOT_ADMIN:
            return home_texts.settings_not_an_admin(usergroup)
        case Verdict.CHECK_FAILED:
            return rebuild_texts.CHECK_FAILED
        case _:
            return home_texts.SETTINGS_NOT_FOR_YOU


def _change(rules: ChannelRules) -> str:
    private = "private" if rules.is_private else "public"
    external = "with other companies" if rules.allows_external else "without other companies"
    return f"{rules.mode.value}, {private}, {external}, folders: {', '.join(rules.folders) or '*'}"
