"""What must hold of a candidate before it is published; each guard raises RebuildRefused.

Always: there is text to quote, every vector has length 1, HNSW finds what exact search finds, and
canary questions find their own articles, asked as a reader would of the index as read back.
Unless forced: the knowledge has not collapsed, compared with the live generation of its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .embedding import embed_what_can
from .embedding_cache import is_unit
from .errors import RebuildRefused
from .index import Index
from .inputs import Inputs
from .protocols import Embedder
from .retrieval import RetrievalRules, search
from .terms import words
from .types import Chunk, ChunkKind, Role, Vector, Vectors
from .vectors import VectorIndex, cosines

RECALL_FLOOR = 0.98  # of HNSW against exact search
RECALL_K = 10
RECALL_SAMPLE = 200  # chunks
SAME_SIMILARITY = 1e-5  # equal neighbours may stand for each other
CANARIES = 8
CANARY_WORDS = 8  # of the chunk, besides the title
CANARY_WITHIN = 5  # articles found, as for the quality gate
COLLAPSE_PERCENT = 30  # of the articles, or of their bytes; losing more is a collapse
NAMED = 20  # lost articles in a refusal
FORCE = "If that is right, run: clockify-bot build --force (in Slack: /clockify-rebuild force)."


@dataclass(frozen=True, slots=True)
class Canary:
    """A question made of one chunk, spelling corrected, and the articles that hold that chunk."""

    question: str
    articles: frozenset[str]
    vector: Vector | None  # None: lexical only


def check_quotable(chunks: Sequence[Chunk]) -> None:
    """Refuse knowledge of headings alone."""
    if not any(chunk.kind is ChunkKind.BODY for chunk in chunks):
        raise RebuildRefused(
            f"None of the {len(chunks)} chunks has text to quote; nothing is published."
        )


def check_unit(chunks: Sequence[Chunk], vectors: Vectors) -> None:
    """Refuse vectors that are no directions: NaN, zeros, or of another length than 1."""
    fine = is_unit(vectors)
    if not fine.all():
        raise RebuildRefused(
            f"Chunk {chunks[int(np.argmin(fine))].id} has a vector that is not of length 1; "
            "nothing is published. The embedding model is broken or not one for embeddings."
        )


def recall(vectors: VectorIndex) -> float:
    """Give the share of the nearest chunks that HNSW finds for a sample of the chunks.

    An equally near chunk counts as well as the one that exact search gives.
    """
    rows = _spread(np.arange(len(vectors.vectors)), RECALL_SAMPLE)
    k = min(RECALL_K, len(vectors.vectors))
    if vectors.graph is None or not k:
        return 1.0
    exact = np.partition(vectors.vectors[rows] @ vectors.vectors.T, -k, axis=1)[:, -k]
    found = [vectors.nearest(vectors.vectors[row], k)[1] for row in rows]
    return float(np.mean(np.array(found) >= exact[:, np.newaxis] - SAME_SIMILARITY))


async def make_canaries(index: Index, embedder: Embedder | None) -> tuple[Canary, ...]:
    """Make up to eight questions from chunks all over the index: title and rarest words.

    Chunks whose question could as well be meant for many other articles make none: pages that
    differ in a date only are honest knowledge.

    They are embedded anew, never taken from a cache: so a model that was replaced under its old
    name shows, since its questions do not meet the kept vectors of the one before.
    """
    sample = [index.chunks[row] for row in _spread(np.flatnonzero(index.is_body), CANARIES)]
    made = [
        (_question(index, chunk), held)
        for chunk, held in zip(sample, _holders(index, sample), strict=True)
    ]
    told = {
        index.spelling.correct(question): held
        for question, held in made
        if _is_telling(index, question, held)
    }
    if index.vectors is None or embedder is None:
        return tuple(Canary(question, held, None) for question, held in told.items())
    embedded = await embed_what_can(tuple(told), embedder, role=Role.QUERY)
    if embedded and not is_unit(np.stack(tuple(embedded.values()))).all():
        raise RebuildRefused("A question has a vector that is not of length 1.")
    return tuple(Canary(text, told[text], vector) for text, vector in embedded.items())


def check_index(index: Index, canaries: Sequence[Canary]) -> None:
    """Refuse an index that readers would stumble over; give it as it was read back from disk.

    At least half of the canaries must find their own article (or one with the very same text)
    among the first five, three times: as the pipeline searches, by words alone, by vectors alone.
    One retriever in order would hide that the other is not. By vectors alone the nearest quarter of
    the articles will do: a model that hardly knows the language of the knowledge is no fault of the
    index. A near duplicate may take the place of a canary's article now and then; in a broken index
    nearly all are lost.
    """
    found = recall(index.vectors) if index.vectors is not None else 1.0
    if found < RECALL_FLOOR:
        raise RebuildRefused(
            f"HNSW finds only {found:.1%} of the nearest chunks (at least {RECALL_FLOOR:.0%} are "
            "needed); nothing is published. Build again; if it stays so, remove doubled articles."
        )
    lost = [canary for canary in canaries if not _finds_its_own(index, canary)]
    if len(lost) > len(canaries) // 2:
        named = "; ".join(f'"{c.question:.80}" ({min(c.articles):.80})' for c in lost)
        raise RebuildRefused(
            f"{len(lost)} of {len(canaries)} canary questions do not find their own article, so "
            f"readers would not either; nothing is published: {named}. If the embedding model "
            "was replaced under its old name, delete the folder cache in the index folder; if it "
            "does not know the language, run: clockify-bot build --lexical-only"
        )


def collapse(inputs: Inputs, live: Mapping[str, Any] | None) -> str:
    """Say how the knowledge collapsed, compared with what is live of the same source; "" if not.

    A folder that was moved or copied is the same source: most of its articles are known by name.
    """
    if live is None or not _is_same_source(inputs, live):
        return ""
    before, now = live["counts"], {"articles": len(inputs.articles), "bytes": inputs.bytes}
    sizes = [
        f"{now[unit]:,} of {before[unit]:,} {unit}"
        for unit in ("articles", "bytes")
        if 100 * now[unit] < (100 - COLLAPSE_PERCENT) * before.get(unit, 0)
    ]
    if not sizes:
        return ""
    lost = sorted(live["article_digests"].keys() - inputs.article_digests.keys())
    return f"Only {' and '.join(sizes)} are left of {inputs.path}. {_gone(lost)}"


def _is_same_source(inputs: Inputs, live: Mapping[str, Any]) -> bool:
    known = live["article_digests"].keys() & inputs.article_digests.keys()
    return live.get("source") == inputs.source or 2 * len(known) >= len(inputs.articles)


def _gone(articles: Sequence[str]) -> str:
    if not articles:
        return "No article is gone; what is left has become shorter."
    more = len(articles) - NAMED
    return f"Gone: {', '.join(articles[:NAMED])}{f', and {more} more' if more > 0 else ''}."


def _question(index: Index, chunk: Chunk) -> str:
    """Ask for a chunk with its title and its rarest words, in the order of the text."""
    chunks_with = {
        word: len(index.lexical.rows_of(terms))
        for word in dict.fromkeys(words(chunk.text))
        if (terms := index.analyzer.terms(word))
    }
    rarest = sorted(chunks_with, key=lambda word: (chunks_with[word], -len(word), word))
    kept = set(rarest[:CANARY_WORDS])
    return " ".join((chunk.title, *(word for word in chunks_with if word in kept)))


def _is_telling(index: Index, question: str, articles: frozenset[str]) -> bool:
    """Whether fewer than five other articles have a chunk with all words of the question."""
    terms = set(index.analyzer.terms(question))
    if not terms:
        return False
    rows = set.intersection(*(set(index.lexical.rows_of([term]).tolist()) for term in terms))
    return len({index.chunks[row].article_id for row in rows} - articles) < CANARY_WITHIN


def _holders(index: Index, chunks: Sequence[Chunk]) -> list[frozenset[str]]:
    """Give for each chunk the articles that hold the same words under the same headings."""
    holders: dict[str, set[str]] = {_plain(chunk): set() for chunk in chunks}
    for chunk in index.chunks:
        if (plain := _plain(chunk)) in holders:
            holders[plain].add(chunk.article_id)
    return [frozenset(holders[_plain(chunk)]) for chunk in chunks]


def _plain(chunk: Chunk) -> str:
    return " ".join(chunk.indexed_text.casefold().split())


def _finds_its_own(index: Index, canary: Canary) -> bool:
    text = index.spelling.correct(canary.question)
    for vector in (canary.vector, None):
        found = search(index, text, vector, RetrievalRules()).hits[:CANARY_WITHIN]
        if not any(hit.chunk.article_id in canary.articles for hit in found):
            return False
    return _is_near(index, canary)


def _is_near(index: Index, canary: Canary) -> bool:
    """Whether its own article is among the nearest five to the question, or nearest quarter."""
    if index.vectors is None or canary.vector is None:
        return True
    nearest = np.full(len(index.chunks), -1.0)  # of each article, at the row of its summary
    np.maximum.at(nearest, index.summary_rows, cosines(index.vectors.vectors, canary.vector))
    own = max(
        n
        for n, chunk in zip(nearest, index.chunks, strict=True)
        if chunk.article_id in canary.articles
    )
    nearer = (nearest > own + SAME_SIMILARITY).sum()
    as_near = (np.abs(nearest - own) <= SAME_SIMILARITY).sum() - len(canary.articles)
    return bool(nearer + as_near / 2 < max(CANARY_WITHIN, index.articles // 4))


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Take at most so many rows, evenly spread."""
    spread: NDArray[np.int64] = rows[
        np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)
    ]
    return spread
