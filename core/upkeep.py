"""What is moved and deleted in an index folder: leftovers, damaged and surplus generations.

Nothing that another process reads or writes at this moment is touched (core/pins.py).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from . import disk
from .generation_files import META
from .pins import unpinned

GENERATIONS = "generations"
QUARANTINE = "quarantine"
NOT_DURABLE = "NOT_DURABLE"  # the disk did not confirm what is live
TRASH = ".trash-"
BUILDING = ".tmp-"
# Files that a builder writes beside what they replace, by its pid.
BESIDE = (".*.tmp", "cache/*/*.tmp")


def check_writable(generations: Path) -> None:
    """Make and remove a file where generations are; raises OSError."""
    generations.mkdir(parents=True, exist_ok=True)
    probe = generations / f"{BUILDING}{os.getpid()}-probe"
    probe.unlink(missing_ok=True)
    disk.write_new(probe, b"")
    probe.unlink()


def clear_leftovers(folder: Path) -> int:
    """Delete what builders that died left behind; gives how much. Call it with the build lock."""
    found = [path for pattern in BESIDE for path in folder.glob(pattern) if path.is_file()]
    for path in found:
        path.unlink(missing_ok=True)
    for path in _entries(folder / GENERATIONS):
        if path.name.startswith((BUILDING, TRASH)):
            with unpinned(path) as is_free:
                if is_free:
                    disk.delete(path)
                    found.append(path)
    return len(found)


def move_to_quarantine(folder: Path, number: str) -> str:
    """Put a damaged generation aside, the only one there; says how that went, "" while it is read.

    A disk that will not move it must not stop what would mend it.
    """
    generation, aside = folder / GENERATIONS / number, folder / QUARANTINE
    with unpinned(generation / META) as is_free:
        if not is_free:
            return ""
        try:
            aside.mkdir(exist_ok=True)
            disk.delete(aside / number)
            os.replace(generation, aside / number)
        except OSError as error:
            return f"it cannot be moved to {QUARANTINE} ({error.strerror})"
    for path in _entries(aside):
        if path.name != number:
            disk.delete(path)
    return f"moved to {QUARANTINE}"


def delete_generation(folder: Path, number: str) -> bool:
    """Delete a generation; False when it is being read.

    1. It is renamed, so that no reader finds it half deleted; 2. the new name is put on disk before
    its files go, so that no power cut brings the old name back without them.
    """
    generation, doomed = folder / GENERATIONS / number, folder / GENERATIONS / f"{TRASH}{number}"
    with unpinned(generation / META) as is_free:
        if not is_free:
            return False
        disk.delete(doomed)
        try:
            os.replace(generation, doomed)
        except PermissionError:
            if os.name != "nt":
                raise
            return False  # Windows: a reader has a file open
    disk.sync_folder(generation.parent)
    disk.delete(doomed)
    return True


def discard(written: Path) -> None:
    """Delete what was written in vain, as far as it can be; first its number, if it has one."""
    doomed = written.with_name(f"{TRASH}{written.name}")
    with suppress(OSError):
        os.replace(written, doomed)
        written = doomed
    disk.delete(written)


def bytes_in(folder: Path) -> int:
    """Add up the sizes of the files of a folder; those that vanish count nothing."""
    total = 0
    for path in _entries(folder):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
