"""Inputs → candidate: chunks, vectors, index, and how it does with the quality questions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import guards
from .embedding import Embedded, embed_chunks
from .embedding_cache import EmbeddingCache
from .evaluation import Evaluation, evaluate
from .index import Index, build_index
from .inputs import Inputs
from .phases import PhaseClock
from .protocols import Embedder, EmbedderSpec
from .recipe import kept_chunks, split_articles
from .report import Phase
from .store import Store
from .types import Chunk
from .vectors import VectorIndex

SEARCHED_EXACTLY = (
    "So many chunks are alike that HNSW does not find all neighbours: vectors are searched "
    "exactly, which is slower."
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be published."""

    index: Index
    embedded: Embedded | None  # None: lexical only
    evaluation: Evaluation | None  # None: there are no questions
    cache_used: frozenset[str]  # file names
    note: str = ""  # what the operator should know


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Makes candidates with one embedder."""

    embedder: Embedder | None  # None: lexical only
    spec: EmbedderSpec | None  # of the embedder
    cache_folder: Path
    store: Store  # holds the live generation to compare with
    quality_floor: float
    is_fresh: bool  # split every article anew
    clock: PhaseClock

    async def make(self, inputs: Inputs) -> Candidate:
        """Build all but the files; raises RebuildRefused and ModelUnavailable."""
        with self.clock.phase(Phase.CHUNKING, len(inputs.articles)) as advance:
            kept = self._kept(inputs)
            split = split_articles(inputs.articles, self.embedder, self.spec, advance, kept=kept)
            chunks = tuple(split)
        guards.check_quotable(chunks)
        embedded, used = await self._embed(chunks)
        with self.clock.phase(Phase.INDEXING, len(chunks)):
            vectors = embedded.vectors if embedded is not None else None
            built = build_index("", chunks, vectors, self.spec)
            index = _exact_where_needed(built)
        evaluation = await self._evaluate(inputs, index)
        note = "" if index is built else SEARCHED_EXACTLY
        return Candidate(index, embedded, evaluation, used, note)

    def _kept(self, inputs: Inputs) -> Mapping[str, Sequence[Chunk]]:
        if self.is_fresh:
            return {}
        meta, chunks = self.store.chunks()
        return kept_chunks(inputs.articles, self.spec, meta, chunks)

    async def _embed(self, chunks: tuple[Chunk, ...]) -> tuple[Embedded | None, frozenset[str]]:
        if self.embedder is None or self.spec is None:
            return None, frozenset()
        cache = EmbeddingCache(self.cache_folder, self.spec)
        with self.clock.phase(Phase.EMBEDDING) as advance:  # the cache tells how many there are
            embedded = await embed_chunks(chunks, self.embedder, self.spec, cache, advance)
        guards.check_unit(chunks, embedded.vectors)
        return embedded, frozenset(cache.used)

    async def _evaluate(self, inputs: Inputs, index: Index) -> Evaluation | None:
        if not inputs.questions:
            return None
        count = len(inputs.questions)
        with self.clock.phase(Phase.EVALUATING, count) as advance:
            steps = itertools.count(1)  # of the vectors, the candidate and the live generation
            return await evaluate(
                index,
                inputs.questions,
                self.embedder,
                self.store,
                floor=self.quality_floor,
                on_step=lambda: advance(min(next(steps) // 2, count), count),
            )


def _exact_where_needed(index: Index) -> Index:
    """Give up the graph of vectors that HNSW does not find: many equal ones cut it into parts."""
    if index.vectors is None or guards.recall(index.vectors) >= guards.RECALL_FLOOR:
        return index
    return replace(index, vectors=VectorIndex(index.vectors.vectors, None))
