"""Readers while 200 generations are published and pruned under them: always one whole generation.

Every chunk names its version and generations alternate between two versions, so whatever a reader
gets tells which generation all of it must be of.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from bot.following import Follower
from core.answerers.extractive import ExtractiveAnswerer
from core.errors import BotError
from core.lock import build_lock
from core.pins import pinned
from core.pipeline import AnswerRules, Pipeline
from core.retrieval import RetrievalRules, search
from core.store import KEEP, META, Store
from core.types import Hit, Question, Role
from core.writing import Writer

from ..core.fakes import HashingEmbedder, hear, running
from .builds import NEW, OLD, build_here, knowledge_of, rubbish, version_of

REBUILDS = 200
READERS = 2
BUILDER_SECONDS = 400.0
QUERIES = ("Who can lock timesheets?", "How do I export a report?", "clock in at a kiosk")
FILES = 7  # of a generation; a reader opens each after meta.json, which it pins
MOST_TOLD = 10  # of what went wrong

Record = Callable[[str, object], None]


@dataclass(slots=True)
class Readings:
    """What one reader saw."""

    reads: int = 0
    generations: list[str] = field(default_factory=list)  # in the order they were seen
    most_on_disk: int = 0
    wrong: list[str] = field(default_factory=list)

    def note(self, generation: str, version: str, store: Store) -> None:
        """Count a read and check it."""
        self.reads += 1
        self.most_on_disk = max(self.most_on_disk, len(store.numbers()))
        if self.generations[-1:] != [generation]:
            self.generations.append(generation)
        if version != version_of_number(generation):
            self.wrong.append(f"generation {generation} says {version}")


def version_of_number(generation: str) -> str:
    """Say of which version a generation is: the first and every other one is the old one."""
    return OLD if int(generation) % 2 else NEW


def version_of_hits(hits: Sequence[Hit]) -> str:
    """Give the version that all hits name; several of them are a mixture."""
    texts = " ".join(hit.chunk.text for hit in hits)
    return " and ".join(sorted({*re.findall(r" in (v\d)\.", texts)}))


def rebuild_often(pipe: Connection, index: Path, old: Path, new: Path, count: int) -> None:
    """Publish so many generations in turn; sends how many were left on disk after each."""
    for turn in range(count):
        build_here(old if turn % 2 else new, index)
        pipe.send(Store(index).numbers())


def open_often(pipe: Connection, index: Path) -> None:
    """Open the index anew and search it, until told to stop."""
    store, readings, embedder = Store(index), Readings(), HashingEmbedder()
    queries = asyncio.run(embedder.embed(QUERIES, role=Role.QUERY))
    pipe.send("ready")
    while not pipe.poll():
        try:
            opened = store.open()
            readings.wrong += opened.damaged
            readings.note(opened.index.generation, version_of(opened), store)
            for text, query in zip(QUERIES, queries, strict=True):
                found = search(opened.index, text, query, RetrievalRules())
                readings.note(opened.index.generation, version_of_hits(found.hits), store)
        except (BotError, AssertionError, OSError) as error:
            readings.wrong.append(repr(error))
    pipe.send(readings)


def follow(pipe: Connection, index: Path) -> None:
    """Answer questions from a pipeline that changes over whenever CURRENT changed, until told."""
    asyncio.run(_follow(pipe, Store(index)))


async def _follow(pipe: Connection, store: Store) -> None:
    readings = Readings()
    pipeline = Pipeline(
        store.open().index,
        Writer(ExtractiveAnswerer(), None),
        embedder=HashingEmbedder(),
        matcher=None,
        rules=AnswerRules(threshold=0.0),
    )
    follower = Follower(pipeline, store)
    pipe.send("ready")
    while not pipe.poll():
        for text in QUERIES:
            turn = await pipeline.ask(Question(text))
            readings.note(turn.generation, version_of_hits(turn.hits), store)
        problem = await follower.look()
        readings.wrong += [problem] if problem else []
    pipe.send(readings)


@pytest.fixture
def pages(tmp_path: Path) -> tuple[Path, Path]:
    return knowledge_of(tmp_path, OLD), knowledge_of(tmp_path, NEW)


def test_rebuilds_under_readers(
    pages: tuple[Path, Path], tmp_path: Path, record_property: Record
) -> None:
    index = tmp_path / "index"
    build_here(pages[0], index)
    with ExitStack() as children:
        readers = [
            children.enter_context(running(reader, index))[1]
            for reader in (*[open_often] * READERS, follow)
        ]
        assert {hear(pipe) for pipe in readers} == {"ready"}
        _, builder = children.enter_context(running(rebuild_often, index, *pages, REBUILDS))
        left = [builder.recv() for _ in range(REBUILDS)]
        for pipe in readers:
            pipe.send("stop")
        seen: list[Readings] = [hear(pipe) for pipe in readers]
    counts = {
        "rebuilds": len(left),
        "reads": [readings.reads for readings in seen],
        "generations seen": [len(readings.generations) for readings in seen],
        "most generations on disk": max(readings.most_on_disk for readings in seen),
    }
    print(counts)
    record_property("rebuilds under readers", counts)
    for readings in seen:
        assert readings.wrong[:MOST_TOLD] == []
        assert readings.generations == sorted({*readings.generations}), "went backwards"
        assert len(readings.generations) > REBUILDS / 20
        assert readings.most_on_disk <= KEEP + 1, "one is being published"
    assert [numbers[-1] for numbers in left] == [f"{n:08d}" for n in range(2, REBUILDS + 2)]
    assert max(len(numbers) for numbers in left) <= KEEP
    assert rubbish(index) == []
    assert Store(index).live() == f"{REBUILDS + 1:08d}"


def open_with_a_stall(pipe: Connection, index: Path, step: int) -> None:
    """Open the index, and wait to be told before opening the so-manieth file of a generation."""
    opened = 0
    below = str(index / "generations")

    def stall(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal opened
        if event == "open" and str(arguments[0]).startswith(below):
            opened += 1
            if opened == step:
                pipe.send("stalled")
                pipe.recv()

    sys.addaudithook(stall)
    found = Store(index).open()
    version = version_of(found)
    pipe.send((found.index.generation, version, found.damaged))


def test_a_reader_that_others_overtake_anywhere_starts_over(
    pages: tuple[Path, Path], tmp_path: Path, record_property: Record
) -> None:
    index = tmp_path / "index"
    build_here(pages[0], index)
    kept = started_over = step = 0
    while kept + started_over == step:
        step += 1
        with running(open_with_a_stall, index, step) as (_, pipe):
            said = hear(pipe)
            if said == "stalled":
                before = Store(index).live()
                for _ in range(KEEP):
                    newest = build_here(pages[int(Store(index).live()) % 2], index)
                pipe.send("go on")
                generation, version, damaged = hear(pipe)
                assert damaged == (), step
                assert generation in (before, newest), step
                assert version == version_of_number(generation), step
                kept += generation == before
                started_over += generation == newest
    record_property("overtaken readers", {"kept": kept, "started over": started_over})
    assert kept >= FILES - 1
    assert started_over > 0


def pin_until_told(pipe: Connection, path: Path) -> None:
    """Read as a reader of another process does, and stay in the middle of it until told."""
    with pinned(path):
        pipe.send("pinned")
        pipe.recv()
    pipe.send("let go")


def test_what_is_being_read_is_pruned_when_it_was_read(
    pages: tuple[Path, Path], tmp_path: Path
) -> None:
    index = tmp_path / "index"
    first = build_here(pages[0], index)
    store = Store(index)
    held = store.open().index
    folder = index / "generations" / first
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with running(pin_until_told, folder / META) as (_, pipe):
        assert hear(pipe) == "pinned"
        for page in (pages[1], pages[0]) * 2:
            build_here(page, index)
            assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        assert store.numbers()[0] == first
        assert len(store.numbers()) == KEEP + 1
        pipe.send("let go")
        assert hear(pipe) == "let go"
        with build_lock(index, timeout_seconds=5, purpose="a proof") as lock:
            store.prune(lock=lock)
    assert not folder.exists()
    assert len(store.numbers()) == KEEP
    (query,) = asyncio.run(HashingEmbedder().embed(QUERIES[:1], role=Role.QUERY))
    found = search(held, QUERIES[0], query, RetrievalRules())
    assert version_of_hits(found.hits) == OLD
    shutil.rmtree(index)
    assert search(held, QUERIES[0], query, RetrievalRules()) == found
