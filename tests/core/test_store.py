"""Generations: whole or not at all, whatever is damaged and whenever the builder dies."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.articles import read_knowledge
from core.chunking import ChunkSizes, split_article
from core.errors import IndexUnusable, LockTimeout, RebuildRefused
from core.index import Index, build_index
from core.lexical import build_lexical
from core.lock import GUARD_NAME, build_lock
from core.rebuild import rebuild
from core.store import FORMAT, KEEP, META, Store
from core.types import Chunk, ChunkKind, Role

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

FILES = (
    "articles.jsonl",
    "chunks.jsonl",
    "hnsw.bin",
    "lexical.json",
    "lexical.npz",
    META,
    "vectors.npy",
)
KILLS = 20
FREE = {"CURRENT", "generations", "cache", GUARD_NAME}  # what an index folder holds at rest


async def make(folder: Path, version: str, *, lexical_only: bool = False) -> Index:
    """Make an index of one version of the pages, without a generation."""
    knowledge = read_knowledge(write_knowledge(folder / f"pages-{version}", versioned(version)))
    embedder = HashingEmbedder()
    chunks: list[Chunk] = []
    for article in knowledge.articles:
        sizes = ChunkSizes(target=60, most=128)
        chunks += split_article(article, sizes=sizes, count_tokens=embedder.count_tokens)
    if lexical_only:
        return build_index("", chunks, None, None)
    texts = [chunk.indexed_text for chunk in chunks]
    vectors = await embedder.embed(texts, role=Role.DOCUMENT)
    return build_index("", chunks, vectors, await embedder.spec())


def publish(store: Store, index: Index, **meta: Any) -> str:
    with build_lock(store.folder, timeout_seconds=5, purpose="a test") as lock:
        return store.publish(index, {"inputs": "i", "articles": [{"id": "a"}], **meta}, lock=lock)


def versions_in(index: Index) -> set[str]:
    """Say which versions of the pages the body chunks of an index are of."""
    texts = [chunk.text for chunk in index.chunks if chunk.kind is ChunkKind.BODY]
    return {"".join(re.findall(r" in (v\d)\.", text)[:1]) for text in texts}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return asyncio.run(make(tmp_path_factory.mktemp("first"), "v1"))


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return asyncio.run(make(tmp_path_factory.mktemp("second"), "v2"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index")


@pytest.fixture
def two(store: Store, first: Index, second: Index) -> Store:
    """Give a store with generation 1 of v1 and the live generation 2 of v2."""
    assert [publish(store, first), publish(store, second)] == ["00000001", "00000002"]
    return store


def generation(store: Store, number: int) -> Path:
    return store.folder / "generations" / f"{number:08d}"


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

    async def test_opens_without_vectors(self, store: Store, tmp_path: Path) -> None:
        publish(store, await make(tmp_path, "v1", lexical_only=True))
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
        publish(two, first)
        names = sorted(path.name for path in (two.folder / "generations").iterdir())
        assert names == ["00000001", "00000002", "00000003"]
        assert {path.name for path in two.folder.iterdir()} <= FREE

    def test_a_generation_without_current_is_no_obstacle(self, two: Store, first: Index) -> None:
        live = two.current()
        publish(two, first)
        (two.folder / "CURRENT").write_text(f"{live}\n")  # as if killed before the commit point
        assert versions_in(two.open().index) == {"v2"}
        assert publish(two, first) == "00000004"
        assert two.open().index.generation == "00000004"


class TestPruning:
    async def test_keeps_the_newest(self, two: Store, first: Index) -> None:
        for _ in range(3):
            publish(two, first)
        assert len(two.numbers()) == 5
        two.prune()
        assert KEEP == 3
        assert two.numbers() == ["00000003", "00000004", "00000005"]
        names = sorted(path.name for path in (two.folder / "generations").iterdir())
        assert names == two.numbers()

    async def test_keeps_the_live_one_however_old(self, two: Store, first: Index) -> None:
        live = two.current()
        for _ in range(4):
            publish(two, first)
        (two.folder / "CURRENT").write_text(f"{live}\n")
        two.prune()
        assert two.numbers() == ["00000002", "00000004", "00000005", "00000006"]
        assert two.open().index.generation == "00000002"

    async def test_a_reader_keeps_answering(self, two: Store, first: Index) -> None:
        held = two.open().index
        terms = held.analyzer.terms("lock timesheets")
        (query,) = await HashingEmbedder().embed(["lock timesheets"], role=Role.QUERY)
        assert held.vectors is not None
        before = held.lexical.scores(terms).tolist(), held.vectors.nearest(query, 3)[0].tolist()
        for _ in range(KEEP + 1):
            publish(two, first)
            two.prune()
        assert held.generation not in two.numbers()
        after = held.lexical.scores(terms).tolist(), held.vectors.nearest(query, 3)[0].tolist()
        assert after == before
        assert versions_in(held) == {"v2"}
        assert versions_in(two.open().index) == {"v1"}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def zero_page(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes(min(4096, len(content))) + content[4096:])


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flipped": flip,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "empty": lambda path: path.write_bytes(b""),
    "zeros": zero_page,
    "removed": lambda path: path.unlink(),
    "a folder": replace_by_folder,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build generations of v1, v2 and v3 once; tests damage copies."""
    folder = tmp_path_factory.mktemp("built")
    for version in ("v1", "v2", "v3"):
        pages = write_knowledge(folder / "pages", versioned(version))
        asyncio.run(rebuild(request(pages, folder / "index")))
    return folder / "index"


class TestDamage:
    @pytest.fixture
    def three(self, built: Path, store: Store) -> Store:
        shutil.copytree(built, store.folder)
        return store

    @pytest.mark.parametrize("damage", DAMAGES)
    @pytest.mark.parametrize("name", FILES)
    def test_one_bad_file_disqualifies_its_generation(
        self, three: Store, name: str, damage: str
    ) -> None:
        DAMAGES[damage](generation(three, 3) / name)
        opened = three.open()
        assert opened.index.generation == "00000002"
        assert versions_in(opened.index) == {"v2"}
        assert len(opened.damaged) == 1
        assert opened.damaged[0].startswith(f"generation 00000003: {name} ")
        meta = three.meta()
        assert meta is not None
        assert meta["generation"] == "00000002"

    @pytest.mark.parametrize("name", FILES)
    def test_a_fallback_is_verified_as_well(self, three: Store, name: str) -> None:
        flip(generation(three, 3) / "chunks.jsonl")
        flip(generation(three, 2) / name)
        opened = three.open()
        assert versions_in(opened.index) == {"v1"}
        assert [reason[:20] for reason in opened.damaged] == [
            "generation 00000003:",
            "generation 00000002:",
        ]

    def test_when_none_is_whole_it_says_what_to_run(self, three: Store) -> None:
        for number in (1, 2, 3):
            flip(generation(three, number) / "vectors.npy")
        with pytest.raises(IndexUnusable) as unusable:
            three.open()
        message = str(unusable.value)
        assert message.startswith(f"No whole generation in {three.folder} (generation 00000003: ")
        assert message.count("vectors.npy has another checksum") == 3
        assert message.endswith(" Run: clockify-bot build --force")
        assert three.meta() is None

    def test_removed_by_hand(self, three: Store) -> None:
        shutil.rmtree(generation(three, 3))
        opened = three.open()
        assert versions_in(opened.index) == {"v2"}
        assert opened.damaged[0].startswith("generation 00000003: meta.json cannot be read")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (None, "CURRENT is missing"),
            (b"", "CURRENT is damaged"),
            (b"\xff\xfe", "CURRENT is damaged"),
            (b"\n", "CURRENT is damaged"),
            (b"garbage", "CURRENT is damaged"),
            (b"00000001", "CURRENT is damaged"),
            (b"00000001 abc", "CURRENT is damaged"),
            (b"../../etc " + b"a" * 64, "CURRENT is damaged"),
            (b"\0 abc", "CURRENT is damaged"),
            (b"x" * 10_000, "CURRENT is damaged"),
            (b"00000001 " + b"A" * 64, "CURRENT is damaged"),
            (b"99999999 " + b"a" * 64, "generation 99999999: meta.json cannot be read"),
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_without_a_whole_current_the_newest_answers(
        self, three: Store, text: bytes | None, reason: str
    ) -> None:
        (three.folder / "CURRENT").unlink()
        if text is not None:
            (three.folder / "CURRENT").write_bytes(text)
        opened = three.open()
        assert versions_in(opened.index) == {"v3"}
        assert [told.partition(" (")[0] for told in opened.damaged] == [reason]
        assert three.live() == ("99999999" if "99999999" in reason else "")
        meta = three.meta()
        assert meta is not None
        assert meta["generation"] == "00000003"

    def test_a_damaged_current_is_mended_by_the_next_publication(
        self, three: Store, first: Index
    ) -> None:
        (three.folder / "CURRENT").write_text("garbage")
        publish(three, first)
        assert three.open().damaged == ()
        assert three.live() == "00000004"

    def test_a_damaged_current_above_nothing_is_told(self, store: Store) -> None:
        store.folder.mkdir()
        (store.folder / "CURRENT").write_text("garbage")
        with pytest.raises(IndexUnusable, match=r"\(CURRENT is damaged\)\. Run: .* --force"):
            store.open()

    def test_meta_of_another_generation_does_not_match_current(self, three: Store) -> None:
        shutil.rmtree(generation(three, 3))
        shutil.copytree(generation(three, 1), generation(three, 3))  # whole, but not this one
        opened = three.open()
        assert opened.damaged == ("generation 00000003: meta.json does not match CURRENT",)
        assert versions_in(opened.index) == {"v2"}


class TestHostileMeta:
    """A meta.json that agrees with the files and with CURRENT, but not with this program."""

    @pytest.fixture
    def rewrite(self, two: Store) -> Callable[..., None]:
        def rewritten(change: Callable[[dict[str, Any]], dict[str, Any]], **files: bytes) -> None:
            folder = generation(two, 2)
            meta = json.loads((folder / META).read_bytes())
            for name, content in files.items():
                path = folder / name.replace("_", ".")
                path.write_bytes(content)
                digest = hashlib.sha256(content).hexdigest()
                meta["files"][path.name] = {"size": len(content), "sha256": digest}
            del meta["self"]
            meta = change(meta)
            own = hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()
            commit(two, json.dumps({**meta, "self": own}).encode())

        return rewritten

    def test_another_format_is_not_opened(self, two: Store, rewrite: Callable[..., None]) -> None:
        rewrite(lambda meta: {**meta, "format": FORMAT + 1})
        opened = two.open()
        assert versions_in(opened.index) == {"v1"}
        assert opened.damaged == (
            f"generation 00000002: format {FORMAT + 1} is not {FORMAT}; build again",
        )

    @pytest.mark.parametrize("name", ["vectors_npy", "lexical_npz"])
    def test_pickle_is_refused(
        self, two: Store, rewrite: Callable[..., None], name: str, tmp_path: Path
    ) -> None:
        bait = np.array([Bait(tmp_path / "executed")], dtype=object)
        buffer = BytesIO()
        if name == "vectors_npy":
            np.save(buffer, bait, allow_pickle=True)
        else:
            names = ("starts", "rows", "impacts", "idf", "count")
            np.savez(buffer, allow_pickle=True, **dict.fromkeys(names, bait))
        rewrite(lambda meta: meta, **{name: buffer.getvalue()})
        opened = two.open()
        assert versions_in(opened.index) == {"v1"}
        assert len(opened.damaged) == 1
        assert opened.damaged[0].startswith("generation 00000002: ")
        assert not (tmp_path / "executed").exists()

    @pytest.mark.parametrize(
        "raw",
        [b"[]", b"null", b"{}", b'"text"', b'{"format": 1}', b'{"format": 1, "files": {}}'],
    )
    def test_json_that_is_no_meta(self, two: Store, raw: bytes) -> None:
        commit(two, raw)
        opened = two.open()
        assert versions_in(opened.index) == {"v1"}
        assert len(opened.damaged) == 1
        meta = two.meta()
        assert meta is not None
        assert meta["generation"] == "00000001"

    @pytest.mark.parametrize("name", ["chunks_jsonl", "lexical_json", "vectors_npy", "hnsw_bin"])
    def test_files_of_nonsense(self, two: Store, rewrite: Callable[..., None], name: str) -> None:
        rewrite(lambda meta: meta, **{name: b"\x93 nonsense\n"})
        opened = two.open()
        assert versions_in(opened.index) == {"v1"}
        assert opened.damaged[0].startswith("generation 00000002: ")

    def test_postings_that_are_not_those_of_the_chunks(
        self, two: Store, rewrite: Callable[..., None]
    ) -> None:
        other = build_lexical([["lock"], ["timesheet"]]).to_bytes()
        rewrite(lambda meta: meta, lexical_npz=other["lexical.npz"])
        opened = two.open()
        assert versions_in(opened.index) == {"v1"}
        assert opened.damaged == ("generation 00000002: lexical.npz is of 2 chunks, not of 15",)

    def test_rows_that_are_not_those_of_the_chunks(
        self, two: Store, rewrite: Callable[..., None]
    ) -> None:
        buffer = BytesIO()
        np.save(buffer, np.eye(3, 64, dtype=np.float32))
        rewrite(lambda meta: meta, vectors_npy=buffer.getvalue())
        opened = two.open()
        assert versions_in(opened.index) == {"v1"}
        assert opened.damaged[0].startswith("generation 00000002: ")


class Bait:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def commit(store: Store, raw: bytes) -> None:
    """Put a meta.json into generation 2 and make CURRENT agree with it."""
    (generation(store, 2) / META).write_bytes(raw)
    digest = hashlib.sha256(raw).hexdigest()
    (store.folder / "CURRENT").write_text(f"00000002 {digest}\n")


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
            step = len(outcomes) + 1
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
                assert {path.name for path in folder.iterdir()} <= FREE, step
                names = {path.name for path in (folder / "generations").iterdir()}
                assert names == set(Store(folder).numbers()), step
        assert len(outcomes) > 15  # every file, the two renames, the record

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
            for _ in range(15):
                pipe.send(True)
                while not pipe.poll():
                    opened = store.open()
                    assert opened.damaged == ()
                    assert len(versions_in(opened.index)) == 1
                    assert opened.index.generation >= last
                last = hear(pipe)
                assert store.open().index.generation == last
            assert len(store.numbers()) == KEEP
