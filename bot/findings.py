"""What `clockify-bot doctor` says about one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.errors import BotError


class Verdict(StrEnum):
    """OK works, NOTE works with less, BAD: the bot could not run."""

    OK = "ok"
    NOTE = "note"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; exit_code counts when it is BAD."""

    verdict: Verdict
    subject: str
    detail: str
    exit_code: int = 0

    def __str__(self) -> str:
        return f"{self.verdict:<5} {self.subject:<12} {self.detail}"


def bad(subject: str, error: BotError) -> Finding:
    """Give the finding for what cannot be used."""
    return Finding(Verdict.BAD, subject, str(error), error.exit_code)
