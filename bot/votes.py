"""Thumbs on disk, and the questions that thumbs down and refusals show to be gaps."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, or_, select, update

from .remembered import Gap, read_links, storable
from .tables import conversations, votes

GAP_ROWS = 5_000  # the newest refused and disliked answers that are counted


def put_vote(connection: Connection, row: dict[str, Any]) -> None:
    """Keep a person's last vote on an answer; a thumb keeps the reason that came before it."""
    where = and_(votes.c.answer_id == row["answer_id"], votes.c.user_hash == row["user_hash"])
    earlier = connection.execute(select(votes).where(where)).first()
    if earlier is not None and earlier.vote == row["vote"]:
        row = {**row, "reason": row["reason"] or earlier.reason}
        row = {**row, "comment": row["comment"] or earlier.comment}
    connection.execute(delete(votes).where(where))
    texts = {name: storable(row[name]) for name in ("reason", "comment")}
    connection.execute(insert(votes).values({**row, **texts}))


def find_gaps(connection: Connection, kept: ColumnElement[bool], *, limit: int) -> tuple[Gap, ...]:
    """Merge refused and disliked questions that say the same; most frequent first, then newest."""
    is_disliked = and_(votes.c.answer_id == conversations.c.answer_id, votes.c.vote == "down")
    disliked = select(votes.c.answer_id).where(votes.c.vote == "down")
    query = (
        select(conversations, votes.c.reason)
        .outerjoin(votes, is_disliked)
        .where(
            kept,
            or_(
                conversations.c.outcome.like("refused:%"),
                conversations.c.answer_id.in_(disliked),
            ),
        )
        .order_by(conversations.c.asked_at.desc(), conversations.c.number.desc())
        .limit(GAP_ROWS)
    )
    groups: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(query):
        groups.setdefault(_said(row.standalone or row.question), []).append(row)
    gaps = sorted(map(_gap, groups.values()), key=lambda gap: (-gap.times, -gap.last_asked))
    return tuple(gaps[:limit])


def forget_until(connection: Connection, oldest: float, *, now: float) -> None:
    """Delete the votes that were cast up to a moment; one from the future is dated now."""
    connection.execute(update(votes).where(votes.c.voted_at > now).values(voted_at=now))
    connection.execute(delete(votes).where(votes.c.voted_at <= oldest))


def _said(question: str) -> str:
    return " ".join(question.casefold().split())


def _gap(rows: list[Row[Any]]) -> Gap:
    """Make one gap of rows of one question, newest first; several votes make several rows."""
    last = rows[0]
    reasons = Counter(row.reason for row in rows if row.reason)
    return Gap(
        question=last.standalone or last.question,
        times=len({row.answer_id for row in rows}),
        last_asked=last.asked_at,
        why="refused" if last.outcome.startswith("refused:") else "thumbs_down",
        reasons=tuple(reason for reason, _ in reasons.most_common()),
        links=read_links(last.links),
    )
