"""A connection that one thread keeps to the state file, whatever happens to that file."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from .sqlite_file import DamagedError, FileId, StorageError, connect, file_id, translated, wipe
from .sqlite_opening import open_file

logger = logging.getLogger(__name__)

T = TypeVar("T")


class MovedError(StorageError):
    """Raised when the file has its name no more: what was committed to it may be lost."""

    @classmethod
    def of(cls, path: Path) -> MovedError:
        """Name the file."""
        return cls(f"The state file {path} was moved or deleted while it was in use.")


class Session:
    """Connects when it is first used, and again when another file has the name or is damaged.

    A writer makes the file where there is none, a reader does not. Every method but close raises
    StorageError when it did not do all that it should.
    """

    def __init__(self, path: Path, *, is_writer: bool) -> None:
        self.file: FileId | None = None  # the one that this is, or was, connected to
        self._path = path
        self._is_writer = is_writer
        self._is_damaged = False
        self._connection: Connection | None = None

    def open(self) -> Connection:
        """Give the connection to the file that has the name now."""
        is_in_place = file_id(self._path) == self.file
        if self.file is not None and not is_in_place:
            logger.error("%s is not the file any more that was in use; opening it", self._path)
        if self._is_damaged or not is_in_place:
            self.close()
        if self._connection is None:
            self._connection = self._connect(is_damaged=self._is_damaged and is_in_place)
            self._is_damaged = False
        return self._connection

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Do a work in a transaction; once it has returned, the file of that name holds it.

        Also raises what the work raises, and then keeps nothing.
        """
        with self._damage_noticed():
            connection = self.open()
            with connection.begin():
                value = work(connection)
        if file_id(self._path) != self.file:
            raise MovedError.of(self._path)
        return value

    def wipe(self) -> None:
        """Remove what is left of deleted texts."""
        with self._damage_noticed():
            wipe(self.open(), self._path)

    def distrust(self, file: FileId | None) -> None:
        """Take the file for damaged if it is this one: another session found it so."""
        self._is_damaged = self._is_damaged or file == self.file

    def close(self) -> None:
        """Let go of the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DBAPIError, sqlite3.Error):  # what was committed is on disk already
                connection.close()

    def _connect(self, *, is_damaged: bool) -> Connection:
        if self._is_writer:
            connection, self.file = open_file(self._path, is_damaged=is_damaged)
            return connection
        self.file = file_id(self._path)
        if self.file is None:
            raise MovedError.of(self._path)
        return connect(self._path)

    @contextmanager
    def _damage_noticed(self) -> Iterator[None]:
        try:
            with translated(self._path):
                yield
        except DamagedError:
            self._is_damaged = True
            raise
