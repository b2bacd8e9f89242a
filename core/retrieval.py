"""Question → hits: BM25 and vectors score one candidate population, fusion ranks it, MMR picks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .fusion import FusionWeights, attainable_share, fuse
from .index import Index
from .mmr import mmr
from .types import Hit, Vector
from .vectors import cosines

POOL = 100  # candidates asked of each retriever
ARTICLES_SHOWN = 20
MIN_ARTICLES = 10  # given to a reader who looks beyond the first ones, where there are as many

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]  # (n,) the rows that may be found


@dataclass(frozen=True, slots=True)
class RetrievalRules:
    """How many chunks are kept and how they are ranked."""

    top_k: int = 12  # after fusion
    pack: int = 6  # after MMR
    mmr_lambda: float = 0.8
    weights: FusionWeights = FusionWeights()


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for one question."""

    text: str  # the question as searched: spelling corrected
    terms: tuple[str, ...]
    term_weights: tuple[float, ...]  # idf of each term; unknown terms weigh as much as the rarest
    chosen: tuple[Hit, ...]  # diverse, best first, for packing
    hits: tuple[Hit, ...]  # the best chunk of each article, best first; then others, up to ten


def search(
    index: Index,
    text: str,
    query: Vector | None,
    rules: RetrievalRules,
    *,
    allowed: Mask | None = None,
) -> Retrieval:
    """Search an index; query is the embedded text, or None for lexical search alone.

    Given allowed, nothing of another row is found, however near; the statistics of BM25 stay those
    of the whole index.
    """
    terms = tuple(index.analyzer.terms(text))
    weights = term_weights(index, terms)
    bm25 = index.lexical.scores(terms)
    similarities = _similarities(index, query)
    if allowed is None:
        rows = _candidates(index, terms, bm25, query)
    else:
        rows = _candidates_among(index, terms, bm25, similarities, allowed)
    fused = _fused(index, rows, bm25, similarities, sum(weights), rules.weights)
    order = np.lexsort((rows, -fused))
    rows, fused = rows[order], fused[order]

    def hit(row: int, score: float) -> Hit:
        similarity = None if similarities is None else float(similarities[row])
        words = float(bm25[row])
        return Hit(index.chunks[row], score=score, bm25=words, similarity=similarity, row=row)

    best = [hit(int(row), float(fused[at])) for at, row in enumerate(rows[: rules.top_k])]
    first = _best_of_each_article(index, rows)
    more = _others(index, rows, similarities, MIN_ARTICLES - len(first), allowed)
    scores = _fused(index, more, bm25, similarities, sum(weights), rules.weights)
    return Retrieval(
        text=text,
        terms=terms,
        term_weights=weights,
        chosen=_diverse(index, best, rules),
        hits=(
            *(hit(int(rows[place]), float(fused[place])) for place in first),
            *(hit(int(row), float(score)) for row, score in zip(more, scores, strict=True)),
        ),
    )


def term_weights(index: Index, terms: tuple[str, ...]) -> tuple[float, ...]:
    """Give the idf of each term; a term that no chunk has weighs as much as the rarest one."""
    lexical = index.lexical
    rarest = float(lexical.idf.max()) if len(lexical.idf) else 1.0
    numbers = (lexical.vocabulary.get(term) for term in terms)
    return tuple(rarest if n is None else float(lexical.idf[n]) for n in numbers)


def _similarities(index: Index, query: Vector | None) -> NDArray[np.float64] | None:
    """Compute the cosine of the query with every chunk: true scores for the whole union."""
    if query is None or index.vectors is None:
        return None
    return cosines(index.vectors.vectors, query).astype(np.float64)


def _candidates(
    index: Index, terms: tuple[str, ...], bm25: NDArray[np.float64], query: Vector | None
) -> Rows:
    """Give the rows that either retriever found."""
    found = [index.lexical.best(terms, bm25, POOL)]
    if query is not None and index.vectors is not None:
        found.append(index.vectors.nearest(query, POOL)[0])
    return _bodies(index, found)


def _candidates_among(
    index: Index,
    terms: tuple[str, ...],
    bm25: NDArray[np.float64],
    similarities: NDArray[np.float64] | None,
    allowed: Mask,
) -> Rows:
    """Give the rows that either retriever finds among the allowed ones, searched exactly."""
    with_a_term = index.lexical.rows_of(terms)
    found = [_best(with_a_term[allowed[with_a_term]], bm25)]
    if similarities is not None:
        found.append(_best(np.flatnonzero(allowed), similarities))
    return _bodies(index, found)


def _best(rows: Rows, scores: NDArray[np.float64]) -> Rows:
    """Give the pool of the best of some rows, ties by row."""
    return rows[np.lexsort((rows, -scores[rows]))[:POOL]]


def _bodies(index: Index, found: list[Rows]) -> Rows:
    """Give the rows of bodies among the found ones; summaries stand for their article's body."""
    is_found = np.zeros(len(index.chunks), dtype=bool)
    is_found[np.concatenate(found)] = True
    brings_article = is_found & ~index.is_body
    is_candidate = is_found | brings_article[index.summary_rows]
    return np.flatnonzero(is_candidate & index.is_body)


def _fused(
    index: Index,
    rows: Rows,
    bm25: NDArray[np.float64],
    similarities: NDArray[np.float64] | None,
    idf_sum: float,
    weights: FusionWeights,
) -> NDArray[np.float64]:
    lexical = attainable_share(bm25[rows], idf_sum)
    if similarities is None:
        return lexical
    return fuse(lexical, similarities[rows], similarities[index.summary_rows[rows]], weights)


def _diverse(index: Index, ranked: list[Hit], rules: RetrievalRules) -> tuple[Hit, ...]:
    scores = np.array([hit.score for hit in ranked])
    vectors = None
    if index.vectors is not None and ranked and ranked[0].similarity is not None:
        vectors = index.vectors.vectors[[hit.row for hit in ranked]]
    picked = mmr(scores, vectors, k=rules.pack, mmr_lambda=rules.mmr_lambda)
    return tuple(ranked[position] for position in picked)


def _best_of_each_article(index: Index, rows: Rows) -> list[int]:
    """Give the places in rows (best first) at which an article appears for the first time."""
    _, first = np.unique(index.summary_rows[rows], return_index=True)
    return [int(place) for place in np.sort(first)[:ARTICLES_SHOWN]]


def _others(
    index: Index,
    rows: Rows,
    similarities: NDArray[np.float64] | None,
    wanted: int,
    allowed: Mask | None,
) -> Rows:
    """Give one row of each of some other articles: the most similar, else the first ones.

    None when nothing was found: a question without a known word has no hits.
    """
    if wanted <= 0 or not len(rows):
        return np.zeros(0, dtype=np.int64)
    is_other = index.is_body & ~np.isin(index.summary_rows, index.summary_rows[rows])
    if allowed is not None:
        is_other &= allowed
    others = np.flatnonzero(is_other)
    if similarities is not None:
        others = others[np.lexsort((others, -similarities[others]))]
    return others[_best_of_each_article(index, others)[:wanted]]
