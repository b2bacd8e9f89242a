"""Knowledge → generation: read, split, embed what is new, index, check, publish.

One builder at a time (core/lock.py). Embeddings are kept as they are finished (embedding_cache.py),
so a killed build resumes. Identical inputs publish nothing. Whatever fails, the live generation
stays.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from .articles import Knowledge, Limits, read_knowledge
from .chunking import ChunkSizes, split_article
from .embedding_cache import EmbeddingCache, is_unit
from .errors import KnowledgeError, RebuildRefused
from .index import Index, build_index
from .injection import addresses_model
from .lock import BuildLock, build_lock
from .prompt import estimate_tokens
from .protocols import Embedder, EmbedderSpec
from .report import BuildReport, BuildStatus, Phase, Progress
from .store import Store
from .types import Article, Chunk, KnowledgeWarning, Role, Vectors

RECIPE = 2  # raise it when cleaning, chunking or terms change, so that identical articles rebuild
TARGET_TOKENS = 180  # of a chunk: see docs/results.md
LEXICAL_SIZES = ChunkSizes(target=TARGET_TOKENS, most=250)
BATCH = 16  # texts between two reports of progress

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What to build, from what, with what."""

    knowledge: Path
    folder: Path  # of the index
    embedder: Embedder | None  # None: lexical only
    limits: Limits = Limits()
    lock_timeout_seconds: float = 10.0
    purpose: str = "clockify-bot build"
    force: bool = False  # publish even when nothing changed


@dataclass(slots=True)
class _Clock:
    """Seconds per phase, and the progress of the running one."""

    on_progress: OnProgress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, phase: Phase, total: int = 0) -> Iterator[Callable[[int, int], None]]:
        started = time.monotonic()
        self.on_progress(Progress(phase, 0, total))

        def advance(done: int, of: int) -> None:
            spent = time.monotonic() - started
            left = spent / done * (of - done) if done else None
            self.on_progress(Progress(phase, done, of, left))

        yield advance
        if total:
            self.on_progress(Progress(phase, total, total, 0.0))
        self.seconds[phase.name.lower()] = round(time.monotonic() - started, 3)


async def rebuild(request: BuildRequest, on_progress: OnProgress = lambda _: None) -> BuildReport:
    """Build and publish; raises KnowledgeError, RebuildRefused, ModelUnavailable, LockTimeout."""
    clock = _Clock(on_progress)
    spec = await request.embedder.spec() if request.embedder is not None else None
    with clock.phase(Phase.LOCKING):
        lock_context = build_lock(
            request.folder, timeout_seconds=request.lock_timeout_seconds, purpose=request.purpose
        )
        lock = lock_context.__enter__()
    try:
        return await _build(request, spec, lock, clock)
    finally:
        lock_context.__exit__(None, None, None)


async def _build(
    request: BuildRequest, spec: EmbedderSpec | None, lock: BuildLock, clock: _Clock
) -> BuildReport:
    store = Store(request.folder)
    with clock.phase(Phase.READING) as advance:
        knowledge = read_knowledge(request.knowledge, limits=request.limits, on_file=advance)
    knowledge = replace(knowledge, warnings=(*knowledge.warnings, *_lint(knowledge.articles)))
    if not knowledge.articles:
        raise KnowledgeError(_nothing_found(request.knowledge, knowledge))
    inputs = inputs_digest(knowledge.articles, spec)
    live = store.meta()
    is_same = live is not None and live["inputs"] == inputs and live["generation"] == store.live()
    if live is not None and is_same and not request.force:
        return _report(BuildStatus.UNCHANGED, request, knowledge, live, store, clock)
    with clock.phase(Phase.CHUNKING, len(knowledge.articles)) as advance:
        chunks = list(_split(knowledge.articles, request.embedder, spec, advance))
    computed = 0
    vectors: Vectors | None = None
    if request.embedder is not None and spec is not None:
        cache = EmbeddingCache(request.folder / "cache", spec)
        with clock.phase(Phase.EMBEDDING) as advance:  # how many is known when the cache was read
            vectors, computed = await _embed(chunks, request.embedder, spec, cache, advance)
    with clock.phase(Phase.INDEXING, len(chunks)):
        index = build_index("", chunks, vectors, spec)
    with clock.phase(Phase.CHECKING, 1):
        check_index(index)
    meta = _meta(request, knowledge, inputs, index, computed)
    with clock.phase(Phase.PUBLISHING, 1):
        number = store.publish(index, meta, lock=lock)
        store.prune()
    counts = {**meta, "generation": number}
    return _report(BuildStatus.PUBLISHED, request, knowledge, counts, store, clock, live=live)


def _lint(articles: Sequence[Article]) -> Iterator[KnowledgeWarning]:
    """Name the articles that speak to a language model: they are searched, but not quoted there."""
    for article in articles:
        for line in article.body.split("\n"):
            if addresses_model(line):
                reason = f'"{article.title[:80]}" gives orders to a language model; never quoted'
                yield KnowledgeWarning(
                    article.source, None, f"{reason}: {line.strip()[:80]}", False
                )
                break


def inputs_digest(articles: Sequence[Article], spec: EmbedderSpec | None) -> str:
    """Hash all that decides the content of a generation; equal digests need no new one."""
    parts: list[Any] = [RECIPE, TARGET_TOKENS, asdict(spec) if spec is not None else None]
    parts += [[article.id, article.digest, article.url] for article in articles]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def check_index(index: Index, *, sample: int = 50) -> None:
    """Refuse an index that a reader would stumble over: each sampled chunk must find itself."""
    if not index.is_body.any():
        raise RebuildRefused("No article has text to quote; nothing is published.")
    if index.vectors is not None and not is_unit(index.vectors.vectors).all():
        row = int(np.argmin(is_unit(index.vectors.vectors)))
        raise RebuildRefused(f"Chunk {index.chunks[row].id} has a vector that is not of length 1.")
    rows = np.flatnonzero(index.is_body)
    rows = rows[np.linspace(0, len(rows) - 1, min(sample, len(rows))).astype(int)]
    for row in rows:
        terms = index.analyzer.terms(index.chunks[row].indexed_text)
        if terms and row not in index.lexical.rows_of(terms):
            raise RebuildRefused(f"Chunk {index.chunks[row].id} is not found by its own words.")
        if index.vectors is not None:
            vector = index.vectors.vectors[row]
            _, similarities = index.vectors.nearest(vector, 1)
            if similarities[0] < 0.999:
                raise RebuildRefused(f"Chunk {index.chunks[row].id} is not found by its vector.")


def _split(
    articles: Sequence[Article],
    embedder: Embedder | None,
    spec: EmbedderSpec | None,
    advance: Callable[[int, int], None],
) -> Iterator[Chunk]:
    sizes, count_tokens = LEXICAL_SIZES, estimate_tokens
    if embedder is not None and spec is not None:
        sizes = ChunkSizes(target=min(TARGET_TOKENS, spec.max_tokens), most=spec.max_tokens)
        count_tokens = embedder.count_tokens
    for done, article in enumerate(articles, start=1):
        yield from split_article(article, sizes=sizes, count_tokens=count_tokens)
        advance(done, len(articles))


async def _embed(
    chunks: Sequence[Chunk],
    embedder: Embedder,
    spec: EmbedderSpec,
    cache: EmbeddingCache,
    advance: Callable[[int, int], None],
) -> tuple[Vectors, int]:
    """Give the vectors of all chunks and how many had to be computed; equal texts count once."""
    rows_of: dict[str, list[int]] = {}
    for row, chunk in enumerate(chunks):
        rows_of.setdefault(chunk.indexed_text, []).append(row)
    vectors = np.zeros((len(chunks), spec.dimension), dtype=np.float32)
    missing = []
    for text, rows in rows_of.items():
        vector = cache.get(text)
        if vector is None:
            missing.append(text)
        else:
            vectors[rows] = vector
    missing.sort(key=len)  # texts of one length embed together without waiting for a long one
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        for text, vector in zip(
            batch, await embedder.embed(batch, role=Role.DOCUMENT), strict=True
        ):
            cache.put(text, vector)
            vectors[rows_of[text]] = vector
        advance(start + len(batch), len(missing))
    return vectors, len(missing)


def _meta(
    request: BuildRequest, knowledge: Knowledge, inputs: str, index: Index, computed: int
) -> dict[str, Any]:
    distinct = len({chunk.indexed_text for chunk in index.chunks})
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": str(request.knowledge.resolve()),
        "inputs": inputs,
        "counts": {"articles": len(knowledge.articles), "chunks": len(index.chunks)},
        "embeddings": {
            "computed": computed,
            "reused": distinct - computed if index.vectors is not None else 0,
        },
        "article_digests": {article.id: article.digest for article in knowledge.articles},
        "articles": [
            {"id": a.id, "title": a.title, "url": a.url, "digest": a.digest, "source": a.source}
            for a in knowledge.articles
        ],
    }


def _report(
    status: BuildStatus,
    request: BuildRequest,
    knowledge: Knowledge,
    meta: dict[str, Any],
    store: Store,
    clock: _Clock,
    *,
    live: dict[str, Any] | None = None,
) -> BuildReport:
    now = {article.id: article.digest for article in knowledge.articles}
    unchanged = status is BuildStatus.UNCHANGED
    before: dict[str, str] = now if unchanged else (live or {}).get("article_digests", {})
    embeddings = {"computed": 0, "reused": 0} if unchanged else meta["embeddings"]
    folder = store.folder / "generations" / meta["generation"]
    embedder = meta["embedder"] if unchanged else (store.meta() or {}).get("embedder")
    return BuildReport(
        status=status,
        generation=meta["generation"],
        source=str(request.knowledge),
        articles=meta["counts"]["articles"],
        chunks=meta["counts"]["chunks"],
        embeddings_computed=embeddings["computed"],
        embeddings_reused=embeddings["reused"],
        added=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(i for i in now.keys() & before.keys() if now[i] != before[i])),
        removed=tuple(sorted(before.keys() - now.keys())),
        warnings=tuple(str(warning) for warning in knowledge.warnings),
        skipped=sum(warning.skipped for warning in knowledge.warnings),
        seconds=clock.seconds,
        bytes_on_disk=sum(entry.stat().st_size for entry in folder.iterdir()),
        embedder="lexical only" if embedder is None else f"{embedder['name']}:{embedder['model']}",
    )


def _nothing_found(path: Path, knowledge: Knowledge) -> str:
    reasons = "; ".join(str(warning) for warning in knowledge.warnings[:3])
    return (
        f"{path} holds no article; nothing is published{f' ({reasons})' if reasons else ''}. "
        "Give a folder of Markdown files or one merged file (see README, Your own knowledge)."
    )
