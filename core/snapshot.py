"""Is the knowledge on disk still what was read? Listed and hashed again before publishing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from .articles import Limits, SourceFile
from .errors import KnowledgeError
from .files import SkippedError, find_files, read_bytes


def edited_files(path: Path, read: Sequence[SourceFile], limits: Limits) -> tuple[str, ...]:
    """Name the files that are new, gone or different now, sorted; none when all is as it was read.

    A file counts by what can be read of it, so one that was skipped then and now is no change.
    Knowledge that cannot be listed any more counts as changed as a whole.
    """
    before = {(file.path, file.sha256) for file in read}
    try:
        now = set(_hashes(path, limits))
    except KnowledgeError:
        return (path.name,)
    return tuple(sorted({name for name, _ in before ^ now}))


def _hashes(path: Path, limits: Limits) -> Iterator[tuple[str, str]]:
    found, _ = find_files(path)
    for file in found:
        try:
            content = read_bytes(file.path, max_bytes=limits.max_file_bytes)
        except SkippedError:
            continue
        yield file.name, sha256(content).hexdigest()
