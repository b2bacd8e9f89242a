"""Finished embeddings by content, so that nothing is computed twice, also after a killed build.

cache/ab/<key>.vec: 32 bytes of SHA-256, then the float32 vector. The key hashes the embedder, its
prefixes, the dimension and the text. Entries are not synced: a torn one fails its checksum and is
computed again. Deleting the folder is safe at any time.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .protocols import EmbedderSpec
from .types import Vector, Vectors

DIGEST_BYTES = 32
UNIT_TOLERANCE = 1e-3


class EmbeddingCache:
    """Vectors of one embedder in one folder."""

    def __init__(self, folder: Path, spec: EmbedderSpec) -> None:
        self._folder = folder
        self._spec = spec

    def get(self, text: str) -> Vector | None:
        """Give the vector of a text; None when it is not there or not whole."""
        try:
            raw = self._path(text).read_bytes()
        except OSError:
            return None
        digest, content = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
        if len(content) != 4 * self._spec.dimension or hashlib.sha256(content).digest() != digest:
            return None
        return np.frombuffer(content, dtype="<f4").astype(np.float32)

    def put(self, text: str, vector: Vector) -> None:
        """Keep a unit vector; a full disk costs the entry, not the build."""
        if not is_unit(vector).all():
            return  # what a broken model gave must not outlive its repair
        path = self._path(text)
        content = vector.astype("<f4").tobytes()
        beside = path.with_suffix(f".{os.getpid()}.tmp")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(hashlib.sha256(content).digest() + content)
            os.replace(beside, path)

    def _path(self, text: str) -> Path:
        spec = self._spec
        parts = (spec.name, spec.model, str(spec.dimension), spec.document_prefix, text)
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return self._folder / key[:2] / f"{key}.vec"


def is_unit(vectors: Vector | Vectors) -> NDArray[np.bool_]:
    """Say of each row whether it is finite and of unit length."""
    lengths = np.linalg.norm(vectors, axis=-1)
    return np.asarray(np.abs(lengths - 1) <= UNIT_TOLERANCE)  # NaN compares false
