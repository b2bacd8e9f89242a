"""Damage at rest, by the thousand: served whole or not at all, and never by a signal.

Each damage changes files of an index of three generations, then a reader in a process of its own
opens it. The same damages go through a reader that trusts what it finds, to show that they bite.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from core import codec
from core.errors import IndexUnusable
from core.index import Index, make_index
from core.lexical import LexicalIndex
from core.rebuild import rebuild
from core.retrieval import RetrievalRules, search
from core.store import Store
from core.types import Vector
from core.vectors import load_vectors

from ..bot.articles import write_articles
from ..bot.terminal import Terminal, bare
from ..core.fakes import HashingEmbedder, request, running, versioned, write_knowledge
from ..ollama_model import embedding
from .builds import NEW, rubbish, version_of
from .damages import CURRENT, Damaged, damaged, do_damage

DAMAGES = 1800  # the promise is about 1,500
TRUSTING_DAMAGES = 300
REPAIRS = 60
WORKERS = 2
SILENCE_SECONDS = 60.0  # of a worker; a look takes milliseconds
VERSIONS = ("v1", "v2", "v3")
QUESTIONS = ("Who can lock timesheets?", "How do I export a report?", "clock in at a kiosk")
DIMENSION = HashingEmbedder().dimension

Reader = Callable[[Path], tuple[Index, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Look:
    """What a reader got from a damaged index."""

    damage: Damaged
    print: str = ""  # of the index that was served; "" when none was
    reported: tuple[str, ...] = ()
    error: str = ""  # what the reader raised instead
    signal: int = 0  # what killed the reader


@dataclass(frozen=True, slots=True)
class Built:
    """An index of three whole generations, and the print of each by its number."""

    folder: Path
    prints: dict[str, str]

    def expected(self, damage: Damaged) -> str:
        """Give the print that must be served, of the newest whole generation; "" for none."""
        whole = [number for number in self.prints if number not in damage.wrong]
        return self.prints[max(whole)] if whole else ""

    def to_report(self, damage: Damaged) -> set[str]:
        """Name what a reader meets: CURRENT and each generation before the newest whole one."""
        whole = [number for number in self.prints if number not in damage.wrong]
        return {name for name in damage.wrong if not whole or name > max(whole)}

    def is_undetected(self, look: Look) -> bool:
        """Say whether something was served that was never published, or silently another one."""
        if not look.print:
            return False
        is_silent = bool(self.to_report(look.damage)) and not look.reported
        return look.print not in self.prints.values() or is_silent


def print_of(index: Index) -> str:
    """Hash all that an index would answer from, and what it does answer."""
    digest = hashlib.sha256(codec.chunks_to_bytes(index.chunks))
    for content in index.lexical.to_bytes().values():
        digest.update(content)
    assert index.vectors is not None
    digest.update(index.vectors.vectors.tobytes())
    for question in QUESTIONS:
        query: Vector = np.array(embedding(question, DIMENSION), dtype=np.float32)
        digest.update(index.vectors.nearest(query, 5)[0].tobytes())
        found = search(index, question, query, RetrievalRules())
        digest.update(repr([(hit.chunk.id, hit.score) for hit in found.hits]).encode())
    return digest.hexdigest()


def verifying(folder: Path) -> tuple[Index, tuple[str, ...]]:
    """Open an index as the bot does."""
    opened = Store(folder).open()
    return opened.index, opened.damaged


def trusting(folder: Path) -> tuple[Index, tuple[str, ...]]:
    """Load the live generation as it lies there, without a look at any checksum."""
    live = folder / "generations" / (folder / CURRENT).read_text().split()[0]
    files = {path.name: path.read_bytes() for path in live.iterdir()}
    chunks = codec.chunks_from_bytes(files["chunks.jsonl"])
    rows = np.load(BytesIO(files["vectors.npy"]), allow_pickle=False)
    vectors = load_vectors(rows, live / "hnsw.bin")
    return make_index(live.name, chunks, LexicalIndex.from_bytes(files), vectors, None), ()


def look_often(
    pipe: Connection, index: Path, scratch: Path, seeds: Sequence[int], reader: Reader
) -> None:
    """Damage a copy of an index again and again and send what a reader makes of it.

    A damage is told before the reader sees it, so that the other side knows which one killed us.
    """
    logging.disable(logging.CRITICAL)
    shutil.copytree(index, scratch)
    for seed in seeds:
        with damaged(scratch, seed) as damage:
            pipe.send(damage)
            pipe.send(_looked(damage, scratch, reader))


def _looked(damage: Damaged, folder: Path, reader: Reader) -> Look:
    try:
        served, reported = reader(folder)
        return Look(damage, print=print_of(served), reported=reported)
    except IndexUnusable as error:
        return Look(damage, error=f"IndexUnusable: {error}")
    except Exception as error:  # of the trusting reader, any; of the other, a failure
        return Look(damage, error=repr(error))


def looks(built: Built, scratch: Path, seeds: Sequence[int], reader: Reader) -> Iterator[Look]:
    """Take looks in a child; where a signal ends it, another goes on behind that damage."""
    left = list(seeds)
    while left:
        folder = scratch / str(left[0])
        with running(look_often, built.folder, folder, left, reader) as (process, pipe):
            while left:
                assert pipe.poll(SILENCE_SECONDS), "the reader hangs"
                damage = pipe.recv()
                left.remove(damage.seed)
                try:
                    assert pipe.poll(SILENCE_SECONDS), damage
                    yield pipe.recv()
                except EOFError:
                    process.join(SILENCE_SECONDS)
                    yield Look(damage, signal=-(process.exitcode or 0))
                    break
        shutil.rmtree(folder)


def all_looks(built: Built, scratch: Path, count: int, reader: Reader) -> list[Look]:
    """Take a look at so many damages, in several children at once."""
    shares = [range(start, count, WORKERS) for start in range(WORKERS)]
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = [
            pool.submit(lambda s=share: list(looks(built, scratch, s, reader)))  # type: ignore[misc]
            for share in shares
        ]
        return [look for job in jobs for look in job.result()]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    prints = {}
    for version in VERSIONS:
        pages = write_knowledge(folder / "pages", versioned(version))
        number = asyncio.run(rebuild(request(pages, folder / "index"))).generation
        opened = Store(folder / "index").open()
        assert (opened.index.generation, opened.damaged) == (number, ())
        prints[number] = print_of(opened.index)
    assert len({*prints.values()}) == len(VERSIONS)
    return Built(folder / "index", prints)


def test_no_damage_is_served_and_none_kills(
    built: Built, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    taken = all_looks(built, tmp_path, DAMAGES, verifying)
    assert [look for look in taken if look.signal] == []
    assert [look for look in taken if built.is_undetected(look)] == []
    for look in taken:
        expected = built.expected(look.damage)
        assert look.print == expected, look
        assert look.error.startswith("" if expected else "IndexUnusable: "), look
        wanted = built.to_report(look.damage)
        assert bool(look.reported) == bool(wanted and expected), look
        said = look.error or " ".join(look.reported)
        assert all(name in said for name in wanted - {CURRENT}), look
    counts = {
        "damages": sum(bool(look.damage.wrong) for look in taken),
        "without effect": sum(not look.damage.wrong for look in taken),
        "fallbacks": sum(bool(look.reported) for look in taken),
        "unusable": sum(bool(look.error) for look in taken),
        "kinds": len(Counter(done for look in taken for done in look.damage.done)),
    }
    print(counts)
    record_property("damage", counts)
    assert counts["damages"] >= 1500
    assert counts["unusable"] > 0


def test_a_reader_that_trusts_what_it_finds_is_killed_or_fooled(
    built: Built, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    taken = all_looks(built, tmp_path, TRUSTING_DAMAGES, trusting)
    killed = [look for look in taken if look.signal]
    fooled = [look for look in taken if built.is_undetected(look)]
    counts = {"damages": len(taken), "killed": len(killed), "fooled": len(fooled)}
    print(counts)
    record_property("damage to a trusting reader", counts)
    assert fooled or killed


def test_the_next_build_is_whole_again_whatever_was_damaged(
    built: Built, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    pages = write_knowledge(tmp_path / "pages", versioned(NEW))
    for seed in range(REPAIRS):
        index = tmp_path / str(seed)
        shutil.copytree(built.folder, index)
        damage, _ = do_damage(index, seed)
        number = asyncio.run(rebuild(request(pages, index, force=True))).generation
        store = Store(index)
        opened = store.open()
        assert (opened.damaged, opened.index.generation) == ((), number), damage
        assert version_of(opened) == NEW, damage
        assert number == store.numbers()[-1] > max(built.prints), damage
        assert rubbish(index) == [], damage
        assert len(store.numbers()) <= len(VERSIONS), damage
        shutil.rmtree(index)
    record_property("builds after damage", REPAIRS)


def test_the_command_line_leaves_with_3_when_the_only_generation_is_damaged(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    write_articles(tmp_path / "knowledge", "tags", "kiosk")
    terminal = Terminal(tmp_path, {**bare(tmp_path), "INDEX": str(tmp_path / "index")})
    assert asyncio.run(terminal.run("build")).code == 0
    (generation,) = (tmp_path / "index" / "generations").iterdir()
    files = sorted(generation.iterdir())
    assert len(files) == 7
    for path in files:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] + b"\0" + content[len(content) // 2 + 1 :])
        code, said = asyncio.run(terminal.run("ask", "How do I create a tag?")).failure
        assert (code, path.name in said) == (3, True), said
        assert said.endswith("Run: clockify-bot build --force")
        path.write_bytes(content)
    assert asyncio.run(terminal.run("ask", "How do I create a tag?")).code == 0
    record_property("damaged files met by the command line", len(files))
