"""Finished embeddings: found again by content, never when torn, never another embedder's."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from core.embedding_cache import EmbeddingCache, cache_bytes, trim_cache
from core.protocols import EmbedderSpec
from core.types import Vector

SPEC = EmbedderSpec("hashing", "words", 4, "passage: ", "query: ", 128)
VECTOR: Vector = np.array([0.5, -0.5, 0.5, 0.5], dtype=np.float32)


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "cache", SPEC)


def entry(cache_folder: Path) -> Path:
    (path,) = cache_folder.rglob("*.vec")
    return path


def test_gives_back_what_it_was_given(cache: EmbeddingCache, tmp_path: Path) -> None:
    assert cache.get("a text") is None
    cache.put("a text", VECTOR)
    found = EmbeddingCache(tmp_path / "cache", SPEC).get("a text")
    assert found is not None
    assert found.dtype == np.float32
    assert found.tolist() == VECTOR.tolist()
    found[0] = 9  # a copy of its own
    assert cache.get("another text") is None


def test_the_last_one_counts(cache: EmbeddingCache) -> None:
    cache.put("a text", VECTOR)
    cache.put("a text", -VECTOR)
    found = cache.get("a text")
    assert found is not None
    assert found.tolist() == (-VECTOR).tolist()


@pytest.mark.parametrize(
    "other",
    [
        replace(SPEC, name="ollama"),
        replace(SPEC, model="other"),
        replace(SPEC, dimension=8),
        replace(SPEC, document_prefix=""),
    ],
    ids=["name", "model", "dimension", "document prefix"],
)
def test_another_embedder_finds_nothing(
    cache: EmbeddingCache, tmp_path: Path, other: EmbedderSpec
) -> None:
    cache.put("a text", VECTOR)
    assert EmbeddingCache(tmp_path / "cache", other).get("a text") is None


def test_what_does_not_touch_documents_changes_nothing(
    cache: EmbeddingCache, tmp_path: Path
) -> None:
    cache.put("a text", VECTOR)
    other = replace(SPEC, query_prefix="", max_tokens=64)
    assert EmbeddingCache(tmp_path / "cache", other).get("a text") is not None


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: raw[:32],
        lambda raw: raw[:-1],
        lambda raw: raw + b"\0",
        lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
        lambda raw: bytes([raw[0] ^ 1]) + raw[1:],
        lambda raw: bytes(len(raw)),
        lambda raw: sha256(raw[32:-4]).digest() + raw[32:-4],
    ],
    ids=[
        "empty",
        "no vector",
        "cut",
        "longer",
        "flipped vector",
        "flipped checksum",
        "zeros",
        "a number less",
    ],
)
def test_a_torn_entry_is_no_entry(
    cache: EmbeddingCache, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    cache.put("a text", VECTOR)
    path = entry(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get("a text") is None
    cache.put("a text", VECTOR)
    assert cache.get("a text") is not None


@pytest.mark.parametrize("factor", ["nan", "inf", "0", "2"])
def test_only_unit_vectors_are_kept(cache: EmbeddingCache, factor: str) -> None:
    with np.errstate(invalid="ignore"):
        cache.put("a text", VECTOR * np.float32(factor))
    assert cache.get("a text") is None


def test_a_folder_that_cannot_be_written_costs_the_entry_only(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = EmbeddingCache(tmp_path / "cache", SPEC)
    cache.put("a text", VECTOR)
    assert cache.get("a text") is None


def test_nothing_else_is_left_in_the_folder(cache: EmbeddingCache, tmp_path: Path) -> None:
    cache.put("a text", VECTOR)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [entry(tmp_path)]
    assert files[0].parent.name == files[0].name[:2]


class TestTrimming:
    """Entries are of 32 + 16 bytes; those put first are the oldest."""

    SIZE = 48

    def fill(self, cache: EmbeddingCache, folder: Path, count: int) -> list[str]:
        """Keep so many vectors, each a second younger than the one before; gives their names."""
        names = []
        for n in range(count):
            cache.used.clear()
            cache.put(f"text {n}", VECTOR)
            (name,) = cache.used
            os.utime(folder / name[:2] / name, (1_000 + n, 1_000 + n))
            names.append(name)
        return names

    def left(self, folder: Path) -> set[str]:
        return {path.name for path in folder.rglob("*") if path.is_file()}

    def test_below_the_cap_all_stay(self, cache: EmbeddingCache, tmp_path: Path) -> None:
        names = self.fill(cache, tmp_path / "cache", 4)
        size = trim_cache(tmp_path / "cache", max_bytes=4 * self.SIZE, used=())
        assert size == cache_bytes(tmp_path / "cache") == 4 * self.SIZE
        assert self.left(tmp_path / "cache") == set(names)

    def test_the_oldest_go_first(self, cache: EmbeddingCache, tmp_path: Path) -> None:
        names = self.fill(cache, tmp_path / "cache", 6)
        size = trim_cache(tmp_path / "cache", max_bytes=4 * self.SIZE - 1, used=())
        assert size == cache_bytes(tmp_path / "cache") == 3 * self.SIZE
        assert self.left(tmp_path / "cache") == set(names[3:])

    def test_what_was_used_goes_last(self, cache: EmbeddingCache, tmp_path: Path) -> None:
        names = self.fill(cache, tmp_path / "cache", 6)
        for most, stay in ((3, {0, 1, 5}), (2, {0, 1}), (1, {1}), (0, set())):
            trim_cache(tmp_path / "cache", max_bytes=most * self.SIZE, used=names[:2])
            assert self.left(tmp_path / "cache") == {names[n] for n in stay}

    def test_what_is_got_or_put_was_used(self, cache: EmbeddingCache, tmp_path: Path) -> None:
        names = self.fill(cache, tmp_path / "cache", 2)
        later = EmbeddingCache(tmp_path / "cache", SPEC)
        assert later.get("text 1") is not None
        assert later.get("another text") is None
        assert later.used == {names[1]}
        later.put("another text", VECTOR)
        assert len(later.used) == 2

    def test_leftovers_go(self, cache: EmbeddingCache, tmp_path: Path) -> None:
        (name,) = self.fill(cache, tmp_path / "cache", 1)
        (tmp_path / "cache" / name[:2] / "ab12.4711.tmp").write_bytes(b"half")
        assert trim_cache(tmp_path / "cache", max_bytes=10_000, used=()) == self.SIZE
        assert self.left(tmp_path / "cache") == {name}

    def test_strange_things_are_let_be(self, cache: EmbeddingCache, tmp_path: Path) -> None:
        folder = tmp_path / "cache"
        assert (trim_cache(folder, max_bytes=0, used=()), cache_bytes(folder)) == (0, 0)
        (name,) = self.fill(cache, folder, 1)
        (folder / name[:2] / "a.vec").mkdir()
        (folder / "README").write_text("a file")
        trim_cache(folder, max_bytes=0, used=())
        assert self.left(folder) == {"README"}
        folder.rename(tmp_path / "away")
        folder.write_text("a file")
        assert trim_cache(folder, max_bytes=0, used=()) == 0
