"""A process that works on an inbox, to be killed: python -m tests.bot.inbox_child WHAT FILE …

record FILE NAME        records tasks named after it, many at once, for ever; prints each key
                        that record() confirmed
claim FILE              says "ready", waits for a line, claims whatever it can; prints the keys
hold FILE               records one task and claims it; says "ready" and waits for its death
lock FILE               keeps the write lock; says "ready" and waits for a line
fill FILE FREE_BYTES    records until files may not grow any more, then ("full") until they may
                        again; prints each key that record() confirmed
"""

from __future__ import annotations

import asyncio
import random
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count, takewhile
from pathlib import Path

from bot.database import Database, StorageError
from bot.inbox import Inbox
from bot.tasks import Task, TaskKind

AT_ONCE = 8
BODY = {"text": "How do I add time? " * 40}


def claim_at_once(path: Path, processes: int) -> list[list[str]]:
    """Have several processes claim all that waits; gives the share of each."""
    command, pipe = [sys.executable, "-m", __name__, "claim", str(path)], subprocess.PIPE
    with ExitStack() as ends:
        children = []
        for _ in range(processes):
            child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
            ends.callback(child.communicate)
            ends.callback(child.kill)
            children.append(child)
        _await(children, "ready")
        _go_on(children)
        lines = _await(children, "claimed")
        _go_on(children)
        assert [child.wait() for child in children] == [0] * processes
    return [" ".join(told).split() for told in lines]


def _await(children: list[subprocess.Popen[str]], word: str) -> list[list[str]]:
    """Wait until each says a word; gives the lines before it."""
    before = []
    for child in children:
        assert child.stdout is not None
        lines = list(takewhile(lambda line: line != f"{word}\n", child.stdout))
        assert child.poll() is None
        before.append(lines)
    return before


def _go_on(children: list[subprocess.Popen[str]]) -> None:
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()


def make_task(key: str) -> Task:
    """Make a task whose twin is unique, too."""
    return Task(key, TaskKind.QUESTION, "U0ADA", "C0GEN", f"T0SIM C0GEN {key}", dict(BODY))


async def record(path: Path, name: str) -> None:
    """Record for ever."""
    inbox, numbers = Inbox(await Database.open(path)), count()
    await asyncio.gather(*(_record_some(inbox, name, numbers) for _ in range(AT_ONCE)))


async def _record_some(inbox: Inbox, name: str, numbers: Iterator[int]) -> None:
    while True:
        key = f"{name}-{next(numbers)}"
        assert await inbox.record(make_task(key))
        print(key, flush=True)


async def claim(path: Path) -> None:
    """Claim all that can be claimed, in an order of its own."""
    database = await Database.open(path)
    inbox = Inbox(database)
    keys = [waiting.key for waiting in await inbox.waiting()]
    random.shuffle(keys)
    tell_and_wait("ready")
    claimed = await asyncio.gather(*(_claim_some(inbox, keys[n::AT_ONCE]) for n in range(AT_ONCE)))
    for share in claimed:
        tell(*share)
    tell_and_wait("claimed")  # alive until all have claimed
    await database.close()


async def _claim_some(inbox: Inbox, keys: list[str]) -> list[str]:
    return [key for key in keys if await inbox.claim(key) is not None]


async def hold(path: Path) -> None:
    """Claim a task and keep it."""
    inbox = Inbox(await Database.open(path))
    await inbox.record(make_task("held"))
    assert await inbox.claim("held") is not None
    tell_and_wait("ready")


def lock(path: Path) -> None:
    """Let nobody write."""
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    tell_and_wait("ready")
    raw.execute("COMMIT")


async def fill(path: Path, free_bytes: str) -> None:
    """Record on a disk that becomes full and has room again."""
    database = await Database.open(path)
    inbox = Inbox(database)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(free_bytes), hard))
    for number in count():
        try:
            assert await inbox.record(make_task(f"before-{number}"))
        except StorageError as error:
            tell("full", str(error))
            break
        tell("recorded", f"before-{number}")
    await asyncio.gather(*(_expect_no_room(inbox, f"none-{number}") for number in range(20)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    for number in range(20):
        assert await inbox.record(make_task(f"after-{number}"))
        tell("recorded", f"after-{number}")
    await database.close()


async def _expect_no_room(inbox: Inbox, key: str) -> None:
    try:
        await inbox.record(make_task(key))
    except StorageError:
        return
    tell("recorded", key)


def tell(*words: str) -> None:
    """Print a line at once."""
    print(*words, flush=True)


def tell_and_wait(word: str) -> None:
    """Print a word, and wait for a line."""
    tell(word)
    sys.stdin.readline()


def main(what: str, path: str, *more: str) -> None:
    """Do one of the above."""
    match what:
        case "record":
            asyncio.run(record(Path(path), *more))
        case "claim":
            asyncio.run(claim(Path(path)))
        case "hold":
            asyncio.run(hold(Path(path)))
        case "lock":
            lock(Path(path))
        case "fill":
            asyncio.run(fill(Path(path), *more))
        case _:
            raise SystemExit(f"unknown: {what}")


if __name__ == "__main__":
    main(*sys.argv[1:])
