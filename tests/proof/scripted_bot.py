"""The bot as a process with a scripted answerer: real Slack side, real inbox, no models.

python -m tests.proof.scripted_bot reads SLACK_* and the other settings from the environment.
SCRIPT_SECONDS is how long one answer takes. A question that holds "poison" kills the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable

import psutil

from bot.app import serve
from bot.config import SlackConfig
from bot.signals import serve_until_stopped
from core.types import Answer, Question, Source, Turn
from tests.bot.stand_ins import ArticleAsker, CountingRebuilder

ADDRESS = "https://clockify.me/help/scripted"


class ScriptedAsker:
    """Takes its time and answers every question with itself."""

    generation = "00000001"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def ask(self, question: Question, on_draft: Callable[[str], None] | None = None) -> Turn:
        """Answer, or die of it."""
        if "poison" in question.text:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(self._seconds)
        source = Source(1, "Scripted", ADDRESS, ("Steps",), "scripted#.0")
        answer = Answer(f"The answer to: {question.text} [1]", (source,))
        return Turn(question, answer, generation=self.generation)


def tell_figures(*_: object) -> None:
    """Print resident memory, open files and tasks, when asked with SIGUSR1."""
    process = psutil.Process()
    tasks = len(asyncio.all_tasks(asyncio.get_event_loop()))
    print(f"{process.memory_info().rss} {process.num_fds()} {tasks}", flush=True)


async def serve_scripted(stop: asyncio.Event, is_serving: asyncio.Event) -> None:
    """Serve until told to stop."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell_figures)
    asker = ScriptedAsker(float(os.environ.get("SCRIPT_SECONDS", "0.02")))
    await serve(
        SlackConfig.from_env(os.environ),
        asker,
        CountingRebuilder(ArticleAsker()),
        stop,
        on_ready=lambda _: is_serving.set(),
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    serve_until_stopped(serve_scripted)
