"""Who is answered where, by surface, person and channel rule; silence only for the overheard."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot import policy_texts
from bot.aged_table import AgedTable
from bot.channel_rules import ChannelRules, ChannelRulesTable, Mode
from bot.config import SlackConfig
from bot.database import Database
from bot.membership import CACHE_SECONDS, CheckFailed, Membership
from bot.policy import PRIVATE, UNADDRESSED, Decision, Policy
from bot.simulator.server import Simulator
from bot.single_flight import SingleFlight
from bot.startup import open_client
from bot.tasks import Inquiry, Surface

from .conftest import settings_for

MEMBER, GUEST, GONE, PARTNER, MACHINE = "U0ANN", "U0GUS", "U0DEE", "U0PAT", "U0BOT"
SENTENCES = {
    GUEST: policy_texts.NOT_FOR_GUESTS,
    GONE: policy_texts.NOT_FOR_DEACTIVATED,
    PARTNER: policy_texts.NOT_FOR_STRANGERS,
}


@dataclass
class Office:
    """A policy on the local Slack, with a clock of its own."""

    sim: Simulator
    rules: ChannelRulesTable
    policies: dict[bool, Policy]  # by whether guests are welcome
    now: list[float] = field(default_factory=lambda: [0.0])

    async def decide(self, inquiry: Inquiry, *, allows_guests: bool = False) -> Decision:
        """Ask the policy."""
        return await self.policies[allows_guests].decide(inquiry)


@pytest.fixture
async def office(sim: Simulator, tmp_path: Any) -> AsyncIterator[Office]:
    """Make one whose settings are on disk."""
    slack: SlackConfig = settings_for(sim, tmp_path)
    now = [0.0]
    database = await Database.open(slack.state_file)
    rules = ChannelRulesTable(database)
    async with open_client(slack) as client:
        membership = Membership(client, team_id="T0SIM", clock=lambda: now[0])
        policies = {
            welcome: Policy(client, membership, rules, allows_guests=welcome, clock=lambda: now[0])
            for welcome in (False, True)
        }
        yield Office(sim, rules, policies, now)
    await database.close()


def inquiry(surface: Surface, user: str = MEMBER, channel: str = "C0GEN") -> Inquiry:
    """Ask something."""
    return Inquiry("k", "q", surface, "T0SIM", user, channel)


def expected(
    surface: Surface, user: str, rules: ChannelRules, *, is_external: bool, allows_guests: bool
) -> str | None:
    """Say by the words of the specification what is told; "" for an answer, None for silence."""
    is_unaddressed = surface in (Surface.AUTO, Surface.THREAD)
    if surface is Surface.AUTO and rules.mode is not Mode.AUTO:
        return None
    refusal = ""
    if rules.mode is Mode.OFF:
        refusal = policy_texts.CHANNEL_IS_OFF
    elif is_external and not rules.allows_external:
        refusal = policy_texts.CHANNEL_IS_EXTERNAL
    elif user == MACHINE:
        return None
    else:
        welcome = {MEMBER: True, GUEST: allows_guests, PARTNER: is_external}
        refusal = "" if welcome.get(user, False) else SENTENCES[user]
    return None if refusal and is_unaddressed else refusal


@pytest.mark.parametrize("channel", ["C0GEN", "C0EXT"])
async def test_every_surface_person_and_rule(office: Office, channel: str) -> None:
    is_external = channel == "C0EXT"
    people = (MEMBER, GUEST, GONE, PARTNER, MACHINE)
    asked = 0
    for mode, allows_external in itertools.product(Mode, (False, True)):
        rules = ChannelRules(mode, allows_external=allows_external)
        await office.rules.set(channel, rules, "U0ADA")
        for surface, user, guests in itertools.product(Surface, people, (False, True)):
            one = inquiry(surface, user, channel)
            decision = await office.decide(one, allows_guests=guests)
            told = None if decision.is_silent else decision.refusal
            wanted = expected(surface, user, rules, is_external=is_external, allows_guests=guests)
            assert told == wanted, (surface, user, rules, guests)
            assert decision.rules == rules
            assert decision.is_allowed is (told == "")
            asked += 1
    assert asked == 6 * 8 * 5 * 2


async def test_direct_messages_and_no_channel_have_no_rules(office: Office) -> None:
    for channel, surface in (("D0ANN", Surface.DIRECT), ("", Surface.HOME), ("", Surface.FORM)):
        await office.rules.set(channel, ChannelRules(Mode.OFF), "U0ADA")
        decision = await office.decide(inquiry(surface, channel=channel))
        assert decision == Decision(ChannelRules())
        refused = await office.decide(inquiry(surface, GUEST, channel))
        assert refused.refusal == policy_texts.NOT_FOR_GUESTS
    assert office.sim.calls("conversations.info") == ()


async def test_an_event_that_says_the_channel_is_shared_is_believed(office: Office) -> None:
    one = replace(inquiry(Surface.MENTION), is_external=True)
    assert (await office.decide(one)).refusal == policy_texts.CHANNEL_IS_EXTERNAL
    assert office.sim.calls("conversations.info") == ()


def test_only_what_was_overheard_may_meet_silence() -> None:
    assert {Surface.AUTO, Surface.THREAD} == UNADDRESSED
    assert not PRIVATE & UNADDRESSED


@pytest.mark.parametrize("surface", sorted(PRIVATE))
async def test_a_private_answer_does_not_need_a_channel_that_the_bot_sees(
    office: Office, surface: Surface
) -> None:
    assert (await office.decide(inquiry(surface, channel="C0NONE"))).is_allowed
    assert (await office.decide(inquiry(surface, channel="C0NONE"))).is_allowed
    assert len(office.sim.calls("conversations.info")) == 1


async def test_what_the_bot_cannot_see_is_no_leave_to_post_there(office: Office) -> None:
    assert (await office.decide(inquiry(Surface.COMMAND, channel="C0NONE"))).is_allowed
    with pytest.raises(SlackApiError):
        await office.decide(inquiry(Surface.MENTION, channel="C0NONE"))


@pytest.mark.parametrize("method", ["users.info", "conversations.info"])
async def test_what_slack_does_not_tell_is_no_yes(office: Office, method: str) -> None:
    await office.sim.fault("api_error", error="internal_error", method=method)
    with pytest.raises((SlackApiError, CheckFailed)):
        await office.decide(inquiry(Surface.MENTION))
    assert (await office.decide(inquiry(Surface.MENTION))).is_allowed


async def test_slack_is_asked_again_after_five_minutes(office: Office) -> None:
    for _ in range(3):
        await office.decide(inquiry(Surface.MENTION))
    office.now[0] = CACHE_SECONDS + 1
    await office.decide(inquiry(Surface.MENTION))
    calls = office.sim.calls("users.info"), office.sim.calls("conversations.info")
    assert [len(each) for each in calls] == [2, 2]


async def test_a_crowd_of_questions_asks_slack_once(office: Office) -> None:
    decisions = await asyncio.gather(
        *(office.decide(inquiry(Surface.MENTION)) for _ in range(50)),
        *(office.decide(inquiry(Surface.MENTION, "U0ADA")) for _ in range(50)),
    )
    assert all(decision.is_allowed for decision in decisions)
    assert len(office.sim.calls("conversations.info")) == 1
    assert len(office.sim.calls("users.info")) == 2


@dataclass
class Source:
    """A slow answer that counts who asks."""

    asked: int = 0
    ended: int = 0
    failure: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> str:
        """Answer when the gate opens."""
        self.asked += 1
        try:
            await self.gate.wait()
        finally:
            self.ended += 1
        if self.failure is not None:
            raise self.failure
        return f"answer {self.asked}"


def flight() -> SingleFlight[str]:
    """Make one with a table that keeps two values."""
    return SingleFlight(AgedTable(2, 60.0))


async def waiting_for(source: Source, flights: SingleFlight[str], count: int) -> list[Any]:
    """Begin to wait several times, and return once the source is asked."""
    waiting = [asyncio.ensure_future(flights.get("a", source)) for _ in range(count)]
    async with asyncio.timeout(5):
        while not source.asked:
            await asyncio.sleep(0)
    return waiting


async def test_all_that_wait_share_one_answer_and_it_is_kept() -> None:
    source, flights = Source(), flight()
    waiting = await waiting_for(source, flights, 9)
    source.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"answer 1"}
    assert (await flights.get("a", source), source.asked) == ("answer 1", 1)
    assert await flights.get("b", source) == "answer 2"


async def test_all_that_wait_share_a_failure_and_it_is_not_kept() -> None:
    source, flights = Source(failure=CheckFailed("odd")), flight()
    waiting = await waiting_for(source, flights, 9)
    source.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {CheckFailed}
    source.failure = None
    assert (await flights.get("a", source), source.asked) == ("answer 2", 2)


async def test_one_who_gives_up_does_not_end_it_for_the_others() -> None:
    source, flights = Source(), flight()
    first, second = await waiting_for(source, flights, 2)
    first.cancel()
    await asyncio.wait({first})
    source.gate.set()
    assert await second == "answer 1"


async def test_when_all_give_up_it_ends_and_the_next_begins_anew() -> None:
    source, flights = Source(), flight()
    (only,) = await waiting_for(source, flights, 1)
    only.cancel()
    async with asyncio.timeout(5):
        while not source.ended:
            await asyncio.sleep(0)
    source.gate.set()
    assert await flights.get("a", source) == "answer 2"
