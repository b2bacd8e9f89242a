"""Calls for a human on disk: one for each answer, ids only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from .remembered import Escalation
from .tables import escalations


def open_one(connection: Connection, answer_id: str, user: str, now: float) -> bool:
    """Open one; False when the answer has one already."""
    if find_one(connection, answer_id) is not None:
        return False
    row = {"answer_id": answer_id, "user": user, "channel": "", "ts": "", "resolved_by": ""}
    connection.execute(insert(escalations).values(**row, opened_at=now))
    return True


def place_one(connection: Connection, answer_id: str, channel: str, ts: str) -> None:
    """Say which message told the team."""
    where = escalations.c.answer_id == answer_id
    connection.execute(update(escalations).where(where).values(channel=channel, ts=ts))


def find_one(connection: Connection, answer_id: str) -> Escalation | None:
    """Give the one of an answer."""
    columns: list[Any] = [escalations.c[name] for name in Escalation.__slots__]
    query = select(*columns).where(escalations.c.answer_id == answer_id)
    row = connection.execute(query).first()
    return None if row is None else Escalation(*row)


def resolve_one(connection: Connection, answer_id: str, by: str) -> bool:
    """Close one; False when there is none that is open."""
    is_open = (escalations.c.answer_id == answer_id, escalations.c.resolved_by == "")
    changed = connection.execute(update(escalations).where(*is_open).values(resolved_by=by))
    return changed.rowcount == 1


def forget_until(connection: Connection, oldest: float, *, now: float) -> None:
    """Delete those that were opened up to a moment; one from the future is dated now."""
    ahead = escalations.c.opened_at > now
    connection.execute(update(escalations).where(ahead).values(opened_at=now))
    connection.execute(delete(escalations).where(escalations.c.opened_at <= oldest))
