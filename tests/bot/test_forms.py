"""Forms under answers: a follow-up stays private, a rephrased question is asked where it was."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot import form_texts
from bot.forms import MAX_OPTION_CHARS, feedback_of, feedback_view, rephrase_view
from bot.listeners.clicks import read_click
from bot.listeners.forms import reader
from bot.seal import Origin, Seal
from bot.simulator.view_rules import check_view
from bot.tasks import Inquiry, Surface, TaskKind

from .clicking import forge, form, press, submit, value_of
from .conftest import Bench, Json, Starter, is_bot, words
from .conversations import KEPT, kept

LOCK = "how do I lock timesheets?"
COFFEE = "how do I brew coffee?"
SEAL = Seal("xoxb-1")
ORIGIN = Origin(
    user="U0ANN",
    answer_id="a1",
    channel="C0GEN",
    thread="7.0",
    response_url="https://hooks.slack.com/actions/1",
    is_private=True,
)


def submission(callback_id: str, sealed: str, typed: str, user: str = "U0ANN") -> Json:
    """Make the submission of a form as Slack sends it."""
    values = {"question": {"input": {"type": "plain_text_input", "value": typed}}}
    view = {"id": "V1", "hash": "h1", "callback_id": callback_id, "private_metadata": sealed}
    return {
        "type": "view_submission",
        "team": {"id": "T0SIM"},
        "user": {"id": user},
        "view": view | {"state": {"values": values}},
    }


async def test_a_follow_up_is_understood_and_stays_private(bench: Bench) -> None:
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", LOCK)
    answer = await bench.private("U0ANN", "C0GEN", "Workspace settings")
    await kept(bench, "U0ANN")
    await press(bench, "U0ANN", "C0GEN", answer, "answer_follow_up")
    view = await form(bench, "U0ANN", form_texts.FOLLOW_UP_TITLE)
    assert (
        await submit(bench, "U0ANN", view, question="and track time with the start button?") == {}
    )
    assert bench.sim.modal("U0ANN") is None
    await bench.private("U0ANN", "C0GEN", "Press the start button")
    await bench.private("U0ANN", "C0GEN", "Workspace settings")  # is still there
    assert [past.question for past in bench.asker.asked[-1].history] == [LOCK]
    assert bench.sim.messages("C0GEN", viewer="U0ADA") == []


async def test_a_refused_question_is_asked_again_in_its_thread(bench: Bench) -> None:
    refusal = await bench.ask("U0ANN", "C0GEN", f"@clockify-bot {COFFEE}")
    await kept(bench, "U0ANN")
    root = refusal["thread_ts"]
    await press(bench, "U0ADA", "C0GEN", refusal, "answer_rephrase")
    view = await form(bench, "U0ADA", form_texts.REPHRASE_TITLE)
    assert view["blocks"][0]["element"]["initial_value"] == COFFEE
    assert await submit(bench, "U0ADA", view, question=LOCK) == {}
    await bench.reply_to("C0GEN", root, after=refusal["ts"])
    replies = [m for m in bench.sim.messages("C0GEN", root) if is_bot(m)]
    assert [("Workspace settings" in words(m)) for m in replies] == [False, True]


async def test_a_refusal_in_private_is_replaced_by_the_new_answer(bench: Bench) -> None:
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", COFFEE)
    refusal = await bench.private("U0ANN", "C0GEN", "I don't know")
    await press(bench, "U0ANN", "C0GEN", refusal, "answer_rephrase")
    view = await form(bench, "U0ANN", form_texts.REPHRASE_TITLE)
    await submit(bench, "U0ANN", view, question=LOCK)
    await bench.private("U0ANN", "C0GEN", "Workspace settings")
    assert "I don't know" not in str(bench.privates("U0ANN", "C0GEN"))
    assert bench.sim.messages("C0GEN", viewer="U0ADA") == []


async def test_a_refusal_in_a_direct_message_is_followed_there(bench: Bench) -> None:
    refusal = await bench.ask("U0ANN", "D0ANN", COFFEE)
    await press(bench, "U0ANN", "D0ANN", refusal, "answer_rephrase")
    view = await form(bench, "U0ANN", form_texts.REPHRASE_TITLE)
    await submit(bench, "U0ANN", view, question=LOCK)
    answer = await bench.reply_to("D0ANN", refusal["thread_ts"], after=refusal["ts"])
    assert "Workspace settings" in words(answer)


async def test_the_form_opens_empty_when_nothing_is_kept(start: Starter) -> None:
    bench = await start(retention_days=0)
    refusal = await bench.ask("U0ANN", "C0GEN", f"@clockify-bot {COFFEE}")
    await press(bench, "U0ANN", "C0GEN", refusal, "answer_rephrase")
    view = await form(bench, "U0ANN", form_texts.REPHRASE_TITLE)
    assert "initial_value" not in view["blocks"][0]["element"]


async def test_nobody_reads_the_private_question_of_another(bench: Bench) -> None:
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", COFFEE)
    theirs = await bench.private("U0ANN", "C0GEN", "I don't know")
    await bench.sim.command("U0ADA", "C0GEN", "/clockify", "how do I bake bread?")
    own = await bench.private("U0ADA", "C0GEN", "I don't know")
    forge(own, "answer_rephrase", value_of(theirs, "answer_rephrase"))
    await kept(bench, "U0ANN")
    await press(bench, "U0ADA", "C0GEN", own, "answer_rephrase")
    view = await form(bench, "U0ADA", form_texts.REPHRASE_TITLE)
    assert "initial_value" not in view["blocks"][0]["element"]


async def test_a_form_that_comes_too_late_is_told(bench: Bench) -> None:
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", LOCK)
    answer = await bench.private("U0ANN", "C0GEN", "Workspace settings")
    await bench.sim.fault("expired_trigger")
    await press(bench, "U0ANN", "C0GEN", answer, "answer_follow_up")
    await bench.private("U0ANN", "C0GEN", form_texts.FORM_TOO_LATE)


def test_a_private_follow_up_as_a_task() -> None:
    task = reader(SEAL)(submission("follow_up", SEAL.close(ORIGIN), " and &amp;  iOS? "))
    assert task is not None
    assert (task.key, task.twin, task.kind) == ("view V1 h1", "", TaskKind.QUESTION)
    assert Inquiry.of(task) == Inquiry(
        key="view V1 h1",
        text="and & iOS?",
        surface=Surface.COMMAND,
        team="T0SIM",
        user="U0ANN",
        channel="C0GEN",
        thread="7.0",
        response_url=ORIGIN.response_url,
        continues="a1",
    )


@pytest.mark.parametrize(
    ("channel", "surface"), [("C0GEN", Surface.MENTION), ("D0ANN", Surface.DIRECT)]
)
def test_a_rephrased_question_goes_into_its_thread(channel: str, surface: Surface) -> None:
    origin = replace(ORIGIN, channel=channel, is_private=False)
    task = reader(SEAL)(submission("rephrase", SEAL.close(origin), LOCK))
    assert task is not None
    inquiry = Inquiry.of(task)
    assert (inquiry.surface, inquiry.channel, inquiry.thread) == (surface, channel, "7.0")
    assert (inquiry.ts, inquiry.response_url, inquiry.continues) == ("", "", "")


@pytest.mark.parametrize(
    "sealed",
    [
        pytest.param("", id="nothing"),
        pytest.param("x" * 4_000, id="long"),
        pytest.param(Seal("xoxb-2").close(ORIGIN), id="sealed by another"),
        pytest.param(SEAL.close(ORIGIN).replace("C0GEN", "C0RND"), id="altered"),
        pytest.param(SEAL.close(replace(ORIGIN, user="U0ADA")), id="of somebody else"),
        pytest.param(json.dumps({"answer_id": "a1", "channel": "C0RND"}), id="not sealed"),
        pytest.param("é" * 64 + "{}", id="no signature"),
    ],
)
@pytest.mark.parametrize("callback_id", ["follow_up", "rephrase"])
def test_a_form_with_an_origin_that_was_made_up_asks_nothing(sealed: str, callback_id: str) -> None:
    assert reader(SEAL)(submission(callback_id, sealed, LOCK)) is None


def test_the_form_without_origin_ignores_one() -> None:
    task = reader(SEAL)(submission("ask_form", SEAL.close(ORIGIN), LOCK))
    assert task is not None
    inquiry = Inquiry.of(task)
    assert (inquiry.surface, inquiry.channel, inquiry.response_url) == (Surface.FORM, "", "")


@pytest.mark.parametrize("typed", ["", "  ", "<@U0ANN>", "x" * 2_001])
def test_what_has_to_be_corrected_is_no_task_yet(typed: str) -> None:
    assert reader(SEAL)(submission("ask_form", "", typed)) is None


@pytest.mark.parametrize(
    "body",
    [
        {"type": "view_submission"},
        {"type": "view_submission", "view": {"callback_id": "channel_rules"}},
        {"type": "view_closed", "view": {"callback_id": "ask_form"}},
        {"type": "block_actions", "actions": []},
    ],
)
def test_other_payloads_are_left_to_others(body: Json) -> None:
    assert reader(SEAL)(body) is None


def test_a_reason_that_the_form_does_not_offer_counts_as_none() -> None:
    values: Json = {"reason": {"input": {"selected_option": {"value": "<!channel>"}}}}
    filled = feedback_of({"state": {"values": values | {"comment": {"input": {"value": None}}}}})
    assert (filled.answer_id, filled.reason, filled.comment) == ("general", "", "")


def test_forms_stay_within_slacks_limits() -> None:
    long = "w" * 5_000
    sealed = SEAL.close(replace(ORIGIN, response_url=f"https://hooks.slack.com/{'x' * 500}"))
    view = rephrase_view(sealed, long, is_private=False)
    check_view(view, "modal")
    asked = [replace(KEPT, answer_id=f"a{number}", question=long) for number in range(9)]
    recent = feedback_view(asked)
    check_view(recent, "modal")
    options = recent["blocks"][0]["element"]["options"]
    assert [len(option["text"]["text"]) for option in options[:-1]] == [MAX_OPTION_CHARS] * 5


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"type": "block_actions", "actions": []}, None),
        ({"type": "block_actions", "actions": [{"action_id": "x"}]}, None),
        ({"type": "shortcut", "actions": [{"action_id": "x"}]}, None),
    ],
)
def test_payloads_that_are_no_click(body: Json, expected: Any) -> None:
    assert read_click(body) is expected
