"""Indexes to publish, folders of their generations, and what can happen to those."""

from __future__ import annotations

import fcntl
import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from core.articles import read_knowledge
from core.build_state import STATE_NAME
from core.chunking import ChunkSizes, split_article
from core.errors import BotError
from core.index import Index, build_index
from core.lock import GUARD_NAME, build_lock
from core.protocols import EmbedderSpec
from core.store import META, Store
from core.types import Chunk, ChunkKind

from ..ollama_model import embedding
from .fakes import HashingEmbedder, versioned, write_knowledge

FILES = (
    "articles.jsonl",
    "chunks.jsonl",
    "hnsw.bin",
    "lexical.json",
    "lexical.npz",
    META,
    "vectors.npy",
)
# What an index folder holds at rest.
AT_REST = {"CURRENT", "generations", "cache", "quarantine", GUARD_NAME, STATE_NAME}


@cache
def index_of(version: str, *, lexical_only: bool = False) -> Index:
    """Make an index of one version of the pages, without a generation."""
    with TemporaryDirectory() as folder:
        knowledge = read_knowledge(write_knowledge(Path(folder), versioned(version)))
    embedder = HashingEmbedder()
    chunks: list[Chunk] = []
    for article in knowledge.articles:
        sizes = ChunkSizes(target=60, most=128)
        chunks += split_article(article, sizes=sizes, count_tokens=embedder.count_tokens)
    if lexical_only:
        return build_index("", chunks, None, None)
    spec = EmbedderSpec("hashing", embedder.model, embedder.dimension, "", "", 128)
    rows = [embedding(chunk.indexed_text, spec.dimension) for chunk in chunks]
    return build_index("", chunks, np.array(rows, dtype=np.float32), spec)


def publish(store: Store, index: Index, **meta: Any) -> str:
    with build_lock(store.folder, timeout_seconds=5, purpose="a test") as lock:
        return store.publish(index, {"inputs": "i", "articles": [{"id": "a"}], **meta}, lock=lock)


def publish_versions(store: Store, *versions: str) -> None:
    """Publish versions one after the other; the inputs of v1 are "inputs of v1"."""
    for version in versions:
        publish(store, index_of(version), inputs=f"inputs of {version}")


def repair(store: Store) -> tuple[str, ...]:
    with build_lock(store.folder, timeout_seconds=5, purpose="a test") as lock:
        return store.repair(lock=lock)


def prune(store: Store) -> tuple[str, ...]:
    with build_lock(store.folder, timeout_seconds=5, purpose="a test") as lock:
        return store.prune(lock=lock)


def roll_back(store: Store, number: str | None = None) -> tuple[str, str]:
    with build_lock(store.folder, timeout_seconds=5, purpose="a test") as lock:
        return store.rollback(number, lock=lock)


def adopt(store: Store, inputs: str) -> str | None:
    with build_lock(store.folder, timeout_seconds=5, purpose="a test") as lock:
        return store.adopt(inputs, lock=lock)


def versions_in(index: Index) -> set[str]:
    """Say which versions of the pages the body chunks of an index are of."""
    texts = [chunk.text for chunk in index.chunks if chunk.kind is ChunkKind.BODY]
    return {"".join(re.findall(r" in (v\d)\.", text)[:1]) for text in texts}


def generation(store: Store, number: int) -> Path:
    return store.folder / "generations" / f"{number:08d}"


def names(folder: Path) -> list[str]:
    """List a folder."""
    return sorted(path.name for path in folder.iterdir())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def zero_page(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes(min(4096, len(content))) + content[4096:])


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flipped": flip,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "empty": lambda path: path.write_bytes(b""),
    "zeros": zero_page,
    "removed": lambda path: path.unlink(),
    "a folder": replace_by_folder,
    "a FIFO": replace_by_fifo,
}

Act = Callable[[Store], object]


def act_refused(
    pipe: Connection,
    folder: Path,
    act: Act,
    event: str,
    end: str | tuple[str, ...],
    code: int,
    after: str,
) -> None:
    """Act where the system refuses an event on a path, from a rename to another path on.

    Sends what came of it: a value, or class and text of the error.
    """
    is_on = not after

    def refuse(happening: str, arguments: tuple[Any, ...]) -> None:
        nonlocal is_on
        path = str(arguments[1 if happening == "os.rename" else 0]) if arguments else ""
        if is_on and happening == event and path.endswith(end):
            raise OSError(code, os.strerror(code), path)
        is_on = is_on or (happening == "os.rename" and path.endswith(after))

    sys.addaudithook(refuse)
    try:
        pipe.send(act(Store(folder)))
    except (OSError, BotError) as error:
        pipe.send((type(error).__name__, str(error)))


def open_slowly(pipe: Connection, folder: Path, number: str, moment: int) -> None:
    """Open the store, but stop at a moment in the reading of a generation until told to go on.

    The moments are counted from 1 over the opening of its meta.json and the locks on it.
    """
    count = 0

    def stop(event: str, arguments: Sequence[Any]) -> None:
        nonlocal count
        is_opening = event == "open" and str(arguments[0]).endswith(f"{number}/{META}")
        is_pinning = event == "fcntl.flock" and arguments[1] & fcntl.LOCK_SH
        if is_opening or is_pinning:
            count += 1
            if count == moment:
                pipe.send(event)
                pipe.recv()

    sys.addaudithook(stop)
    opened = Store(folder).open()
    pipe.send((opened.index.generation, opened.damaged))
