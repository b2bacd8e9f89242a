"""Stand-ins that compute, knowledge on disk, and builders that run (and die) in other processes."""

from __future__ import annotations

import asyncio
import fcntl
import multiprocessing
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ModelUnavailable
from core.lock import build_lock
from core.protocols import EmbedderSpec
from core.rebuild import BuildRequest, rebuild
from core.types import Role, Vectors

from ..ollama_model import embedding

PROCESSES = multiprocessing.get_context("forkserver")
WAIT_SECONDS = 20.0  # for a child process; only a failing test waits so long
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class HashingEmbedder:
    """Embeds hashed words, so that equal words are near; counts what it was given.

    down makes it raise; on_embed is called before each batch is computed.
    """

    def __init__(
        self,
        *,
        model: str = "hashed-words",
        dimension: int = 64,
        on_embed: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        self.model = model
        self.dimension = dimension
        self.on_embed = on_embed
        self.down = False
        self.texts: list[str] = []
        self.documents: list[str] = []  # those that were embedded as documents
        self.roles: list[Role] = []

    async def spec(self) -> EmbedderSpec:
        self._answer()
        return EmbedderSpec("hashing", self.model, self.dimension, "", "", 128)

    async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        self._answer()
        self.on_embed(texts)
        self.texts += texts
        self.documents += texts if role is Role.DOCUMENT else ()
        self.roles.append(role)
        rows = [embedding(text, self.dimension) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dimension)

    def count_tokens(self, text: str) -> int:
        return len(re.findall(r"\w+|[^\w\s]", text))

    def _answer(self) -> None:
        if self.down:
            raise ModelUnavailable("The hashing embedder is down.")


class WordMatcher:
    """A token matcher over letters: 1 for each word that the text has, 0 for others."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def token_match(
        self, question: str, text: str, weighted_spans: Sequence[tuple[int, int, float]]
    ) -> float:
        self.asked.append(tuple(question[start:end] for start, end, _ in weighted_spans))
        held = {word.casefold() for word in re.findall(r"\w+", text)}
        found = [question[start:end].casefold() in held for start, end, _ in weighted_spans]
        return float(np.average(found, weights=[weight for _, _, weight in weighted_spans]))


ARTICLES = {
    "lock-timesheets": """# Lock timesheets

Admins lock timesheets in the workspace settings, so that nobody can edit old entries.

## Who can lock

Only owners and admins can lock timesheets. Locking is a paid feature.

## Steps

To lock timesheets:

1. Open the workspace settings.
2. Find the section for locking.
3. Choose a date and save.
""",
    "track-time": """# Track time

Start the timer in the time tracker to track time on a project.

## Manual entries

Switch to manual mode to add hours that have passed.
""",
    "invoices": """# Invoices

Create an invoice from billable hours and send it to a client by email.

## Payments

Record a payment on the invoice when the client has paid.
""",
    "reports": """# Reports

The summary report groups hours by project, client and user.

## Export

Export a report as a spreadsheet or a document from the report page.
""",
    "kiosk": """# Kiosk

People clock in at a kiosk with a personal code on a shared tablet.
""",
}


def write_knowledge(folder: Path, pages: Mapping[str, str] = ARTICLES) -> Path:
    """Write pages as files that carry their URL; files of other pages are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    for name, text in pages.items():
        url = f"https://docs.example/help/{name}"
        (folder / f"{name}.md").write_text(f"---\nurl: {url}\n---\n{text}", encoding="utf-8")
    return folder


def versioned(version: str) -> dict[str, str]:
    """Give pages whose every chunk names the version, so that a mixture shows."""
    return {
        name: re.sub(r"(?<=[a-z])\.(?=\s)", f" in {version}.", text)
        for name, text in ARTICLES.items()
    }


def request(knowledge: Path, folder: Path, **settings: Any) -> BuildRequest:
    """Give a request with a fresh hashing embedder unless another is given."""
    defaults: dict[str, Any] = {"embedder": HashingEmbedder(), "purpose": "a test"}
    return BuildRequest(knowledge=knowledge, folder=folder, **{**defaults, **settings})


@contextmanager
def running(
    target: Callable[..., None], *arguments: Any
) -> Iterator[tuple[ForkServerProcess, Connection]]:
    """Run a function in a fresh process; it gets the other end of a pipe first."""
    PROCESSES.set_forkserver_preload(["tests.core.fakes"])
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=target, args=(theirs, *arguments))
    process.start()
    theirs.close()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join(WAIT_SECONDS)
        process.close()
        ours.close()


def hear(pipe: Connection) -> Any:
    """Wait for what a child says."""
    assert pipe.poll(WAIT_SECONDS), "the child process said nothing"
    return pipe.recv()


def hold_lock(pipe: Connection, folder: Path, purpose: str) -> None:
    """Hold the build lock until told to stop, or killed."""
    with build_lock(folder, timeout_seconds=10, purpose=purpose):
        pipe.send(os.getpid())
        pipe.recv()


def enter_often(pipe: Connection, folder: Path, rounds: int) -> None:
    """Enter the lock again and again under a referee; sends how often another was inside."""
    referee = os.open(folder / "referee", os.O_CREAT | os.O_RDWR)
    overlaps = 0
    pipe.recv()
    for _ in range(rounds):
        with build_lock(folder, timeout_seconds=30, purpose="a contest"):
            try:
                fcntl.flock(referee, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                overlaps += 1
            pipe.send("inside")
            fcntl.flock(referee, fcntl.LOCK_UN)
    pipe.send(overlaps)


def build_until_killed(pipe: Connection, folder: Path, versions: Sequence[Path]) -> None:
    """Publish one version after the other for ever, and say which number each got."""
    while True:
        for knowledge in versions:
            wanted = request(knowledge, folder, embedder=None, force=True)
            pipe.send(int(asyncio.run(rebuild(wanted)).generation))


def build_when_told(pipe: Connection, folder: Path, versions: Sequence[Path]) -> None:
    """Publish one version each time the other side says so, and say which number it got."""
    turn = 0
    while pipe.recv():
        knowledge = versions[turn % len(versions)]
        wanted = request(knowledge, folder, embedder=None, force=True)
        pipe.send(asyncio.run(rebuild(wanted)).generation)
        turn += 1


def build_and_die(pipe: Connection, knowledge: Path, folder: Path, step: int) -> None:
    """Build, and be killed right before the given change to the index folder, counted from 1."""
    changes = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes
        if _changes(event, arguments, str(folder)):
            changes += 1
            if changes == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    asyncio.run(rebuild(request(knowledge, folder)))
    pipe.send("published")


def embed_and_die(pipe: Connection, knowledge: Path, folder: Path, batches: int) -> None:
    """Build, and be killed before one more than so many batches were embedded; sends each."""
    left = batches

    def die(texts: Sequence[str]) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        pipe.send(list(texts))

    asyncio.run(rebuild(request(knowledge, folder, embedder=HashingEmbedder(on_embed=die))))


def build_once(pipe: Connection, knowledge: Path, folder: Path) -> None:
    """Build and say which number it got."""
    pipe.send(asyncio.run(rebuild(request(knowledge, folder, force=True))).generation)


def _changes(event: str, arguments: tuple[Any, ...], folder: str) -> bool:
    if event == "open":
        path, _, flags = arguments
        return str(path).startswith(folder) and bool(flags & WRITING)
    names = ("os.rename", "os.mkdir", "os.remove", "os.rmdir")
    return event in names and str(arguments[0]).startswith(folder)
