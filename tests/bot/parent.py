"""A bot that rebuilds and nothing else, to be killed: python -m tests.bot.parent KNOWLEDGE INDEX.

Prints each step of the build as "phase done total", its own children's ids, and how it ended.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import psutil

from bot.following import following
from bot.rebuilding import ChildRebuilder
from core.assembly import open_pipeline
from core.config import Config
from core.report import Progress


def tell(*words: object) -> None:
    """Print a line at once."""
    print(*words, flush=True)


def start_bystander() -> int:
    """Start a process that is given every descriptor that this one lets go; it outlives us."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    return subprocess.Popen(command, close_fds=False, stdout=subprocess.DEVNULL).pid


async def main() -> None:
    """Rebuild, with another child started meanwhile."""
    config = Config(knowledge=Path(sys.argv[1]), index=Path(sys.argv[2]), answerer="extractive")
    bystanders: list[int] = []

    def show(step: Progress) -> None:
        if not bystanders:
            tell("builder", *(child.pid for child in psutil.Process().children()))
            bystanders.append(start_bystander())
            tell("bystander", *bystanders)
        tell(step.phase.name, step.done, step.total)

    async with open_pipeline(config) as assembled, following(assembled) as follower:
        report = await ChildRebuilder(config, assembled.pipeline, follower).rebuild(show)
    tell("ended", report.status)


if __name__ == "__main__":
    asyncio.run(main())
