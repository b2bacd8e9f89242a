"""Every acknowledged question gets one reply: crashes, lost replies, duplicates, two bots."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .delivery_office import Office, open_office

Recorder = Callable[[str, object], None]

QUESTIONS = 200
THREADS = QUESTIONS * 4 // 5  # the others are commands
KILLS = 6
STOPS = 3
FINISH_SECONDS = 90.0
EXIT_SECONDS = 12.0


async def order_faults(office: Office) -> None:
    """Order what Slack does on a bad day."""
    await office.sim.fault("duplicate", share=0.15, seed=1)
    await office.sim.fault("lost_reply", share=0.05, seed=2)
    await office.sim.fault("http_500", share=0.03, seed=3)


async def ask_all(office: Office, count: int) -> None:
    """Ask everything at once."""
    await asyncio.gather(*(office.ask_mixed(number) for number in range(count)))


async def disturb(office: Office, times: int, number: signal.Signals) -> None:
    """Send a signal each time that some more questions have been answered."""
    for turn in range(1, times + 1):
        wanted = THREADS * turn // (times + 1)
        async with asyncio.timeout(FINISH_SECONDS):
            while office.answered() < wanted:
                await asyncio.sleep(0.02)
        office.bot.send(number)
        ended = len(office.bot.codes)
        while len(office.bot.codes) == ended and office.bot.process is not None:
            if office.bot.process.returncode is not None:
                break
            await asyncio.sleep(0.02)
        await office.sim.wait_connected(30.0)


async def test_two_hundred_at_once_with_faults_and_six_kills(
    tmp_path: Path, record_property: Recorder
) -> None:
    async with open_office(tmp_path) as office:
        await order_faults(office)
        asking = asyncio.create_task(ask_all(office, QUESTIONS))
        await asyncio.sleep(0)
        await disturb(office, KILLS, signal.SIGKILL)
        await asking
        await office.finished(FINISH_SECONDS)
        verdict = office.verdict()
        for lost in verdict.lost:
            print(lost, office.sim.receipts_of(lost.channel, lost.ts))
    print(verdict)
    record_property("verdict", str(verdict))
    assert office.bot.codes.count(-signal.SIGKILL) == KILLS + 1  # the last one ends the test
    assert verdict.acknowledged == verdict.asked
    assert (verdict.lost, verdict.twice, verdict.commands_lost) == ((), (), ())
    assert verdict.ack_p99_ms < 1_000


async def test_stops_under_load(tmp_path: Path, record_property: Recorder) -> None:
    async with open_office(tmp_path, settings={"SCRIPT_SECONDS": "0.5"}) as office:
        asking = asyncio.create_task(ask_all(office, QUESTIONS))
        await asyncio.sleep(0)
        seconds = []
        for turn in range(1, STOPS + 1):
            async with asyncio.timeout(FINISH_SECONDS):
                while office.answered() < THREADS * turn // (STOPS + 1):
                    await asyncio.sleep(0.02)
            process = office.bot.process
            assert process is not None
            started = time.monotonic()
            office.bot.send(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 30) == 0
            seconds.append(time.monotonic() - started)
            await office.sim.wait_connected(30.0)
        await asking
        await office.finished(FINISH_SECONDS)
        verdict = office.verdict()
    print(verdict, [round(each, 1) for each in seconds])
    record_property("verdict", f"{verdict}; exits {seconds}")
    assert (verdict.lost, verdict.twice, verdict.commands_lost) == ((), (), ())
    assert max(seconds) <= EXIT_SECONDS


@pytest.mark.beside
async def test_two_bots_share_one_inbox(tmp_path: Path) -> None:
    async with open_office(tmp_path, bots=2) as office:
        await order_faults(office)
        async with asyncio.timeout(30):
            while len(office.sim.site.sockets._open) < 2:
                await asyncio.sleep(0.05)
        asking = asyncio.create_task(ask_all(office, QUESTIONS))
        await asyncio.sleep(0)
        async with asyncio.timeout(FINISH_SECONDS):
            while office.answered() < 20:
                await asyncio.sleep(0.02)
        office.bots[1].kill()
        await asking
        await office.finished(FINISH_SECONDS)
        verdict = office.verdict()
    print(verdict)
    assert verdict.acknowledged == verdict.asked
    assert (verdict.lost, verdict.twice, verdict.commands_lost) == ((), (), ())


@pytest.mark.beside
async def test_a_poison_question_gets_an_apology_and_others_an_answer(tmp_path: Path) -> None:
    async with open_office(tmp_path) as office:
        poison = await office.direct("U0X001", "this is poison")
        await office.finished(60)
        good = await office.direct("U0X002", "how do I track time?")
        await office.finished(60)
        assert (office.replies(poison), office.replies(good)) == (1, 1)
        [_, apology] = office.sim.messages(poison.channel, poison.ts)
        [_, answer] = office.sim.messages(good.channel, good.ts)
    assert office.bot.codes.count(-signal.SIGKILL) == 3 + 1
    assert "The answer to" not in apology["text"]
    assert "The answer to: how do I track time?" in answer["text"]
