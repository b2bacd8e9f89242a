"""Sharing: a private answer into its channel, once, by the one who asked, where it may go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot import form_texts
from bot.channel_rules import ChannelRules, ChannelRulesTable, Mode
from bot.conversations import Conversations
from bot.database import Database
from bot.listeners.sharing import read
from bot.shares import Begin, Shares
from bot.sharing import shared_message
from bot.tasks import TaskKind

from .clicking import actions, forge, press, value_of
from .conftest import Bench, Json, Starter, is_bot, words
from .conversations import KEPT, kept

LOCK = "how do I lock timesheets?"


async def private_answer(bench: Bench, channel: str = "C0GEN", user: str = "U0ANN") -> Json:
    """Ask with /clockify and give the private answer."""
    await bench.sim.command(user, channel, "/clockify", LOCK)
    answer = await bench.private(user, channel, "Workspace settings")
    if bench.slack.retention_days:
        await kept(bench, user)
    return answer


def public(bench: Bench, channel: str = "C0GEN") -> list[Json]:
    """List what the bot wrote for everybody in a channel."""
    return [message for message in bench.sim.messages(channel) if is_bot(message)]


async def test_everybody_sees_a_shared_answer_once(bench: Bench) -> None:
    answer = await private_answer(bench)
    both = (press(bench, "U0ANN", "C0GEN", answer, "answer_share") for _ in range(2))
    await asyncio.gather(*both)
    await bench.sim.wait_for(lambda: public(bench))
    await bench.private("U0ANN", "C0GEN", form_texts.SHARED)
    (shared,) = public(bench)
    assert LOCK in words(shared)
    assert "Workspace settings" in words(shared)
    assert "https://clockify.me/help/lock-timesheets" in words(shared)
    assert "Asked by <@U0ANN> with `/clockify`" in words(shared)
    assert "answer_feedback" in words(shared)
    assert actions(shared) == []
    assert "Workspace settings" not in str(bench.privates("U0ANN", "C0GEN"))


async def test_a_follow_up_under_a_shared_answer_knows_it(bench: Bench) -> None:
    answer = await private_answer(bench)
    await press(bench, "U0ANN", "C0GEN", answer, "answer_share")
    await bench.private("U0ANN", "C0GEN", form_texts.SHARED)
    (shared,) = public(bench)
    await bench.ask("U0ADA", "C0GEN", "@clockify-bot and the timer?", shared["ts"])
    assert [past.question for past in bench.asker.asked[-1].history] == [LOCK]


async def test_where_the_bot_is_not_it_asks_to_be_invited_and_then_shares(bench: Bench) -> None:
    answer = await private_answer(bench, "C0OUT")
    await press(bench, "U0ANN", "C0OUT", answer, "answer_share")
    await bench.private("U0ANN", "C0OUT", "/invite <@U0BOT>")
    assert "Workspace settings" in str(bench.privates("U0ANN", "C0OUT"))
    bench.sim.people.invite("U0ANN", "C0OUT", "U0BOT")
    await press(bench, "U0ANN", "C0OUT", answer, "answer_share")
    await bench.private("U0ANN", "C0OUT", form_texts.SHARED)
    assert len(public(bench, "C0OUT")) == 1


async def test_a_channel_where_the_bot_may_not_post(bench: Bench) -> None:
    answer = await private_answer(bench)
    for error, told in (
        ("is_archived", form_texts.SHARE_ARCHIVED),
        ("restricted_action", form_texts.SHARE_READ_ONLY),
    ):
        await bench.sim.fault("api_error", method="chat.postMessage", error=error)
        await press(bench, "U0ANN", "C0GEN", answer, "answer_share")
        await bench.private("U0ANN", "C0GEN", told)
    await press(bench, "U0ANN", "C0GEN", answer, "answer_share")
    await bench.private("U0ANN", "C0GEN", form_texts.SHARED)
    assert len(public(bench)) == 1


@pytest.mark.proof
async def test_a_lost_reply_does_not_share_twice(bench: Bench) -> None:
    answer = await private_answer(bench)
    await bench.sim.fault("lost_reply", method="chat.postMessage")
    await press(bench, "U0ANN", "C0GEN", answer, "answer_share")
    await bench.sim.wait_for(lambda: form_texts.SHARED in str(bench.privates("U0ANN", "C0GEN")), 20)
    assert len(public(bench)) == 1


async def test_nothing_is_shared_when_nothing_is_kept(start: Starter) -> None:
    bench = await start(retention_days=0)
    answer = await private_answer(bench)
    await press(bench, "U0ANN", "C0GEN", answer, "answer_share")
    await bench.private("U0ANN", "C0GEN", form_texts.SHARE_UNKNOWN)
    assert public(bench) == []


async def test_nobody_shares_the_answer_of_another(bench: Bench) -> None:
    answer = await private_answer(bench)
    own = await private_answer(bench, user="U0ADA")
    forge(own, "answer_share", value_of(answer, "answer_share"))
    await press(bench, "U0ADA", "C0GEN", own, "answer_share")
    await bench.private("U0ADA", "C0GEN", form_texts.SHARE_NOT_YOURS)
    assert public(bench) == []
    line = bench.audit()[-1]
    assert (line["user"], line["subcommand"], line["allowed"]) == ("U0ADA", "share", False)


async def test_the_rules_of_the_channel_are_asked_again(bench: Bench) -> None:
    answer = await private_answer(bench)
    database = await Database.open(bench.slack.state_file)
    try:
        await ChannelRulesTable(database).set("C0GEN", ChannelRules(mode=Mode.OFF), "U0ADA")
    finally:
        await database.close()
    await press(bench, "U0ANN", "C0GEN", answer, "answer_share")
    await bench.private("U0ANN", "C0GEN", "switched off in this channel")
    assert public(bench) == []
    assert bench.audit()[-1]["outcome"] == "refused by the rules"


async def test_what_breaks_is_told_and_can_be_tried_again(bench: Bench) -> None:
    answer = await private_answer(bench)
    await bench.sim.fault("api_error", method="chat.postMessage", error="invalid_arguments")
    await press(bench, "U0ANN", "C0GEN", answer, "answer_share")
    await bench.private("U0ANN", "C0GEN", "I could not share the answer")
    await press(bench, "U0ANN", "C0GEN", answer, "answer_share")
    await bench.private("U0ANN", "C0GEN", form_texts.SHARED)
    assert len(public(bench)) == 1


async def test_what_everybody_sees_is_not_dismissed(bench: Bench) -> None:
    answer = await bench.ask("U0ADA", "C0GEN", f"@clockify-bot {LOCK}")
    block = next(block for block in answer["blocks"] if block["type"] == "context_actions")
    block["elements"][0] |= {"type": "icon_button", "action_id": "answer_dismiss"}
    block["elements"][0] |= {"text": {"type": "plain_text", "text": "x"}, "value": "a1"}
    await press(bench, "U0ANN", "C0GEN", answer, "answer_dismiss")
    await bench.ask("U0ADA", "C0GEN", f"@clockify-bot {LOCK}")  # what came before is done
    assert answer["ts"] in {m["ts"] for m in bench.sim.messages("C0GEN", answer["thread_ts"])}
    assert [entry for entry in bench.sim.site.feed.entries() if entry.kind == "response_url"] == []


def test_a_shared_answer_is_inert_and_links_only_to_its_sources() -> None:
    message = shared_message(KEPT, can_escalate=True)
    text = words({"text": message.text, "blocks": list(message.blocks)})
    assert "<!channel>" not in text
    assert "https://clockify.me/help/lock" in text
    assert message.blocks[0]["text"]["text"].startswith("> and")
    assert "answer_human" in text
    assert "answer_share" not in text


@pytest.mark.parametrize("value", ["", "a b", "a1:up", "<!channel>", "x" * 65, None, 7])
def test_what_is_no_id_of_an_answer_is_no_share(value: object) -> None:
    click = {"action_id": "answer_share", "value": value}
    body = {"type": "block_actions", "actions": [click], "user": {"id": "U0ANN"}}
    assert read(body | {"channel": {"id": "C0GEN"}, "trigger_id": "1.2"}) is None
    click["value"] = "a1"
    task = read(body | {"channel": {"id": "C0GEN"}, "trigger_id": "1.2"})
    assert task is not None
    assert (task.key, task.kind, task.user) == ("action 1.2", TaskKind.SHARE, "U0ANN")


async def test_one_share_at_a_time_and_one_ever(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    try:
        conversations = Conversations(database, retention_days=7, clock=lambda: 1.0)
        shares, others = Shares(database), Shares(database)
        assert await shares.begin("a1", "k1") is Begin.UNKNOWN
        await conversations.add(KEPT)
        begun = await asyncio.gather(*(shares.begin("a1", f"k{n}") for n in range(8)))
        assert sorted(map(str, begun)) == sorted([str(Begin.OURS), *[str(Begin.UNDER_WAY)] * 7])
        ours = f"k{begun.index(Begin.OURS)}"
        assert await others.begin("a1", ours) is Begin.OURS  # after a restart
        await shares.abandon("a1", "k9")
        assert await shares.begin("a1", "k9") is Begin.UNDER_WAY
        await shares.abandon("a1", ours)
        assert (await conversations.find("a1")) == KEPT
        assert await shares.begin("a1", "k9") is Begin.OURS
        await shares.finish("a1", "C0GEN", "5.0")
        assert await shares.begin("a1", "k9") is Begin.DONE
        kept = await conversations.find("a1")
        assert kept is not None
        assert (kept.posted_channel, kept.posted_ts) == ("C0GEN", "5.0")
    finally:
        await database.close()
