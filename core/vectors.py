"""Vector search: hnswlib answers; exact cosine is the oracle in the tests and the fallback.

Distances stay inside this module; similarities (cosine in [-1, 1]) come out. hnswlib checks nothing
it loads, so load() must only get bytes that matched their checksum, and the dimension and count
that were recorded with them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .types import Vector, Vectors

logger = logging.getLogger(__name__)

M = 16  # links per node: Malkov & Yashunin 2016, 5 to 48
EF_CONSTRUCTION = 200
EF = 200  # 0.99 recall at 50,000 chunks
SEED = 100  # with one thread: the same input gives the same file

Rows = NDArray[np.int64]  # (k,)


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """Unit vectors of all chunks and their HNSW graph; graph is None where hnswlib is missing."""

    vectors: Vectors
    graph: Any | None

    def nearest(self, query: Vector, k: int) -> tuple[Rows, Vector]:
        """Give the k nearest rows with their similarities, best first, ties by row."""
        k = min(k, len(self.vectors))
        rows = self._candidates(query, k)
        similarities = cosines(self.vectors[rows], query)
        order = np.lexsort((rows, -similarities))[:k]
        return rows[order], similarities[order]

    def _candidates(self, query: Vector, k: int) -> Rows:
        if self.graph is not None:
            try:
                labels, _ = self.graph.knn_query(query[np.newaxis, :], k=k, num_threads=1)
            except RuntimeError as error:  # many equal vectors can cut the graph into parts
                logger.warning("HNSW cannot find %d neighbours (%s): searching exactly", k, error)
            else:
                found: Rows = labels[0].astype(np.int64)
                return found
        return np.arange(len(self.vectors))

    def save(self, path: Path) -> bool:
        """Write the graph; False when there is none. The caller checks size and checksum."""
        if self.graph is None:
            return False
        self.graph.save_index(str(path))
        return True


def cosines(vectors: Vectors, query: Vector) -> Vector:
    """Give the cosine of each unit row with a query; equal rows get equal bits, so ties are ties.

    A matrix product does not promise that: BLAS adds up the last rows in another order.
    """
    similarities: Vector = np.einsum("ij,j->i", vectors, query)
    return similarities


def build_vectors(vectors: Vectors) -> VectorIndex:
    """Build the graph over unit rows, on one thread with a fixed seed."""
    hnswlib = import_hnswlib()
    if hnswlib is None or not len(vectors):
        return VectorIndex(vectors, None)
    graph = hnswlib.Index(space="cosine", dim=vectors.shape[1])
    graph.init_index(
        max_elements=len(vectors), M=M, ef_construction=EF_CONSTRUCTION, random_seed=SEED
    )
    graph.add_items(vectors, np.arange(len(vectors)), num_threads=1)
    graph.set_ef(EF)
    return VectorIndex(vectors, graph)


def load_vectors(vectors: Vectors, path: Path | None) -> VectorIndex:
    """Open a graph that save() wrote and whose checksum was verified; without one, exact search.

    path must name bytes that nobody else can change. Raises ValueError for another count of rows.
    """
    hnswlib = import_hnswlib()
    if hnswlib is None or path is None or not len(vectors):
        return VectorIndex(vectors, None)
    graph = hnswlib.Index(space="cosine", dim=vectors.shape[1])
    graph.load_index(str(path), max_elements=len(vectors))
    if graph.get_current_count() != len(vectors):
        raise ValueError(f"the graph is of {graph.get_current_count()} rows, not {len(vectors)}")
    graph.set_ef(EF)  # save_index does not keep it
    graph.set_num_threads(1)
    return VectorIndex(vectors, graph)


def import_hnswlib() -> Any | None:
    """Import hnswlib, or say once that exact search answers instead."""
    try:
        import hnswlib
    except ImportError as error:
        logger.warning("hnswlib cannot be imported (%s): exact vector search answers", error)
        return None
    return hnswlib
