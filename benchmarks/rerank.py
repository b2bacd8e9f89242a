"""Measure whether a model sorts what was found better: the same hits before and after.

    OLLAMA_URL=http://127.0.0.1:11434 GEN_MODEL=qwen2.5:7b \\
    python -m benchmarks.rerank ../shared/data/eval/dev.jsonl \\
        --knowledge ../shared/data/knowledge_helpcenter.md --index /tmp/index --limit 40

The hits are those that would be packed. "best" and "worst" are a scripted model that knows the
labels, asked over HTTP like the real one: the bounds of what sorting these hits can do. hit@1: the
first hit is of a relevant article; mrr: 1 / rank of the first one. --bounds-only asks no model.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.questions import Row, read_rows
from core.answerers.ollama import OllamaAnswerer
from core.assembly import open_pipeline
from core.config import Config
from core.model_assembly import open_ollama
from core.ollama import OllamaClient
from core.pipeline import Pipeline
from core.rerank import PASSAGE_CHARACTERS, Reranker
from core.retrieval import RetrievalRules, search
from core.types import Hit, Role
from tests.ollama import ScriptedOllama


@dataclass(slots=True)
class Figures:
    """What one order of the hits was worth."""

    ranks: list[int] = field(default_factory=list)  # of the first relevant hit; 0: none
    milliseconds: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)  # "" where the model sorted

    def add(self, hits: Sequence[Hit], row: Row) -> None:
        """Note where the first relevant hit is."""
        relevant = [at for at, hit in enumerate(hits, 1) if hit.chunk.url in row["relevant_urls"]]
        self.ranks.append(relevant[0] if relevant else 0)

    def line(self, name: str) -> str:
        """Give hit@1, mrr, the median time and how often the model's order was used."""
        count = len(self.ranks)
        first = sum(rank == 1 for rank in self.ranks) / count
        mrr = sum(1 / rank for rank in self.ranks if rank) / count
        if not self.milliseconds:
            return f"{name:<12} {first:6.3f} {mrr:6.3f}"
        times = sorted(self.milliseconds)
        middle, used = times[len(times) // 2], self.reasons[""]
        return f"{name:<12} {first:6.3f} {mrr:6.3f} {middle:10.0f} {used:5}/{count}"


class Labels:
    """A model that knows which hits are relevant."""

    def __init__(self, *, inverts: bool) -> None:
        self.inverts = inverts
        self.wanted: list[bool] = []  # of the hits that are asked about, in their order

    def write(self, messages: list[dict[str, str]]) -> str:
        """Score relevant hits 10 and the others 0, or the other way round."""
        scores = [10 * (is_relevant != self.inverts) for is_relevant in self.wanted]
        return json.dumps([{"id": n, "score": score} for n, score in enumerate(scores, 1)])


async def measure(
    rows: Sequence[Row], hits: Sequence[Sequence[Hit]], reranker: Reranker, labels: Labels | None
) -> Figures:
    """Rerank the hits of every question."""
    figures = Figures()
    for row, found in zip(rows, hits, strict=True):
        if labels is not None:
            labels.wanted = [hit.chunk.url in row["relevant_urls"] for hit in found]
        started = time.perf_counter()
        reranking = await reranker.rerank(row["query"], found, seconds=None)
        figures.milliseconds.append((time.perf_counter() - started) * 1000)
        figures.reasons[reranking.reason] += 1
        figures.add(reranking.hits, row)
        if labels is None:
            seconds = figures.milliseconds[-1] / 1000
            print(f"{len(figures.ranks)}/{len(rows)} {seconds:.0f} s", file=sys.stderr, flush=True)
    return figures


async def find(pipeline: Pipeline, rows: Sequence[Row], rules: RetrievalRules) -> list[list[Hit]]:
    """Search every question and give what would be packed."""
    found = []
    index = pipeline.index
    embedder = pipeline._embedder
    for row in rows:
        text = index.spelling.correct(row["query"])
        vectors = None if embedder is None else await embedder.embed([text], role=Role.QUERY)
        query = None if vectors is None else vectors[0]
        found.append(list(search(index, text, query, rules).chosen))
    return found


def reranker_of(client: OllamaClient, config: Config, passage_characters: int) -> Reranker:
    """Give a reranker with the options that answers have."""
    answerer = OllamaAnswerer(
        client,
        config.gen_model,
        seed=config.seed,
        num_ctx=config.num_ctx,
        num_predict=config.num_predict,
    )
    return Reranker(
        client, config.gen_model, options=answerer.options, passage_characters=passage_characters
    )


async def bound(rows: Sequence[Row], hits: list[list[Hit]], *, inverts: bool) -> Figures:
    """Measure with the model that knows the labels."""
    labels = Labels(inverts=inverts)
    async with ScriptedOllama(script=labels.write) as ollama:
        config = Config(ollama_url=ollama.url, gen_model="llama3.2")
        async with open_ollama(config) as client:
            reranker = reranker_of(client, config, PASSAGE_CHARACTERS)
            return await measure(rows, hits, reranker, labels)


def parse() -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("--knowledge", type=Path, default=Path("knowledge"))
    parser.add_argument("--index", type=Path)
    parser.add_argument("--limit", type=int, help="answerable questions, spread over the file")
    parser.add_argument("--pack", type=int, default=RetrievalRules().pack)
    parser.add_argument("--passage-characters", type=int, default=PASSAGE_CHARACTERS)
    parser.add_argument("--bounds-only", action="store_true")
    return parser.parse_args()


async def main() -> None:
    """Print the figures of each order."""
    given = parse()
    config = Config.from_env(os.environ)
    local = replace(config, knowledge=given.knowledge, index=given.index, answerer="extractive")
    rows = [row for row in read_rows(given.questions) if row["answerable"]]
    rows = rows[:: max(1, len(rows) // given.limit)][: given.limit] if given.limit else rows
    async with open_pipeline(local) as assembled:
        hits = await find(assembled.pipeline, rows, RetrievalRules(pack=given.pack))
    before = Figures()
    for row, found in zip(rows, hits, strict=True):
        before.add(found, row)
    print(f"{len(rows)} questions, {given.pack} hits each")
    print(f"{'order':<12} {'hit@1':>6} {'mrr':>6} {'ms median':>10} {'sorted':>9}")
    print(before.line("as found"))
    print((await bound(rows, hits, inverts=False)).line("best"))
    print((await bound(rows, hits, inverts=True)).line("worst"), flush=True)
    if given.bounds_only:
        return
    async with open_ollama(config) as client:
        reranker = reranker_of(client, config, given.passage_characters)
        after = await measure(rows, hits, reranker, None)
        print(after.line("reranked"), f" {config.gen_model} on Ollama {await client.version()}")
    moved = Counter(
        "better" if 0 < new < (old or 99) else "worse" if old != new else "same"
        for old, new in zip(before.ranks, after.ranks, strict=True)
    )
    print("first relevant hit:", dict(moved), "not sorted because:", _reasons(after))


def _reasons(figures: Figures) -> dict[str, int]:
    return {reason: count for reason, count in figures.reasons.items() if reason}


if __name__ == "__main__":
    asyncio.run(main())
