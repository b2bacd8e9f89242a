"""Finished embeddings by content, so that nothing is computed twice, also after a killed build.

cache/ab/<key>.vec: 32 bytes of SHA-256, then the float32 vector. The key hashes the embedder, the
prefix that it puts before documents (the words themselves, so no version number can be forgotten),
the dimension and the text. Entries are not synced: a torn one fails its checksum and is computed
again. Deleting the folder is safe at any time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .protocols import EmbedderSpec
from .types import Vector, Vectors

DIGEST_BYTES = 32
UNIT_TOLERANCE = 1e-3
SUFFIX = ".vec"
LEFTOVER = ".tmp"  # of a builder that was killed while it wrote


class EmbeddingCache:
    """Vectors of one embedder in one folder; used names the entries that were got or put."""

    def __init__(self, folder: Path, spec: EmbedderSpec) -> None:
        self._folder = folder
        self._spec = spec
        self.used: set[str] = set()  # file names

    def get(self, text: str) -> Vector | None:
        """Give the vector of a text; None when it is not there or not whole."""
        path = self._path(text)
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        digest, content = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
        if len(content) != 4 * self._spec.dimension or hashlib.sha256(content).digest() != digest:
            return None
        self.used.add(path.name)
        return np.frombuffer(content, dtype="<f4").astype(np.float32)

    def put(self, text: str, vector: Vector) -> None:
        """Keep a unit vector; a full disk costs the entry, not the build."""
        if not is_unit(vector).all():
            return  # what a broken model gave must not outlive its repair
        path = self._path(text)
        content = vector.astype("<f4").tobytes()
        beside = path.with_suffix(f".{os.getpid()}{LEFTOVER}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(hashlib.sha256(content).digest() + content)
            os.replace(beside, path)
            self.used.add(path.name)

    def _path(self, text: str) -> Path:
        spec = self._spec
        parts = (spec.name, spec.model, str(spec.dimension), spec.document_prefix, text)
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return self._folder / key[:2] / f"{key}{SUFFIX}"


def trim_cache(folder: Path, *, max_bytes: int, used: Collection[str]) -> int:
    """Drop entries until the rest is below the cap; gives the bytes that are left.

    The oldest go first, and those in use only when they alone are too many. Leftovers of killed
    builders go as well, so only a builder that holds the lock may call this. Never raises for what
    the disk does not do.
    """
    entries = []
    for entry in _files(folder):
        with suppress(OSError):
            if entry.name.endswith(LEFTOVER):
                os.unlink(entry.path)
            elif entry.name.endswith(SUFFIX):
                status = entry.stat(follow_symlinks=False)
                age = (entry.name in used, status.st_mtime_ns, entry.name)
                entries.append((age, status.st_size, entry.path))
    left = sum(size for _, size, _ in entries)
    if left <= max_bytes:
        return left
    for _, size, path in sorted(entries):
        with suppress(OSError):
            os.unlink(path)
            left -= size
        if left <= max_bytes:
            break
    return left


def cache_bytes(folder: Path) -> int:
    """Count the bytes of all kept embeddings."""
    total = 0
    for entry in _files(folder):
        with suppress(OSError):
            total += entry.stat(follow_symlinks=False).st_size
    return total


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """List the entries of every embedder, two levels down; what cannot be listed has none."""
    for shelf in _listed(folder):
        if shelf.is_dir(follow_symlinks=False):
            yield from _listed(Path(shelf.path))


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def is_unit(vectors: Vector | Vectors) -> NDArray[np.bool_]:
    """Say of each row whether it is finite and of unit length."""
    lengths = np.linalg.norm(vectors, axis=-1)
    return np.asarray(np.abs(lengths - 1) <= UNIT_TOLERANCE)  # NaN compares false
