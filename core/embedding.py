"""Chunks → vectors: what the cache holds is reused, the rest is computed and kept at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from .embedding_cache import EmbeddingCache
from .errors import ModelUnavailable, TextRejected
from .phases import Advance
from .protocols import Embedder, EmbedderSpec
from .types import Chunk, Role, Vector, Vectors

BATCH = 16  # texts between two reports of progress


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of all chunks, and how many texts were computed and found; equal ones once.

    For the vectors of rejected chunks (ids) stands the middle of their article, or of all.
    """

    vectors: Vectors
    computed: int
    reused: int
    rejected: tuple[str, ...] = ()


async def embed_chunks(
    chunks: Sequence[Chunk],
    embedder: Embedder,
    spec: EmbedderSpec,
    cache: EmbeddingCache,
    advance: Advance,
) -> Embedded:
    """Embed every distinct text once; raises ModelUnavailable, what is finished stays kept.

    A text that cannot be embedded costs that text.
    """
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
    bad: list[int] = []
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        computed = await embed_what_can(batch, embedder, role=Role.DOCUMENT)
        for text in batch:
            vector = computed.get(text)
            if vector is None:
                bad += rows_of[text]
                continue
            cache.put(text, vector)
            vectors[rows_of[text]] = vector
        advance(start + len(batch), len(missing))
    if bad and not vectors.any():
        raise ModelUnavailable("No article can be embedded. [hint: use another EMB_MODEL]")
    for row in sorted(bad):
        vectors[row] = _middle(vectors, chunks, chunks[row].article_id)
    rejected = tuple(chunks[row].id for row in sorted(bad))
    return Embedded(vectors, len(missing), len(rows_of) - len(missing), rejected)


@runtime_checkable
class EachEmbedder(Protocol):
    """What an embedder may offer besides: a bad text does not take the others with it."""

    async def embed_each(
        self, texts: Sequence[str], *, role: Role
    ) -> Sequence[Vector | TextRejected]:
        """Return for each text its unit vector, or why there is none."""


async def embed_what_can(
    texts: Sequence[str], embedder: Embedder, *, role: Role
) -> dict[str, Vector]:
    """Embed distinct texts, each once where the embedder can; what it rejects is left out."""
    if isinstance(embedder, EachEmbedder):
        found = zip(texts, await embedder.embed_each(texts, role=role), strict=True)
        return {text: row for text, row in found if not isinstance(row, TextRejected)}
    left = list(texts)
    while left:
        try:
            return dict(zip(left, await embedder.embed(left, role=role), strict=True))
        except TextRejected as error:
            del left[error.index]
    return {}


def _middle(vectors: Vectors, chunks: Sequence[Chunk], article_id: str) -> Vector:
    """Give the direction between the embedded chunks of an article, or between all of them."""
    embedded = [int(row) for row in np.flatnonzero(vectors.any(axis=1))]
    own = [row for row in embedded if chunks[row].article_id == article_id]
    mean: Vector = vectors[own or embedded].mean(axis=0, dtype=np.float64).astype(np.float32)
    norm = np.float32(np.linalg.norm(mean))
    first: Vector = vectors[(own or embedded)[0]]
    return mean / norm if norm else first
