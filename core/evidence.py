"""Question + retrieval → evidence: how well the best chunk covers what was asked.

A single cosine does not tell a question that the knowledge answers from one that only sounds like
it (see docs/results.md), so the gate looks at several readings that fail in different ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .index import Index
from .protocols import TokenMatcher
from .retrieval import Retrieval, term_weights
from .terms import STOP_WORDS, WORD, words
from .types import Hit

MOST_UNKNOWN = 2  # counted at most
KNOWN_PER_UNKNOWN = 2  # known words that vouch for an unknown one: gibberish has none


@dataclass(frozen=True, slots=True)
class Evidence:
    """Readings of the best chunk against the question."""

    token_match: float | None  # over the question's words; None without token vectors
    coverage: float  # share of the question's idf found in the chunk, [0, 1]
    unknown_terms: int  # words that the whole knowledge lacks: they tell nothing, 0 to 2
    unknown_names: int  # capitalised names that the whole knowledge lacks, 0 to 2


async def measure(
    index: Index, asked: str, retrieval: Retrieval, matcher: TokenMatcher | None
) -> Evidence:
    """Read the evidence for a question as asked (names keep their capitals)."""
    best = retrieval.hits[0]
    match = None
    if matcher is not None and best.similarity is not None:
        spans = tuple(_weighted_spans(index, retrieval.text))
        text = best.chunk.indexed_text
        match = await matcher.token_match(retrieval.text, text, spans) if spans else 0.0
    strangers = sum(not index.spelling.in_knowledge(name) for name in names(asked))
    terms = set(retrieval.terms)
    known = sum(term in index.lexical.vocabulary for term in terms)
    unknown = min(len(terms) - known - strangers, known // KNOWN_PER_UNKNOWN, MOST_UNKNOWN)
    return Evidence(
        token_match=match,
        coverage=_coverage(index, retrieval, best),
        unknown_terms=max(unknown, 0),
        unknown_names=min(strangers, MOST_UNKNOWN),
    )


def names(text: str) -> Iterator[str]:
    """Give the folded names of a text: capitalised words that do not begin a sentence, acronyms.

    >>> list(names("how can I sync ADP with Power BI?"))
    ['adp', 'power', 'bi']
    """
    found = list(WORD.finditer(text))
    inside = [match for match in found if not _begins_sentence(text, match.start())]
    capitals = [match.group() for match in inside if match.group()[0].isupper()]
    if len(capitals) - capitals.count("I") > len(inside) / 2:
        return  # A Title Or A Shout Has No Names
    for match in found:
        word = match.group()
        acronym = len(word) > 1 and word.isupper()
        folded = next(iter(words(word)), "")
        if folded and folded not in STOP_WORDS and (acronym or (word in capitals)):
            yield folded


def _begins_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t\n\"'(*“")
    return not before or before[-1] in ".!?:"


def _coverage(index: Index, retrieval: Retrieval, hit: Hit) -> float:
    weights = dict(zip(retrieval.terms, retrieval.term_weights, strict=True))
    total = sum(weights.values())
    present = set(index.analyzer.terms(hit.chunk.indexed_text))
    return sum(w for term, w in weights.items() if term in present) / total if total else 0.0


def _weighted_spans(index: Index, text: str) -> Iterator[tuple[int, int, float]]:
    """Give start, end and idf of each word of a text that counts."""
    for match in WORD.finditer(text):
        terms = tuple(index.analyzer.terms(match.group()))
        if terms:
            yield match.start(), match.end(), term_weights(index, terms[:1])[0]
