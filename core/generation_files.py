"""One generation's folder ↔ an Index and its meta: write, verify, read.

meta.json lists size and SHA-256 of every other file and holds the hash of itself. A reader reads
each file once, compares it with that, and decodes the bytes it compared: numpy and hnswlib never
see others. Names, pointers and what to do about damage are the store's.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from . import codec, disk
from .index import Index, make_index
from .lexical import LexicalIndex
from .pins import pinned
from .protocols import EmbedderSpec
from .types import Chunk, Vectors
from .vectors import VectorIndex, load_vectors

FORMAT = 1  # of the files below; another number is not opened
META = "meta.json"
META_MOST_BYTES = 64 * 2**20  # some 300,000 articles
CHUNKS = "chunks.jsonl"
ARTICLES = "articles.jsonl"
VECTORS = "vectors.npy"
GRAPH = "hnsw.bin"
LEXICAL = ("lexical.npz", "lexical.json")
# What the readers of JSON, npy and hnswlib raise for bytes that are not theirs.
UNREADABLE = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    EOFError,
    RuntimeError,
    BadZipFile,
)
# What the system says of a file that is gone or is no file. EIO is not here: a disk that comes back
# has it whole again.
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EINVAL)


class Damaged(Exception):
    """One generation is not whole; says why. Stays inside the store."""


class Unjudged(Damaged):
    """One generation cannot be used now, but nothing says that it is damaged.

    It is of another version of this program, the disk does not answer, or permissions,
    descriptors or memory are missing.
    """


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the files hold; row i of all of it is of chunks[i]."""

    chunks: tuple[Chunk, ...]
    lexical: LexicalIndex
    vectors: VectorIndex | None
    spec: EmbedderSpec | None


def write_generation(folder: Path, index: Index, meta: dict[str, Any]) -> str:
    """Write and sync every file of a generation, meta.json last; gives the hash of meta.json."""
    files = {}
    for name, content in _contents(index, meta):
        disk.write_new(folder / name, content)
        files[name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    told = {name: value for name, value in meta.items() if name != "articles"}
    told |= {"format": FORMAT, "embedder": codec.spec_to_json(index.spec), "files": files}
    raw = _meta_to_bytes(told)
    disk.write_new(folder / META, raw)
    disk.sync_folder(folder)
    return hashlib.sha256(raw).hexdigest()


def read_generation(
    folder: Path, number: str, *, expected: str | None = None
) -> tuple[Index, dict[str, Any]]:
    """Open a generation into memory; expected is the hash of its meta.json.

    Raises Damaged, and Vanished when it is being removed.
    """
    with _judged(), pinned(folder / META):
        meta = _read_meta(folder, expected)
        parts = _read_parts(folder, meta)
        return make_index(number, parts.chunks, parts.lexical, parts.vectors, parts.spec), meta


def check_generation(folder: Path) -> dict[str, Any]:
    """Read a whole generation and give its meta; raises Damaged, and Vanished."""
    with _judged(), pinned(folder / META):
        meta = _read_meta(folder, None)
        _read_parts(folder, meta)
        return meta


def read_chunks(folder: Path) -> tuple[dict[str, Any], tuple[Chunk, ...]]:
    """Read meta and chunks of a generation, but not its other files; raises like the above."""
    with _judged(), pinned(folder / META):
        meta = _read_meta(folder, None)
        return meta, codec.chunks_from_bytes(_verified(folder / CHUNKS, meta["files"][CHUNKS]))


def read_meta(folder: Path) -> dict[str, Any]:
    """Read meta.json, which vouches for itself, but not the other files; raises Damaged."""
    with _judged():
        return _read_meta(folder, None)


def digest_of_meta(folder: Path) -> str:
    """Give the hash of meta.json, which CURRENT knows; "" when it cannot be read."""
    try:
        return hashlib.sha256(_read_raw_meta(folder)).hexdigest()
    except (Damaged, OSError):
        return ""


def _contents(index: Index, meta: dict[str, Any]) -> Iterator[tuple[str, bytes | bytearray]]:
    """Give the files one after the other, so that only one is in memory twice."""
    yield CHUNKS, codec.chunks_to_bytes(index.chunks)
    yield ARTICLES, codec.jsonl(meta["articles"])
    yield from index.lexical.to_bytes().items()
    if index.vectors is not None:
        yield VECTORS, codec.npy(index.vectors.vectors)
        graph = _graph_to_bytes(index.vectors)
        if graph:
            yield GRAPH, graph


def _graph_to_bytes(vectors: VectorIndex) -> bytearray:
    """Have hnswlib write into memory: it says nothing when a disk takes less than it wrote."""
    with disk.private_file() as (descriptor, path):
        vectors.save(path)
        with FileIO(descriptor, closefd=False) as file:
            return disk.read_exactly(file, os.fstat(descriptor).st_size)


def _read_raw_meta(folder: Path) -> bytearray:
    with disk.opened_regular(folder / META) as (file, size):
        if size > META_MOST_BYTES:
            raise Damaged(f"{META} has {size} bytes, more than {META_MOST_BYTES}")
        return disk.read_exactly(file, size)


def _read_meta(folder: Path, expected: str | None) -> dict[str, Any]:
    try:
        raw = _read_raw_meta(folder)
        meta: dict[str, Any] = json.loads(raw)
    except OSError as error:
        raise _cannot_be_read(META, error) from error
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{META} cannot be read ({error})") from error
    if expected is not None and hashlib.sha256(raw).hexdigest() != expected:
        raise Damaged(f"{META} is not the one that was written")
    if not isinstance(meta, dict) or not meta.pop("self", None) or raw != _meta_to_bytes(meta):
        raise Damaged(f"{META} is not what was written")
    if meta["format"] != FORMAT:
        raise Unjudged(f"format {meta['format']} is not {FORMAT}; build again")
    return meta


def _read_parts(folder: Path, meta: dict[str, Any]) -> _Parts:
    files = meta["files"]
    if any(Path(name).name != name for name in files):
        raise Damaged(f"{META} names files elsewhere")
    contents = {name: _verified(folder / name, files[name]) for name in files if name != GRAPH}
    chunks = codec.chunks_from_bytes(contents.pop(CHUNKS))
    lexical = LexicalIndex.from_bytes({name: bytes(contents.pop(name)) for name in LEXICAL})
    if lexical.count != len(chunks):
        raise Damaged(f"{LEXICAL[0]} is of {lexical.count} chunks, not of {len(chunks)}")
    spec = codec.spec_from_json(meta["embedder"])
    if VECTORS not in contents or spec is None:
        return _Parts(chunks, lexical, None, spec)
    rows = codec.read_npy(contents[VECTORS])
    if rows.shape != (len(chunks), spec.dimension) or rows.dtype != "float32":
        raise Damaged(f"{VECTORS} holds {rows.shape} {rows.dtype} for {len(chunks)} chunks")
    if GRAPH not in files:
        return _Parts(chunks, lexical, load_vectors(rows, None), spec)
    return _Parts(chunks, lexical, _load_graph(rows, folder / GRAPH, files[GRAPH]), spec)


def _load_graph(rows: Vectors, path: Path, entry: dict[str, Any]) -> VectorIndex:
    """Open a graph from a private copy; what fails there says nothing of the generation."""
    with ExitStack() as stack:
        try:
            descriptor, copy = stack.enter_context(disk.private_file())
            _copy_verified(path, entry, descriptor)
            return load_vectors(rows, copy)
        except (OSError, RuntimeError) as error:
            raise Unjudged(f"{path.name} cannot be opened from a copy ({error})") from error


def _verified(path: Path, entry: dict[str, Any]) -> bytearray:
    """Read a file that is as meta.json says."""
    with _whole(path, entry) as file:
        try:
            content = disk.read_exactly(file, entry["size"])
        except OSError as error:
            raise _cannot_be_read(path.name, error) from error
        _compare(path, entry, hashlib.sha256(content).hexdigest())
        return content


def _copy_verified(path: Path, entry: dict[str, Any], descriptor: int) -> None:
    """Copy a file; what was copied is as meta.json says, whatever happens to the file then.

    Raises Damaged for the file, and OSError for the copy.
    """
    digest, left = hashlib.sha256(), entry["size"]
    with _whole(path, entry) as file:
        while piece := _read_piece(file, path, min(left, disk.READ_BYTES)):
            digest.update(piece)
            disk.write_all(descriptor, piece)
            left -= len(piece)
        _compare(path, entry, digest.hexdigest())


def _read_piece(file: FileIO, path: Path, size: int) -> bytes:
    try:
        return file.read(size) or b""
    except OSError as error:
        raise _cannot_be_read(path.name, error) from error


@contextmanager
def _whole(path: Path, entry: dict[str, Any]) -> Iterator[FileIO]:
    """Open a file whose size is the recorded one, before memory is taken for it."""
    with ExitStack() as stack:
        try:
            file, size = stack.enter_context(disk.opened_regular(path))
        except OSError as error:
            raise _cannot_be_read(path.name, error) from error
        if size != entry["size"]:
            raise Damaged(f"{path.name} has another size")
        yield file


def _compare(path: Path, entry: dict[str, Any], digest: str) -> None:
    if digest != entry["sha256"]:
        raise Damaged(f"{path.name} has another checksum")


@contextmanager
def _judged() -> Iterator[None]:
    """Turn whatever reading raises into Damaged or Unjudged."""
    try:
        yield
    except OSError as error:
        raise _cannot_be_read(Path(error.filename or META).name, error) from error
    except MemoryError as error:
        raise Unjudged("there is not enough memory to open it") from error
    except UNREADABLE as error:
        raise Damaged(f"its files do not fit together ({error!r:.200})") from error


def _cannot_be_read(name: str, error: OSError) -> Damaged:
    kind = Damaged if error.errno in _GONE else Unjudged
    return kind(f"{name} cannot be read ({error.strerror or error})")


def _meta_to_bytes(meta: dict[str, Any]) -> bytes:
    """Give meta.json with the hash of itself; a reader makes it again to compare every byte."""
    digest = hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()
    return json.dumps({**meta, "self": digest}, indent=1).encode()
