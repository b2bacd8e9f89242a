"""Measure `clockify-bot run` against the local Slack: time to ready, mention to reply, memory.

    python -m benchmarks.serving ../shared/data/eval/dev.jsonl --index .clockify-bot/index/…

The bot runs in a process of its own, as for a user; the local Slack runs in this one and does not
count.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import psutil

from benchmarks.questions import parse
from bot.simulator.server import Simulator
from core.settings import to_environment

MANIFEST = Path(__file__).resolve().parent.parent / "manifest.yml"
QUESTIONS = 60
MIB = 2**20


async def main() -> None:
    """Start the bot, ask, print."""
    rows, config = parse(__doc__)
    async with await Simulator.start(MANIFEST) as slack:
        environment = {
            **os.environ,
            **to_environment(config),
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
        }
        started = time.perf_counter()
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", "--log", "WARNING", env=environment
        )
        await slack.wait_connected(60)
        print(f"start to ready {time.perf_counter() - started:.2f} s")
        process = psutil.Process(bot.pid)
        waits = [await ask(slack, row["query"]) for row in rows[:QUESTIONS]]
        p50, p95 = np.percentile(waits, [50, 95])
        print(f"mention to reply p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")
        print(f"resident memory while serving {process.memory_info().rss / MIB:.0f} MiB")
        started = time.perf_counter()
        bot.send_signal(signal.SIGTERM)
        await bot.wait()
        print(f"stop {time.perf_counter() - started:.2f} s, exit status {bot.returncode}")


async def ask(slack: Simulator, question: str) -> float:
    """Mention the bot and give the seconds until its reply stands in the thread."""
    started = time.perf_counter()
    ts = await slack.post("U0ANN", "C0GEN", f"<@{slack.bot_user_id}> {question}")
    await slack.wait_for(lambda: len(slack.messages("C0GEN", thread_ts=ts)) > 1, 20)
    return time.perf_counter() - started


if __name__ == "__main__":
    asyncio.run(main())
