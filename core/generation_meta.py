"""What meta.json says of a generation, and the report of a build from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .embedding import Embedded
from .index import Index
from .inputs import Inputs
from .protocols import EmbedderSpec
from .recipe import RECIPE, TARGET_TOKENS
from .report import BuildReport, BuildStatus, QualityReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a build ended: the generation that is live now, and what it took the place of."""

    status: BuildStatus
    meta: Mapping[str, Any]  # with "generation"
    before: Mapping[str, Any] | None  # meta of the generation that was live; None: there was none
    folder: Path  # of the generation
    embedded: Embedded | None = None  # in this build; None: there was nothing to embed
    quality: QualityReport | None = None
    cache_bytes: int = 0


def make_meta(
    inputs: Inputs, index: Index, embedded: Embedded | None, quality: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Describe a generation; the store adds its files, its embedder and the format."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": inputs.source,
        "inputs": inputs.digest,
        "recipe": RECIPE,
        "target": TARGET_TOKENS,
        "counts": {
            "articles": len(inputs.articles),
            "chunks": len(index.chunks),
            "bytes": inputs.bytes,
        },
        "embeddings": {
            "computed": embedded.computed if embedded is not None else 0,
            "reused": embedded.reused if embedded is not None else 0,
        },
        "quality": quality,
        "article_digests": inputs.article_digests,
        "articles": [
            {"id": a.id, "title": a.title, "url": a.url, "digest": a.digest, "source": a.source}
            for a in inputs.articles
        ],
    }


def make_report(
    ending: Ending,
    inputs: Inputs,
    spec: EmbedderSpec | None,
    *,
    seconds: Mapping[str, float],
    notes: Sequence[str],
) -> BuildReport:
    """Report a build that ended well."""
    now = inputs.article_digests
    before: Mapping[str, str] = (ending.before or {}).get("article_digests", {})
    embedded = ending.embedded
    file_bytes = _file_bytes(ending.folder)
    return BuildReport(
        status=ending.status,
        generation=ending.meta["generation"],
        source=str(inputs.path),
        articles=ending.meta["counts"]["articles"],
        chunks=ending.meta["counts"]["chunks"],
        embeddings_computed=embedded.computed if embedded is not None else 0,
        embeddings_reused=embedded.reused if embedded is not None else 0,
        added=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(i for i in now.keys() & before.keys() if now[i] != before[i])),
        removed=tuple(sorted(before.keys() - now.keys())),
        warnings=inputs.warnings,
        skipped=inputs.skipped,
        seconds=dict(seconds),
        bytes_on_disk=sum(file_bytes.values()),
        embedder="lexical only" if spec is None else f"{spec.name}:{spec.model}",
        quality=ending.quality,
        notes=tuple(notes),
        file_bytes=file_bytes,
        cache_bytes=ending.cache_bytes,
    )


def _file_bytes(folder: Path) -> dict[str, int]:
    """Give the size of each file; what cannot be told must not make a build fail."""
    sizes: dict[str, int] = {}
    with suppress(OSError):
        sizes.update((entry.name, entry.stat().st_size) for entry in sorted(folder.iterdir()))
    return sizes
