"""What Slack brings is on disk before it is acknowledged; what is nothing for the bot is not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot import texts
from bot.listeners.incoming import question_text
from bot.listeners.messages import looks_like_question
from bot.parts import Parts
from bot.tasks import Inquiry

from .conftest import Bench

BOT = "<@U0BOT>"
Json = dict[str, Any]


def event(kind: str = "app_mention", event_id: str = "Ev1", **fields: Any) -> Json:
    """Make a payload of the Events API; a field of None is left out."""
    inner = {
        "type": kind,
        "user": "U0ANN",
        "text": f"{BOT} how do I lock timesheets?",
        "channel": "C0GEN",
        "ts": "1.000001",
        **({"channel_type": "channel"} if kind == "message" else {}),
        **fields,
    }
    return {
        "type": "event_callback",
        "team_id": "T0SIM",
        "event_id": event_id,
        "event": {name: value for name, value in inner.items() if value is not None},
    }


def command(text: str = "how do I lock?") -> Json:
    """Make the payload of a slash command."""
    return {
        "command": "/clockify",
        "text": text,
        "user_id": "U0ANN",
        "team_id": "T0SIM",
        "channel_id": "C0GEN",
        "trigger_id": "1.2.abc",
        "response_url": "https://hooks.slack.com/commands/1",
    }


async def bring(app: AsyncApp, payload: Json) -> BoltResponse:
    """Hand a payload over as the socket does."""
    return await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))


@contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """Put something in the way of the state file's folder."""
    folder, aside = path.parent, path.parent.with_name("aside")
    folder.rename(aside)
    folder.write_text("no folder")
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


async def test_an_event_is_on_disk_when_it_is_acknowledged(parts: Parts, app: AsyncApp) -> None:
    assert (await bring(app, event())).status == 200
    (waiting,) = await parts.store.inbox.waiting()
    claim = await parts.store.inbox.claim(waiting.key)
    assert claim is not None
    inquiry = Inquiry.of(claim.task)
    assert (waiting.key, inquiry.text, inquiry.thread) == (
        "event Ev1",
        "how do I lock timesheets?",
        "1.000001",
    )
    assert claim.task.twin == "T0SIM C0GEN 1.000001"


async def test_what_cannot_be_recorded_is_not_acknowledged_or_said_so(
    parts: Parts, app: AsyncApp
) -> None:
    form = {
        "type": "view_submission",
        "user": {"id": "U0ANN", "team_id": "T0SIM"},
        "team": {"id": "T0SIM"},
        "trigger_id": "1.2.abc",
        "view": {
            "type": "modal",
            "callback_id": "ask_form",
            "private_metadata": "",
            "state": {"values": {"question": {"input": {"value": "how do I lock?"}}}},
        },
    }
    with unwritable(parts.slack.state_file):
        assert (await bring(app, event())).status == 500
        assert (
            await bring(app, event("message", channel="D0ANN", channel_type="im"))
        ).status == 500
        told = await bring(app, command())
        shown = await bring(app, form)
    assert (told.status, json.loads(told.body)["text"]) == (200, texts.NOT_TAKEN)
    assert (shown.status, json.loads(shown.body)["response_action"]) == (200, "update")
    assert texts.NOT_TAKEN in json.loads(shown.body)["view"]["blocks"][0]["text"]["text"]
    assert await parts.store.inbox.count() == 0


async def test_an_event_that_was_not_recorded_comes_again_and_is_answered(bench: Bench) -> None:
    with unwritable(bench.slack.state_file):
        root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
        await bench.sim.wait_for(lambda: len(bench.sim.envelopes("events_api")) > 1)
    await bench.reply_to("C0GEN", root)
    attempts = [entry.body["retry_attempt"] for entry in bench.sim.envelopes("events_api")]
    assert attempts[:2] == [0, 1]
    assert len(bench.replies("C0GEN", root)) == 1


async def test_duplicates_and_twins_are_acknowledged_and_dropped(
    parts: Parts, app: AsyncApp
) -> None:
    twin = event("message", "Ev2", channel_type="im", channel="C0GEN")
    for payload in (event(), event(), event(event_id="Ev3"), twin):
        assert (await bring(app, payload)).status == 200
    first, second = await bring(app, command()), await bring(app, command())
    assert (first.status, "Searching" in first.body) == (200, True)
    assert (second.status, second.body) == (200, "")
    keys = [waiting.key for waiting in await parts.store.inbox.waiting()]
    assert keys == ["event Ev1", "command 1.2.abc"]


@pytest.mark.parametrize("kind", ["duplicate", "twin"])
async def test_what_slack_brings_twice_is_answered_once(bench: Bench, kind: str) -> None:
    await bench.sim.fault(kind)
    root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await bench.reply_to("C0GEN", root)
    await bench.ask("U0ANN", "C0RND", "@clockify-bot track time")
    assert len(bench.replies("C0GEN", root)) == 1
    assert len(bench.sim.envelopes("events_api")) == 3
    assert len(bench.asker.asked) == 2


@pytest.mark.parametrize(
    "payload",
    [
        event(bot_id="B0OTHER"),
        event(user=None),
        event("message", channel_type="im", bot_id="B0OTHER"),
        event("message", channel_type="im", bot_profile={"id": "B1"}),
        event("message", channel_type="im", subtype="bot_message"),
        event("message", channel_type="im", subtype="message_changed", user=None),
        event("message", channel_type="im", subtype="message_deleted", user=None),
        event("message", channel_type="im", subtype="channel_join"),
        event("message", channel_type="im", user="USLACKBOT"),
        event("message"),
        event("message", text="<@U0ADA> how do I lock timesheets?"),
        event("message", text="how do I lock timesheets?"),
        event("message", text="so, how do I lock timesheets?", thread_ts="0.9"),
    ],
    ids=lambda payload: " ".join(map(str, payload["event"].values()))[:60],
)
async def test_what_is_nothing_for_the_bot_is_acknowledged_and_forgotten(
    parts: Parts, app: AsyncApp, payload: Json
) -> None:
    assert (await bring(app, payload)).status == 200
    assert await parts.store.inbox.count() == 0
    assert parts.health.snapshot().unknown == 0


@pytest.mark.parametrize(
    "payload",
    [
        event("star_added"),
        {"command": "/other", "text": "", "user_id": "U0ANN", "channel_id": "C0GEN"},
        {"type": "block_actions", "user": {"id": "U0ANN"}, "actions": [{"action_id": "odd"}]},
        {"type": "shortcut", "user": {"id": "U0ANN"}, "callback_id": "odd"},
        {
            "type": "view_submission",
            "user": {"id": "U0ANN"},
            "view": {"type": "modal", "callback_id": "odd"},
        },
        {
            "type": "view_closed",
            "user": {"id": "U0ANN"},
            "view": {"type": "modal", "callback_id": "odd"},
        },
    ],
    ids=lambda payload: str(payload.get("type") or payload.get("command")),
)
async def test_the_unknown_is_acknowledged_and_counted(
    parts: Parts, app: AsyncApp, payload: Json
) -> None:
    assert (await bring(app, payload)).status == 200
    assert await parts.store.inbox.count() == 0
    assert parts.health.snapshot().unknown == 1


async def test_a_huge_message_is_cut_and_takes_no_time(parts: Parts, app: AsyncApp) -> None:
    await bring(app, event(event_id="Ev0", ts="0.5"))  # the first one asks Slack who the bot is
    started = time.perf_counter()
    assert (await bring(app, event(text=f"{BOT} " + "<@U0ADA> z̷" * 100_000))).status == 200
    assert time.perf_counter() - started < 0.1
    claim = await parts.store.inbox.claim("event Ev1")
    assert claim is not None
    assert len(claim.task.body["text"]) <= 40_000


@pytest.mark.parametrize(
    ("text", "is_question"),
    [
        ("How do I lock timesheets", True),
        ("hey all, can somebody lock my timesheet?", True),
        ("is it possible to export", True),
        ("ok?", False),
        ("I locked it for you", False),
        ("", False),
    ],
)
def test_what_looks_like_a_question(text: str, is_question: bool) -> None:
    assert looks_like_question(text) is is_question


@pytest.mark.parametrize(
    ("raw", "question"),
    [
        ("<@U0BOT> how do I lock?", "how do I lock?"),
        ("<@U0BOT>", ""),
        ("<@U0BOT|bot> ask <@U0ADA> about <#C1|ops> <#C2>", "ask about #ops"),
        ("a &amp;&amp; b &lt;c&gt; &amp;lt;", "a && b <c> &lt;"),
        (
            "see <https://x.test/a|the page> or <https://x.test/b>",
            "see the page or https://x.test/b",
        ),
        ("<mailto:a@b.test|a@b.test> <!here> <!subteam^S1|@admins>", "a@b.test @admins"),
        ("  many \n\n\t blanks\u00a0here ", "many blanks here"),
        ("cafe\u0301\x00", "café"),
        ("<" * 50_000, "<" * 40_000),
    ],
)
def test_incoming_text(raw: str, question: str) -> None:
    assert question_text(raw) == question
