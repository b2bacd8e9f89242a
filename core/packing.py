"""Hits → context within a token budget; chunks that continue a chosen one may come along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .index import Index
from .types import Context, Hit, Snippet

CHARS_PER_TOKEN = 4
HEADROOM_FACTOR = 1.10  # the first snippet may exceed the budget by this factor, the others not
SEPARATOR = "\n\n"


def estimate_tokens(text: str) -> int:
    """Estimate a generator's tokens: four characters each, rounded up."""
    return -(-len(text) // CHARS_PER_TOKEN)


def header(number: int, title: str, headings: Sequence[str]) -> str:
    """Give the line above a snippet: [1 | Lock timesheets | Who can lock]."""
    return f"[{number} | {title} | {' > '.join(headings)}]"


def pack(index: Index, hits: Sequence[Hit], *, budget_tokens: int) -> Context:
    """Take hits in order while they fit; what is left is for the chunks that continue them."""
    snippets: list[Snippet] = []
    used = 0
    for hit in hits:
        cost = _cost(len(snippets) + 1, hit, hit.chunk.text)
        limit = budget_tokens * HEADROOM_FACTOR if not snippets else budget_tokens
        if used + cost <= limit:
            snippets.append(Snippet(len(snippets) + 1, hit.chunk, hit.chunk.text, hit.score))
            used += cost
    taken = {snippet.chunk.id for snippet in snippets}
    rows = {hit.chunk.id: hit.row for hit in hits}
    for position, snippet in enumerate(snippets):
        after = index.next_row(rows[snippet.chunk.id])
        if after is None or index.chunks[after].id in taken:
            continue
        following = index.chunks[after]
        cost = estimate_tokens(SEPARATOR + following.text)
        if used + cost <= budget_tokens:
            text = snippet.text + SEPARATOR + following.text
            snippets[position] = replace(snippet, text=text)
            taken.add(following.id)
            used += cost
    return Context(tuple(snippets), used)


def _cost(number: int, hit: Hit, text: str) -> int:
    above = header(number, hit.chunk.title, hit.chunk.headings)
    return estimate_tokens(f"{above}\n{text}{SEPARATOR}")
