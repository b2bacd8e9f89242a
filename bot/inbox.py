"""What was asked of the bot, on disk before Slack hears that it was taken, until it is done.

queued → claimed by one process → done. A done task keeps its key and its twin for a day, so that
Slack's repetitions are known, and nothing else. Several processes may share one inbox.

A process that dies leaves its claims behind: they are queued again when bot/leases.py says that the
process is gone.
"""

from __future__ import annotations

import json
import logging
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Update,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from core.build_record import BuildRecord

from .database import Database
from .leases import Leases
from .message import Message
from .tables import owners, tasks
from .tasks import Claim, Task, TaskKind

logger = logging.getLogger(__name__)

KNOWN_SECONDS = 86_400.0  # Slack repeats an event for minutes
_KINDS = tuple(kind.value for kind in TaskKind)


class State(StrEnum):
    """Where a task is on its way."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    DONE = "done"


# Made once: to build a statement takes longer than to execute it.
_FIND = select(tasks).where(tasks.c.key == bindparam("wanted"))
_FIND_KNOWN = select(tasks.c.number).where(
    or_(tasks.c.key == bindparam("wanted"), tasks.c.twin == bindparam("wanted_twin"))
)
_ADD = insert(tasks)
_CLAIM = (
    update(tasks)
    .where(tasks.c.key == bindparam("wanted"), tasks.c.state == State.QUEUED)
    .values(state=State.CLAIMED, owner=bindparam("claimer"), tries=tasks.c.tries + 1)
)
_FINISH = (
    update(tasks)
    .where(tasks.c.key == bindparam("wanted"), tasks.c.state != State.DONE)
    .values(
        state=State.DONE,
        done_at=bindparam("now"),
        user="",
        channel="",
        owner=None,
        body=None,
        reply=None,
        notes=None,
    )
)
_FIND_WAITING = (
    select(*(tasks.c[name] for name in ("key", "kind", "user", "channel", "received_at", "tries")))
    .where(tasks.c.state == State.QUEUED, tasks.c.kind.in_(_KINDS))
    .order_by(tasks.c.received_at, tasks.c.number)
)
_BEAT = (
    update(owners)
    .where(owners.c.id == bindparam("wanted"))
    .values(beats=owners.c.beats + bindparam("by"))
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that nobody works on."""

    key: str
    kind: TaskKind
    user: str
    channel: str
    received_at: float  # seconds since 1970
    tries: int


class Inbox:
    """Keeps tasks. Every method raises StorageError when the disk does not take or give them."""

    def __init__(
        self,
        database: Database,
        *,
        owner: BuildRecord | None = None,
        clock: Callable[[], float] = time.time,
        steady_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._owner = owner or BuildRecord.of_this_process("clockify-bot run")
        self._id = uuid.uuid4().hex
        self._clock = clock
        self._leases = Leases(steady_clock)

    async def record(self, task: Task, received_at: float | None = None) -> bool:
        """Take a task in; it is on disk when this returns. False: its key or twin is known."""
        at = self._clock() if received_at is None else received_at
        row = {
            "key": task.key,
            "twin": task.twin or None,
            "kind": task.kind.value,
            "user": task.user,
            "channel": task.channel,
            "received_at": at,
            "state": State.QUEUED.value,
            "tries": 0,
            "body": json.dumps(task.body),
        }
        known = {"wanted": task.key, "wanted_twin": task.twin or None}  # no twin equals NULL

        def add(connection: Connection) -> bool:
            if connection.execute(_FIND_KNOWN, known).first() is not None:
                return False
            connection.execute(_ADD, row)
            return True

        return await self._database.write(add)

    async def claim(self, key: str) -> Claim | None:
        """Make a queued task this process's own; None when it is another's, or done."""

        def take(connection: Connection) -> Row[Any] | None:
            taken = connection.execute(_CLAIM, {"wanted": key, "claimer": self._id})
            if taken.rowcount != 1:
                return None
            self._beat(connection, by=0)
            return connection.execute(_FIND, {"wanted": key}).one()

        row = await self._database.write(take)
        return None if row is None else await self._read_claim(row)

    async def keep_reply(self, key: str, message: Message) -> None:
        """Remember what is about to be posted."""
        kept = json.dumps(message.to_json())
        await self._change(update(tasks).where(self._is_mine(key)).values(reply=kept))

    async def note(self, key: str, **notes: Any) -> None:
        """Remember things for a later try, beside what was noted before."""

        def merge(connection: Connection) -> None:
            found = connection.execute(select(tasks.c.notes).where(self._is_mine(key))).first()
            if found is not None:
                merged = json.dumps({**json.loads(found.notes or "{}"), **notes})
                connection.execute(update(tasks).where(self._is_mine(key)).values(notes=merged))

        await self._database.write(merge)

    async def release(self, key: str, *, uncount: bool = False) -> None:
        """Give a task back, for anybody to claim; uncount: this try does not count."""
        tries = tasks.c.tries - 1 if uncount else tasks.c.tries
        given_back = {"state": State.QUEUED, "owner": None, "tries": tries}
        await self._change(update(tasks).where(self._is_mine(key)).values(given_back))

    async def finish(self, key: str) -> None:
        """Say that a task is done, whoever did it; only its ids are kept."""
        await self._change(_FINISH, {"wanted": key, "now": self._clock()})

    async def waiting(self) -> tuple[Waiting, ...]:
        """Give the tasks that nobody works on, oldest first, those of dead processes included."""
        gone = await self._database.read(self._find_gone)
        if gone:
            is_left = and_(tasks.c.state == State.CLAIMED, tasks.c.owner.in_(gone))
            freed = await self._change(
                update(tasks).where(is_left).values(state=State.QUEUED, owner=None)
            )
            logger.warning("tasks left by processes that are gone, queued again: %d", freed)
        return await self._database.read(_find_waiting)

    async def renew(self) -> None:
        """Show other processes that this one is alive; call it three times a minute."""
        await self._database.write(lambda connection: self._beat(connection, by=1))

    async def count(self) -> int:
        """Count the tasks that are not done."""
        query = select(func.count()).select_from(tasks).where(tasks.c.state != State.DONE)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one())

    async def prune(self) -> None:
        """Forget tasks that were done a day ago, and wipe what is left of their texts."""
        now = self._clock()

        def forget(connection: Connection) -> None:
            # A clock that was ahead must neither keep them for ever nor forget them too early.
            ahead = tasks.c.done_at > now
            connection.execute(update(tasks).where(ahead).values(done_at=now))
            old = now - KNOWN_SECONDS
            is_strange = and_(tasks.c.kind.not_in(_KINDS), tasks.c.received_at < old)
            connection.execute(delete(tasks).where(or_(tasks.c.done_at < old, is_strange)))
            used = select(tasks.c.owner).where(tasks.c.owner.is_not(None))
            connection.execute(delete(owners).where(owners.c.id.not_in(used)))

        await self._database.write(forget)
        await self._database.wipe()

    async def _change(self, statement: Update, values: dict[str, Any] | None = None) -> int:
        """Change rows; gives how many."""
        return await self._database.write(
            lambda connection: connection.execute(statement, values).rowcount
        )

    def _is_mine(self, key: str) -> ColumnElement[bool]:
        return and_(tasks.c.key == key, tasks.c.owner == self._id)

    def _beat(self, connection: Connection, *, by: int) -> None:
        if connection.execute(_BEAT, {"wanted": self._id, "by": by}).rowcount == 0:
            record = json.dumps(asdict(self._owner))
            first = random.getrandbits(30)  # no number that another process has seen before
            connection.execute(insert(owners).values(id=self._id, record=record, beats=first))

    def _find_gone(self, connection: Connection) -> tuple[str, ...]:
        """Name the owners of claimed tasks whose process is not there any more."""
        rows = connection.execute(
            select(tasks.c.owner, owners.c.record, owners.c.beats)
            .outerjoin(owners, owners.c.id == tasks.c.owner)
            .where(tasks.c.state == State.CLAIMED, tasks.c.owner != self._id)
            .distinct()
        ).all()
        return self._leases.find_gone([(row.owner, row.record, row.beats) for row in rows])

    async def _read_claim(self, row: Row[Any]) -> Claim | None:
        """Give the claim; None, and the task is done, when its JSON is broken."""
        try:
            body = json.loads(row.body)
            task = Task(row.key, TaskKind(row.kind), row.user, row.channel, row.twin or "", body)
            reply = None if row.reply is None else Message.of(json.loads(row.reply))
            notes = {} if row.notes is None else json.loads(row.notes)
        except (ValueError, TypeError, KeyError):
            logger.exception("task %s cannot be read and is dropped", row.key)
            await self.finish(row.key)
            return None
        return Claim(task, row.tries, row.received_at, reply, notes)


def _find_waiting(connection: Connection) -> tuple[Waiting, ...]:
    """Read what is queued; there may be thousands, so not on the event loop."""
    return tuple(
        Waiting(key, TaskKind(kind), *values)
        for key, kind, *values in connection.execute(_FIND_WAITING)
    )
