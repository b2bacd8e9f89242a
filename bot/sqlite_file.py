"""The state file as SQLite keeps it: connections to it, its errors in words, texts wiped from it.

All that is SQLite's own is here, in bot/sqlite_opening.py and in bot/rescue.py; the rest of the bot
would do with another database.

A commit that returned is on disk (WAL, synchronous=FULL). Texts that were deleted are overwritten
(secure_delete) and leave the WAL at its next checkpoint; the few that SQLite leaves behind where it
moved rows between pages go when wipe() writes the file anew.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from core.errors import BotError

logger = logging.getLogger(__name__)

BUSY_SECONDS = 5.0  # how long another process may keep the file to itself
WIPE_BYTES = 32 * 2**20  # a larger file is not written anew: that takes as much memory
WIPE_BUSY_MILLISECONDS = 200
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRAGMAS = (
    "synchronous=FULL",
    "secure_delete=ON",
    "temp_store=MEMORY",  # no texts in temporary files
    "trusted_schema=OFF",
    "cell_size_check=ON",
)

FileId = tuple[int, int]  # device and inode


class StorageError(BotError):
    """Raised when the state file cannot be used, or did not take what should be on disk."""

    exit_code = 2


class DamagedError(StorageError):
    """Raised when SQLite finds the state file damaged."""


def connect(path: Path, *, begin: str = "BEGIN") -> Connection:
    """Connect to a file that is there; for one thread at a time."""

    def make() -> sqlite3.Connection:
        raw = connect_raw(path)
        for pragma in _PRAGMAS:
            raw.execute(f"PRAGMA {pragma}")
        return raw

    engine = create_engine("sqlite://", creator=make, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin_explicitly(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine.connect()


def connect_raw(path: Path) -> sqlite3.Connection:
    """Connect without SQLAlchemy; transactions begin only where somebody says BEGIN."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    raw = sqlite3.connect(
        address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    raw.text_factory = _read_text
    return raw


def file_id(path: Path) -> FileId | None:
    """Say which file has this name now; None when there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def wipe(connection: Connection, path: Path) -> None:
    """Remove what is left of deleted texts from the file and its WAL.

    What cannot be done while others are at work on the file, or without room, is left for the next
    time.
    """
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute(f"PRAGMA busy_timeout={WIPE_BUSY_MILLISECONDS}")
    try:
        if path.stat().st_size <= WIPE_BYTES:
            raw.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if primary_code(error) in DAMAGE:
            raise
        logger.info("%s is not written anew this time: %s", path, error)
    finally:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        raw.execute(f"PRAGMA busy_timeout={round(BUSY_SECONDS * 1000)}")


def primary_code(error: BaseException | None) -> int | None:
    """Give SQLite's code without its details; None for an error that is not SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system raise into StorageError."""
    try:
        yield
    except DBAPIError as error:
        raise storage_error(path, error.orig) from error
    except sqlite3.Error as error:
        raise storage_error(path, error) from error
    except OSError as error:
        raise StorageError(
            f"The state file {path} cannot be opened: {error.strerror or error}. "
            "Check the path and its permissions, or set STATE_FILE to another."
        ) from error


def storage_error(path: Path, error: BaseException | None) -> StorageError:
    """Say what is wrong with the file, and what to do."""
    match primary_code(error):
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return DamagedError(f"The state file {path} is damaged ({error}).")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StorageError(
                f"The state file {path} was locked by another process for more than "
                f"{BUSY_SECONDS:g} seconds. See which program has it open, and end that."
            )
        case sqlite3.SQLITE_FULL:
            return StorageError(f"There is no room for the state file {path}. Free some disk.")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return StorageError(
                f"The state file {path} cannot be written ({error}). Check the permissions of the "
                "file and its folder, or set STATE_FILE to another."
            )
        case sqlite3.SQLITE_IOERR:
            return StorageError(
                f"The disk did not take the state file {path} ({error}). Check that disk."
            )
        case _:
            return StorageError(f"The state file {path} cannot be used: {error}.")


def _read_text(raw: bytes) -> str:
    """Read a text; a damaged byte in one row must not stop all from being read."""
    return raw.decode("utf-8", "replace")
