"""Shortcuts: a private answer about a message, and a form that is answered by direct message."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import form_texts

from .clicking import form, press, submit
from .conftest import ROOT, Bench, is_bot, words
from .conversations import kept

LOCK = "how do I lock timesheets?"


@pytest.fixture
def manifest() -> Path:
    """Name the manifest that has shortcuts."""
    return ROOT / "docs" / "manifests" / "follow-ups.yml"


async def look_up(bench: Bench, text: str, *, thread: str | None = None) -> str:
    """Have Ann ask about a message of Ada's; gives its ts."""
    ts = await bench.sim.post("U0ADA", "C0GEN", text, thread)
    await bench.sim.people.shortcut("U0ANN", "C0GEN", ts, "ask_about_message")
    return ts


async def test_only_the_one_who_asks_sees_the_answer_about_a_message(bench: Bench) -> None:
    ts = await look_up(bench, f"Ann, &lt;please&gt; {LOCK}")
    await bench.private("U0ANN", "C0GEN", "Searching")
    await bench.private("U0ANN", "C0GEN", "Workspace settings")
    assert [m["ts"] for m in bench.sim.messages("C0GEN", viewer="U0ADA")] == [ts]
    assert "Ann" in bench.sim.messages("C0GEN")[0]["text"]


async def test_its_answer_is_shared_in_the_thread_of_the_message(bench: Bench) -> None:
    root = await bench.sim.post("U0ADA", "C0GEN", "morning")
    await look_up(bench, LOCK, thread=root)
    answer = await bench.private("U0ANN", "C0GEN", "Workspace settings")
    await kept(bench, "U0ANN")
    await press(bench, "U0ANN", "C0GEN", answer, "answer_share")
    shared = await bench.reply_to("C0GEN", root)
    assert "Workspace settings" in words(shared)
    assert "Asked by <@U0ANN> about a message" in words(shared)


async def test_a_private_answer_is_no_part_of_the_thread_for_others(bench: Bench) -> None:
    root = await bench.sim.post("U0ADA", "C0GEN", "morning")
    await look_up(bench, LOCK, thread=root)
    await bench.private("U0ANN", "C0GEN", "Workspace settings")
    await kept(bench, "U0ANN")
    await bench.ask("U0ADA", "C0GEN", "@clockify-bot how do I track time?", root)
    assert bench.asker.asked[-1].history == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("<@U0ANN>", form_texts.MESSAGE_IS_EMPTY, id="no words"),
        pytest.param("x" * 2_001, "2,001 characters", id="too long"),
    ],
)
async def test_a_message_that_cannot_be_looked_up(bench: Bench, text: str, told: str) -> None:
    await look_up(bench, text)
    await bench.private("U0ANN", "C0GEN", told)
    assert bench.asker.asked == []


async def test_a_message_by_a_bot(bench: Bench) -> None:
    reply = await bench.ask("U0ADA", "C0GEN", f"@clockify-bot {LOCK}")
    await bench.sim.people.shortcut("U0ANN", "C0GEN", reply["ts"], "ask_about_message")
    await bench.private("U0ANN", "C0GEN", form_texts.MESSAGE_IS_BY_A_BOT)
    assert len(bench.asker.asked) == 1


async def test_the_form_is_answered_by_direct_message(bench: Bench) -> None:
    await bench.sim.people.global_shortcut("U0ANN", "ask_clockify")
    view = await form(bench, "U0ANN", "Ask Clockify")
    assert await submit(bench, "U0ANN", view, question=LOCK) == {}
    await form(bench, "U0ANN", form_texts.ON_ITS_WAY_TITLE)
    await bench.direct("U0ANN", "Workspace settings")
    assert len([m for m in bench.sim.messages("D0ANN") if is_bot(m)]) == 1


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        pytest.param(" \n ", form_texts.EMPTY_QUESTION, id="blanks"),
        pytest.param("x" * 2_001, "2,001 characters", id="too long"),
    ],
)
async def test_what_is_no_question_stays_in_the_form(bench: Bench, typed: str, told: str) -> None:
    await bench.sim.people.global_shortcut("U0ANN", "ask_clockify")
    view = await form(bench, "U0ANN", "Ask Clockify")
    errors = await submit(bench, "U0ANN", view, question=typed)
    assert told in errors["question"]
    kept = bench.sim.modal("U0ANN")
    assert kept is not None
    assert kept["state"]["values"]["question"]["input"]["value"] == typed
    assert bench.asker.asked == []


async def test_a_form_that_comes_too_late_is_told_by_direct_message(bench: Bench) -> None:
    await bench.sim.fault("expired_trigger")
    await bench.sim.people.global_shortcut("U0ANN", "ask_clockify")
    await bench.direct("U0ANN", form_texts.SHORTCUT_TOO_LATE)
