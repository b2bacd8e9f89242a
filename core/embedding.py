"""Chunks → vectors: what the cache holds is reused, the rest is computed and kept at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .embedding_cache import EmbeddingCache
from .phases import Advance
from .protocols import Embedder, EmbedderSpec
from .types import Chunk, Role, Vectors

BATCH = 16  # texts between two reports of progress


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of all chunks, and how many texts were computed and found; equal ones once."""

    vectors: Vectors
    computed: int
    reused: int


async def embed_chunks(
    chunks: Sequence[Chunk],
    embedder: Embedder,
    spec: EmbedderSpec,
    cache: EmbeddingCache,
    advance: Advance,
) -> Embedded:
    """Embed every distinct text once; raises ModelUnavailable, what is finished stays kept."""
    rows_of: dict[str, list[int]] = {}
    for row, chunk in enumerate(chunks):
        rows_of.setdefault(chunk.indexed_text, []).append(row)
    vectors = np.zeros((len(chunks), spec.dimension), dtype=np.float32)
    missing = []
    for text, rows in rows_of.items():
        vector = cache.get(text)
        if vector is None:
            missing.append(text)
        else:
            vectors[rows] = vector
    missing.sort(key=len)  # texts of one length embed together without waiting for a long one
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        computed = await embedder.embed(batch, role=Role.DOCUMENT)
        for text, vector in zip(batch, computed, strict=True):
            cache.put(text, vector)
            vectors[rows_of[text]] = vector
        advance(start + len(batch), len(missing))
    return Embedded(vectors, len(missing), len(rows_of) - len(missing))
