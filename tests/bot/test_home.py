"""The Home tab: what each person sees there, and what its buttons do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from bot import home_texts, policy_texts
from bot.home import MAX_VALUE_CHARS, AdminPanel, Home, home_view
from bot.listeners.home import read
from bot.markup import escape
from bot.simulator.server import Simulator
from bot.simulator.view_rules import check_view
from bot.tasks import Inquiry, Surface

from .conftest import Bench, Json, Starter, words
from .conversations import KEPT, kept
from .homes import buttons, home_with, modal_with, open_home, press, until
from .inert import Allowed, block_problems
from .terminal import Terminal

LOCK, TRACK = "How do I lock all timesheets?", "How do I track time & <!here>?"


class Shelf:
    """Examples that are found once the gate is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.looks = 0
        self.failure: Exception | None = None
        self.is_cancelled = False

    async def __call__(self) -> tuple[str, ...]:
        """Find two."""
        self.looks += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise
        if self.failure is not None:
            raise self.failure
        return LOCK, TRACK


async def test_a_member_sees_what_the_bot_knows_and_how_to_ask(bench: Bench) -> None:
    home = await open_home(bench, "U0ANN")
    shown = words(home)
    assert "generation 00000001" in shown
    assert "read 1 s ago" in shown
    assert "*How to ask*" in shown
    assert buttons(home) == []
    assert home_texts.PANEL not in shown


async def test_the_messages_tab_publishes_nothing(bench: Bench) -> None:
    bench.sim.people.open_home("U0ANN", "messages")
    await open_home(bench, "U0ADA")
    assert bench.sim.home("U0ANN") is None
    assert len(bench.sim.calls("views.publish")) == 1


async def test_examples_come_when_they_are_found_and_are_looked_for_once(start: Starter) -> None:
    shelf = Shelf()
    bench = await start(examples=shelf)
    for user in ("U0ANN", "U0ADA", "U0ANN"):
        assert "home_ask" not in words(await open_home(bench, user))
    shelf.gate.set()
    home = await home_with(bench, "U0ANN", LOCK)
    await home_with(bench, "U0ADA", LOCK)
    assert buttons(home) == [("home_ask", LOCK), ("home_ask", TRACK)]
    assert "How do I track time &amp; &lt;!here&gt;?" in words(home)
    assert "home_ask" in words(await open_home(bench, "U0ANN"))
    assert shelf.looks == 1


async def test_examples_that_come_late_do_not_hide_what_was_told_meanwhile(start: Starter) -> None:
    shelf = Shelf()
    bench = await start(examples=shelf)
    home = await open_home(bench, "U0ADA", home_texts.PANEL)
    await press(bench, "U0ADA", home, "home_rebuild")
    await home_with(bench, "U0ADA", "I keep you posted")
    shelf.gate.set()
    assert "I keep you posted" in words(await home_with(bench, "U0ADA", "home_ask"))
    await bench.end()
    assert len(bench.sim.calls("views.publish")) == 3


async def test_a_new_generation_gets_new_examples(start: Starter) -> None:
    shelf = Shelf()
    shelf.gate.set()
    bench = await start(examples=shelf)
    await open_home(bench, "U0ANN", LOCK)
    bench.asker.generation = "00000002"
    bench.sim.people.open_home("U0ANN")
    await home_with(bench, "U0ANN", "generation 00000002")
    await until(lambda: shelf.looks == 2)


async def test_the_search_for_examples_ends_with_the_bot(start: Starter) -> None:
    shelf = Shelf()
    bench = await start(examples=shelf)
    await open_home(bench, "U0ANN")
    await until(lambda: shelf.looks)
    await bench.end()
    assert shelf.is_cancelled


async def test_examples_that_cannot_be_found_are_left_out(
    start: Starter, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf()
    shelf.failure = RuntimeError("no embedder")
    shelf.gate.set()
    bench = await start(examples=shelf)
    await open_home(bench, "U0ANN", "*How to ask*")
    await until(lambda: "no example questions were found" in caplog.text)
    await open_home(bench, "U0ANN", "*How to ask*")
    assert shelf.looks == 1


async def test_one_click_asks_and_the_answer_is_a_direct_message(start: Starter) -> None:
    shelf = Shelf()
    shelf.gate.set()
    bench = await start(examples=shelf)
    home = await open_home(bench, "U0ANN", LOCK)
    await press(bench, "U0ANN", home, "home_ask", 1)
    answer = await bench.direct("U0ANN", "start button of the timer")
    assert answer["blocks"]
    assert bench.asker.asked[-1].text == TRACK
    home = await home_with(bench, "U0ANN", "I am looking up “How do I track time &amp;")
    assert "answer in the *Messages* tab" in words(home)
    assert len(bench.directs("U0ANN")) == 1


async def test_what_somebody_asked_can_be_asked_again_by_that_person(bench: Bench) -> None:
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot zebras?")
    await kept(bench, "U0ANN")
    home = await open_home(bench, "U0ANN", home_texts.RECENT)
    assert buttons(home) == [("home_again", "zebras?"), ("home_again", "how do I lock timesheets?")]
    assert "ago, not answered" in words(home)
    await press(bench, "U0ANN", home, "home_again", 1)
    await bench.direct("U0ANN", "Workspace settings")
    assert "home_again" not in words(await open_home(bench, "U0GUS"))


async def test_nothing_kept_means_no_recent_questions(start: Starter) -> None:
    bench = await start(retention_days=0)
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    assert "home_again" not in words(await open_home(bench, "U0ANN"))


async def test_an_admin_sees_how_the_bot_is(bench: Bench) -> None:
    await bench.rebuild()
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    home = await open_home(bench, "U0ADA", home_texts.PANEL)
    shown = words(home)
    for part in (
        "*Slack:* connected for",
        "*Last heard from Slack:*",
        "*In hand:* nothing",
        "*Kept:* questions and answers for 7 days",
        "*Live:* generation 00000002",
        "*The last rebuild*, started by <@U0ADA>",
        "Added: 1",
    ):
        assert part in shown
    assert [name for name, _ in buttons(home)] == ["home_rebuild", "home_gaps", "home_channels"]


async def test_guests_are_told_why_they_see_nothing_else(bench: Bench) -> None:
    home = await open_home(bench, "U0GUS")
    assert policy_texts.NOT_FOR_GUESTS in words(home)
    assert [block["type"] for block in home["blocks"]] == ["header", "section"]


async def test_guests_who_are_welcome_see_all_but_the_panel(start: Starter) -> None:
    bench = await start(allows_guests=True, admins=("U0ADA", "U0GUS"))
    home = await open_home(bench, "U0GUS", "*How to ask*")
    assert home_texts.PANEL not in words(home)


async def test_a_check_that_fails_leaves_out_all_that_is_personal(bench: Bench) -> None:
    await bench.sim.fault("api_error", error="internal_error", method="users.info", times=9)
    home = await open_home(bench, "U0ADA", "*How to ask*")
    assert home_texts.PANEL not in words(home)
    await bench.sim.fault("clear")
    await open_home(bench, "U0ADA", home_texts.PANEL)


async def test_rebuild_goes_the_way_of_the_command(bench: Bench) -> None:
    home = await open_home(bench, "U0ADA", home_texts.PANEL)
    await press(bench, "U0ADA", home, "home_rebuild")
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    await home_with(bench, "U0ADA", "I keep you posted in our direct message")
    attempt, end = bench.audit()
    assert (attempt["subcommand"], attempt["allowed"]) == ("rebuild", True)
    assert (attempt["user"], attempt["team"], attempt["outcome"]) == ("U0ADA", "T0SIM", "started")
    assert (end["event"], end["outcome"]) == ("end", "published")


async def test_rebuild_keeps_to_the_cooldown(start: Starter) -> None:
    bench = await start(rebuild_cooldown_seconds=600.0)
    home = await open_home(bench, "U0ADA", home_texts.PANEL)
    await press(bench, "U0ADA", home, "home_rebuild")
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    home = await home_with(bench, "U0ADA", "I keep you posted")
    await press(bench, "U0ADA", home, "home_rebuild")
    await until(lambda: len(bench.audit()) == 3)
    assert bench.audit()[-1]["outcome"] == "too soon"
    assert bench.rebuilder.builds == 1


async def test_a_home_that_slack_does_not_take_is_told_in_a_message(bench: Bench) -> None:
    home = await open_home(bench, "U0ADA", home_texts.PANEL)
    await bench.sim.fault("api_error", error="internal_error", method="views.publish")
    bench.rebuilder.gate.clear()
    await press(bench, "U0ADA", home, "home_rebuild")
    await bench.direct("U0ADA", "I keep you posted in our direct message")


async def test_gaps_open_in_a_form(bench: Bench) -> None:
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot zebras?")
    await kept(bench, "U0ANN")
    home = await open_home(bench, "U0ADA", home_texts.PANEL)
    await press(bench, "U0ADA", home, "home_gaps")
    view = await modal_with(bench, "U0ADA", "*zebras?*")
    assert "asked once, last 1 s ago: I found no answer" in words(view)
    assert "Lock timesheets" in words(view)
    (line,) = bench.audit()
    assert (line["subcommand"], line["outcome"]) == ("gaps", "shown")


async def test_a_form_that_comes_too_late_is_told_in_the_home(bench: Bench) -> None:
    home = await open_home(bench, "U0ADA", home_texts.PANEL)
    await bench.sim.fault("expired_trigger")
    await press(bench, "U0ADA", home, "home_gaps")
    await home_with(bench, "U0ADA", home_texts.TOO_LATE)


@pytest.mark.parametrize("value", ["", "  ", "\u0000", "x" * (MAX_VALUE_CHARS + 1)])
def test_a_value_that_is_no_question_asks_nothing(value: str) -> None:
    assert read(click(value=value)) is None


def test_a_question_stays_what_its_button_says() -> None:
    task = read(click(value="does <b> & <@U0ADA> &lt; work?"))
    assert task is not None
    inquiry = Inquiry.of(task)
    assert inquiry.text == "does <b> & <@U0ADA> &lt; work?"
    assert (inquiry.surface, inquiry.channel, task.key) == (Surface.HOME, "", "action 1.2")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "view_submission"},
        {"actions": []},
        {"actions": "home_ask"},
        {"view": {"type": "modal"}},
        {"view": None},
        {"trigger_id": ""},
        {"user": {}},
    ],
    ids=str,
)
def test_other_payloads_are_left_to_others(changes: Json) -> None:
    assert read(click() | changes) is None


def click(value: str = LOCK, action_id: str = "home_ask") -> Json:
    """Press a button in the Home."""
    return {
        "type": "block_actions",
        "user": {"id": "U0ANN", "team_id": "T0SIM"},
        "team": {"id": "T0SIM"},
        "trigger_id": "1.2",
        "view": {"type": "home", "id": "V1"},
        "actions": [{"type": "button", "action_id": action_id, "value": value}],
    }


def test_the_fullest_home_is_below_every_limit() -> None:
    nasty = "<!channel> & *evil.com* " * 2_000
    asked = replace(KEPT, question=nasty, standalone="", asked_at=0.0)
    short = replace(asked, question="x" * MAX_VALUE_CHARS)
    text = {"type": "mrkdwn", "text": "y" * 3_000, "verbatim": True}
    section = {"type": "section", "text": text}
    home = Home(
        knowledge=escape(nasty),
        told=escape(nasty),
        examples=(LOCK,) * 9,
        recent=(asked, short) * 9,
        panel=AdminPanel((escape(nasty),), (section, {"type": "table", "rows": []}) * 120),
    )
    view = home_view(home)
    check_view(view, "home")
    assert len(view["blocks"]) <= 100
    kinds = [name for name, _ in buttons(view)]
    assert (kinds.count("home_ask"), kinds.count("home_again")) == (4, 2)
    assert [*block_problems(view["blocks"], Allowed())] == []


def test_a_question_longer_than_a_button_carries_has_none() -> None:
    long = replace(KEPT, question="x" * (MAX_VALUE_CHARS + 1), standalone="")
    assert "accessory" not in json.dumps(home_view(Home(recent=(long,), now=1.0)))


def test_a_follow_up_is_asked_again_as_the_question_that_was_searched() -> None:
    asked = replace(KEPT, question="and on iOS?", standalone="How do I track time on iOS?")
    view = home_view(Home(recent=(asked,), now=1.0))
    assert buttons(view) == [("home_again", "How do I track time on iOS?")]


@pytest.mark.proof
@pytest.mark.beside
async def test_the_real_knowledge_gives_examples_that_it_answers(
    sim: Simulator, own: Terminal
) -> None:
    running = await own.on(sim).start("run")
    try:
        await sim.wait_connected(30.0)
        sim.people.open_home("U0ANN")
        home = await sim.wait_for(lambda: _with_buttons(sim.home("U0ANN")), 30.0)
        assert home is not None
        assert "8 help articles" in words(home)
        asked = buttons(home)
        assert 1 <= len(asked) <= 4
        assert {name for name, _ in asked} == {"home_ask"}
        block = next(block for block in home["blocks"] if "accessory" in block)
        await sim.people.view_action(
            "U0ANN", home["id"], block_id=block["block_id"], action_id="home_ask"
        )
        await sim.wait_for(lambda: "*Sources*" in str(sim.messages("D0ANN")), 30.0)
    finally:
        await running.kill()


def _with_buttons(home: Json | None) -> Json | None:
    return home if home is not None and buttons(home) else None
