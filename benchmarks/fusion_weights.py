"""Compare fusion weights on labelled questions, with each retriever alone as the baseline.

    python -m benchmarks.fusion_weights ../shared/data/eval/dev.jsonl \
        --knowledge ../shared/data/knowledge_helpcenter.md

hit@k: a relevant article within the first k distinct ones; mrr: mean reciprocal rank within 10.
Printed as figures and as ratio to vector search alone, in the same run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import product

from benchmarks.questions import Row, parse
from core.assembly import open_pipeline
from core.fusion import FusionWeights
from core.index import Index
from core.retrieval import RetrievalRules, search
from core.types import Role, Vector

WEIGHTS = list(product((0.0, 0.3, 0.4, 0.5, 0.6, 0.8), (0.0, 0.15, 0.25, 0.35)))
Queries = Sequence[tuple[Row, str, Vector]]


def measure(
    index: Index, queries: Queries, weights: FusionWeights, *, words_only: bool = False
) -> tuple[float, ...]:
    """Give hit@1, hit@5 and mrr of one setting."""
    rules = RetrievalRules(weights=weights)
    ranks = []
    for row, text, vector in queries:
        found = search(index, text, None if words_only else vector, rules)
        partial = set(row.get("partial_urls", [])) - set(row["relevant_urls"])
        urls = [hit.chunk.url for hit in found.hits if hit.chunk.url not in partial][:10]
        ranks.append(next((i for i, u in enumerate(urls, 1) if u in row["relevant_urls"]), 0))
    count = len(ranks)
    return (
        sum(rank == 1 for rank in ranks) / count,
        sum(0 < rank <= 5 for rank in ranks) / count,
        sum(1 / rank for rank in ranks if rank) / count,
    )


async def main() -> None:
    """Print one line per setting."""
    rows, config = parse(__doc__)
    async with open_pipeline(config) as assembled:
        index = assembled.pipeline.index
        embedder = assembled.embedder
        queries = []
        for row in rows:
            if row["answerable"]:
                text = index.spelling.correct(row["query"])
                vector = (await embedder.embed([text], role=Role.QUERY))[0]
                queries.append((row, text, vector))
    baseline = measure(index, queries, FusionWeights(0.0, 0.0))
    words = measure(index, queries, FusionWeights(), words_only=True)
    print(f"{'lexical':>8} {'summary':>8}   hit@1   hit@5     mrr   mrr / vectors alone")
    print_line("words", "only", words, baseline)
    for lexical, summary in WEIGHTS:
        figures = measure(index, queries, FusionWeights(lexical, summary))
        print_line(f"{lexical:.2f}", f"{summary:.2f}", figures, baseline)


def print_line(
    lexical: str, summary: str, figures: tuple[float, ...], baseline: tuple[float, ...]
) -> None:
    """Print one setting's figures and its ratio to the baseline."""
    shown = "  ".join(f"{figure:6.3f}" for figure in figures)
    print(f"{lexical:>8} {summary:>8}  {shown}   {figures[2] / baseline[2]:.3f}")


if __name__ == "__main__":
    asyncio.run(main())
