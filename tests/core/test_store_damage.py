"""Damage of any kind is found before numpy or hnswlib see it, and another generation answers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import IndexUnusable
from core.lexical import build_lexical
from core.rebuild import rebuild
from core.store import FORMAT, META, Store
from core.vectors import build_vectors

from .fakes import hear, request, running, versioned, write_knowledge
from .indexes import DAMAGES, FILES, flip, generation, index_of, publish, versions_in


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index")


@pytest.fixture
def two(store: Store) -> Store:
    """Give a store with generation 1 of v1 and the live generation 2 of v2."""
    for version in ("v1", "v2"):
        publish(store, index_of(version))
    return store


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

    def test_a_damaged_current_is_mended_by_the_next_publication(self, three: Store) -> None:
        (three.folder / "CURRENT").write_text("garbage")
        publish(three, index_of("v1"))
        assert three.open().damaged == ()
        assert three.live() == "00000004"

    def test_a_damaged_current_above_nothing_is_told(self, store: Store) -> None:
        store.folder.mkdir()
        (store.folder / "CURRENT").write_text("garbage")
        with pytest.raises(IndexUnusable, match=r"\(CURRENT is damaged\)\. Run: .* --force"):
            store.open()

    def test_a_whole_generation_in_the_place_of_another_is_told(self, three: Store) -> None:
        shutil.rmtree(generation(three, 3))
        shutil.copytree(generation(three, 1), generation(three, 3))  # whole, but not this one
        opened = three.open()
        assert opened.damaged == ("CURRENT does not match generation 00000003",)
        assert versions_in(opened.index) == {"v1"}


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
            commit(two, json.dumps({**meta, "self": own}, indent=1).encode())

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

    def test_a_graph_that_is_not_of_the_vectors(
        self, two: Store, rewrite: Callable[..., None], tmp_path: Path
    ) -> None:
        build_vectors(np.eye(14, 64, dtype=np.float32)).save(tmp_path / "graph")
        rewrite(lambda meta: meta, hnsw_bin=(tmp_path / "graph").read_bytes())
        opened = two.open()
        assert versions_in(opened.index) == {"v1"}
        assert "the graph is of 14 rows, not 15" in opened.damaged[0]

    def test_files_elsewhere(self, two: Store, rewrite: Callable[..., None]) -> None:
        def add(meta: dict[str, Any]) -> dict[str, Any]:
            content = (generation(two, 1) / "chunks.jsonl").read_bytes()
            entry = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            return {**meta, "files": {**meta["files"], "../00000001/chunks.jsonl": entry}}

        rewrite(add)
        assert two.open().damaged == ("generation 00000002: meta.json names files elsewhere",)

    def test_hnswlib_gets_the_bytes_that_were_compared(self, two: Store) -> None:
        with running(open_while_damaged, two.folder) as (_, pipe):
            assert hear(pipe) == ("00000002", (), [2])
        assert len(two.open().damaged) == 1  # the damage was done


def open_while_damaged(pipe: Connection, folder: Path) -> None:
    """Open the store, while its graph is damaged right before hnswlib comes into play."""

    def damage(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "import" and arguments[0] == "hnswlib":
            (folder / "generations" / "00000002" / "hnsw.bin").write_bytes(b"something else")

    sys.addaudithook(damage)
    opened = Store(folder).open()
    vectors = opened.index.vectors
    assert vectors is not None
    assert vectors.graph is not None
    rows, _ = vectors.nearest(vectors.vectors[2], 1)
    pipe.send((opened.index.generation, opened.damaged, rows.tolist()))


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
