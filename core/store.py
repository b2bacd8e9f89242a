"""Generations on disk: publish, open, verify, prune.

    <index dir>/
      CURRENT                    "00000042 <sha256 of meta.json>": replacing this file is the commit
      .build.lock.guard  .build.lock            see core/lock.py
      generations/00000042/      immutable once it has this name
          chunks.jsonl articles.jsonl lexical.npz lexical.json vectors.npy hnsw.bin
          meta.json          sizes and hashes of the others, and its own
      generations/.tmp-<pid>/    being built
      cache/                     finished embeddings, see core/embedding_cache.py

Publishing, with the build lock held:
  1. write and sync every file into .tmp, meta.json (sizes and SHA-256 of all others) last
  2. sync .tmp, open it as a reader would
  3. assert that the lock is still held, rename .tmp to the next free number, sync generations/
  4. replace CURRENT and sync: the commit point
A crash before 4 leaves the old generation live and rubbish that the next build clears.

Readers verify the size and SHA-256 of every file before numpy or hnswlib see a byte. One wrong file
disqualifies its generation; the newest whole one answers instead and the reader is told.
Assumptions: rename is atomic within a folder; fsync reaches the disk; only builders write here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from . import codec, disk
from .errors import IndexUnusable, RebuildRefused
from .index import Index, make_index
from .lexical import LexicalIndex
from .lock import BuildLock
from .vectors import load_vectors

logger = logging.getLogger(__name__)

_POINTER = re.compile(r"(\d{8}) ([0-9a-f]{64})", re.ASCII)  # what CURRENT says

FORMAT = 1  # of the files below; another number is not opened
KEEP = 3  # generations: the live one and two to fall back to
META = "meta.json"
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


class Damaged(Exception):
    """One generation is not whole; says why. Stays inside the store."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An index and how it was come by; damaged names the generations that were passed over."""

    index: Index
    meta: dict[str, Any]
    damaged: tuple[str, ...] = ()


class Store:
    """The generations of one index folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._generations = folder / "generations"
        self._current = folder / "CURRENT"

    def current(self) -> str | None:
        """Give the text of CURRENT, which changes with every publication; None before the first."""
        try:
            return self._current.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None

    def live(self) -> str:
        """Name the generation that CURRENT points at, whole or not; "" when it names none."""
        return self._pointer()[0]

    def open(self) -> Opened:
        """Open the live generation, or the newest whole one; raises IndexUnusable."""
        damaged = self._pointer_damage()
        for number, expected in self._candidates():
            try:
                index, meta = self._read(number, expected)
            except Damaged as error:
                damaged.append(f"generation {number}: {error}")
                logger.error("generation %s is damaged: %s", number, error)
                continue
            return Opened(index, meta, tuple(damaged))
        if damaged:
            raise IndexUnusable(
                f"No whole generation in {self.folder} ({'; '.join(damaged)}). "
                "Run: clockify-bot build --force"
            )
        raise IndexUnusable(f"There is no index in {self.folder}. Run: clockify-bot build")

    def meta(self) -> dict[str, Any] | None:
        """Read the verified meta.json of the newest whole generation; None when there is none."""
        for number, expected in self._candidates():
            try:
                meta = self._read_meta(number, expected)
                for name, entry in meta["files"].items():
                    self._check_file(self._generations / number / name, entry)
            except Damaged:
                continue
            return {**meta, "generation": number}
        return None

    def publish(self, index: Index, meta: dict[str, Any], *, lock: BuildLock) -> str:
        """Write a generation and make it live; returns its number.

        Raises RebuildRefused when it cannot be read back, LockTimeout, and OSError unchanged.
        """
        self._generations.mkdir(parents=True, exist_ok=True)
        self._clear_rubbish()
        building = self._generations / f".tmp-{os.getpid()}"
        building.mkdir()
        try:
            digest = self._write(building, index, meta)
            self._read(building.name, digest)  # as a reader would
            lock.assert_held()
            number = self._claim(building)
        except BaseException as error:
            shutil.rmtree(building, ignore_errors=True)
            if isinstance(error, Damaged):
                raise RebuildRefused(f"Written badly: {error}; nothing is published.") from error
            raise
        disk.sync_folder(self._generations)
        disk.replace_file(self._current, f"{number} {digest}\n".encode("ascii"))
        return number

    def prune(self) -> None:
        """Delete all but the newest generations; the live one always stays."""
        live = self.live()
        for number in self.numbers()[:-KEEP]:
            if number != live:
                doomed = self._generations / f".trash-{number}"
                os.replace(self._generations / number, doomed)
                shutil.rmtree(doomed, ignore_errors=True)

    def numbers(self) -> list[str]:
        """List the generations, oldest first."""
        if not self._generations.is_dir():
            return []
        return sorted(e.name for e in self._generations.iterdir() if e.name.isdigit())

    def _pointer(self) -> tuple[str, str]:
        """Give number and hash from CURRENT, both "" when it has not this shape."""
        match = _POINTER.fullmatch(self.current() or "")
        return (match[1], match[2]) if match else ("", "")

    def _pointer_damage(self) -> list[str]:
        """Say what is wrong with CURRENT itself; none before the first generation."""
        if self.live():
            return []
        if self._current.exists():
            reason = "CURRENT is damaged"
        elif self.numbers():
            reason = "CURRENT is missing"
        else:
            return []
        logger.error("%s in %s", reason, self.folder)
        return [reason]

    def _candidates(self) -> list[tuple[str, str | None]]:
        """Give generations to try in order, with the hash of meta.json where CURRENT knows it."""
        live, digest = self._pointer()
        others = [(number, None) for number in reversed(self.numbers()) if number != live]
        return [(live, digest), *others] if live else list(others)

    def _write(self, building: Path, index: Index, meta: dict[str, Any]) -> str:
        contents = {
            "chunks.jsonl": codec.chunks_to_bytes(index.chunks),
            "articles.jsonl": codec.jsonl(meta["articles"]),
            **index.lexical.to_bytes(),
        }
        if index.vectors is not None:
            contents[VECTORS] = codec.npy(index.vectors.vectors)
            if index.vectors.save(building / GRAPH):
                disk.sync_file(building / GRAPH)
        for name, content in contents.items():
            disk.write_new(building / name, content)
        files = {
            entry.name: {"size": entry.stat().st_size, "sha256": disk.sha256_of_file(entry)}
            for entry in sorted(building.iterdir())
        }
        spec = codec.spec_to_json(index.spec)
        told = {name: value for name, value in meta.items() if name != "articles"}
        told |= {"format": FORMAT, "embedder": spec, "files": files}
        raw = json.dumps({**told, "self": _digest(told)}, indent=1).encode()
        disk.write_new(building / META, raw)
        disk.sync_folder(building)
        return hashlib.sha256(raw).hexdigest()

    def _claim(self, building: Path) -> str:
        """Rename to the next free number; a taken one fails, so ids never collide."""
        last = int(self.numbers()[-1]) if self.numbers() else 0
        number = f"{last + 1:08d}"
        os.rename(building, self._generations / number)
        return number

    def _clear_rubbish(self) -> None:
        for entry in self._generations.iterdir():
            if entry.name.startswith((".tmp-", ".trash-")):
                shutil.rmtree(entry, ignore_errors=True)
        for entry in self.folder.glob(f".{self._current.name}.*.tmp"):
            entry.unlink(missing_ok=True)

    def _read_meta(self, number: str, expected: str | None) -> dict[str, Any]:
        try:
            raw = (self._generations / number / META).read_bytes()
            meta: dict[str, Any] = json.loads(raw)
        except (OSError, ValueError) as error:
            raise Damaged(f"{META} cannot be read ({error})") from error
        if expected is not None and hashlib.sha256(raw).hexdigest() != expected:
            raise Damaged(f"{META} does not match CURRENT")
        if not isinstance(meta, dict) or meta.pop("self", None) != _digest(meta):
            raise Damaged(f"{META} is not what was written")
        if meta["format"] != FORMAT:
            raise Damaged(f"format {meta['format']} is not {FORMAT}; build again")
        return meta

    def _check_file(self, path: Path, entry: dict[str, Any]) -> None:
        try:
            if path.stat().st_size != entry["size"]:
                raise Damaged(f"{path.name} has another size")
            if disk.sha256_of_file(path) != entry["sha256"]:
                raise Damaged(f"{path.name} has another checksum")
        except OSError as error:
            raise Damaged(f"{path.name} cannot be read ({error})") from error

    def _verified(self, path: Path, entry: dict[str, Any]) -> bytes:
        try:
            if path.stat().st_size != entry["size"]:
                raise Damaged(f"{path.name} has another size")
            content = path.read_bytes()
        except OSError as error:
            raise Damaged(f"{path.name} cannot be read ({error})") from error
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise Damaged(f"{path.name} has another checksum")
        return content

    def _read(self, number: str, expected: str | None) -> tuple[Index, dict[str, Any]]:
        meta = self._read_meta(number, expected)
        try:
            return self._decode(number, meta), meta
        except UNREADABLE as error:
            raise Damaged(f"its files do not fit together ({error!r:.200})") from error

    def _decode(self, number: str, meta: dict[str, Any]) -> Index:
        folder, files = self._generations / number, meta["files"]
        wanted = [name for name in files if name != GRAPH]
        contents = {name: self._verified(folder / name, files[name]) for name in wanted}
        if GRAPH in files:
            self._check_file(folder / GRAPH, files[GRAPH])
        chunks = codec.chunks_from_bytes(contents["chunks.jsonl"])
        lexical = LexicalIndex.from_bytes({name: contents[name] for name in LEXICAL})
        spec = codec.spec_from_json(meta["embedder"])
        vectors = None
        if VECTORS in contents and spec is not None:
            rows = np.load(BytesIO(contents[VECTORS]), allow_pickle=False)
            if rows.shape != (len(chunks), spec.dimension) or rows.dtype != np.float32:
                raise Damaged(f"{VECTORS} holds {rows.shape} {rows.dtype} for {len(chunks)} chunks")
            vectors = load_vectors(rows, folder / GRAPH if GRAPH in files else None)
        if lexical.count != len(chunks):
            raise Damaged(f"{LEXICAL[0]} is of {lexical.count} chunks, not of {len(chunks)}")
        return make_index(number, chunks, lexical, vectors, spec)


def _digest(meta: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()
