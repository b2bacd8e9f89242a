"""Ctrl-C and SIGTERM, in processes of their own: an orderly end, and an end in any case."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .terminal import Running

ROOT = Path(__file__).parents[2]
END_SECONDS = 0.5
PROGRAM = """
import asyncio, time
from contextlib import suppress
from bot.signals import serve_until_stopped

async def never():
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

async def work(stop, is_serving):
    {before}
    print("working", flush=True)
    {then}

serve_until_stopped(work, end_seconds={seconds})
"""
TOO_LONG = f"stopping took longer than {END_SECONDS} s; ending at once"


@pytest.fixture
async def processes() -> AsyncIterator[list[Running]]:
    """Collect processes that must not outlive the test."""
    running: list[Running] = []
    yield running
    for process in running:
        await process.kill()


async def start(processes: list[Running], before: str, then: str, seconds: float) -> Running:
    """Start the program and wait until it works."""
    program = PROGRAM.format(before=before, then=then, seconds=seconds)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = Running(process)
    processes.append(running)
    await running.line("working")
    return running


@pytest.mark.parametrize(
    ("before", "then", "code", "says"),
    [
        ("is_serving.set()", "await stop.wait(); print('drained')", 0, "drained"),
        ("pass", "await asyncio.sleep(60)", 0, ""),
        ("is_serving.set()", "await asyncio.sleep(60)", 1, TOO_LONG),
        pytest.param("pass", "await never()", 1, TOO_LONG, marks=pytest.mark.proof),
        ("is_serving.set()", "time.sleep(60)", 1, TOO_LONG),
        ("is_serving.set()", "await stop.wait(); raise KeyError", 1, "KeyError"),
    ],
    ids=["orderly", "starting", "hanging", "stubborn", "blocking", "failing"],
)
async def test_a_signal_ends_it_in_time(
    processes: list[Running], before: str, then: str, code: int, says: str
) -> None:
    running = await start(processes, before, then, END_SECONDS)
    ended, seconds = await running.stop(signal.SIGTERM)
    assert (ended, says in running.text) == (code, True)
    assert seconds < END_SECONDS + 2.0


async def test_a_second_one_ends_it_at_once(processes: list[Running]) -> None:
    then = "await stop.wait(); print('draining', flush=True); await asyncio.sleep(60)"
    running = await start(processes, "is_serving.set()", then, 60)
    running.process.send_signal(signal.SIGINT)
    await running.line("draining")
    ended, seconds = await running.stop(signal.SIGINT)
    assert (ended, seconds < 2.0) == (130, True)
