"""Build once, as the command line does, but start in a third of its time: for strace and its kin.

python -m tests.proof.build_one KNOWLEDGE INDEX [STEP]

Publishes with force and vectors of the hashing embedder. Prints "published 00000002" on standard
output; or one sentence on standard error, with the exit status that the command line would give.
STEP: be killed right before the so-manieth file is opened for writing in INDEX, counted from 1.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from core.errors import BotError
from core.rebuild import BuildRequest, rebuild

from ..core.fakes import WRITING, HashingEmbedder

LOCK_TIMEOUT = "BUILD_LOCK_TIMEOUT"  # seconds; read from the environment


def main(knowledge: str, index: str, step: str = "0") -> int:
    """Build and give the exit status."""
    die_before_opening(Path(index), int(step))
    try:
        _build(Path(knowledge), Path(index))
    except BotError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:  # of standard output: bot.cli says it in these words
        print(error, file=sys.stderr)
        return 1
    return 0


def _build(knowledge: Path, index: Path) -> None:
    request = BuildRequest(
        knowledge=knowledge,
        folder=index,
        embedder=HashingEmbedder(),
        purpose="a proof",
        force=True,
        lock_timeout_seconds=float(os.environ.get(LOCK_TIMEOUT, "10")),
    )
    try:
        report = asyncio.run(rebuild(request))
    except OSError as error:
        from core.assembly import index_written  # slow to import, and seldom needed

        with index_written(index):
            raise error
    sys.stdout.write(f"{report.status.value} {report.generation}\n")
    sys.stdout.flush()


def die_before_opening(folder: Path, step: int) -> None:
    """Arrange to be killed before the given opening for writing in a folder; 0: never."""
    opened = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal opened
        if event == "open" and str(arguments[0]).startswith(str(folder)) and _writes(arguments[2]):
            opened += 1
            if opened == step:
                os.kill(os.getpid(), signal.SIGKILL)

    if step:
        sys.addaudithook(count)


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & WRITING)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
