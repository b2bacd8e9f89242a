"""With the manifest that lets the bot hear channels: follow-ups and questions without a mention."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import texts
from bot.channel_rules import ChannelRules, Mode

from .conftest import ROOT, Bench, words
from .test_desk import set_rules


@pytest.fixture
def manifest() -> Path:
    """Name the variant that subscribes to the messages of channels."""
    return ROOT / "docs" / "manifests" / "follow-ups.yml"


async def test_a_thread_of_the_bot_goes_on_without_a_mention(bench: Bench) -> None:
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    assert texts.MENTION_FOR_FOLLOW_UP not in words(reply)
    again = await bench.ask("U0ADA", "C0GEN", "and for iOS?", reply["thread_ts"])
    assert again["text"].startswith("Open *Workspace settings*")
    assert [past.question for past in bench.asker.asked[1].history] == ["how do I lock timesheets?"]


async def test_a_mention_is_heard_twice_and_answered_once(bench: Bench) -> None:
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")
    root = reply["thread_ts"]
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot and why?", root)
    await bench.end()
    kinds = [e.body["payload"]["event"]["type"] for e in bench.sim.envelopes("events_api")]
    assert sorted(kinds)[:2] == ["app_mention", "app_mention"]
    assert kinds.count("message") >= 2
    assert len(bench.replies("C0GEN", root)) == len(bench.asker.asked) == 2


async def test_what_others_say_to_each_other_is_left_alone(bench: Bench) -> None:
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")
    root = reply["thread_ts"]
    await bench.sim.post("U0ANN", "C0GEN", "<@U0ADA> how do you track time?", root)
    other = await bench.sim.post("U0ANN", "C0GEN", "how do I track time?")
    await bench.sim.post("U0ANN", "C0GEN", "and how do I track it?", other)
    await bench.ask("U0ANN", "C0GEN", "and why?", root)
    await bench.end()
    assert [question.text for question in bench.asker.asked] == ["track time", "and why?"]
    assert len(bench.replies("C0GEN", root)) == 2
    assert bench.replies("C0GEN", other) == []


async def test_an_auto_channel_answers_what_it_can_and_is_silent_otherwise(bench: Bench) -> None:
    await set_rules(bench, "C0GEN", ChannelRules(mode=Mode.AUTO))
    chatter = await bench.sim.post("U0ANN", "C0GEN", "I track my time every day")
    unknown = await bench.sim.post("U0ANN", "C0GEN", "does somebody know a recipe?")
    reply = await bench.ask("U0ANN", "C0GEN", "how do I track time?")
    assert reply["text"].startswith("Press the start button")
    follow_up = await bench.ask("U0ANN", "C0GEN", "and why is that?", reply["thread_ts"])
    assert follow_up["text"].startswith("Press the start button")
    assert bench.replies("C0GEN", chatter) == bench.replies("C0GEN", unknown) == []
    asked = [question.text for question in bench.asker.asked]
    assert sorted(asked) == [
        "and why is that?",
        "does somebody know a recipe?",
        "how do I track time?",
    ]


async def test_an_auto_channel_shows_nothing_of_what_it_overhears(bench: Bench) -> None:
    await set_rules(bench, "C0GEN", ChannelRules(mode=Mode.AUTO))
    roots = [
        await bench.sim.post("U0ANN", "C0GEN", text)
        for text in ("how do I make the bot explode?", "is there a good recipe?")
    ]
    await bench.ask("U0ADA", "C0RND", "@clockify-bot track time")
    await bench.sim.wait_for(lambda: len(bench.asker.asked) == 3)
    await bench.end()
    channels = [c.body["channel_id"] for c in bench.sim.calls("assistant.threads.setStatus")]
    assert set(channels) <= {"C0RND"}
    assert [len(bench.sim.messages("C0GEN", root, "U0ANN")) for root in roots] == [1, 1]


async def test_a_channel_that_is_off_says_so_to_who_mentions_the_bot(bench: Bench) -> None:
    await set_rules(bench, "C0GEN", ChannelRules(mode=Mode.OFF))
    root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await bench.private("U0ANN", "C0GEN", "I am switched off in this channel.", root)
    assert bench.replies("C0GEN", root) == []
