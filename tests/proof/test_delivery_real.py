"""The bot with its embedded defaults and this project's own knowledge: delivery, hostile text."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ..bot.terminal import MODULE, bare
from .delivery_office import CHANNELS, ROOT, USERS, Office, open_office
from .test_delivery import order_faults

Recorder = Callable[[str, object], None]

KNOWLEDGE = ROOT / "knowledge"
QUESTIONS = [
    json.loads(line)["query"]
    for line in (KNOWLEDGE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    if line.startswith("{")
]
BURST, ASKED = 100, 200
FINISH_SECONDS = 180.0
MODULE_NAME = "tests.proof.real_bot"
ZALGO = "".join(letter + "\u0315\u0338\u0360\u034f" * 100 for letter in "track time?")
HOSTILE = {
    "spaces": "how do I" + " " * 2_000 + "track time",
    "blanks and versus": "timer vs" + "\t \u00a0" * 900 + "timesheet",
    "forty thousand letters": "a" * 40_000,
    "forty thousand words": "lock " * 8_000,
    "a megabyte": "how do I track time? " * 50_000,
    "zalgo": ZALGO,
    "brackets": "[" * 20_000 + "](" * 5_000,
    "markup": "<" * 10_000 + "<@U0BOT|" * 2_000 + "&amp;" * 2_000,
    "stars": "*_~`" * 5_000,
    "right to left": "\u202e\u2066" * 5_000 + "how do I track time",
    "question marks": "?" * 30_000,
    "quotes": '"' * 20_000 + "'" * 10_000,
    "digits": "1." * 15_000,
    "lines": "- a\n" * 8_000,
}
MOST_LATE_MS = 100.0


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the index of our own knowledge."""
    folder = tmp_path_factory.mktemp("own")
    command = [*MODULE, "build", str(KNOWLEDGE), "--index", str(folder / "index")]
    subprocess.run(command, cwd=folder, env=bare(folder), check=True, capture_output=True)
    return folder / "index"


def settings(index: Path) -> dict[str, str]:
    """Give what makes the bot answer from the index, without a language model."""
    return {"KNOWLEDGE": str(KNOWLEDGE), "INDEX": str(index), "ANSWERER": "extractive"}


async def ask_one(office: Office, number: int) -> None:
    """Ask a real question, by mention, direct message or command."""
    text = QUESTIONS[number % len(QUESTIONS)]
    user, channel = f"U0X{number % USERS + 1:03}", f"C0X{number % CHANNELS + 1:03}"
    match number % 5:
        case 0:
            await office.command(user, channel, text)
        case 1 | 2:
            await office.direct(user, text)
        case _:
            await office.mention(user, channel, text)


async def test_embedded_defaults_at_half_their_capacity(
    tmp_path: Path, index: Path, record_property: Recorder
) -> None:
    async with open_office(tmp_path, module=MODULE_NAME, settings=settings(index)) as office:
        started = time.monotonic()
        for number in range(BURST):
            await office.direct(f"U0X{number % USERS + 1:03}", QUESTIONS[number % len(QUESTIONS)])
        await office.finished(FINISH_SECONDS)
        per_second = BURST / (time.monotonic() - started)
        office.asked.clear()
        await order_faults(office)
        asking = []
        for number in range(ASKED):
            asking.append(asyncio.create_task(ask_one(office, number)))
            await asyncio.sleep(2 / per_second)
        await asyncio.gather(*asking)
        await office.finished(FINISH_SECONDS)
        verdict = office.verdict()
    told = f"capacity {per_second:.1f} questions/s; at half of it: {verdict}"
    print(told)
    record_property("verdict", told)
    assert verdict.acknowledged == verdict.asked
    assert (verdict.lost, verdict.twice, verdict.commands_lost) == ((), (), ())
    assert verdict.ack_p99_ms < 3_000


async def lateness_ms(office: Office) -> float:
    """Ask the bot how late its event loop was since the last time."""
    [worst] = await office.bot.printed()
    return float(worst)


async def test_hostile_text_does_not_hold_up_others(
    tmp_path: Path, index: Path, record_property: Recorder
) -> None:
    late = {}
    async with open_office(tmp_path, module=MODULE_NAME, settings=settings(index)) as office:
        warm = await office.direct("U0X001", QUESTIONS[0])
        await office.finished(60)
        assert office.replies(warm) == 1
        await lateness_ms(office)
        for name, text in HOSTILE.items():
            asked = await office.direct("U0X002", text)
            await office.command("U0X003", "C0X001", text)
            await office.finished(60)
            late[name] = await lateness_ms(office)
            assert office.replies(asked) == 1, name
        verdict = office.verdict()
    print({name: round(each, 1) for name, each in late.items()})
    record_property("late_ms", str(late))
    assert (verdict.lost, verdict.twice, verdict.commands_lost) == ((), (), ())
    assert max(late.values()) < MOST_LATE_MS
