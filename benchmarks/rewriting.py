"""Measure follow-ups: searched as they are, read by rules, rewritten by a model, asked in full.

    OLLAMA_URL=http://127.0.0.1:11434 GEN_MODEL=qwen2.5:7b python -m benchmarks.rewriting --ask 40

40 follow-ups over the starter knowledge (follow_ups.jsonl), each with the question before it and
with what a person would ask instead. "scripted" is a model that writes just that, over HTTP: so
the checks of core/rewriting.py are measured too. hit@1, hit@5, mrr of a relevant article.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.questions import Row, read_rows
from core.answerers.ollama import OllamaAnswerer
from core.assembly import open_pipeline
from core.config import Config
from core.index import Index
from core.model_assembly import open_ollama
from core.ollama import OllamaClient
from core.protocols import Embedder
from core.retrieval import RetrievalRules, search
from core.rewriting import Rewriter, Rewriting, may_lean
from core.standalone import standalone
from core.terms import TermAnalyzer
from core.types import Exchange, Question, Role
from tests.ollama import ScriptedOllama

FOLLOW_UPS = Path(__file__).with_name("follow_ups.jsonl")
REPLY = "It depends [1]."  # the replies are left out: rules and labels do not need them


def question_of(row: Row) -> Question:
    """Give a follow-up with its history."""
    return Question(row["asked"], (Exchange(row["before"], REPLY),))


async def measure(
    index: Index, embedder: Embedder, rows: Sequence[Row], texts: Sequence[str]
) -> str:
    """Search each text and give the figures."""
    ranks = []
    for row, text in zip(rows, texts, strict=True):
        corrected = index.spelling.correct(text)
        query = (await embedder.embed([corrected], role=Role.QUERY))[0]
        found = search(index, corrected, query, RetrievalRules())
        urls = [hit.chunk.url for hit in found.hits][:10]
        ranks.append(next((n for n, url in enumerate(urls, 1) if url in row["relevant_urls"]), 0))
    count = len(ranks)
    first = sum(rank == 1 for rank in ranks) / count
    fifth = sum(0 < rank <= 5 for rank in ranks) / count
    mrr = sum(1 / rank for rank in ranks if rank) / count
    return f"{first:6.3f} {fifth:6.3f} {mrr:6.3f}"


async def rewrite(
    client: OllamaClient, config: Config, rows: Sequence[Row]
) -> tuple[list[str], Counter[str]]:
    """Read every follow-up as the bot would, with this model; count why it was not its reading."""
    analyzer = TermAnalyzer()
    answerer = OllamaAnswerer(
        client,
        config.gen_model,
        seed=config.seed,
        num_ctx=config.num_ctx,
        num_predict=config.num_predict,
    )
    rewriter = Rewriter(client, config.gen_model, options=answerer.options)
    texts, reasons = [], Counter[str]()
    for row in rows:
        question = question_of(row)
        reading = Rewriting(standalone(question, analyzer), "not asked: may not lean")
        if may_lean(question, analyzer):
            reading = await rewriter.rewrite(question, reading.text, seconds=None)
        texts.append(reading.text)
        reasons[reading.reason or "rewritten"] += 1
        if sys.stderr.isatty():
            print(f"{len(texts)}/{len(rows)}", end="\r", file=sys.stderr, flush=True)
    return texts, reasons


async def by_labels(rows: Sequence[Row]) -> tuple[list[str], Counter[str]]:
    """Let a scripted model write what a person would ask."""
    alone = {row["asked"]: row["alone"] for row in rows}

    def write(messages: list[dict[str, str]]) -> str:
        last = messages[-1]["content"].rpartition("<<last question ")[2].split("\n")[1]
        return json.dumps({"question": alone[last]})

    async with ScriptedOllama(script=write) as ollama:
        config = Config(ollama_url=ollama.url, gen_model="llama3.2")
        async with open_ollama(config) as client:
            return await rewrite(client, config, rows)


async def main() -> None:
    """Print the figures of each reading."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--index", type=Path)
    parser.add_argument("--ask", type=int, default=0, help="so many of GEN_MODEL at OLLAMA_URL too")
    given = parser.parse_args()
    config = Config.from_env(os.environ)
    rows = read_rows(FOLLOW_UPS)
    analyzer = TermAnalyzer()
    local = replace(config, knowledge=Path("knowledge"), index=given.index, answerer="extractive")
    async with open_pipeline(local) as assembled:
        index, embedder = assembled.pipeline.index, assembled.embedder

        async def show(name: str, texts: Sequence[str], reasons: str = "") -> None:
            figures = await measure(index, embedder, rows[: len(texts)], texts)
            print(f"{name:<12} {figures}  {reasons}", flush=True)

        print(f"{len(rows)} follow-ups\nread         hit@1  hit@5    mrr")
        await show("as it is", [row["asked"] for row in rows])
        by_rules = [standalone(question_of(row), analyzer) for row in rows]
        await show("rules", by_rules)
        texts, reasons = await by_labels(rows)
        await show("scripted", texts, str(dict(reasons)))
        await show("in full", [row["alone"] for row in rows])
        if given.ask:
            async with open_ollama(config) as client:
                texts, reasons = await rewrite(client, config, rows[: given.ask])
            print(f"the first {given.ask}")
            await show("rules", by_rules[: given.ask])
            await show(config.gen_model, texts, str(dict(reasons)))


if __name__ == "__main__":
    asyncio.run(main())
