"""Delivery under load: a long soak, one greedy user, one flooded channel; and the stock twin."""

from __future__ import annotations

import asyncio
import sys
from bisect import bisect
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest

from .delivery_office import Asked, Office, open_office
from .test_delivery import QUESTIONS, ask_all, order_faults

Recorder = Callable[[str, object], None]

SOAK_QUESTIONS, SOAK_PER_SECOND, WARM_UP = 3_000, 40, 600
MAX_GROWTH_BYTES = 10_000_000
REST_SECONDS = 60  # idle connections are closed meanwhile
KEPT_ALIVE_SECONDS = 16  # an idle connection of aiohttp
GREEDY = 100
OTHERS, OTHERS_PER_SECOND = 60, 4.0
FINISH_SECONDS = 420.0
MOST_OVERTAKING = 12  # of the flood's replies; first come, first served would be dozens


async def soak(office: Office, numbers: range) -> None:
    """Ask at a steady pace, whatever becomes of the questions."""
    loop, asking = asyncio.get_running_loop(), set()
    started = loop.time()
    for turn, number in enumerate(numbers):
        asking.add(asyncio.create_task(office.ask_mixed(number)))
        await asyncio.sleep(max(0.0, started + (turn + 1) / SOAK_PER_SECOND - loop.time()))
    await asyncio.gather(*asking)


async def at_rest(
    office: Office, *, files: int = sys.maxsize, tasks: int = sys.maxsize
) -> tuple[int, int, int]:
    """Give memory, open files and tasks once nothing is in hand, at most files and tasks."""
    figures = await office.bot.figures()
    for _ in range(REST_SECONDS):
        await asyncio.sleep(1.0)
        before, figures = figures, await office.bot.figures()
        if figures[1:] == before[1:] and figures[1] <= files and figures[2] <= tasks:
            break
    return figures


@pytest.mark.beside
@pytest.mark.timeout(900)
async def test_three_thousand_questions(tmp_path: Path, record_property: Recorder) -> None:
    async with open_office(tmp_path) as office:
        await order_faults(office)
        await soak(office, range(WARM_UP))
        await office.finished(FINISH_SECONDS)
        await asyncio.sleep(KEPT_ALIVE_SECONDS)
        memory, files, tasks = await at_rest(office)
        await soak(office, range(WARM_UP, SOAK_QUESTIONS))
        await office.finished(FINISH_SECONDS)
        memory_after, files_after, tasks_after = await at_rest(office, files=files, tasks=tasks)
        verdict = office.verdict()
    figures = (
        f"{verdict}; memory {memory / 1e6:.1f} to {memory_after / 1e6:.1f} MB, "
        f"files {files} to {files_after}, tasks {tasks} to {tasks_after}"
    )
    print(figures)
    record_property("verdict", figures)
    assert verdict.acknowledged == verdict.asked
    assert (verdict.lost, verdict.twice, verdict.commands_lost) == ((), (), ())
    assert verdict.ack_p99_ms < 1_000
    assert memory_after - memory < MAX_GROWTH_BYTES
    assert files_after <= files
    assert tasks_after <= tasks


async def ask_as_others(office: Office) -> list[Asked]:
    """Ask one by one as people who wait their turn, each in a direct message of their own."""
    asked = []
    for number in range(OTHERS):
        user = f"U0X{number % 30 + 11:03}"
        asked.append(await office.direct(user, f"a patient question, number {number}"))
        await asyncio.sleep(1 / OTHERS_PER_SECOND)
    return asked


def thread_of(office: Office, asked: Asked) -> list[dict[str, Any]]:
    """Give the question and its replies."""
    return office.sim.messages(asked.channel, asked.ts)


def seconds_to_reply(office: Office, asked: Iterable[Asked]) -> list[float]:
    """Give how long each reply took, by the local Slack's clock."""
    threads = (thread_of(office, each) for each in asked)
    return [float(thread[1]["ts"]) - float(thread[0]["ts"]) for thread in threads]


async def overtaken(office: Office, flood: Callable[[], Awaitable[object]]) -> float:
    """Give by how many replies to a flood the others' are overtaken, at the 95th percentile.

    How much longer they take than in a calm moment of the same run is printed.
    """
    calm = await ask_as_others(office)
    await office.finished(60)
    before = len(office.asked)
    flooding = asyncio.ensure_future(flood())
    await asyncio.sleep(0.2)
    busy = await ask_as_others(office)
    async with asyncio.timeout(120):
        while not all(office.replies(each) for each in busy):
            await asyncio.sleep(0.1)
    await flooding
    await office.finished(FINISH_SECONDS)
    quiet, loud = (quantiles(seconds_to_reply(office, each), n=20)[18] for each in (calm, busy))
    print(f"p95 calm {quiet * 1000:.0f} ms, during the flood {loud * 1000:.0f} ms")
    floods = [each for each in office.asked[before:] if each not in set(busy)]
    replied = sorted(float(thread_of(office, each)[1]["ts"]) for each in floods)
    counts = []
    for each in busy:
        asked, reply = (float(message["ts"]) for message in thread_of(office, each)[:2])
        counts.append(bisect(replied, reply) - bisect(replied, asked))
    return quantiles(counts, n=20)[18]


async def test_one_user_who_asks_a_hundred_questions(tmp_path: Path) -> None:
    async with open_office(tmp_path, settings={"SCRIPT_SECONDS": "0.2"}) as office:

        async def flood() -> None:
            for number in range(GREEDY):
                channel = f"C0X{number % 24 + 1:03}"
                await office.mention("U0X001", channel, f"greedy question {number}")

        count = await overtaken(office, flood)
        verdict = office.verdict()
    assert (verdict.lost, verdict.twice) == ((), ())
    assert count <= MOST_OVERTAKING


async def test_one_channel_that_slack_limits(tmp_path: Path) -> None:
    async with open_office(tmp_path, settings={"SCRIPT_SECONDS": "0.05"}) as office:

        async def flood() -> None:
            for number in range(GREEDY // 2):
                user = f"U0X{number % 10 + 1:03}"
                await office.mention(user, "C0X001", f"one of a flood, number {number}")

        count = await overtaken(office, flood)
        verdict = office.verdict()
        limited = [call for call in office.sim.calls("chat.postMessage") if call.error]
    assert (verdict.lost, verdict.twice) == ((), ())
    assert limited == []
    assert count <= MOST_OVERTAKING


@pytest.mark.beside
async def test_the_stock_pieces_lose_and_repeat(tmp_path: Path) -> None:
    async with open_office(
        tmp_path, module="tests.proof.stock_bot", has_rate_limits=False
    ) as office:
        await order_faults(office)
        asking = asyncio.create_task(ask_all(office, QUESTIONS))
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            while office.answered() < QUESTIONS // 4:
                await asyncio.sleep(0.01)
        office.bot.kill()
        await asking
        await office.finished(30)
        verdict = office.verdict()
    print(verdict)
    assert verdict.lost
    assert verdict.twice
