"""Generations: opened as published, whole or not at all whenever the builder dies."""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import IndexUnusable, LockTimeout, RebuildRefused
from core.index import Index
from core.lock import GUARD_NAME, build_lock
from core.rebuild import rebuild
from core.store import FORMAT, KEEP, META, Store
from core.types import Role

from .fakes import (
    HashingEmbedder,
    build_and_die,
    build_until_killed,
    build_when_told,
    hear,
    request,
    running,
    versioned,
    write_knowledge,
)
from .indexes import (
    AT_REST,
    FILES,
    generation,
    index_of,
    publish,
    repair,
    versions_in,
)

KILLS = 5
STRIDE = 6  # of the steps before which a builder dies here; make proof takes every one


@pytest.fixture(scope="module")
def first() -> Index:
    return index_of("v1")


@pytest.fixture(scope="module")
def second() -> Index:
    return index_of("v2")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index")


@pytest.fixture
def two(store: Store, first: Index, second: Index) -> Store:
    """Give a store with generation 1 of v1 and the live generation 2 of v2."""
    assert [publish(store, first), publish(store, second)] == ["00000001", "00000002"]
    return store


class TestPublishing:
    async def test_opens_as_published(self, store: Store, first: Index) -> None:
        assert publish(store, first) == "00000001"
        opened = store.open()
        index = opened.index
        assert opened.damaged == ()
        assert index.generation == "00000001"
        assert index.chunks == first.chunks
        assert index.spec == first.spec
        assert index.articles == first.articles == 5
        assert index.is_body.tolist() == first.is_body.tolist()
        assert index.summary_rows.tolist() == first.summary_rows.tolist()
        terms = index.analyzer.terms("lock timesheets in the settings")
        assert index.lexical.scores(terms).tolist() == first.lexical.scores(terms).tolist()
        assert index.lexical.vocabulary == first.lexical.vocabulary
        assert index.vectors is not None
        assert first.vectors is not None
        assert index.vectors.vectors.dtype == np.float32
        assert np.array_equal(index.vectors.vectors, first.vectors.vectors)
        (query,) = await HashingEmbedder().embed(["who can lock"], role=Role.QUERY)
        rows, similarities = index.vectors.nearest(query, 5)
        first_rows, first_similarities = first.vectors.nearest(query, 5)
        assert rows.tolist() == first_rows.tolist()
        assert similarities.tolist() == first_similarities.tolist()

    def test_opens_without_vectors(self, store: Store) -> None:
        publish(store, index_of("v1", lexical_only=True))
        index = store.open().index
        assert (index.vectors, index.spec) == (None, None)
        names = sorted(path.name for path in generation(store, 1).iterdir())
        assert names == sorted({*FILES} - {"vectors.npy", "hnsw.bin"})

    def test_current_names_the_generation_and_the_hash_of_its_meta(self, two: Store) -> None:
        digest = hashlib.sha256((generation(two, 2) / META).read_bytes()).hexdigest()
        assert (two.folder / "CURRENT").read_bytes() == f"00000002 {digest}\n".encode()
        assert two.current() == f"00000002 {digest}"

    def test_current_is_replaced_never_rewritten(self, two: Store, first: Index) -> None:
        text = two.current()
        with (two.folder / "CURRENT").open() as opened_before:
            publish(two, first)
            assert opened_before.read().strip() == text
        assert two.current() != text

    def test_before_the_first_there_is_none(self, store: Store) -> None:
        assert store.current() is None
        assert store.meta() is None
        assert store.numbers() == []
        with pytest.raises(IndexUnusable) as unusable:
            store.open()
        assert str(unusable.value) == (
            f"There is no index in {store.folder}. Run: clockify-bot build"
        )
        assert unusable.value.exit_code == 3

    def test_meta_lists_every_file_with_size_and_hash(self, two: Store) -> None:
        meta = two.meta()
        assert meta is not None
        assert meta["generation"] == "00000002"
        assert meta["format"] == FORMAT
        folder = generation(two, 2)
        assert sorted(meta["files"]) == sorted({*FILES} - {META})
        assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
        for name, entry in meta["files"].items():
            content = (folder / name).read_bytes()
            assert entry == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def test_the_given_meta_stays_as_it_is(self, store: Store, first: Index) -> None:
        given: dict[str, Any] = {"inputs": "i", "articles": [{"id": "a"}]}
        with build_lock(store.folder, timeout_seconds=5, purpose="a test") as lock:
            store.publish(first, given, lock=lock)
        assert given == {"inputs": "i", "articles": [{"id": "a"}]}

    def test_nothing_is_published_without_the_guard(self, two: Store, first: Index) -> None:
        before = two.current()
        with build_lock(two.folder, timeout_seconds=5, purpose="a test") as lock:
            (two.folder / GUARD_NAME).unlink()
            with pytest.raises(LockTimeout, match="removed during the build"):
                two.publish(first, {"articles": []}, lock=lock)
        assert two.current() == before
        assert two.numbers() == ["00000001", "00000002"]
        assert sorted(path.name for path in generation(two, 1).parent.iterdir()) == two.numbers()

    def test_an_index_that_a_reader_cannot_open_is_refused(self, two: Store, first: Index) -> None:
        headless = replace(first, chunks=first.chunks[:-1])  # its last article has no summary
        with pytest.raises(RebuildRefused, match="nothing is published"):
            publish(two, headless)
        assert two.numbers() == ["00000001", "00000002"]
        assert versions_in(two.open().index) == {"v2"}

    def test_leftovers_of_a_crash_are_cleared(self, two: Store, first: Index) -> None:
        for name in (".tmp-12345", ".trash-00000000"):
            (two.folder / "generations" / name).mkdir()
            (two.folder / "generations" / name / "chunks.jsonl").write_bytes(b"half")
        (two.folder / ".CURRENT.12345.tmp").write_bytes(b"00000009 abc")
        assert versions_in(two.open().index) == {"v2"}
        assert repair(two) == ("Cleared 3 leftovers of a build that did not finish.",)
        names = sorted(path.name for path in (two.folder / "generations").iterdir())
        assert names == ["00000001", "00000002"]
        assert {path.name for path in two.folder.iterdir()} <= AT_REST

    def test_a_generation_without_current_is_no_obstacle(self, two: Store, first: Index) -> None:
        live = two.current()
        publish(two, first)
        (two.folder / "CURRENT").write_text(f"{live}\n")  # as if killed before the commit point
        assert versions_in(two.open().index) == {"v2"}
        assert publish(two, first) == "00000004"
        assert two.open().index.generation == "00000004"


@pytest.mark.proof
class TestDeath:
    """Builders killed by SIGKILL, in processes of their own."""

    async def test_before_any_change_to_the_folder(self, tmp_path: Path) -> None:
        old = write_knowledge(tmp_path / "old", versioned("v1"))
        new = write_knowledge(tmp_path / "new", versioned("v2"))
        await rebuild(request(old, tmp_path / "base"))
        await rebuild(request(new, tmp_path / "warm"))
        shutil.copytree(
            tmp_path / "warm" / "cache", tmp_path / "base" / "cache", dirs_exist_ok=True
        )
        outcomes: list[str] = []
        while not outcomes or outcomes[-1] != "done":
            step = STRIDE * len(outcomes) + 1
            folder = tmp_path / f"step-{step}"
            shutil.copytree(tmp_path / "base", folder)
            with running(build_and_die, new, folder, step) as (process, _):
                process.join(20)
                outcomes.append("done" if process.exitcode == 0 else "killed")
                assert process.exitcode in (0, -signal.SIGKILL)
            opened = Store(folder).open()
            assert opened.damaged == (), step
            assert versions_in(opened.index) in ({"v1"}, {"v2"}), step
            report = await rebuild(request(new, folder))
            after = Store(folder).open()
            assert versions_in(after.index) == {"v2"}, step
            assert after.index.generation == report.generation, step
            if report.status == "published":
                assert {path.name for path in folder.iterdir()} <= AT_REST, step
                names = {path.name for path in (folder / "generations").iterdir()}
                assert names == set(Store(folder).numbers()), step
        assert step > 15  # every file, the two renames, the record

    def test_at_random_moments(self, tmp_path: Path) -> None:
        choice = random.Random(3)
        pages = [
            write_knowledge(tmp_path / version, versioned(version)) for version in ("v1", "v2")
        ]
        store = Store(tmp_path / "index")
        published = 0
        for _ in range(KILLS):
            with running(build_until_killed, store.folder, pages) as (process, pipe):
                for _ in range(choice.randint(1, 2)):
                    published = hear(pipe)
                time.sleep(choice.uniform(0.0, 0.08))  # one to three builds long
                process.kill()
                process.join(20)
            opened = store.open()
            assert opened.damaged == ()
            assert len(versions_in(opened.index)) == 1
            assert int(opened.index.generation) >= published
        assert published >= KILLS

    def test_readers_never_see_a_mixture(self, tmp_path: Path) -> None:
        pages = [
            write_knowledge(tmp_path / version, versioned(version)) for version in ("v1", "v2")
        ]
        store = Store(tmp_path / "index")
        with running(build_when_told, store.folder, pages) as (_, pipe):
            pipe.send(True)
            last = hear(pipe)
            for _ in range(5):
                pipe.send(True)
                while not pipe.poll():
                    opened = store.open()
                    assert opened.damaged == ()
                    assert len(versions_in(opened.index)) == 1
                    assert opened.index.generation >= last
                last = hear(pipe)
                assert store.open().index.generation == last
            assert len(store.numbers()) == KEEP
