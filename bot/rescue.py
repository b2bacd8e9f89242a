"""What can still be read of a damaged state file, into a new one."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table

from .sqlite_file import connect_raw
from .tables import metadata

logger = logging.getLogger(__name__)


def rescue(damaged: Path, connection: Connection) -> None:
    """Copy the rows before and behind the damage, each as it is read; logs how many."""
    counts = []
    with closing(connect_raw(damaged)) as raw, connection.begin():
        raw.execute("PRAGMA writable_schema=ON")  # reads what is left of a damaged schema
        for table in metadata.sorted_tables:
            copied = sum(_copy(row, table, connection) for row in _rows(raw, table))
            counts.append(f"{copied} {table.name}")
    logger.error("rescued from %s: %s", damaged, ", ".join(counts))


def _rows(raw: sqlite3.Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    """Read a table from its beginning; where that breaks off, from its end, too.

    Columns are read by place, for a name may be what is damaged.
    """
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    for order in ("ASC", "DESC"):
        rows = f"SELECT * FROM {table.name} ORDER BY rowid {order}"
        try:
            yield from raw.execute(f"WITH found({names}) AS ({rows}) SELECT * FROM found")
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            logger.debug("%s could not be read to its end: %s", table.name, error)
        else:
            return


def _copy(row: tuple[Any, ...], table: Table, connection: Connection) -> bool:
    """Insert a row; False when it is there already, or cannot be a row of this table."""
    places = ", ".join("?" * len(row))
    insert = f"INSERT OR IGNORE INTO {table.name} VALUES ({places})"
    return connection.exec_driver_sql(insert, row).rowcount == 1
