"""What is remembered of a question that was answered, and of what people said about the answer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row

Links = tuple["Link", ...]


@dataclass(frozen=True, slots=True)
class Link:
    """An article that an answer cites, or that is nearest to a refused question."""

    title: str
    url: str | None
    section: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """One question with its reply; thread is the root of its thread, "" where there is none."""

    answer_id: str
    team: str
    channel: str
    thread: str
    user: str
    surface: str
    question: str
    standalone: str  # the question that was searched; "" when it is the same
    reply: str  # Markdown of an answer, or the sentence of a refusal
    outcome: str  # "answered", "refused:<reason>" or "notice:<kind>"
    links: Links
    generation: str
    asked_at: float  # seconds since 1970
    posted_channel: str = ""
    posted_ts: str = ""
    answerer: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A question that the knowledge does not answer well, as one or several people asked it."""

    question: str  # as it was asked last
    times: int
    last_asked: float  # seconds since 1970
    why: str  # the last time: "refused" or "thumbs_down"
    reasons: tuple[str, ...]  # that people gave with a thumb down, most frequent first
    links: Links  # the last time


@dataclass(frozen=True, slots=True)
class Escalation:
    """Somebody who needs a human; resolved_by is "" until somebody has helped."""

    answer_id: str
    user: str
    channel: str = ""  # where the team was told; "" until it was
    ts: str = ""
    resolved_by: str = ""


def to_row(conversation: Conversation) -> dict[str, Any]:
    """Give the values of a row; characters that no database takes are replaced."""
    row = {name: getattr(conversation, name) for name in Conversation.__slots__}
    row["links"] = json.dumps([asdict(link) for link in conversation.links])
    return {
        name: storable(value) if isinstance(value, str) else value for name, value in row.items()
    }


def from_row(row: Row[Any]) -> Conversation:
    """Read a row back."""
    values = {name: getattr(row, name) for name in Conversation.__slots__}
    return Conversation(**{**values, "links": read_links(row.links)})


def read_links(raw: str) -> Links:
    """Read links back."""
    return tuple(Link(**link) for link in json.loads(raw))


def storable(text: str) -> str:
    """Replace half surrogate pairs, which have no UTF-8, and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
