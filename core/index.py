"""One generation in memory: chunks, vectors, postings and what is derived from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lexical import LexicalIndex, build_lexical
from .protocols import EmbedderSpec
from .spelling import SpellingCorrector
from .terms import TermAnalyzer
from .types import Chunk, ChunkKind, Vectors
from .vectors import VectorIndex, build_vectors


@dataclass(frozen=True, slots=True)
class Index:
    """All that answering needs; row i of every array belongs to chunks[i]."""

    generation: str
    chunks: tuple[Chunk, ...]
    lexical: LexicalIndex
    vectors: VectorIndex | None  # None: built --lexical-only
    spec: EmbedderSpec | None  # the embedder that made the vectors
    analyzer: TermAnalyzer
    spelling: SpellingCorrector
    is_body: NDArray[np.bool_]  # (n,)
    summary_rows: NDArray[np.int64]  # (n,) the row of the summary chunk of each chunk's article

    @property
    def articles(self) -> int:
        """Count the articles."""
        return int((~self.is_body).sum())

    def folders(self) -> tuple[str, ...]:
        """Name the folders that the knowledge has at its top, sorted."""
        summaries = np.flatnonzero(~self.is_body)
        ids = (self.chunks[row].article_id for row in summaries)
        return tuple(
            sorted({first for first, slash, _ in (id.partition("/") for id in ids) if slash})
        )

    def rows_within(self, folders: Sequence[str]) -> NDArray[np.bool_]:
        """Say of each row, (n,), whether its article lies in one of the folders, however deep."""
        within = tuple(f"{folder.strip('/').lower()}/" for folder in folders)
        is_within = np.zeros(len(self.chunks), dtype=bool)
        for row in np.flatnonzero(~self.is_body):
            is_within[row] = f"{self.chunks[row].article_id}/".startswith(within)
        return is_within[self.summary_rows]

    def next_row(self, row: int) -> int | None:
        """Give the row of the chunk that continues this one in its section, if any."""
        here = self.chunks[row]
        if row + 1 >= len(self.chunks):
            return None
        after = self.chunks[row + 1]
        same = after.article_id == here.article_id and after.headings == here.headings
        return row + 1 if same and after.kind is ChunkKind.BODY else None


def make_index(
    generation: str,
    chunks: Sequence[Chunk],
    lexical: LexicalIndex,
    vectors: VectorIndex | None,
    spec: EmbedderSpec | None,
) -> Index:
    """Derive what is not stored."""
    is_body = np.array([chunk.kind is ChunkKind.BODY for chunk in chunks], dtype=bool)
    summaries = {c.article_id: row for row, c in enumerate(chunks) if not is_body[row]}
    return Index(
        generation=generation,
        chunks=tuple(chunks),
        lexical=lexical,
        vectors=vectors,
        spec=spec,
        analyzer=TermAnalyzer(),
        spelling=SpellingCorrector(chunk.indexed_text for chunk in chunks),
        is_body=is_body,
        summary_rows=np.array([summaries[c.article_id] for c in chunks], dtype=np.int64),
    )


def build_index(
    generation: str, chunks: Sequence[Chunk], vectors: Vectors | None, spec: EmbedderSpec | None
) -> Index:
    """Build the search structures of chunks; without vectors, lexical search alone."""
    analyzer = TermAnalyzer()
    lexical = build_lexical([analyzer.terms(chunk.indexed_text) for chunk in chunks])
    graph = build_vectors(vectors) if vectors is not None else None
    return make_index(generation, chunks, lexical, graph, spec)
