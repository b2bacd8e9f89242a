"""Opening the state file: private, checked, with our tables in it; moved aside when damaged.

One process at a time does this, under a kernel lock beside the file; others may be at work on the
file meanwhile. They see by its name that it was moved (bot/database.py).

Nothing here opens the file but SQLite: closing another descriptor of it would drop SQLite's locks.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection

from core.disk import sync_folder

from .rescue import rescue
from .sqlite_file import (
    DAMAGE,
    FileId,
    StorageError,
    connect,
    connect_raw,
    file_id,
    primary_code,
    translated,
)
from .tables import SCHEMA_VERSION, metadata

logger = logging.getLogger(__name__)

APPLICATION_ID = 0x436C6F42  # "CloB": tells our files from those of other programs
OPENING_SECONDS = 20.0  # how long another process may take to open it
CHECK_SECONDS = 5.0  # a file that cannot be checked in that time is taken as it is
CHECK_STEPS = 20_000  # of SQLite's machine between two looks at the clock


def open_file(path: Path, *, is_damaged: bool = False) -> tuple[Connection, FileId | None]:
    """Give a connection whose transactions begin with the write lock, and which file it is to.

    A file that is damaged (is_damaged: was found so in use) is moved aside, and what can be read of
    it is taken over into a new one. Raises StorageError.
    """
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(path):
            damage = "found while it was in use" if is_damaged else _prepare(path)
            if damage:
                _replace(path, damage)
            file = file_id(path)
            return connect(path, begin="BEGIN IMMEDIATE"), file


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time check, make or move the file."""
    lock = FileLock(
        path.with_name(f"{path.name}.lock"),
        timeout=OPENING_SECONDS,
        mode=0o600,
        thread_local=False,
        fallback_to_soft=False,  # a lock that the kernel does not hold is no lock
        preserve_lock_file=True,
    )
    try:
        lock.acquire()
    except Timeout as error:
        raise StorageError(
            f"Another process has been opening the state file {path} for more than "
            f"{OPENING_SECONDS:g} seconds. See whether that process hangs, and end it."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _prepare(path: Path) -> str:
    """Create the file, or check the one that is there; gives the damage, "" for none."""
    _make_private(path)
    with closing(connect_raw(path)) as raw:
        try:
            if _is_ours(path, raw):
                damage = _find_damage(raw)
                raw.execute("BEGIN IMMEDIATE")  # finds out that it cannot be written
                raw.execute("ROLLBACK")
                return damage
        except UnicodeDecodeError as error:  # in a message of SQLite's that quotes the damage
            return str(error)
        except sqlite3.DatabaseError as error:
            if primary_code(error) not in DAMAGE:
                raise
            return str(error)
    _make_tables(path)
    return ""


def _make_private(path: Path) -> None:
    """Create the file unless it is there; only its owner may read it and its side files."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        sync_folder(path.parent)
        return
    if not stat.S_ISREG(mode):
        raise StorageError(f"STATE_FILE is {path}, which is not a file. Set it to another path.")
    if mode & 0o077:
        for private in (path, *_side_files(path)):
            with suppress(FileNotFoundError):
                private.chmod(0o600)


def _is_ours(path: Path, raw: sqlite3.Connection) -> bool:
    """Tell our file from a new one; StorageError for another program's, or of a newer bot."""
    application, version = _pragma(raw, "application_id"), _pragma(raw, "user_version")
    (tables,) = raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise StorageError(
            f"STATE_FILE is {path}, a database of another program. Set STATE_FILE to another file."
        )
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"The state file {path} was written by a newer clockify-bot (its version is {version}, "
            f"this one knows {SCHEMA_VERSION}). Update the bot, or set STATE_FILE to another file."
        )
    return version > 0


def _find_damage(raw: sqlite3.Connection) -> str:
    """Look at the names of the tables, then at the pages and the indexes while there is time."""
    for table in metadata.sorted_tables:
        names = {row[1] for row in raw.execute(f"PRAGMA table_info({table.name})")}
        if missing := {column.name for column in table.columns} - names:
            return f"{table.name} has no {min(missing)}"
    deadline = time.monotonic() + CHECK_SECONDS
    raw.set_progress_handler(lambda: int(time.monotonic() > deadline), CHECK_STEPS)
    try:
        for check in ("quick_check", "integrity_check"):
            (found,) = raw.execute(f"PRAGMA {check}(1)").fetchone()
            if found != "ok":
                return " ".join(found.split())
    except sqlite3.OperationalError as error:
        if primary_code(error) != sqlite3.SQLITE_INTERRUPT:
            raise
    finally:
        raw.set_progress_handler(None, 0)
    return ""


def _make_tables(path: Path) -> None:
    """Make a new file ours, in one transaction."""
    with closing(connect_raw(path)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
    connection = connect(path, begin="BEGIN IMMEDIATE")
    try:
        with connection.begin():
            metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
    finally:
        connection.close()


def _replace(path: Path, damage: str) -> None:
    """Move a damaged file aside and make a new one with what can be read of it."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    aside = path.with_name(f"{path.name}.damaged-{moment}")
    for there, here in zip((path, *_side_files(path)), (aside, *_side_files(aside)), strict=True):
        with suppress(FileNotFoundError):
            there.rename(here)
    sync_folder(path.parent)
    logger.error(
        "the state file %s is damaged (%s) and was moved to %s; delete that once nobody needs it, "
        "for it may hold questions",
        path,
        damage,
        aside,
    )
    damage = _prepare(path)
    if damage:
        raise StorageError(f"A new state file {path} is damaged, too ({damage}). Check the disk.")
    connection = connect(path, begin="BEGIN IMMEDIATE")
    try:
        rescue(aside, connection)
    finally:
        connection.close()


def _side_files(path: Path) -> tuple[Path, Path]:
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _pragma(raw: sqlite3.Connection, name: str) -> int:
    return int(raw.execute(f"PRAGMA {name}").fetchone()[0])
