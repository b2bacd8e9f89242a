"""HNSW against exact cosine, and exact search where HNSW cannot answer."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.types import Vectors
from core.vectors import EF, VectorIndex, build_vectors, cosines, load_vectors

DIMENSION = 48


def unit(vectors: NDArray[np.float64]) -> Vectors:
    rows: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return rows


def clustered(count: int, seed: int) -> Vectors:
    """Make unit rows around 60 centres, which are the same for every seed."""
    centres = np.random.default_rng(0).normal(size=(60, DIMENSION))
    draw = np.random.default_rng(seed)
    noise = draw.normal(size=(count, DIMENSION)) * 0.6
    return unit(centres[draw.integers(0, 60, count)] + noise)


def exact(vectors: Vectors, query: Vectors, k: int) -> list[int]:
    similarities = cosines(vectors, query)
    return [int(row) for row in np.lexsort((np.arange(len(vectors)), -similarities))[:k]]


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return clustered(3000, seed=1)


@pytest.fixture(scope="module")
def built(vectors: Vectors) -> VectorIndex:
    index = build_vectors(vectors)
    assert index.graph is not None
    return index


@pytest.mark.parametrize("k", [10, 50, 200])
def test_recall_against_exact_cosine(built: VectorIndex, vectors: Vectors, k: int) -> None:
    shares = []
    for query in clustered(100, seed=2):
        rows, similarities = built.nearest(query, k)
        assert len(rows) == k
        assert rows.dtype == np.int64
        assert np.array_equal(similarities, cosines(vectors, query)[rows])
        assert (np.diff(similarities) <= 0).all()
        shares.append(len(set(rows.tolist()) & set(exact(vectors, query, k))) / k)
    assert np.mean(shares) >= 0.98


def test_a_vector_finds_itself_first(built: VectorIndex, vectors: Vectors) -> None:
    for row in range(0, 3000, 100):
        rows, similarities = built.nearest(vectors[row], 1)
        assert rows.tolist() == [row]
        assert similarities[0] == pytest.approx(1.0, abs=1e-6)


def test_k_above_the_count_gives_all(caplog: pytest.LogCaptureFixture) -> None:
    few = clustered(7, seed=3)
    query = clustered(1, seed=4)[0]
    rows, similarities = build_vectors(few).nearest(query, 50)
    assert rows.tolist() == exact(few, query, 7)
    assert len(similarities) == 7
    assert caplog.messages == []  # nothing had to fall back


@pytest.mark.parametrize("hnsw", [True, False], ids=["HNSW", "exact"])
def test_ties_go_to_the_lower_row(hnsw: bool) -> None:
    (one, other) = clustered(2, seed=5)
    rows = np.stack([other, one, one, other, one])
    index = build_vectors(rows) if hnsw else VectorIndex(rows, None)
    assert index.nearest(one, 5)[0].tolist() == [1, 2, 4, 0, 3]
    assert VectorIndex(rows, None).nearest(one, 2)[0].tolist() == [1, 2]


def test_empty(tmp_path: Path) -> None:
    nothing = np.zeros((0, DIMENSION), dtype=np.float32)
    for index in (build_vectors(nothing), load_vectors(nothing, tmp_path / "graph")):
        rows, similarities = index.nearest(clustered(1, seed=6)[0], 10)
        assert rows.shape == similarities.shape == (0,)
        assert rows.dtype == np.int64
        assert similarities.dtype == np.float32
        assert not index.save(tmp_path / "graph")
    assert list(tmp_path.iterdir()) == []


def test_cosines_are_the_dot_products_and_equal_for_equal_rows() -> None:
    rows, query = clustered(501, seed=10), clustered(1, seed=11)[0]
    assert cosines(rows, query) == pytest.approx(rows @ query, abs=1e-6)
    assert len(np.unique(cosines(np.tile(rows[0], (1003, 1)), query))) == 1


def test_no_neighbours_asked(built: VectorIndex, vectors: Vectors) -> None:
    assert built.nearest(vectors[0], 0)[0].tolist() == []


def test_a_loaded_graph_answers_as_the_built_one(
    built: VectorIndex, vectors: Vectors, tmp_path: Path
) -> None:
    assert built.save(tmp_path / "graph")
    loaded = load_vectors(vectors, tmp_path / "graph")
    assert loaded.graph is not None
    assert loaded.graph.ef == EF  # the file does not keep it
    for query in clustered(50, seed=7):
        (rows, similarities), (again, same) = built.nearest(query, 50), loaded.nearest(query, 50)
        assert np.array_equal(rows, again)
        assert np.array_equal(similarities, same)


def test_the_same_input_gives_the_same_file(vectors: Vectors, tmp_path: Path) -> None:
    digests = set()
    for name in ("first", "second"):
        build_vectors(vectors[:1000]).save(tmp_path / name)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_without_hnswlib_the_search_is_exact(
    built: VectorIndex,
    vectors: Vectors,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    built.save(tmp_path / "graph")
    monkeypatch.setitem(sys.modules, "hnswlib", None)
    rebuilt, loaded = build_vectors(vectors), load_vectors(vectors, tmp_path / "graph")
    assert "exact vector search answers" in caplog.text
    assert not rebuilt.save(tmp_path / "other")
    for query in clustered(20, seed=8):
        for index in (rebuilt, loaded):
            assert index.graph is None
            assert index.nearest(query, 50)[0].tolist() == exact(vectors, query, 50)


def test_without_a_file_the_search_is_exact(vectors: Vectors) -> None:
    assert load_vectors(vectors, None).graph is None


def test_a_graph_in_parts_falls_back_to_exact(caplog: pytest.LogCaptureFixture) -> None:
    """hnswlib raises when it cannot reach as many rows as were asked for."""
    rows = clustered(3000, seed=9)
    rows[:400] = rows[0]
    index = build_vectors(rows)
    assert index.nearest(rows[0], 3000)[0].tolist() == exact(rows, rows[0], 3000)
    assert "searching exactly" in caplog.text
