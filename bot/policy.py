"""Whether a question is answered, and how, in its channel: an inquiry in, a decision out.

Fails closed: what Slack does not tell raises, and the question is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from . import policy_texts
from .aged_table import AgedTable
from .channel_rules import ChannelRules, ChannelRulesTable, Mode
from .membership import CACHE_ITEMS, CACHE_SECONDS, CheckFailed, Membership, Verdict
from .single_flight import SingleFlight
from .tasks import Inquiry, Surface

# Where nobody but the asker sees the answer, so a channel that the bot cannot see does not matter.
PRIVATE = frozenset({Surface.COMMAND, Surface.SHORTCUT, Surface.FORM, Surface.HOME})
UNSEEN = frozenset({"channel_not_found", "not_in_channel"})
UNADDRESSED = frozenset({Surface.AUTO, Surface.THREAD})


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a question.

    refusal is the sentence for the asker, "" when it is to be answered; is_silent means that it was
    only overheard and is not wanted.
    """

    rules: ChannelRules
    refusal: str = ""
    is_silent: bool = False

    @property
    def is_allowed(self) -> bool:
        """Whether the question is to be answered."""
        return not self.refusal and not self.is_silent


class Policy:
    """Knows the rules of channels and what Slack says of people and channels."""

    def __init__(
        self,
        client: AsyncWebClient,
        membership: Membership,
        rules: ChannelRulesTable,
        *,
        allows_guests: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._membership = membership
        self._rules = rules
        self._allows_guests = allows_guests
        self._externals: SingleFlight[bool] = SingleFlight(
            AgedTable(CACHE_ITEMS, CACHE_SECONDS, clock)
        )
        self._unseen: AgedTable[bool] = AgedTable(CACHE_ITEMS, CACHE_SECONDS, clock)

    async def decide(self, inquiry: Inquiry) -> Decision:
        """Look at the channel, then at the person; raises one of membership.FAILURES."""
        rules = ChannelRules()
        if _has_rules(inquiry.channel):
            rules = await self._rules.get(inquiry.channel)
            if inquiry.surface is Surface.AUTO and rules.mode is not Mode.AUTO:
                return Decision(rules, is_silent=True)
            if rules.mode is Mode.OFF:
                return _refused(inquiry, rules, policy_texts.CHANNEL_IS_OFF)
            if not rules.allows_external and await self._is_external(inquiry):
                return _refused(inquiry, rules, policy_texts.CHANNEL_IS_EXTERNAL)
        verdict = await self._membership.verdict(inquiry.user)
        is_partner_welcome = rules.allows_external and await self._is_external(inquiry)
        return _judged(
            inquiry,
            rules,
            verdict,
            allows_guests=self._allows_guests,
            allows_strangers=is_partner_welcome,
        )

    async def _is_external(self, inquiry: Inquiry) -> bool:
        if inquiry.is_external:
            return True
        is_private = inquiry.surface in PRIVATE
        if is_private and self._unseen.get(inquiry.channel):
            return False
        try:
            return await self._externals.get(
                inquiry.channel, lambda: self._ask_whether_external(inquiry.channel)
            )
        except SlackApiError as error:
            if not is_private or error.response.get("error") not in UNSEEN:
                raise
        self._unseen.put(inquiry.channel, True)
        return False

    async def _ask_whether_external(self, channel_id: str) -> bool:
        reply = await self._client.conversations_info(channel=channel_id)
        channel = reply.get("channel")
        is_external = channel.get("is_ext_shared", False) if isinstance(channel, dict) else None
        if not isinstance(is_external, bool):
            raise CheckFailed("whether the channel is shared is not told")
        return is_external


def _has_rules(channel: str) -> bool:
    return bool(channel) and not channel.startswith("D")


def _refused(inquiry: Inquiry, rules: ChannelRules, sentence: str) -> Decision:
    if inquiry.surface in UNADDRESSED:
        return Decision(rules, is_silent=True)
    return Decision(rules, refusal=sentence)


def _judged(
    inquiry: Inquiry,
    rules: ChannelRules,
    verdict: Verdict,
    *,
    allows_guests: bool,
    allows_strangers: bool,
) -> Decision:
    match verdict:
        case Verdict.ALLOWED:
            return Decision(rules)
        case Verdict.GUEST if allows_guests:
            return Decision(rules)
        case Verdict.STRANGER if allows_strangers:
            return Decision(rules)
        case Verdict.GUEST:
            return _refused(inquiry, rules, policy_texts.NOT_FOR_GUESTS)
        case Verdict.STRANGER:
            return _refused(inquiry, rules, policy_texts.NOT_FOR_STRANGERS)
        case Verdict.DEACTIVATED:
            return _refused(inquiry, rules, policy_texts.NOT_FOR_DEACTIVATED)
        case _:
            return Decision(rules, is_silent=True)
