"""Hits to sort, a model that counts shared words, and how its prompt is read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from core.ollama import OllamaClient
from core.rerank import Reranker, Reranking
from core.types import Chunk, Hit

QUESTION = "How do I lock timesheets?"
OPTIONS: dict[str, float | int] = {"temperature": 0.0, "seed": 42, "num_ctx": 4096, "top_k": 40}
TEXTS = (
    "Bake bread.",
    "Admins lock timesheets in Settings.",
    "Doors are made of wood.",
    "Locked timesheets cannot be edited.",
)
Message = dict[str, str]


def hit(text: str, row: int = 0, *, headings: tuple[str, ...] = ()) -> Hit:
    chunk = Chunk(f"c{row}", "a", f"Title {row}", headings, text, None, 0, len(text))
    return Hit(chunk, score=1.0 - row / 100, bm25=None, similarity=None, row=row)


HITS = tuple(hit(text, row) for row, text in enumerate(TEXTS))


def rows(reranking: Reranking) -> list[int]:
    return [found.row for found in reranking.hits]


async def sorted_by(asking: OllamaClient, *, seconds: float = 5.0) -> Reranking:
    return await Reranker(asking, "llama3.2", options=OPTIONS).rerank(
        QUESTION, HITS, seconds=seconds
    )


def script(reply: str) -> Callable[[list[Message]], str]:
    return lambda _: reply


def word_counting(messages: list[Message]) -> str:
    """Score each passage by the words that it shares with the question."""
    passages, question = passages_and_question(messages)
    wanted = set(re.findall(r"\w+", question.lower()))
    entries = [
        {"id": number, "score": len(wanted & set(re.findall(r"\w+", text.lower())))}
        for number, text in enumerate(passages, 1)
    ]
    return json.dumps(entries)


def passages_and_question(messages: list[Message]) -> tuple[list[str], str]:
    """Read the blocks as a model should: only the nonce ends one."""
    text = messages[-1]["content"]
    nonce = re.findall(r"<<question ([0-9a-f]{16})>>", text)[-1]
    blocks = re.findall(rf"<<([a-z]+)[ \d]* {nonce}>>\n(.*?)\n<<end {nonce}>>", text, re.DOTALL)
    return [body for kind, body in blocks if kind == "passage"], dict(blocks)["question"]
