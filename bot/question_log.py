"""The one line per question, the same from every surface: what became of it, not what it said."""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.types import Answer, Notice, Refusal, Turn

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Record:
    """What the line will say; an error unless it is told otherwise."""

    generation: str
    outcome: str = "error"

    def ended(self, turn: Turn) -> None:
        """Take over what a reply tells."""
        self.generation = turn.generation or self.generation
        self.outcome = outcome(turn)


@contextmanager
def question_logged(question_id: str, *, surface: str, generation: str) -> Iterator[Record]:
    """Log the line when the block ends, however it ends; the id must be ours, not a person's."""
    record, started = Record(generation), time.perf_counter()
    try:
        yield record
    finally:
        logger.info(
            "question %s surface=%s generation=%s outcome=%s ms=%d",
            question_id,
            surface,
            record.generation,
            record.outcome,
            round((time.perf_counter() - started) * 1000),
        )


def new_reference() -> str:
    """Make an id that a person can quote and the log has."""
    return uuid.uuid4().hex[:10]


def reference_of(key: str) -> str:
    """Give the id of a task, the same whenever it is tried."""
    return hashlib.sha256(key.encode()).hexdigest()[:10]


def outcome(turn: Turn) -> str:
    """Name the outcome of a question with its reason."""
    match turn.reply:
        case Answer():
            return "answered"
        case Refusal(reason=reason):
            return f"refused:{reason}"
        case Notice(kind=kind):
            return f"notice:{kind}"
