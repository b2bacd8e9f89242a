"""Values ↔ bytes of the files of a generation: JSON lines and npy, never pickle."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from io import BytesIO
from typing import Any

import numpy as np

from .protocols import EmbedderSpec
from .types import Chunk, ChunkKind, Vectors


def jsonl(rows: Iterable[dict[str, Any]]) -> bytes:
    """Give one JSON object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def read_jsonl(content: bytes) -> list[dict[str, Any]]:
    """Read what jsonl wrote."""
    return [json.loads(line) for line in content.decode().split("\n") if line]


def chunks_to_bytes(chunks: Iterable[Chunk]) -> bytes:
    """Write chunks in their order."""
    return jsonl(asdict(chunk) for chunk in chunks)


def chunks_from_bytes(content: bytes) -> tuple[Chunk, ...]:
    """Read what chunks_to_bytes wrote."""
    return tuple(
        Chunk(**{**row, "headings": tuple(row["headings"]), "kind": ChunkKind(row["kind"])})
        for row in read_jsonl(content)
    )


def npy(array: Vectors) -> bytes:
    """Write an array in numpy's own format, without pickle."""
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def spec_to_json(spec: EmbedderSpec | None) -> dict[str, Any] | None:
    """Give the recorded form of an embedder; None for a lexical index."""
    return None if spec is None else asdict(spec)


def spec_from_json(raw: dict[str, Any] | None) -> EmbedderSpec | None:
    """Read what spec_to_json gave."""
    return None if raw is None else EmbedderSpec(**raw)
