"""Who tried to do what only admins may, one JSON line each: attempts, allowed or not, and ends.

Lines hold Slack ids, the subcommand and what came of it; never what somebody wrote.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One use of something for admins.

    generation is the number that a rollback was asked for; change is what settings are now, left
    out of the line where there is none.
    """

    user: str
    team: str
    channel: str
    subcommand: str
    allowed: bool
    outcome: str
    generation: str = ""
    change: str = ""


@dataclass(frozen=True, slots=True)
class RebuildEnd:
    """How a rebuild that was started from Slack ended; generation is the live one afterwards."""

    user: str
    reference: str
    outcome: str
    generation: str
    seconds: float


class AuditLog:
    """Appends to a file that only its owner can read; it grows until the operator rotates it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def record(self, event: Attempt | RebuildEnd) -> None:
        """Append one line; a disk that does not take it is logged and stops nothing."""
        kind = "attempt" if isinstance(event, Attempt) else "end"
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": now, "event": kind, **asdict(event)}
        if not line.get("change"):
            line.pop("change", None)
        try:
            await asyncio.to_thread(self._append, line)
        except OSError as error:
            logger.error("the audit file %s does not take this line: %s", self._path, error)
            logger.error("audit: %s", json.dumps(line))

    def _append(self, line: dict[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self._path, flags, 0o600), "ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")
