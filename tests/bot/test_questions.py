"""Questions through the front door: a person in the local Slack asks, the bot replies there."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time

import pytest

from core.types import REFUSAL_TEXT

from .conftest import Bench, Starter, is_bot, words


async def test_mention_gets_a_sourced_answer_in_the_thread(bench: Bench) -> None:
    started = time.perf_counter()
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    assert time.perf_counter() - started < 1.0
    answer, sources = reply["blocks"][:2]
    assert answer["text"]["text"] == (
        "Open *Workspace settings* and switch locking on. "
        "<https://clockify.me/help/lock-timesheets|[1]>"
    )
    assert "<https://clockify.me/help/lock-timesheets|Lock timesheets> › Steps" in json.dumps(
        sources, ensure_ascii=False
    )
    assert reply["text"].startswith("Open *Workspace settings* and switch locking on.")
    assert [question.text for question in bench.asker.asked] == ["how do I lock timesheets?"]
    assert [m["text"] for m in bench.sim.messages("C0GEN") if is_bot(m)] == []


async def test_every_post_keeps_slack_from_parsing_and_unfurling(bench: Bench) -> None:
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    flags = ("parse", "link_names", "unfurl_links", "unfurl_media")
    calls = [entry.body for entry in bench.sim.calls("chat.postMessage")]
    assert [[call[flag] for flag in flags] for call in calls] == [["none", False, False, False]]


async def test_mention_without_words_gets_the_notice(bench: Bench) -> None:
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot")
    assert reply["text"] == "What would you like to know?"
    assert [block["type"] for block in reply["blocks"]] == ["section"]


async def test_unknown_subject_gets_the_refusal_and_the_nearest_articles(bench: Bench) -> None:
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot recipe with ollama")
    refusal, *rest = reply["blocks"]
    assert refusal["text"]["text"] == REFUSAL_TEXT
    for article in ("lock-timesheets|Lock timesheets", "track-time|Track time", "invoices|Send"):
        assert f"<https://clockify.me/help/{article}" in json.dumps(rest)
    assert "Ollama did not answer &lt;!here&gt;." in json.dumps(rest)


async def test_direct_message_is_answered_in_its_thread(bench: Bench) -> None:
    reply = await bench.ask("U0ANN", "D0ANN", "how do I track time")
    assert reply["text"].startswith("Press the start button of the timer.")
    follow_up = await bench.ask("U0ANN", "D0ANN", "and why?", reply["thread_ts"])
    assert follow_up["thread_ts"] == reply["thread_ts"]
    assert [past.question for past in bench.asker.asked[1].history] == ["how do I track time"]


async def test_follow_up_brings_the_earlier_exchanges_of_its_thread(bench: Bench) -> None:
    root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await bench.reply_to("C0GEN", root)
    for number in range(2):
        await bench.ask("U0ANN", "C0GEN", f"@clockify-bot time {number}", root)
    last = bench.asker.asked[-1]
    assert [past.question for past in last.history] == ["track time", "time 0"]
    assert {past.reply for past in last.history} == {"Press the start button of the timer. [1]"}
    await bench.ask("U0ANN", "C0RND", "@clockify-bot time")
    assert bench.asker.asked[-1].history == ()


async def test_command_is_acknowledged_at_once_and_answered_privately(bench: Bench) -> None:
    bench.asker.gate.clear()
    started = time.perf_counter()
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "how do I lock timesheets?")
    assert time.perf_counter() - started < 1.0
    await bench.private("U0ANN", "C0GEN", "Searching the help articles")
    bench.asker.gate.set()
    reply = await bench.private("U0ANN", "C0GEN", "Workspace settings")
    assert reply["blocks"][-1]["type"] == "context_actions"
    assert bench.sim.messages("C0GEN") == []
    assert bench.privates("U0ADA", "C0GEN") == []


async def test_command_answer_never_overtakes_the_acknowledgement(bench: Bench) -> None:
    for question, start in (("track time", "Press"), ("lock", "Open"), ("invoices", "Choose")):
        await bench.sim.command("U0ANN", "C0GEN", "/clockify", question)
        await bench.private("U0ANN", "C0GEN", start)
    heads = [message["text"].split()[0] for message in bench.privates("U0ANN", "C0GEN")]
    assert heads == ["Searching", "Press", "Searching", "Open", "Searching", "Choose"]


@pytest.mark.parametrize("text", ["", "help", "  HELP "])
async def test_command_alone_or_with_help_tells_how_to_use_it(bench: Bench, text: str) -> None:
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", text)
    await bench.private("U0ANN", "C0GEN", "/clockify how do I track time")
    assert bench.asker.asked == []


async def test_help_with_something_is_a_question(bench: Bench) -> None:
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "help with timesheets")
    await bench.private("U0ANN", "C0GEN", "Workspace settings")


async def test_lost_response_url_becomes_a_direct_message(bench: Bench) -> None:
    bench.asker.gate.clear()
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "lock timesheets")
    await bench.private("U0ANN", "C0GEN", "Searching")
    bench.clock.ahead_seconds = 3_600
    bench.asker.gate.set()
    reply = await bench.sim.wait_for(
        lambda: next((m for m in bench.sim.messages("D0ANN") if is_bot(m)), None)
    )
    assert reply is not None
    assert "Workspace settings" in words(reply)


async def test_a_repeated_event_is_answered_once(bench: Bench) -> None:
    await bench.sim.fault("slow_ack", times=1)
    root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    attempts = await bench.sim.wait_for(
        lambda: [
            entry.body["retry_attempt"]
            for entry in bench.sim.envelopes("events_api")
            if entry.body["payload"]["event"]["type"] == "app_mention"
        ][1:],
        8.0,
    )
    assert attempts == [1]
    await bench.ask("U0ANN", "C0RND", "@clockify-bot track time")
    assert len([m for m in bench.sim.messages("C0GEN", root) if is_bot(m)]) == 1


async def test_failure_gives_a_reference_and_nothing_of_the_exception(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot explode now")
    found = re.search(r"reference: `([0-9a-f]{10})`", reply["text"])
    assert found
    assert "secret" not in words(reply)
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in errors] == [f"question {found[1]} failed"]


async def test_command_failure_is_private(bench: Bench) -> None:
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "explode")
    await bench.private("U0ANN", "C0GEN", "reference: `")


async def test_hostile_answer_cannot_ping_or_link(bench: Bench) -> None:
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot poison")
    shown = words(reply)
    assert "<!" not in shown
    assert "<@" not in shown
    assert "@channel" not in shown
    assert "evil.com/?q" not in shown
    assert "&lt;!channel&gt; › Steps" in shown


async def test_status_is_tried_once_when_the_workspace_refuses_it(bench: Bench) -> None:
    await bench.sim.fault("api_error", method="assistant.threads.setStatus", error="missing_scope")
    for _ in range(2):
        await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")
    assert len(bench.sim.calls("assistant.threads.setStatus")) == 1


async def test_refused_blocks_are_posted_as_words(bench: Bench) -> None:
    await bench.sim.fault("api_error", method="chat.postMessage", error="invalid_blocks")
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")
    assert reply["text"].startswith("Press the start button")


async def test_rate_limited_post_is_repeated_once_it_may(bench: Bench) -> None:
    await bench.sim.fault("rate_limit", method="chat.postMessage", retry_after_seconds=1)
    root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await bench.reply_to("C0GEN", root)
    assert [call.error for call in bench.sim.calls("chat.postMessage")] == ["ratelimited", None]


async def test_a_post_whose_reply_is_lost_is_not_made_twice(bench: Bench) -> None:
    await bench.sim.fault("lost_reply", method="chat.postMessage")
    root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await bench.sim.wait_for(lambda: bench.sim.calls("conversations.replies"))
    await bench.ask("U0ANN", "C0RND", "@clockify-bot track time")
    replies = [m for m in bench.sim.messages("C0GEN", root) if is_bot(m)]
    assert ["start button" in words(m) for m in replies] == [True]


async def test_no_more_than_the_limit_is_asked_at_once(start: Starter) -> None:
    bench = await start(max_concurrent=2)
    bench.asker.gate.clear()
    roots = [await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time") for _ in range(5)]
    await bench.sim.wait_for(lambda: bench.asker.running == 2)
    await asyncio.sleep(0.05)
    assert bench.asker.most_running == 2
    bench.asker.gate.set()
    for root in roots:
        await bench.reply_to("C0GEN", root)
    assert bench.asker.most_running == 2


async def test_one_line_a_question_and_no_text_in_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot timesheets zebracrossing")
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "timesheets zebracrossing")
    await bench.private("U0ANN", "C0GEN", "Workspace settings")
    bench.stop.set()
    await bench.serving
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("question ")]
    shape = r"question [0-9a-f]{10} surface=\w+ generation=00000001 outcome=answered ms=\d+"
    assert [bool(re.fullmatch(shape, line)) for line in lines] == [True, True]
    for secret in ("zebracrossing", bench.sim.bot_token, bench.sim.app_token, "Ann Agent"):
        assert secret not in caplog.text


async def test_two_kinds_of_thread_do_not_wait_for_each_other(bench: Bench) -> None:
    bench.asker.gate.clear()
    await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await bench.sim.wait_for(lambda: bench.asker.running == 1)
    started = time.perf_counter()
    await bench.sim.command("U0ADA", "C0GEN", "/clockify", "help")
    assert time.perf_counter() - started < 1.0
