"""Past questions and answers on disk, for as many days as the operator allows.

They serve follow-ups, an asker's recent questions, escalations and gaps. With 0 days nothing is
kept and nothing found; only calls for a human, which hold ids alone, are kept all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    false,
    insert,
    or_,
    select,
    update,
)

from core.types import Exchange

from . import escalations, votes
from .database import Database
from .remembered import Conversation as Conversation
from .remembered import Escalation as Escalation
from .remembered import Gap as Gap
from .remembered import Link as Link
from .remembered import from_row, to_row
from .tables import conversations
from .tasks import Surface

DAY_SECONDS = 86_400.0
MAX_EXCHANGES = 5
MAX_AGE_SECONDS = DAY_SECONDS
MAX_CHARS = 6_000  # 1,500 tokens of four characters
ESCALATION_DAYS = 30  # at least: somebody may press Resolve after a holiday


class Conversations:
    """Every method raises StorageError when the disk does not take or give something."""

    def __init__(
        self,
        database: Database,
        *,
        retention_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._retention_days = retention_days
        self._clock = clock

    @property
    def keeps_anything(self) -> bool:
        """Whether questions and answers are kept at all."""
        return self._retention_days > 0

    async def add(self, conversation: Conversation) -> None:
        """Keep a conversation, in place of one with the same answer id."""
        if not self.keeps_anything:
            return
        row = to_row(conversation)
        same = conversations.c.answer_id == conversation.answer_id

        def put(connection: Connection) -> None:
            if connection.execute(update(conversations).where(same).values(row)).rowcount == 0:
                connection.execute(insert(conversations).values(row))

        await self._database.write(put)

    async def find(self, answer_id: str) -> Conversation | None:
        """Give the conversation of an answer, None when it is not kept."""
        rows = await self._select(conversations.c.answer_id == answer_id, limit=1)
        return next(map(from_row, rows), None)

    async def history(self, channel: str, thread: str) -> tuple[Exchange, ...]:
        """Give what was said in a thread, oldest first, within the bounds above.

        The thread may hang under the bot's own message, too. Notices are left out.
        """
        if not thread:
            return ()
        here = _in_thread(channel, thread)
        return _exchanges(await self._select(here, _is_shortly_before(self._clock())))

    async def history_up_to(self, answer_id: str) -> tuple[Exchange, ...]:
        """Give the conversation that ends with an answer, within the same bounds."""
        found = await self._select(conversations.c.answer_id == answer_id, _is_no_notice())
        if not found or not found[0].thread or found[0].surface == Surface.SHORTCUT:
            return _exchanges(found)
        last = found[0]
        is_no_later = or_(
            conversations.c.asked_at < last.asked_at,
            and_(conversations.c.asked_at == last.asked_at, conversations.c.number <= last.number),
        )
        here = _in_thread(last.channel, last.thread)
        return _exchanges(await self._select(here, is_no_later, _is_shortly_before(last.asked_at)))

    async def has_thread(self, channel: str, thread: str) -> bool:
        """Say whether the bot takes part in a thread."""
        return bool(thread) and bool(await self._select(_in_thread(channel, thread), limit=1))

    async def recent(self, user: str, limit: int = 5) -> tuple[Conversation, ...]:
        """Give what a person asked, newest first; the same question once, no notices."""
        rows = await self._select(conversations.c.user == user, _is_no_notice(), limit=limit * 4)
        newest = {row.question.casefold().strip(): row for row in reversed(rows)}
        return tuple(map(from_row, sorted(newest.values(), key=_when, reverse=True)[:limit]))

    async def vote(
        self, answer_id: str, user_hash: str, vote: str, reason: str = "", comment: str = ""
    ) -> None:
        """Keep a person's vote, "up" or "down", in place of an earlier one on the same answer."""
        if not self.keeps_anything:
            return
        row = {
            "answer_id": answer_id,
            "user_hash": user_hash,
            "vote": vote,
            "reason": reason,
            "comment": comment,
            "voted_at": self._clock(),
        }
        await self._database.write(lambda connection: votes.put_vote(connection, row))

    async def gaps(self, limit: int = 20) -> tuple[Gap, ...]:
        """Give the questions that were refused or got a thumb down, most frequent first."""
        kept = self._is_kept()
        return await self._database.read(
            lambda connection: votes.find_gaps(connection, kept, limit=limit)
        )

    async def open_escalation(self, answer_id: str, user: str) -> bool:
        """Note that somebody needs a human; False when the answer has such a note already."""
        now = self._clock()
        return await self._database.write(
            lambda connection: escalations.open_one(connection, answer_id, user, now)
        )

    async def place_escalation(self, answer_id: str, channel: str, ts: str) -> None:
        """Note which message told the team."""
        await self._database.write(
            lambda connection: escalations.place_one(connection, answer_id, channel, ts)
        )

    async def escalation(self, answer_id: str) -> Escalation | None:
        """Give the call for a human about an answer."""
        return await self._database.read(
            lambda connection: escalations.find_one(connection, answer_id)
        )

    async def resolve(self, answer_id: str, by: str) -> bool:
        """Note who helped; False when there is no call for a human, or it was resolved before."""
        return await self._database.write(
            lambda connection: escalations.resolve_one(connection, answer_id, by)
        )

    async def prune(self) -> None:
        """Delete what is older than the operator allows, and wipe what is left of it."""
        now = self._clock()
        oldest = now - self._retention_days * DAY_SECONDS
        oldest_call = now - max(self._retention_days, ESCALATION_DAYS) * DAY_SECONDS

        def forget(connection: Connection) -> None:
            # What a clock that was ahead has dated into the future is dated now.
            ahead = conversations.c.asked_at > now
            connection.execute(update(conversations).where(ahead).values(asked_at=now))
            connection.execute(delete(conversations).where(conversations.c.asked_at <= oldest))
            votes.forget_until(connection, oldest, now=now)
            escalations.forget_until(connection, oldest_call, now=now)

        await self._database.write(forget)
        await self._database.wipe()

    def _is_kept(self) -> ColumnElement[bool]:
        """Leave out what the next prune will delete."""
        if not self.keeps_anything:
            return false()
        return conversations.c.asked_at > self._clock() - self._retention_days * DAY_SECONDS

    async def _select(
        self, *where: ColumnElement[bool], limit: int = MAX_EXCHANGES
    ) -> Sequence[Row[Any]]:
        """Give the newest rows, newest first."""
        query = (
            select(conversations)
            .where(self._is_kept(), *where)
            .order_by(conversations.c.asked_at.desc(), conversations.c.number.desc())
            .limit(limit)
        )
        return await self._database.read(lambda connection: connection.execute(query).all())


def _in_thread(channel: str, thread: str) -> ColumnElement[bool]:
    under_ours = and_(
        conversations.c.posted_ts == thread, conversations.c.posted_channel.in_((channel, ""))
    )
    here = and_(
        conversations.c.channel == channel,
        conversations.c.thread == thread,
        conversations.c.surface != Surface.SHORTCUT,  # only the asker saw that answer
    )
    return or_(here, under_ours)


def _is_shortly_before(moment: float) -> ColumnElement[bool]:
    return and_(conversations.c.asked_at > moment - MAX_AGE_SECONDS, _is_no_notice())


def _is_no_notice() -> ColumnElement[bool]:
    return conversations.c.outcome.not_like("notice:%")


def _when(row: Row[Any]) -> tuple[float, int]:
    return row.asked_at, row.number


def _exchanges(newest_first: Iterable[Row[Any]]) -> tuple[Exchange, ...]:
    """Keep as many whole exchanges as the bound allows; of the newest at least a part."""
    kept: list[Exchange] = []
    left = MAX_CHARS
    for row in newest_first:
        question = row.question[:MAX_CHARS] if not kept else row.question
        reply = row.reply[: max(0, left - len(question))] if not kept else row.reply
        left -= len(question) + len(reply)
        if left < 0:
            break
        kept.append(Exchange(question, reply))
    return tuple(reversed(kept))
