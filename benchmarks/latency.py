"""Time answering, warm, against baselines of the same run.

    python -m benchmarks.latency ../shared/data/eval/dev.jsonl \
        --knowledge ../shared/data/knowledge_helpcenter.md

Prints p50 and p95 of retrieval (query embedding included) and of whole extractive answers, the
share that the embedding takes, the ratio of compiled postings to BM25Okapi.get_scores and of HNSW
to exact search, and the memory of the process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import psutil
from rank_bm25 import BM25Okapi

from benchmarks.questions import parse
from core.assembly import Assembled, open_pipeline
from core.lexical import K1, B
from core.types import Question, Role
from core.vectors import VectorIndex

ROUNDS = 3


def line(name: str, milliseconds: Sequence[float], note: str = "") -> None:
    """Print the median and the 95th percentile of one series."""
    p50, p95 = np.percentile(milliseconds, [50, 95])
    print(f"{name:<34} p50 {p50:8.3f} ms   p95 {p95:8.3f} ms   {note}")


def timed(task: Callable[[], object]) -> float:
    """Give the milliseconds that a task takes."""
    started = time.perf_counter()
    task()
    return (time.perf_counter() - started) * 1000


async def answers(assembled: Assembled, queries: list[str]) -> None:
    """Time whole questions."""
    retrieve, total, embed = [], [], []
    for _ in range(ROUNDS):
        for query in queries:
            turn = await assembled.pipeline.ask(Question(query))
            retrieve.append(turn.timings_ms.retrieve)
            total.append(turn.timings_ms.total)
            started = time.perf_counter()
            await assembled.embedder.embed([query], role=Role.QUERY)
            embed.append((time.perf_counter() - started) * 1000)
    line("retrieve (with embedding)", retrieve)
    line("embedding alone", embed, f"{np.median(embed) / np.median(retrieve):.2f} of retrieve")
    line("extractive answer, whole", total)


def engines(assembled: Assembled, queries: list[str]) -> None:
    """Time the two retrievers against what they replace."""
    index = assembled.pipeline.index
    okapi = BM25Okapi([index.analyzer.terms(c.indexed_text) for c in index.chunks], k1=K1, b=B)
    terms = [index.analyzer.terms(query) for query in queries]
    compiled = [timed(partial(index.lexical.scores, t)) for t in terms]
    library = [timed(partial(okapi.get_scores, t)) for t in terms]
    line("BM25 compiled postings", compiled)
    ratio = np.median(library) / np.median(compiled)
    line("BM25Okapi.get_scores", library, f"{ratio:.0f} x the postings")
    if index.vectors is None:
        return
    exact = VectorIndex(index.vectors.vectors, None)
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(index.chunks), 200)
    vectors = [index.vectors.vectors[row] for row in rows]
    graph = [timed(partial(index.vectors.nearest, v, 200)) for v in vectors]
    brute = [timed(partial(exact.nearest, v, 200)) for v in vectors]
    line("HNSW, 200 nearest", graph)
    line("exact, 200 nearest", brute, f"{np.median(brute) / np.median(graph):.2f} x HNSW")


async def main() -> None:
    """Measure and print."""
    rows, config = parse(__doc__)
    queries = [row["query"] for row in rows]
    async with open_pipeline(config) as assembled:
        for query in queries[:20]:
            await assembled.pipeline.ask(Question(query))
        await answers(assembled, queries)
        print(f"resident memory {psutil.Process().memory_info().rss / 2**20:.0f} MiB")
        engines(assembled, queries)


if __name__ == "__main__":
    asyncio.run(main())
