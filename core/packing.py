"""Hits → context within a token budget; chunks that continue a chosen one may come along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .index import Index
from .prompt import SEPARATOR, snippet_tokens
from .types import Context, Hit, Snippet

HEADROOM_FACTOR = 1.10  # the first snippet may exceed the budget by this factor, the others not


def pack(index: Index, hits: Sequence[Hit], *, budget_tokens: int) -> Context:
    """Take hits in order while they fit; what is left is for the chunks that continue them.

    Tokens are counted over the snippets as the prompt renders them.
    """
    snippets: list[Snippet] = []
    rows: list[int] = []
    for hit in hits:
        longer = [*snippets, Snippet(len(snippets) + 1, hit.chunk, hit.chunk.text, hit.score)]
        limit = budget_tokens if snippets else budget_tokens * HEADROOM_FACTOR
        if snippet_tokens(longer) <= limit:
            snippets = longer
            rows.append(hit.row)
    for position, row in enumerate(rows):
        after = index.next_row(row)
        if after is None or after in rows:
            continue
        text = snippets[position].text + SEPARATOR + index.chunks[after].text
        longer = [*snippets]
        longer[position] = replace(longer[position], text=text)
        if snippet_tokens(longer) <= budget_tokens:
            snippets = longer
    return Context(tuple(snippets), snippet_tokens(snippets))
