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

NPY_HEADER_BYTES = 4096  # of an array of one type; the header ends before, or it is none of ours


def jsonl(rows: Iterable[dict[str, Any]]) -> bytes:
    """Give one JSON object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def read_jsonl(content: bytes | bytearray) -> list[dict[str, Any]]:
    """Read what jsonl wrote."""
    return [json.loads(line) for line in content.decode().split("\n") if line]


def chunks_to_bytes(chunks: Iterable[Chunk]) -> bytes:
    """Write chunks in their order."""
    return jsonl(asdict(chunk) for chunk in chunks)


def chunks_from_bytes(content: bytes | bytearray) -> tuple[Chunk, ...]:
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


def read_npy(content: bytes | bytearray) -> Vectors:
    """Give the array that npy wrote, on the very bytes, read-only; raises ValueError for pickle."""
    header = BytesIO(memoryview(content)[:NPY_HEADER_BYTES])
    version = np.lib.format.read_magic(header)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, is_fortran, dtype = read_header(header)
    if dtype.hasobject:
        raise ValueError("pickled objects are not read")
    flat = np.frombuffer(content, dtype=dtype, offset=header.tell())
    flat.flags.writeable = False
    return flat.reshape(shape, order="F" if is_fortran else "C")


def spec_to_json(spec: EmbedderSpec | None) -> dict[str, Any] | None:
    """Give the recorded form of an embedder; None for a lexical index."""
    return None if spec is None else asdict(spec)


def spec_from_json(raw: dict[str, Any] | None) -> EmbedderSpec | None:
    """Read what spec_to_json gave."""
    return None if raw is None else EmbedderSpec(**raw)
