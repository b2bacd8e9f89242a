"""Whatever one chat breaks with, every question gets one marked reply in time (row 34)."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ..bot.terminal import build_library
from .delivery_office import ROOT
from .faulty_ollama import DRAFTING, Break, FaultyOllama, ollama_on
from .model_judge import Kind, tally
from .model_office import DEADLINE_SECONDS, GRACE_SECONDS, ModelOffice, open_model_office

Recorder = Callable[[str, object], None]

SLOTS = 4
AT_ONCE = 4  # fewer than open the breaker, and each has a slot
WARM_UP = 24
MORE_MEGABYTES = 20.0
SINGLE = tuple(how for how in Break if how not in (*DRAFTING, Break.SLOW))
EXIT_SECONDS = 12.0
DEADLINE = "QUESTION_DEADLINE_SECONDS"
FOUR_SLOTS, PATIENT = {"MAX_CONCURRENT": str(SLOTS)}, {DEADLINE: "60"}
AGENT = ROOT / "docs" / "manifests" / "agent.yml"  # Slack's stop button needs it


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the index of eight articles, once."""
    return build_library(tmp_path_factory.mktemp("library"))


async def one_round(office: ModelOffice, ollama: FaultyOllama, how: Break) -> list[str]:
    """Break every chat in one way, ask, heal; give what is wrong."""
    ollama.chat_break = how
    asked = await office.ask_many(AT_ONCE)
    may_be = Kind.WRITTEN if how is Break.BUSY_ONCE else Kind.MARKED
    wrong = await office.judged(asked, may_be)
    print(f"{how.name:12} {tally(asked)}")
    try:
        await ollama.settled()
    except TimeoutError:
        wrong.append(f"{ollama.in_flight} requests are still open after the replies")
    ollama.chat_break = None
    healed = await office.ask_many(1)
    wrong += await office.judged(healed, Kind.WRITTEN)
    return [f"{how}: {each}" for each in wrong]


@pytest.mark.beside
async def test_each_way_to_break_ends_in_one_marked_reply(
    tmp_path: Path, library: Path, record_property: Recorder
) -> None:
    async with (
        ollama_on() as ollama,
        open_model_office(tmp_path, library, ollama.url, settings=FOUR_SLOTS) as office,
    ):
        warm = await office.ask_many(WARM_UP)
        wrong = await office.judged(warm, Kind.WRITTEN, seconds=30)
        before = await office.figures()
        for how in SINGLE:
            wrong += await one_round(office, ollama, how)
        await asyncio.sleep(1)
        after = await office.figures()
        told = f"{before} -> {after}; most chats at once {ollama.most_chats}"
        text = office.bot.text
    print(told)
    record_property("verdict", told)
    assert wrong == []
    assert ollama.most_chats <= SLOTS
    assert after.megabytes - before.megabytes <= MORE_MEGABYTES
    assert (after.files - before.files <= 2, after.tasks - before.tasks <= 2) == (True, True)
    assert "Traceback" not in text


@pytest.mark.beside
async def test_nothing_is_left_of_a_draft_that_breaks_off(tmp_path: Path, library: Path) -> None:
    async with (
        ollama_on() as ollama,
        open_model_office(tmp_path, library, ollama.url) as office,
    ):
        text = "How do I create a tag?"
        ollama.chat_break = Break.STATUS_500
        plain = await office.ask(text, surface=0)
        wrong = await office.judged([plain], Kind.MARKED)
        ollama.chat_break = None
        wrong += await office.judged([await office.ask(surface=0)], Kind.WRITTEN)
        for how in DRAFTING:
            ollama.chat_break = how
            drafts = len(office.sim.calls("chat.startStream"))
            asked = [await office.ask(text, surface=0), await office.ask(text, surface=1)]
            async with asyncio.timeout(DEADLINE_SECONDS):
                while len(office.sim.calls("chat.startStream")) < drafts + 2:
                    await asyncio.sleep(0.05)  # without a draft this would prove nothing
            wrong += await office.judged(asked, Kind.MARKED)
            print(f"{how.name:14} {tally(asked)}")
            wrong += [
                f"{how}: {one.reply_text!r}" for one in asked if one.reply_text != plain.reply_text
            ]
            await ollama.settled()
            ollama.chat_break = None
            wrong += await office.judged([await office.ask(surface=0)], Kind.WRITTEN)
    assert wrong == []


@pytest.mark.beside
async def test_thirty_questions_at_a_slow_model_use_no_more_than_the_slots(
    tmp_path: Path, library: Path
) -> None:
    async with (
        ollama_on() as ollama,
        open_model_office(
            tmp_path,
            library,
            ollama.url,
            settings={**FOUR_SLOTS, **PATIENT},
        ) as office,
    ):
        ollama.chat_break, ollama.slow_seconds = Break.SLOW, 0.5
        asked = await office.ask_many(30)
        wrong = await office.judged(asked, Kind.WRITTEN, seconds=60)
        print(f"{tally(asked)}; most chats at once {ollama.most_chats}")
    assert wrong == []
    assert ollama.most_chats == SLOTS


@pytest.mark.beside
@pytest.mark.parametrize("how", [Break.HANG, Break.DRAFT_STALL])
async def test_stop_while_the_model_hangs_cancels_it_and_says_nothing_more(
    tmp_path: Path, library: Path, how: Break
) -> None:
    async with (
        ollama_on() as ollama,
        open_model_office(
            tmp_path, library, ollama.url, manifest=AGENT, settings={DEADLINE: "5"}
        ) as office,
    ):
        ollama.chat_break = how
        asked = await office.ask(surface=1)
        drafts = 1 if how is Break.DRAFT_STALL else 0
        async with asyncio.timeout(4):
            while not ollama.chats or office.said(asked) < drafts:
                await asyncio.sleep(0.02)
        cancelled = ollama.cancelled
        office.sim.people.stop(asked.user, asked.channel, asked.ts)
        async with asyncio.timeout(2):
            while ollama.chats:
                await asyncio.sleep(0.02)
        assert ollama.cancelled == cancelled + 1
        await asyncio.sleep(6)  # past the deadline
        assert (office.said(asked), office.replies(asked)) == (drafts, [])
        ollama.chat_break = None
        wrong = await office.judged([await office.ask(surface=1)], Kind.WRITTEN)
    assert wrong == []


@pytest.mark.beside
async def test_sigterm_while_a_generation_hangs_loses_nothing(
    tmp_path: Path, library: Path
) -> None:
    async with (
        ollama_on() as ollama,
        open_model_office(tmp_path, library, ollama.url, settings=PATIENT) as office,
    ):
        ollama.chat_break = Break.HANG
        asked = await office.ask_many(6)
        async with asyncio.timeout(5):
            while ollama.chats < SLOTS:
                await asyncio.sleep(0.02)
        code, seconds = await office.bot.stop(signal.SIGTERM)
        print(f"exit {code} after {seconds:.1f} s, {ollama.cancelled} cancelled")
        assert "Traceback" not in office.bot.text
        assert [office.said(one) for one in asked if one.ts] == [0] * 4
        assert ollama.chats == 0
        ollama.chat_break = None
        started = time.monotonic()
        await office.start()
        wrong = await office.judged(asked, Kind.WRITTEN, seconds=seconds + 60)
        print(f"answered {time.monotonic() - started:.1f} s after the next start; {tally(asked)}")
    assert (code, seconds <= EXIT_SECONDS) == (0, True)
    assert wrong == []


@pytest.mark.parametrize("way", ["without a fallback", "without a mark"])
async def test_the_judge_notices_a_bot_that_breaks_the_promise(
    tmp_path: Path, library: Path, way: str
) -> None:
    async with (
        ollama_on() as ollama,
        open_model_office(
            tmp_path,
            library,
            ollama.url,
            module="tests.proof.unmarked_bot",
            settings={"TWIN": way, "RETRIES": "0"},
        ) as office,
    ):
        ollama.chat_break = Break.STATUS_500
        asked = await office.ask_many(3)
        wrong = await office.judged(asked, Kind.MARKED)
    print(wrong)
    assert len(wrong) >= 3
    assert DEADLINE_SECONDS + GRACE_SECONDS == 6.0
