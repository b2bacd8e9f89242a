"""One question from the inbox to its reply: who gets one, what it rests on, how it may end."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from slack_bolt.async_app import AsyncApp

from bot import policy_texts, texts
from bot.channel_rules import ChannelRules, ChannelRulesTable
from bot.config import SlackConfig
from bot.conversations import Conversation
from bot.database import Database
from bot.escaping import escape
from bot.inbox import Inbox
from bot.message import Message
from bot.parts import Parts
from bot.prepared import Prepared
from bot.question_log import reference_of
from bot.retrying import Pace
from bot.simulator.server import Simulator
from bot.tasks import GiveUp, Inquiry, Surface

from .conftest import Bench, Json, Starter, settings_for, words
from .stand_ins import ArticleAsker
from .test_intake import bring, event


@asynccontextmanager
async def state_of(slack: SlackConfig) -> AsyncIterator[Database]:
    """Open the bot's state file beside it."""
    database = await Database.open(slack.state_file)
    yield database
    await database.close()


async def set_rules(bench: Bench, channel: str, rules: ChannelRules) -> None:
    """Set the rules of a channel, as an admin does."""
    async with state_of(bench.slack) as database:
        await ChannelRulesTable(database).set(channel, rules, "U0ADA")


def inquiry(ts: str) -> Inquiry:
    """Make a question in a direct message."""
    return Inquiry(
        key="event Ev9",
        text="track time",
        surface=Surface.DIRECT,
        team="T0SIM",
        user="U0ANN",
        channel="D0ANN",
        ts=ts,
        thread=ts,
    )


def small_print(reply: Json) -> str:
    """Give what stands in context blocks."""
    return words({"blocks": [b for b in reply["blocks"] if b["type"] == "context"]})


async def test_a_guest_is_told_why_there_is_no_answer(bench: Bench) -> None:
    root = await bench.sim.post("U0GUS", "C0GEN", "@clockify-bot track time")
    told = await bench.private("U0GUS", "C0GEN", "I do not answer guests", root)
    assert told["text"] == policy_texts.NOT_FOR_GUESTS
    assert bench.replies("C0GEN", root) == []
    assert bench.asker.asked == []


async def test_a_private_channel_answers_only_the_asker(bench: Bench) -> None:
    await set_rules(bench, "C0GEN", ChannelRules(is_private=True))
    root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await bench.private("U0ANN", "C0GEN", "start button", root)
    assert bench.replies("C0GEN", root) == []
    assert len(bench.sim.messages("C0GEN", root, "U0ADA")) == 1
    await bench.sim.post("U0ADA", "C0GEN", "@clockify-bot and why time?", root)
    await bench.private("U0ADA", "C0GEN", "start button", root)
    assert bench.asker.asked[-1].history == ()  # others cannot ask it out of the bot


async def test_only_the_folders_of_a_channel_are_searched(bench: Bench) -> None:
    await set_rules(bench, "C0GEN", ChannelRules(folders=("invoices",)))
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")
    assert reply["text"].startswith("I don't know")
    assert bench.asker.asked[0].folders == ("invoices",)


async def test_the_deadline_ends_the_question_with_an_apology(start: Starter) -> None:
    bench = await start(deadline_seconds=0.2)
    bench.asker.gate.clear()
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")
    reference = re.search(r"`([0-9a-f]{10})`", reply["text"])
    assert reference is not None
    assert reply["text"] == texts.gave_up(GiveUp.TIMED_OUT, reference[1])
    assert bench.asker.running == 0


async def test_an_apology_that_is_cut_short_is_all_that_the_next_process_tries(
    start: Starter,
) -> None:
    bench = await start(deadline_seconds=0.1, pace=Pace(drain=1.0))
    bench.asker.gate.clear()
    await bench.sim.fault("slow", method="chat.postMessage", seconds=30)
    await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    async with asyncio.timeout(5):
        while not bench.asker.asked or bench.asker.running:
            await asyncio.sleep(0.005)
    await bench.end()
    async with state_of(bench.slack) as database:
        inbox = Inbox(database)
        (waiting,) = await inbox.waiting()
        claim = await inbox.claim(waiting.key)
    assert claim is not None
    assert (claim.notes["given_up"], claim.may_be_repeated) == ("timed_out", True)


async def test_who_waits_for_the_model_for_too_long_gets_an_apology(start: Starter) -> None:
    bench = await start(pace=Pace(too_late=0.5), max_concurrent=1)
    bench.asker.gate.clear()
    await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await bench.sim.wait_for(lambda: bench.asker.running == 1)
    reply = await bench.ask("U0ADA", "C0GEN", "@clockify-bot track time")
    assert reply["text"].startswith("Sorry! I could not get to your question within 15 minutes.")
    assert len(bench.asker.asked) == 1


async def test_what_waited_for_too_long_gets_an_apology_and_no_late_answer(start: Starter) -> None:
    bench = await start(pace=Pace(too_late=-1.0))
    root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    reply = await bench.reply_to("C0GEN", root)
    assert reply["text"].startswith("Sorry! I could not get to your question within 15 minutes.")
    assert bench.asker.asked == []


async def test_a_question_survives_a_restart_and_is_answered_once(start: Starter) -> None:
    first = await start(pace=Pace(drain=1.0))
    first.asker.gate.clear()
    root = await first.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await first.sim.wait_for(lambda: first.asker.running == 1)
    await first.end()
    assert first.replies("C0GEN", root) == []
    second = await start()
    await second.reply_to("C0GEN", root)
    await second.ask("U0ANN", "C0RND", "@clockify-bot track time")
    assert len(second.replies("C0GEN", root)) == 1
    assert [question.text for question in second.asker.asked] == ["track time", "track time"]


async def test_a_follow_up_is_understood_after_a_restart(start: Starter) -> None:
    first = await start()
    reply = await first.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    await first.end()
    second = await start()
    root = reply["thread_ts"]
    answer = await second.ask("U0ANN", "C0GEN", "@clockify-bot and for iOS?", root)
    assert answer["text"].startswith("Open *Workspace settings*")
    (asked,) = second.asker.asked
    assert [past.question for past in asked.history] == ["how do I lock timesheets?"]


async def test_a_reply_that_was_kept_is_posted_without_asking_again(
    sim: Simulator, start: Starter, tmp_path: Path
) -> None:
    slack = settings_for(sim, tmp_path)
    ts = await sim.post("U0ANN", "D0ANN", "track time")
    asked = inquiry(ts)
    kept = Conversation(
        answer_id=reference_of(asked.key),
        team="T0SIM",
        channel="D0ANN",
        thread=ts,
        user="U0ANN",
        surface="direct",
        question="track time",
        standalone="track time",
        reply="Kept.",
        outcome="answered",
        links=(),
        generation="00000001",
        asked_at=0.0,
    )
    async with state_of(slack) as database:
        inbox = Inbox(database)
        await inbox.record(asked.to_task())
        await inbox.claim(asked.key)
        prepared = Prepared(Message("Kept, not asked again."), kept)
        await inbox.keep_reply(asked.key, prepared.message)
        await inbox.note(asked.key, **prepared.notes())
        await inbox.release(asked.key)
    bench = await start()
    reply = await bench.reply_to("D0ANN", ts)
    assert reply["text"] == "Kept, not asked again."
    assert bench.asker.asked == []


async def test_slacks_stop_button_ends_the_asking(
    parts: Parts, app: AsyncApp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asker = parts.knowledge.asker
    assert isinstance(asker, ArticleAsker)
    asker.gate.clear()
    await parts.workers.start()
    await bring(app, event("message", channel="D0ANN", channel_type="im", ts="1.5"))
    async with asyncio.timeout(5):
        while not asker.running:
            await asyncio.sleep(0.005)
        await bring(app, event("agent_session_stopped", channel="D0ANN", thread_ts="other"))
        assert asker.running == 1
        await bring(app, event("agent_session_stopped", channel="D0ANN", thread_ts="1.5"))
        while await parts.store.inbox.count():
            await asyncio.sleep(0.005)
    assert asker.running == 0
    assert "outcome=stopped" in caplog.text
    await parts.workers.drain(1.0)


async def test_debug_shows_what_was_searched(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="bot.desk")
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")
    assert "Searched for" not in words(reply)
    again = await bench.ask(
        "U0ANN", "C0GEN", "@clockify-bot and why <!here>? :debug", reply["thread_ts"]
    )
    assert (
        "Searched for “track time and why &lt;!here&gt;?” in generation 00000001; "
        "answered by stand-in;"
    ) in small_print(again)
    assert bench.asker.asked[-1].text == "and why <!here>?"
    assert "was searched as 'track time and why <!here>?'" in caplog.text


async def test_old_knowledge_is_said_to_be_old(start: Starter) -> None:
    bench = await start(stale_after_days=30)
    fresh = await bench.ask("U0ANN", "D0ANN", "track time")
    assert "days ago" not in small_print(fresh)
    bench.asker.created = (datetime.now(UTC) - timedelta(days=31, hours=1)).isoformat()
    bench.asker.generation = "00000002"
    stale = await bench.ask("U0ANN", "D0ANN", "track time")
    assert "were read 31 days ago" in small_print(stale)


async def test_the_first_answer_says_to_mention_for_a_follow_up(bench: Bench) -> None:
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")
    assert texts.MENTION_FOR_FOLLOW_UP in small_print(reply)
    again = await bench.ask("U0ANN", "C0GEN", "@clockify-bot and why?", reply["thread_ts"])
    direct = await bench.ask("U0ANN", "D0ANN", "track time")
    assert texts.MENTION_FOR_FOLLOW_UP not in small_print(again) + small_print(direct)


def test_every_sentence_is_safe_mrkdwn() -> None:
    modules = (vars(texts), vars(policy_texts))
    sentences = [value for names in modules for name, value in names.items() if name.isupper()]
    sentences += [texts.gave_up(why, "0123456789") for why in GiveUp]
    assert len(sentences) > 12
    for sentence in sentences:
        assert "<" not in sentence
        assert "`" not in escape(re.sub("`[^`]*`", "", sentence))
