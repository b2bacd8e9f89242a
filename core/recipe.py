"""How articles become chunks, and the digest of all that decides what a generation holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .chunking import ChunkSizes, split_article
from .codec import spec_from_json
from .phases import Advance
from .protocols import Embedder, EmbedderSpec
from .tokens import estimate_tokens
from .types import Article, Chunk

RECIPE = 2  # raise it when cleaning, chunking or terms change, so that identical articles rebuild
TARGET_TOKENS = 180  # of a chunk: see docs/results.md
LEXICAL_SIZES = ChunkSizes(target=TARGET_TOKENS, most=250)


def split_articles(
    articles: Sequence[Article],
    embedder: Embedder | None,
    spec: EmbedderSpec | None,
    advance: Advance,
    *,
    kept: Mapping[str, Sequence[Chunk]],
) -> Iterator[Chunk]:
    """Give the chunks of all articles in order, counted in the embedder's own tokens.

    kept has those of articles (by id) that were split before; see kept_chunks.
    """
    sizes = LEXICAL_SIZES
    count_tokens: Callable[[str], int] = estimate_tokens
    if embedder is not None and spec is not None:
        sizes = ChunkSizes(target=min(TARGET_TOKENS, spec.max_tokens), most=spec.max_tokens)
        count_tokens = embedder.count_tokens
    for done, article in enumerate(articles, start=1):
        if article.id in kept:
            yield from kept[article.id]
        else:
            yield from split_article(article, sizes=sizes, count_tokens=count_tokens)
        advance(done, len(articles))


def kept_chunks(
    articles: Sequence[Article],
    spec: EmbedderSpec | None,
    meta: Mapping[str, Any],
    chunks: Sequence[Chunk],
) -> dict[str, list[Chunk]]:
    """Give the chunks of a generation by article, where splitting would give the same again."""
    spec_then = spec_from_json(meta.get("embedder"))
    if meta.get("recipe") != RECIPE or meta.get("target") != TARGET_TOKENS or spec_then != spec:
        return {}
    before = meta["article_digests"]
    same = {article.id for article in articles if before.get(article.id) == article.digest}
    kept: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        if chunk.article_id in same:
            kept.setdefault(chunk.article_id, []).append(chunk)
    return kept


def inputs_digest(articles: Sequence[Article], spec: EmbedderSpec | None) -> str:
    """Hash all that decides the content of a generation; equal digests need no new one."""
    parts: list[Any] = [RECIPE, TARGET_TOKENS, asdict(spec) if spec is not None else None]
    parts += [[article.id, article.digest, article.url] for article in articles]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
