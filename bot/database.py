"""The bot's state on disk, without ever blocking the event loop.

One thread writes, one reads. Whatever waits for the writer shares its next transaction and one sync
of the disk: 200 questions at once cost little more than one. A work is done when the transaction is
on disk, in the file that has the name; else StorageError is raised.

A file that turns out to be damaged, or that was moved or deleted under the bot, is opened anew
(bot/sqlite_opening.py), and what was asked of it is tried once more.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from .database_session import MovedError, Session
from .sqlite_file import DamagedError, primary_code
from .sqlite_file import StorageError as StorageError

logger = logging.getLogger(__name__)

MAX_BATCH = 500  # works in one transaction
# SQLite's errors of one statement; any other concerns the file, and so the whole transaction.
OF_ONE_WORK = (
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
)

T = TypeVar("T")


@dataclass(slots=True)
class _Queued:
    """A work that waits for the writer, who waits for it, and what became of it."""

    work: Callable[[Connection], Any]
    done: asyncio.Future[Any]
    value: Any = None
    error: Exception | None = None

    def tell(self) -> None:
        """Wake who waits, on the event loop."""
        if self.done.done():
            return  # cancelled meanwhile; the work was done all the same
        if self.error is None:
            self.done.set_result(self.value)
        else:
            self.done.set_exception(self.error)


class _OneFailedError(Exception):
    """Raised when a work failed and the others of its transaction can be done without it."""


class Database:
    """Made by Database.open, on the event loop that uses it; close it at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Queued] = deque()
        self._writer = ThreadPoolExecutor(1, "database-writer")
        self._reader = ThreadPoolExecutor(1, "database-reader")
        self._writing = Session(path, is_writer=True)
        self._reading = Session(path, is_writer=False)
        self._is_called = False
        self._is_closed = False

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open the file, or make it with the folders above it; raises StorageError."""
        database = cls(path)
        try:
            await database._on(database._writer, database._writing.open)
        except BaseException:
            database._is_closed = True
            database._stop()
            raise
        return database

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do a work in a transaction and give its value once that is on disk.

        The work may be called several times, so it must do nothing but use the connection. It is
        done even if the caller is cancelled. Raises what the work raises, and StorageError when it
        is not certain to be on disk.
        """
        self._check_is_open()
        queued = _Queued(work, self._loop.create_future())
        self._queue.append(queued)
        if not self._is_called:  # else the writer has not looked into the queue yet
            self._is_called = True
            self._writer.submit(self._commit_queued)
        value: T = await queued.done
        return value

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Do a work that only reads, beside the writer; raises StorageError."""
        self._check_is_open()
        try:
            return await self._on(self._reader, lambda: self._reading.transact(work))
        except (DamagedError, MovedError):
            await self._on(self._writer, self._mend)
            return await self._on(self._reader, lambda: self._reading.transact(work))

    async def wipe(self) -> None:
        """Remove what is left of deleted texts from the disk; raises StorageError."""
        self._check_is_open()
        await self._on(self._writer, self._writing.wipe)

    async def close(self) -> None:
        """Finish what was queued, wipe, and let go of the file."""
        if self._is_closed:
            return
        self._is_closed = True
        await self._on(self._reader, self._reading.close)
        await self._on(self._writer, self._wipe_and_close)
        self._stop()

    async def _on(self, executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(executor, work)

    def _check_is_open(self) -> None:
        if self._is_closed:
            raise StorageError(f"The state file {self.path} is closed, for the bot is stopping.")

    def _stop(self) -> None:
        self._reader.shutdown(wait=False)
        self._writer.shutdown(wait=False)

    def _commit_queued(self) -> None:
        """Do what is queued, in as few transactions as can be."""
        self._is_called = False
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]
            try:
                self._commit(batch)
            except Exception as error:  # the outermost frame of this thread: somebody waits
                for queued in batch:
                    queued.error = error
            with suppress(RuntimeError):  # the loop is closed, so nobody waits
                self._loop.call_soon_threadsafe(_tell, batch)

    def _commit(self, batch: list[_Queued]) -> None:
        try:
            self._commit_once(batch)
        except (DamagedError, MovedError) as error:
            logger.error("%s", error)
            self._commit_once(batch)

    def _commit_once(self, batch: list[_Queued]) -> None:
        try:
            self._writing.transact(lambda connection: _do_all(batch, connection))
        except _OneFailedError:
            self._writing.transact(lambda connection: _do_each(batch, connection))

    def _mend(self) -> None:
        """Open anew what the reader could not read."""
        self._writing.distrust(self._reading.file)
        self._writing.transact(lambda connection: None)

    def _wipe_and_close(self) -> None:
        try:
            self._writing.wipe()
        except StorageError as error:
            logger.warning("deleted texts may still be in the state file: %s", error)
        finally:
            self._writing.close()


def _do_all(batch: list[_Queued], connection: Connection) -> None:
    """Do works at once; the first that fails undoes them all."""
    for queued in batch:
        try:
            queued.value, queued.error = queued.work(connection), None
        except Exception as error:
            if _concerns_all(error):
                raise
            raise _OneFailedError from error


def _do_each(batch: list[_Queued], connection: Connection) -> None:
    """Do works one by one; one that fails undoes nothing of the others."""
    for queued in batch:
        savepoint = connection.begin_nested()
        try:
            queued.value, queued.error = queued.work(connection), None
        except Exception as error:  # raised to who waits for this one
            if _concerns_all(error):
                raise
            queued.error = error
            savepoint.rollback()
        else:
            savepoint.commit()


def _concerns_all(error: Exception) -> bool:
    code = primary_code(error.orig if isinstance(error, DBAPIError) else error)
    return code is not None and code not in OF_ONE_WORK


def _tell(batch: list[_Queued]) -> None:
    for queued in batch:
        queued.tell()
