"""Votes in, one JSON line each on disk. No text, no plain user id; bounded in size.

A person may vote again: both lines are kept, and the last one of a person and an answer counts.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

MAX_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Vote:
    """One click; user is Slack's id and is not stored as such."""

    answer_id: str
    vote: str  # "up" or "down"
    user: str
    surface: str
    generation: str


class FeedbackLog:
    """Appends votes to a file that only its owner can read; one older file is kept."""

    def __init__(self, path: Path, *, secret: str, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._key = hashlib.sha256(secret.encode()).digest()
        self._max_bytes = max_bytes

    def record(self, vote: Vote) -> None:
        """Append one line; raises OSError when the disk does not take it."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "answer_id": vote.answer_id,
            "generation": vote.generation,
            "vote": vote.vote,
            "user": self.user_hash(vote.user),
            "surface": vote.surface,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._rotate()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._path, flags, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def user_hash(self, user: str) -> str:
        """Give the same short hash for the same person, useless without the bot's token."""
        return hashlib.blake2b(user.encode(), key=self._key, digest_size=8).hexdigest()

    def _rotate(self) -> None:
        if self._path.exists() and self._path.stat().st_size >= self._max_bytes:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
