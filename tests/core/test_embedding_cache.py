"""Finished embeddings: found again by content, never when torn, never another embedder's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from core.embedding_cache import EmbeddingCache
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
