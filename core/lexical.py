"""BM25: rank-bm25's statistics and scores, compiled into postings that answer in microseconds.

rank_bm25.BM25Okapi is the authority: it computes idf, document lengths and their mean when the
index is built, and the tests compare every score with it, bit for bit. A query then only adds up
the precomputed impacts of its terms' postings.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

K1 = 1.2  # Robertson & Zaragoza 2009: 1.2 to 2
B = 0.75

Scores = NDArray[np.float64]  # (n,) one per chunk


@dataclass(frozen=True, slots=True)
class LexicalIndex:
    """Postings by term: those of term t are rows[starts[t]:starts[t + 1]] with their impacts.

    impact = idf(t) · tf · (k1 + 1) / (tf + k1 · (1 - b + b · length / mean length))
    """

    vocabulary: dict[str, int]
    starts: NDArray[np.int64]  # (terms + 1,)
    rows: NDArray[np.int32]  # (postings,) ascending within a term
    impacts: NDArray[np.float64]  # (postings,)
    idf: NDArray[np.float64]  # (terms,)
    count: int  # chunks

    def scores(self, terms: Sequence[str]) -> Scores:
        """Score all chunks: exactly BM25Okapi.get_scores(terms), repeated terms counting twice."""
        out = np.zeros(self.count)
        for span in self._spans(terms):
            out[self.rows[span]] += self.impacts[span]
        return out

    def rows_of(self, terms: Sequence[str]) -> NDArray[np.int64]:
        """Give the rows that hold any of the terms, ascending, also where the idf is 0."""
        held = np.zeros(self.count, dtype=bool)
        for span in self._spans(terms):
            held[self.rows[span]] = True
        return np.flatnonzero(held)

    def best(self, terms: Sequence[str], scores: Scores, k: int) -> NDArray[np.int64]:
        """Give the rows of the k best among those that have a term, best first, ties by row."""
        found = self.rows_of(terms)
        order = np.lexsort((found, -scores[found]))
        return found[order[:k]]

    def _spans(self, terms: Sequence[str]) -> Iterator[slice]:
        """Give the postings of each known term."""
        for term in terms:
            number = self.vocabulary.get(term)
            if number is not None:
                yield slice(self.starts[number], self.starts[number + 1])

    def to_bytes(self) -> dict[str, bytes]:
        """Give the files that from_bytes reads."""
        buffer = BytesIO()
        arrays = {name: getattr(self, name) for name in ("starts", "rows", "impacts", "idf")}
        np.savez(buffer, allow_pickle=False, count=np.array([self.count]), **arrays)
        words = json.dumps(list(self.vocabulary), ensure_ascii=False).encode()
        return {"lexical.npz": buffer.getvalue(), "lexical.json": words}

    @classmethod
    def from_bytes(cls, files: dict[str, bytes]) -> LexicalIndex:
        """Read an index from files whose checksums have been verified."""
        with np.load(BytesIO(files["lexical.npz"]), allow_pickle=False) as arrays:
            words = json.loads(files["lexical.json"])
            return cls(
                vocabulary={word: number for number, word in enumerate(words)},
                starts=arrays["starts"],
                rows=arrays["rows"],
                impacts=arrays["impacts"],
                idf=arrays["idf"],
                count=int(arrays["count"][0]),
            )


def build_lexical(documents: Sequence[Sequence[str]]) -> LexicalIndex:
    """Compile the BM25Okapi model of tokenized chunks into postings."""
    if not any(documents):
        return _empty(len(documents))  # BM25Okapi divides by zero here
    model: Any = BM25Okapi([list(terms) for terms in documents], k1=K1, b=B)
    vocabulary = {term: number for number, term in enumerate(model.idf)}
    postings: list[list[int]] = [[] for _ in vocabulary]
    impacts: list[list[float]] = [[] for _ in vocabulary]
    for row, terms in enumerate(documents):
        for term, frequency in Counter(terms).items():
            number = vocabulary[term]
            postings[number].append(row)
            impacts[number].append(_impact(model, term, frequency, row))
    return LexicalIndex(
        vocabulary=vocabulary,
        starts=np.cumsum([0, *(len(rows) for rows in postings)], dtype=np.int64),
        rows=np.array([row for rows in postings for row in rows], dtype=np.int32),
        impacts=np.array([value for values in impacts for value in values], dtype=np.float64),
        idf=np.array(list(model.idf.values()), dtype=np.float64),
        count=len(documents),
    )


def _impact(model: Any, term: str, frequency: int, row: int) -> float:
    """Compute in BM25Okapi's own order of operations, so that the last bit agrees."""
    length = model.doc_len[row]
    norm = model.k1 * (1 - model.b + model.b * length / model.avgdl)
    return float(model.idf[term] * (frequency * (model.k1 + 1) / (frequency + norm)))


def _empty(count: int) -> LexicalIndex:
    nothing = np.zeros(0)
    return LexicalIndex(
        {}, np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int32), nothing, nothing, count
    )
