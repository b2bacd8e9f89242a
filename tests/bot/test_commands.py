"""/clockify: a private answer, and what the subcommands say."""

from __future__ import annotations

import asyncio

import pytest

from bot import form_texts
from bot.background import Background
from bot.command_status import Status, StatusSource, status_message
from bot.health import HealthRecord
from bot.listeners.commands import Subcommand, answer_late, read, read_subcommand
from bot.message import Message
from bot.response_url import ResponseUrl
from bot.startup import open_client
from bot.tasks import Inquiry, Surface

from .clicking import actions, form, press, submit
from .conftest import Bench, Starter, words
from .conversations import kept

LOCK = "how do I lock timesheets?"


async def voted(bench: Bench) -> None:
    """Wait until a vote is in the file."""
    async with asyncio.timeout(5):
        while not bench.feedback():
            await asyncio.sleep(0.01)


async def test_an_answer_that_only_the_asker_sees(bench: Bench) -> None:
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", LOCK)
    await bench.private("U0ANN", "C0GEN", f"Searching the help articles for “{LOCK}”")
    answer = await bench.private("U0ANN", "C0GEN", "Workspace settings")
    assert actions(answer) == ["answer_share", "answer_follow_up", "answer_dismiss"]
    assert bench.sim.messages("C0GEN", viewer="U0ADA") == []
    assert bench.asker.asked[0].text == LOCK


@pytest.mark.parametrize("text", ["help with timesheets", "status of invoices", "gaps?", "feed"])
def test_more_than_a_subcommand_is_a_question(text: str) -> None:
    body = {"command": "/clockify", "text": text, "trigger_id": "1.2", "user_id": "U0ANN"}
    task = read(body | {"team_id": "T0SIM", "channel_id": "C0GEN", "response_url": "https://x"})
    assert task is not None
    assert Inquiry.of(task) == Inquiry(
        key="command 1.2",
        text=text,
        surface=Surface.COMMAND,
        team="T0SIM",
        user="U0ANN",
        channel="C0GEN",
        response_url="https://x",
    )


def test_other_payloads_are_left_to_others() -> None:
    assert read({"command": "/clockify-rebuild", "text": LOCK, "user_id": "U0ANN"}) is None
    assert read({"type": "view_submission", "text": LOCK}) is None


@pytest.mark.parametrize("subcommand", [*Subcommand])
@pytest.mark.parametrize("typed", ["{}", "  {}  ", "{}\n"])
def test_a_subcommand_is_no_question(subcommand: Subcommand, typed: str) -> None:
    for text in (typed.format(subcommand), typed.format(subcommand.upper())):
        assert read({"command": "/clockify", "text": text, "user_id": "U0ANN"}) is None
    assert read_subcommand(subcommand.value) is subcommand
    assert read_subcommand("") is Subcommand.HELP


async def test_help_tells_every_subcommand(bench: Bench) -> None:
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "HELP ")
    told = await bench.private("U0ANN", "C0GEN", "What `/clockify` does")
    assert all(f"/clockify {subcommand}" in words(told) for subcommand in Subcommand)
    assert bench.asker.asked == []


async def test_status_for_everyone(start: Starter) -> None:
    bench = await start(retention_days=3)
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "status")
    told = words(await bench.private("U0ANN", "C0GEN", "*Knowledge:* generation 00000001"))
    assert "*Slack:* connected for" in told
    assert "*In hand:* nothing" in told
    assert "for 3 days" in told
    assert bench.sim.messages("C0GEN", viewer="U0ADA") == []


def test_every_line_of_a_status() -> None:
    status = Status("00000007", 7_300, 1_240, 60.0, 1, 2, 7)
    assert status_message(status).text.splitlines() == [
        "*Knowledge:* generation 00000007, read 2 h ago, 1,240 articles.",
        "*Slack:* connected for 60 s, reconnected once.",
        "*In hand:* 2 questions.",
        "*Kept:* questions and answers for 7 days, for follow-ups and to improve the articles.",
    ]
    bad = status_message(Status("", None, None, None, 3, 1, 0)).text.splitlines()
    assert bad[:3] == [
        form_texts.STATUS_NO_KNOWLEDGE,
        "*Slack:* not connected, reconnected 3 times.",
        "*In hand:* one question.",
    ]
    assert bad[3] == form_texts.STATUS_NOTHING_KEPT


async def test_the_age_of_another_generation_is_not_told() -> None:
    async def waiting() -> int:
        return 4

    meta = {"generation": "00000001", "created": "2026-01-01T00:00:00Z", "counts": {"articles": 9}}
    generation = ["00000001"]
    record = HealthRecord()
    source = StatusSource(
        generation=lambda: generation[0],
        live_meta=lambda: meta,
        health=record.snapshot,
        waiting=waiting,
        retention_days=7,
    )
    status = await source.status()
    assert (status.articles, status.waiting, status.connected_seconds) == (9, 4, None)
    assert (status.age_seconds or 0) > 0
    generation[0] = "00000002"
    record.connected()
    status = await source.status()
    assert (status.articles, status.age_seconds, status.connected_seconds is None) == (
        None,
        None,
        False,
    )


async def test_gaps_are_for_admins_alone(bench: Bench) -> None:
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I brew coffee?")
    await kept(bench, "U0ANN")
    await bench.sim.command("U0ADA", "C0GEN", "/clockify", "gaps")
    await bench.private("U0ADA", "C0GEN", "brew coffee")
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "Gaps")
    refused = await bench.private("U0ANN", "C0GEN", "Only the admins")
    assert "coffee" not in words(refused)
    lines = [line for line in bench.audit() if line["subcommand"] == "gaps"]
    assert [(line["user"], line["allowed"], line["outcome"]) for line in lines] == [
        ("U0ADA", True, "shown"),
        ("U0ANN", False, "not an admin"),
    ]


async def test_guests_see_no_gaps_though_they_are_named(start: Starter) -> None:
    bench = await start(admins=("U0GUS",))
    await bench.sim.command("U0GUS", "C0GEN", "/clockify", "gaps")
    await bench.private("U0GUS", "C0GEN", "full members")
    assert bench.audit()[-1]["outcome"] == "a guest"


async def test_gaps_without_admins(start: Starter) -> None:
    bench = await start(admins=())
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "gaps")
    await bench.private("U0ANN", "C0GEN", "nobody is one yet")


async def test_gaps_when_nothing_is_kept(start: Starter) -> None:
    bench = await start(retention_days=0)
    await bench.sim.command("U0ADA", "C0GEN", "/clockify", "gaps")
    await bench.private("U0ADA", "C0GEN", form_texts.STATUS_NOTHING_KEPT)


async def test_what_takes_long_is_told_afterwards(bench: Bench) -> None:
    await bench.sim.fault("slow", method="users.info", seconds=0.7)
    await bench.sim.command("U0ADA", "C0GEN", "/clockify", "gaps")
    await bench.private("U0ADA", "C0GEN", form_texts.ONE_MOMENT)
    await bench.sim.wait_for(lambda: len(bench.privates("U0ADA", "C0GEN")) == 2)


@pytest.mark.parametrize("ending", ["stopped", "broken"])
async def test_what_comes_to_no_good_end_after_a_while_is_told(bench: Bench, ending: str) -> None:
    url = bench.sim.site.responses.issue("C0GEN", "U0ANN")
    background = Background()
    async with open_client(bench.slack) as client:
        answering: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        background.spawn(answer_late(answering, ResponseUrl(client, url)))
        await asyncio.sleep(0)
        if ending == "broken":
            answering.set_exception(RuntimeError("very secret detail"))
        await background.drain(3.0 if ending == "broken" else 0.0)
    told = str(bench.privates("U0ANN", "C0GEN"))
    assert ("reference: `" if ending == "broken" else form_texts.COMMAND_INTERRUPTED) in told
    assert "secret" not in told


async def test_feedback_about_a_recent_answer(bench: Bench) -> None:
    await bench.ask("U0ANN", "C0GEN", f"@clockify-bot {LOCK}")
    await kept(bench, "U0ANN")
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "feedback")
    view = await form(bench, "U0ANN", "Feedback")
    options = view["blocks"][0]["element"]["options"]
    assert [option["text"]["text"] for option in options] == [LOCK, form_texts.FEEDBACK_ELSE]
    assert await submit(bench, "U0ANN", view) == {"comment": form_texts.EMPTY_FEEDBACK}
    long = "x" * 2_001
    assert "2,001" in (await submit(bench, "U0ANN", view, comment=long))["comment"]
    assert await submit(bench, "U0ANN", view, reason="outdated", comment="it moved") == {}
    await form(bench, "U0ANN", "Feedback")
    assert form_texts.FEEDBACK_THANKS in words(bench.sim.modal("U0ANN") or {})
    answer_id = bench.asker.asked[0].id
    await voted(bench)
    (line,) = bench.feedback()
    assert (line["answer_id"], line["vote"], line["reason"]) == (answer_id, "down", "outdated")
    assert "it moved" not in bench.slack.feedback_file.read_text()
    await bench.sim.command("U0ADA", "C0GEN", "/clockify", "gaps")
    await bench.private("U0ADA", "C0GEN", "lock timesheets")


async def test_feedback_about_nothing_in_particular(bench: Bench) -> None:
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "feedback")
    view = await form(bench, "U0ANN", "Feedback")
    assert await submit(bench, "U0ANN", view, comment="I like it") == {}
    await voted(bench)
    assert bench.feedback()[0]["answer_id"].startswith("general")


async def test_a_form_that_comes_too_late_is_told(bench: Bench) -> None:
    await bench.sim.fault("expired_trigger")
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "feedback")
    await bench.private("U0ANN", "C0GEN", form_texts.COMMAND_TOO_LATE)
    assert bench.sim.modal("U0ANN") is None


async def test_dismiss_takes_the_answer_away(bench: Bench) -> None:
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", LOCK)
    answer = await bench.private("U0ANN", "C0GEN", "Workspace settings")
    await press(bench, "U0ANN", "C0GEN", answer, "answer_dismiss")
    await bench.sim.wait_for(
        lambda: "Workspace settings" not in str(bench.privates("U0ANN", "C0GEN"))
    )
