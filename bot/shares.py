"""Who shares which answer now, in the row of its conversation: one share at a time, and one ever.

While it lasts, posted_channel ends with ">" and the share's mark. It survives a restart, after
which the same task takes it up again, and two processes cannot both begin.
"""

from __future__ import annotations

import hashlib
from enum import Enum, auto
from typing import Any

from sqlalchemy import Connection, select, update

from .database import Database
from .tables import conversations

MARKED = ">"  # in no channel id


class Begin(Enum):
    """What became of a wish to share."""

    OURS = auto()  # go on, and end with finish or abandon
    UNDER_WAY = auto()  # another click shares it
    DONE = auto()  # it is in its channel
    UNKNOWN = auto()  # nothing is kept of that answer


class Shares:
    """Every method raises StorageError when the disk does not take it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, answer_id: str, key: str) -> Begin:
        """Take an answer for the task with this key, or say why not."""
        mark = _mark(key)

        def take(connection: Connection) -> Begin:
            row = _find(connection, answer_id)
            if row is None:
                return Begin.UNKNOWN
            posted, _, other = row.posted_channel.partition(MARKED)
            if other:
                return Begin.OURS if other == mark else Begin.UNDER_WAY
            if row.posted_ts and posted == row.channel:
                return Begin.DONE
            _write(connection, answer_id, posted_channel=f"{posted}{MARKED}{mark}")
            return Begin.OURS

        return await self._database.write(take)

    async def finish(self, answer_id: str, channel: str, ts: str) -> None:
        """Note where the shared answer is."""
        await self._database.write(
            lambda connection: _write(connection, answer_id, posted_channel=channel, posted_ts=ts)
        )

    async def abandon(self, answer_id: str, key: str) -> None:
        """Let somebody try again; does nothing when the task did not have it."""
        mark = _mark(key)

        def give_back(connection: Connection) -> None:
            row = _find(connection, answer_id)
            if row is not None and row.posted_channel.endswith(f"{MARKED}{mark}"):
                before = row.posted_channel.partition(MARKED)[0]
                _write(connection, answer_id, posted_channel=before)

        await self._database.write(give_back)


def _mark(key: str) -> str:
    return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()


def _find(connection: Connection, answer_id: str) -> Any:
    return connection.execute(
        select(conversations).where(conversations.c.answer_id == answer_id)
    ).first()


def _write(connection: Connection, answer_id: str, **values: str) -> None:
    connection.execute(
        update(conversations).where(conversations.c.answer_id == answer_id).values(**values)
    )
