"""Hits → context within a token budget; chunks that continue a chosen one may come along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .index import Index
from .injection import without_orders, without_orders_in
from .prompt import SEPARATOR, snippet_tokens
from .tokens import CHARS_PER_TOKEN
from .types import Context, Hit, Snippet

HEADROOM_FACTOR = 1.10  # the first snippet may exceed the budget by this factor, the others not


def pack(
    index: Index,
    hits: Sequence[Hit],
    *,
    budget_tokens: int,
    chars_per_token: float = CHARS_PER_TOKEN,
) -> Context:
    """Take hits in order while they fit; what is left is for the chunks that continue them.

    Text that gives orders to a model is left out. Tokens are counted over the snippets as they are
    in the prompt.
    """
    snippets: list[Snippet] = []
    rows: list[int] = []
    for hit in hits:
        chunk = without_orders_in(hit.chunk)
        if not chunk.text.strip():
            continue  # nothing but orders to a model
        longer = [*snippets, Snippet(len(snippets) + 1, chunk, chunk.text, hit.score)]
        limit = budget_tokens if snippets else budget_tokens * HEADROOM_FACTOR
        if snippet_tokens(longer, chars_per_token) <= limit:
            snippets = longer
            rows.append(hit.row)
    for position, row in enumerate(rows):
        after = index.next_row(row)
        if after is None or after in rows:
            continue
        following = without_orders(index.chunks[after].text)
        # Once more together: an order may begin in the one and end in the other.
        text = without_orders(snippets[position].text + SEPARATOR + following)
        longer = [*snippets]
        longer[position] = replace(longer[position], text=text)
        if snippet_tokens(longer, chars_per_token) <= budget_tokens:
            snippets = longer
    return Context(tuple(snippets), snippet_tokens(snippets, chars_per_token))
