"""Time rebuilds, and what questions notice of them; every ratio is against the same run.

    python -m benchmarks.rebuild [KNOWLEDGE] [--nice 10] [--rounds 2]

Prints the seconds of a build from nothing, of an unchanged one and of one with one article changed
(each with the start of its process); then, of a process that answers with quotes, how long
questions take and how late the event loop is: calm, during a rebuild from nothing in a child, and
while a generation is opened and swapped in. It works on copies in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bot.following import following
from bot.rebuilding import ChildRebuilder
from core.assembly import Assembled, open_pipeline
from core.config import Config
from core.settings import to_environment
from core.types import Question

TICK_SECONDS = 0.01
PAUSE_SECONDS = 0.02  # between two questions
CALM_SECONDS = 10.0
SWAPS = 5
NEW_TEXT = "\n\nThe brass bell on the counter is rung at noon.\n"


@dataclass(slots=True)
class Notes:
    """Milliseconds that questions took, and that the event loop was late."""

    questions: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)

    def show(self, name: str, calm: Notes | None = None) -> None:
        """Print one line, with ratios to a calm time."""
        lag = f"loop late max {max(self.lags):5.1f} ms, p99 {np.percentile(self.lags, 99):5.1f} ms"
        if not self.questions:
            print(f"{name:<22} {lag}")
            return
        p50, p99 = np.percentile(self.questions, [50, 99])
        ratios = ""
        if calm is not None:
            of50, of99 = np.percentile(calm.questions, [50, 99])
            ratios = f" ({p50 / of50:.2f} x and {p99 / of99:.2f} x calm)"
        count = len(self.questions)
        print(f"{name:<22} {count} questions p50 {p50:.1f} p99 {p99:.1f} ms{ratios}; {lag}")


@asynccontextmanager
async def watching(notes: Notes) -> AsyncIterator[None]:
    """Note how late the event loop is while the block runs."""

    async def tick() -> None:
        while True:
            due = time.perf_counter() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            notes.lags.append((time.perf_counter() - due) * 1000)

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()


async def ask_until(done: asyncio.Future[Any], assembled: Assembled, notes: Notes) -> None:
    """Ask the title of one article after the other until something is done."""
    titles = sorted({chunk.title for chunk in assembled.pipeline.index.chunks})
    number = 0
    async with watching(notes):
        while not done.done():
            question = Question(f"How does this work: {titles[number % len(titles)]}?")
            turn = await assembled.pipeline.ask(question)
            notes.questions.append(turn.timings_ms.total)
            number += 1
            await asyncio.sleep(PAUSE_SECONDS)


async def built(config: Config) -> float:
    """Build in a process of its own; give its seconds, start included."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "build", "--log", "ERROR"),
        env={**os.environ, **to_environment(config)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    if await process.wait():
        raise SystemExit("the build failed; run clockify-bot build to see why")
    return time.perf_counter() - started


def change_one(knowledge: Path) -> None:
    """Add a sentence to the last article."""
    path = max(knowledge.rglob("*.md")) if knowledge.is_dir() else knowledge
    path.write_text(path.read_text(encoding="utf-8").rstrip() + NEW_TEXT, encoding="utf-8")


async def builds(config: Config) -> None:
    """Time builds from nothing, of the same and of one changed article."""
    cold = await built(config)
    print(f"build from nothing     {cold:.2f} s")
    same = await built(config)
    print(f"nothing changed        {same:.2f} s, {same / cold:.1%} of it")
    change_one(config.knowledge)
    one = await built(config)
    print(f"one article changed    {one:.2f} s, {one / cold:.1%} of it")


async def questions(config: Config, rounds: int) -> None:
    """Ask while calm and while a child builds from nothing, in turns."""
    calm, busy, swapping = Notes(), Notes(), Notes()
    async with open_pipeline(config) as assembled, following(assembled) as follower:
        rebuilder = ChildRebuilder(config, assembled.pipeline, follower)
        await ask_until(asyncio.ensure_future(asyncio.sleep(2)), assembled, Notes())
        for _ in range(rounds):
            pause = asyncio.ensure_future(asyncio.sleep(CALM_SECONDS))
            await ask_until(pause, assembled, calm)
            shutil.rmtree(config.index_dir / "cache")
            rebuilding = asyncio.ensure_future(rebuilder.rebuild(lambda _: None, force=True))
            await ask_until(rebuilding, assembled, busy)
            rebuilding.result()
        async with watching(swapping):
            for _ in range(SWAPS):
                opened = await asyncio.to_thread(assembled.store.open)
                assembled.pipeline.swap(opened.index)
                del opened
                await asyncio.sleep(0.1)
    calm.show("calm")
    busy.show("during a rebuild", calm)
    swapping.show("opening and swapping")


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("knowledge", type=Path, nargs="?", default=Path("knowledge"))
    parser.add_argument("--nice", type=int, default=Config().build_nice)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        copy = Path(folder) / given.knowledge.name
        if given.knowledge.is_dir():
            shutil.copytree(given.knowledge, copy)
        else:
            shutil.copy(given.knowledge, copy)
        index = Path(folder) / "index"
        config = Config(knowledge=copy, index=index, answerer="extractive", build_nice=given.nice)
        await builds(config)
        await questions(config, given.rounds)


if __name__ == "__main__":
    asyncio.run(main())
