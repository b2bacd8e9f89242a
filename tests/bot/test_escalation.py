"""Calling a human in the local Slack: asked once, resolved once, and nobody left waiting."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.conversations import Conversation, Conversations, Link
from bot.delivery import Delivery
from bot.escalation import EscalationHandler
from bot.escalation_blocks import escalation_message
from bot.listeners import escalation
from bot.pace import DeliveryPace
from bot.parts import Parts
from bot.policy import Policy
from bot.resolution import ResolutionHandler
from bot.sender import Sender
from bot.simulator.blocks import check_blocks
from bot.simulator.server import Simulator
from bot.tasks import Claim, GiveUp, Task, TaskKind

from .conftest import Bench, Json, Starter, is_bot, words
from .hostile import allowed_in
from .inert import check_inert

TEAM = "C0RND"
QUESTION = "@clockify-bot how do I lock timesheets?"


async def press(bench: Bench, message: Json, action_id: str, user: str, channel: str) -> None:
    """Press a button of a message."""
    found = (
        (block["block_id"], element["action_id"])
        for block in message["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"] == action_id
    )
    block_id, name = next(found)
    await bench.sim.action(user, channel, message["ts"], block_id=block_id, action_id=name)


def escalations(sim: Simulator, channel: str = TEAM) -> list[Json]:
    """List what the bot posted for the humans."""
    return [m for m in sim.messages(channel) if is_bot(m) and "needs a human" in words(m)]


async def escalated(bench: Bench, count: int = 1) -> Json:
    """Wait for what the bot posts for the humans."""
    await bench.sim.wait_for(lambda: len(escalations(bench.sim)) == count)
    return escalations(bench.sim)[-1]


@pytest.fixture
async def desk(start: Starter) -> Bench:
    """Start the bot with humans in #random."""
    return await start(escalation_channel=TEAM, escalation_group="S0ADM")


async def test_a_question_goes_to_the_humans_and_back(desk: Bench) -> None:
    answer = await desk.ask("U0ANN", "C0GEN", QUESTION)
    await press(desk, answer, "answer_human", "U0ANN", "C0GEN")
    call = await escalated(desk)
    assert call["text"].startswith("<!subteam^S0ADM> <@U0ANN> needs a human.")
    shown = words(call)
    assert "> how do I lock timesheets?" in shown
    assert "switch locking on" in shown
    assert "1. <https://clockify.me/help/lock-timesheets|Lock timesheets> › Steps" in shown
    assert f"/archives/C0GEN/p{answer['ts'].replace('.', '')}?thread_ts=" in shown
    assert "thread_ts" not in call
    check_blocks(call["blocks"])
    await desk.sim.wait_for(
        lambda: "asked a human" in words({"text": seen(desk, answer, "U0ANN"), "blocks": []})
    )
    assert "asked a human" not in seen(desk, answer, "U0ADA")

    await press(desk, call, "escalation_resolve", "U0ADA", TEAM)
    done = await desk.sim.wait_for(lambda: resolved(desk))
    assert done is not None
    assert "Resolved by <@U0ADA>" in words(done)
    assert "> how do I lock timesheets?" in words(done)
    assert not [block for block in done["blocks"] if block["type"] == "actions"]
    told = await desk.sim.wait_for(
        lambda: [r for r in desk.replies("C0GEN", answer["thread_ts"]) if "marked it" in r]
    )
    assert told == [
        "<@U0ANN>, <@U0ADA> has looked at your question and marked it as resolved. "
        "Answer here if something is missing."
    ]


def seen(bench: Bench, answer: Json, user: str) -> str:
    """Give all that a person sees in an answer's thread."""
    return str(bench.sim.messages("C0GEN", answer["thread_ts"], user))


def resolved(bench: Bench) -> Json | None:
    """Find the message for the humans once it is resolved."""
    return next((m for m in escalations(bench.sim) if "Resolved" in words(m)), None)


async def test_whoever_clicks_again_hears_that_the_humans_know(desk: Bench) -> None:
    answer = await desk.ask("U0ANN", "C0GEN", QUESTION)
    for user in ("U0ANN", "U0ADA"):
        await press(desk, answer, "answer_human", user, "C0GEN")
    await desk.sim.wait_for(lambda: "they know" in seen(desk, answer, "U0ADA"))
    assert len(escalations(desk.sim)) == 1
    await press(desk, await escalated(desk), "escalation_resolve", "U0ANN", TEAM)
    await desk.sim.wait_for(lambda: resolved(desk))
    await press(desk, answer, "answer_human", "U0ADA", "C0GEN")
    await desk.sim.wait_for(lambda: "has looked at this already" in seen(desk, answer, "U0ADA"))
    assert len(escalations(desk.sim)) == 1


async def test_a_refusal_and_who_asked_for_whom(desk: Bench) -> None:
    refusal = await desk.ask("U0ANN", "C0GEN", "@clockify-bot zebra?")
    await press(desk, refusal, "answer_human", "U0ADA", "C0GEN")
    shown = words(await escalated(desk))
    assert "<@U0ADA> needs a human about a question of <@U0ANN>." in shown
    assert "I don't know based on the MD." in shown
    assert "These articles may help" in shown


async def test_a_private_answer_has_no_link_and_is_resolved_in_a_direct_message(
    desk: Bench,
) -> None:
    await desk.sim.command("U0ADA", "C0GEN", "/clockify", "lock timesheets")
    answer = await desk.private("U0ADA", "C0GEN", "Workspace settings")
    await press(desk, answer, "answer_human", "U0ADA", "C0GEN")
    call = await escalated(desk)
    assert "slack.com/archives" not in words(call)
    assert "asked in private" in words(call)
    await desk.private("U0ADA", "C0GEN", "direct message from me")
    await press(desk, call, "escalation_resolve", "U0ANN", TEAM)
    await desk.direct("U0ADA", "<@U0ANN> has looked at your question (“lock timesheets”)")
    assert "marked it" not in words({"text": str(desk.sim.messages("C0GEN")), "blocks": []})


async def test_a_direct_message_has_no_link_that_others_could_not_open(desk: Bench) -> None:
    answer = await desk.ask("U0ANN", "D0ANN", "how do I lock timesheets?")
    await press(desk, answer, "answer_human", "U0ANN", "D0ANN")
    call = await escalated(desk)
    assert "slack.com/archives" not in words(call)
    thread = "D0ANN", answer["thread_ts"], "U0ANN"
    await desk.sim.wait_for(lambda: "hear from me here" in str(desk.sim.messages(*thread)))
    await press(desk, call, "escalation_resolve", "U0ADA", TEAM)
    await desk.sim.wait_for(lambda: "marked" in str(desk.replies("D0ANN", answer["thread_ts"])))


async def test_with_nothing_kept_the_words_of_the_answer_go_along(start: Starter) -> None:
    bench = await start(escalation_channel=TEAM, retention_days=0)
    answer = await bench.ask("U0ANN", "C0GEN", QUESTION)
    await press(bench, answer, "answer_human", "U0ANN", "C0GEN")
    call = await escalated(bench)
    assert "I no longer have the question" in words(call)
    assert "switch locking on" in words(call)
    assert "Open the conversation" in words(call)
    await press(bench, call, "escalation_resolve", "U0ADA", TEAM)
    await bench.direct("U0ANN", "has looked at your question and marked")


@pytest.mark.parametrize(
    ("channel", "error"), [("C0OUT", "not_in_channel"), ("C0OLD", "is_archived")]
)
async def test_a_channel_that_does_not_work_is_told_to_all_concerned(
    start: Starter, caplog: pytest.LogCaptureFixture, channel: str, error: str
) -> None:
    bench = await start(escalation_channel=channel)
    answer = await bench.ask("U0ANN", "C0GEN", QUESTION)
    await press(bench, answer, "answer_human", "U0ANN", "C0GEN")
    await bench.sim.wait_for(lambda: "I could not reach a human" in seen(bench, answer, "U0ANN"))
    assert "`ESCALATION_CHANNEL` does not work" in seen(bench, answer, "U0ANN")
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert f"ESCALATION_CHANNEL {channel} does not work ({error})" in record.getMessage()
    assert "lock" not in record.getMessage()


async def test_after_the_channel_works_again_the_next_click_gets_through(desk: Bench) -> None:
    answer = await desk.ask("U0ANN", "C0GEN", QUESTION)
    await desk.sim.fault("api_error", method="chat.postMessage", error="not_in_channel")
    await press(desk, answer, "answer_human", "U0ANN", "C0GEN")
    await desk.sim.wait_for(lambda: "I could not reach" in seen(desk, answer, "U0ANN"))
    await press(desk, answer, "answer_human", "U0ANN", "C0GEN")
    await desk.sim.wait_for(lambda: len(escalations(desk.sim)) == 1, 8.0)


async def test_a_guest_may_not_call_a_human(desk: Bench) -> None:
    answer = await desk.ask("U0ANN", "C0GEN", QUESTION)
    await press(desk, answer, "answer_human", "U0GUS", "C0GEN")
    await desk.sim.wait_for(lambda: "do not answer guests" in seen(desk, answer, "U0GUS"))
    assert escalations(desk.sim) == []


async def test_without_a_channel_there_is_no_button(bench: Bench) -> None:
    answer = await bench.ask("U0ANN", "C0GEN", QUESTION)
    assert "answer_human" not in words(answer)


# The handlers by themselves: repeats, crashes, and clicks that nobody could make by hand.


class Dying(Conversations):
    """Ends with the process when it is to note where the humans were told."""

    async def place_escalation(self, answer_id: str, channel: str, ts: str) -> None:
        """Die."""
        raise asyncio.CancelledError


Make = Callable[..., Any]


@pytest.fixture
def make(parts: Parts) -> Make:
    """Make a handler as after a restart: with nothing in memory."""

    def maker(kind: type, *, conversations: Conversations | None = None) -> Any:
        common: Json = {
            "client": parts.client,
            "conversations": conversations or parts.store.conversations,
            "delivery": Delivery(
                parts.client,
                Sender(),
                inbox=parts.store.inbox,
                team="T0SIM",
                streaming="off",
                pace=DeliveryPace(settle=0.05),
            ),
            "channel": TEAM,
        }
        if kind is ResolutionHandler:
            return ResolutionHandler(membership=parts.membership, **common)
        policy = Policy(parts.client, parts.membership, parts.store.rules, allows_guests=False)
        return EscalationHandler(policy=policy, group="", **common)

    return maker


def talk(answer_id: str = "a1", **changes: Any) -> Conversation:
    """Make a conversation in a thread of #support."""
    return replace(
        Conversation(
            answer_id=answer_id,
            team="T0SIM",
            channel="C0GEN",
            thread="",
            user="U0ANN",
            surface="command",
            question="and for iOS?",
            standalone="how do I lock timesheets on iOS?",
            reply="Open **it** [1] and [evil](https://evil.com).",
            outcome="answered",
            links=(Link("Lock", "https://clockify.me/help/lock", "Steps"),),
            generation="00000001",
            asked_at=time.time(),
        ),
        **changes,
    )


def claim_of(
    kind: TaskKind, user: str, *, tries: int = 1, received_at: float, **body: Any
) -> Claim:
    """Make a claim of a click."""
    said: Json = {"answer_id": "a1", "team": "T0SIM", "response_url": "", "thread_ts": ""}
    said |= {"message_ts": "", "is_private": True, "said": "", "blocks": []} | body
    channel = body.pop("channel", "C0GEN" if kind is TaskKind.ESCALATION else TEAM)
    return Claim(Task(f"action {user}", kind, user, channel, body=said), tries, received_at)


def asking(sim: Simulator, user: str = "U0ANN", **body: Any) -> Claim:
    """Make a claim of "I need a human"."""
    now = sim.workspace.clock()
    return claim_of(TaskKind.ESCALATION, user, received_at=now, **body)


def resolving(sim: Simulator, user: str = "U0ADA", **body: Any) -> Claim:
    """Make a claim of Resolve under the first message for the humans."""
    now, calls = sim.workspace.clock(), escalations(sim)
    here = {"message_ts": calls[0]["ts"], "blocks": calls[0]["blocks"]} if calls else {}
    return claim_of(TaskKind.RESOLUTION, user, received_at=now, **(here | body))


async def test_killed_after_posting_it_is_posted_once(
    make: Make, sim: Simulator, parts: Parts
) -> None:
    await parts.store.conversations.add(talk())
    dying = Dying(parts.store.database, retention_days=7)
    with pytest.raises(asyncio.CancelledError):
        await make(EscalationHandler, conversations=dying).handle(asking(sim))
    await make(EscalationHandler).handle(asking(sim, tries=2))
    (call,) = escalations(sim)
    known = await parts.store.conversations.escalation("a1")
    assert known is not None
    assert known.ts == call["ts"]


async def test_another_click_after_a_kill_finds_what_is_posted(
    make: Make, sim: Simulator, parts: Parts
) -> None:
    dying = Dying(parts.store.database, retention_days=7)
    with pytest.raises(asyncio.CancelledError):
        await make(EscalationHandler, conversations=dying).handle(asking(sim))
    await make(EscalationHandler).handle(asking(sim, "U0ADA"))
    assert len(escalations(sim)) == 1


async def test_a_lost_reply_is_no_second_post(make: Make, sim: Simulator) -> None:
    await sim.fault("lost_reply", method="chat.postMessage")
    await make(EscalationHandler).handle(asking(sim))
    assert len(escalations(sim)) == 1


async def test_two_clicks_at_once_are_one_post(make: Make, sim: Simulator) -> None:
    handler = make(EscalationHandler)
    await asyncio.gather(*(handler.handle(asking(sim, user)) for user in ("U0ANN", "U0ADA")))
    assert len(escalations(sim)) == 1


async def test_a_repeated_click_of_ones_own_says_the_same(make: Make, sim: Simulator) -> None:
    await make(EscalationHandler).handle(asking(sim))
    await make(EscalationHandler).handle(asking(sim, tries=2))
    assert {m["text"] for m in sim.messages("D0ANN") if is_bot(m)} == {
        "I have asked a human. You will get a direct message from me when they are done."
    }


async def test_it_goes_without_a_link_when_slack_has_none(make: Make, sim: Simulator) -> None:
    await sim.fault("api_error", method="chat.getPermalink", error="message_not_found")
    await make(EscalationHandler).handle(asking(sim, is_private=False, message_ts="1.1"))
    assert len(escalations(sim)) == 1


@pytest.mark.parametrize("tries", [1, 2], ids=["clicked again", "tried again"])
async def test_resolved_twice_the_asker_hears_it_once(
    make: Make, sim: Simulator, parts: Parts, tries: int
) -> None:
    root = await sim.post("U0ANN", "C0GEN", "a question")
    await parts.store.conversations.add(talk(surface="mention", thread=root))
    await make(EscalationHandler).handle(asking(sim))
    await make(ResolutionHandler).handle(resolving(sim))
    await make(ResolutionHandler).handle(resolving(sim, tries=tries))
    told = [m["text"] for m in sim.messages("C0GEN", root) if "marked" in m["text"]]
    assert len(told) == 1


async def test_a_question_repeated_to_its_asker_does_nothing(
    make: Make, sim: Simulator, parts: Parts
) -> None:
    await parts.store.conversations.add(talk(question="how <!channel>\n?"))
    await make(EscalationHandler).handle(asking(sim))
    await make(ResolutionHandler).handle(resolving(sim))
    assert [m["text"] for m in sim.messages("D0ANN") if "marked" in m["text"]] == [
        "<@U0ADA> has looked at your question (“how &lt;!channel&gt; ?”) and marked it as resolved."
    ]


async def test_of_two_who_resolve_the_first_is_named(
    make: Make, sim: Simulator, parts: Parts
) -> None:
    await make(EscalationHandler).handle(asking(sim))
    handler = make(ResolutionHandler)
    await handler.handle(resolving(sim, "U0ADA"))
    await handler.handle(resolving(sim, "U0ANN"))
    assert "Resolved by <@U0ADA>" in words(escalations(sim)[0])
    assert "resolved already" in str(sim.messages("D0ANN"))
    assert len([m for m in sim.messages("D0ANN") if "marked" in m["text"]]) == 1


async def test_of_two_who_resolve_at_once_one_is_named(
    make: Make, sim: Simulator, parts: Parts
) -> None:
    await make(EscalationHandler).handle(asking(sim))
    handler = make(ResolutionHandler)
    await asyncio.gather(*(handler.handle(resolving(sim, user)) for user in ("U0ADA", "U0ANN")))
    known = await parts.store.conversations.escalation("a1")
    assert known is not None
    assert f"Resolved by <@{known.resolved_by}>" in words(escalations(sim)[0])
    assert len([m for m in sim.messages("D0ANN") if "marked" in m["text"]]) == 1


async def test_where_the_thread_is_closed_the_asker_hears_directly(
    make: Make, sim: Simulator, parts: Parts
) -> None:
    here = talk(surface="mention", channel="C0OLD", thread="1.1")
    await parts.store.conversations.add(here)
    await make(EscalationHandler).handle(asking(sim))
    await make(ResolutionHandler).handle(resolving(sim))
    assert "has looked at your question" in str(sim.messages("D0ANN"))


async def test_what_was_deleted_is_resolved_all_the_same(make: Make, sim: Simulator) -> None:
    await make(EscalationHandler).handle(asking(sim))
    claim = resolving(sim)
    sim.workspace.delete(TEAM, escalations(sim)[0]["ts"])
    await make(ResolutionHandler).handle(claim)
    assert "has looked at your question" in str(sim.messages("D0ANN"))


@pytest.mark.parametrize("user", ["U0GUS", "U0PAT", "U0DEE", "U0BOT"])
async def test_only_full_members_resolve(
    make: Make, sim: Simulator, parts: Parts, user: str
) -> None:
    await make(EscalationHandler).handle(asking(sim))
    with suppress(SlackApiError):  # not everybody has direct messages in the local Slack
        await make(ResolutionHandler).handle(resolving(sim, user))
    known = await parts.store.conversations.escalation("a1")
    assert known is not None
    assert known.resolved_by == ""
    assert "Resolved" not in words(escalations(sim)[0])


@pytest.mark.parametrize(
    "spoof", [{"channel": "C0GEN"}, {"message_ts": "1.1"}], ids=["channel", "message"]
)
async def test_a_button_of_another_message_resolves_nothing(
    make: Make, sim: Simulator, parts: Parts, spoof: Json
) -> None:
    await make(EscalationHandler).handle(asking(sim))
    claim = resolving(sim, **{k: v for k, v in spoof.items() if k != "channel"})
    task = replace(claim.task, channel=spoof.get("channel", TEAM))
    await make(ResolutionHandler).handle(replace(claim, task=task))
    known = await parts.store.conversations.escalation("a1")
    assert known is not None
    assert known.resolved_by == ""


async def test_what_is_not_known_is_resolved_only_in_the_humans_channel(
    make: Make, sim: Simulator
) -> None:
    for channel in ("C0GEN", TEAM):
        posted = sim.workspace.post(channel, author="U0BOT", text="old call")
        claim = resolving(sim, message_ts=posted["ts"])
        claim = replace(claim, task=replace(claim.task, channel=channel))
        await make(ResolutionHandler).handle(claim)
        text = sim.workspace.message(channel, posted["ts"])["text"]
        assert ("Resolved" in text) is (channel == TEAM)


@pytest.mark.parametrize("kind", [EscalationHandler, ResolutionHandler])
async def test_who_clicked_hears_that_it_was_given_up(
    make: Make, sim: Simulator, kind: type
) -> None:
    await make(kind).give_up(asking(sim), GiveUp.FAILED, "ref12")
    assert "ref12" in str(sim.messages("D0ANN"))


def test_a_follow_up_is_shown_as_it_was_read() -> None:
    asked = talk(question="and <!channel> for iOS?")
    message = escalation_message("a1", asked, user="U0ANN", group="")
    assert "Understood as: how do I lock timesheets on iOS?" in str(message.blocks)
    check_inert(message, allowed_in(asked, "<@U0ANN>"))
    assert "evil.com" not in str(message.blocks)
    same = escalation_message("a1", talk(standalone="and for iOS?"), user="U0ANN", group="")
    assert "Understood" not in str(same.blocks)


@pytest.mark.parametrize("letter", ["ж", "a", "\n", "&", "a b\n"])
def test_a_long_call_fits(letter: str) -> None:
    asked = letter * 2_000
    links = (Link("ж" * 500, "https://clockify.me/" + "a" * 1_900, "ж" * 500),) * 12
    long = talk(question=asked, standalone=f"{asked}x", reply="word [1] " * 3_000, links=links)
    message = escalation_message("a1", long, user="U0ANN", group="S1")
    check_blocks(list(message.blocks))
    assert len(json.dumps(message.blocks)) <= 13_200
    assert len(message.text) <= 4_000
    assert "left out" in str(message.blocks)


def click(action_id: str, value: Any = "a1", **changes: Any) -> Json:
    """Make the payload of a click."""
    action = {"action_id": action_id, "value": value, "action_ts": "1.2"}
    payload: Json = {
        "type": "block_actions",
        "user": {"id": "U0ANN"},
        "team": {"id": "T0SIM"},
        "channel": {"id": "C0GEN"},
        "container": {"message_ts": "1.1", "is_ephemeral": False},
        "message": {"ts": "1.1", "thread_ts": "1.0", "text": "said", "blocks": [{"type": "x"}]},
        "response_url": "http://127.0.0.1:9/x",
        "actions": [action],
    }
    return payload | changes


def test_clicks_are_read() -> None:
    human, resolve = (
        escalation.read(click(name)) for name in ("answer_human", "escalation_resolve")
    )
    assert human is not None
    assert resolve is not None
    assert (human.key, human.kind) == ("action 1.2 U0ANN a1", TaskKind.ESCALATION)
    assert (human.body["said"], human.body["is_private"]) == ("said", False)
    assert (resolve.kind, resolve.body["blocks"]) == (TaskKind.RESOLUTION, [{"type": "x"}])
    direct = escalation.read(click("answer_human", channel={"id": "D0ANN"}))
    assert direct is not None
    assert direct.body["is_private"]


@pytest.mark.parametrize(
    "body",
    [
        click("answer_human", "a1:up"),
        click("answer_human", "<!channel>"),
        click("answer_human", None),
        click("answer_human", user={"id": "root"}),
        click("answer_share"),
        click("escalation_resolve", container={"message_ts": "1.1", "is_ephemeral": True}),
    ],
)
def test_what_no_button_of_ours_says_is_no_task(body: Json) -> None:
    assert escalation.read(body) is None
