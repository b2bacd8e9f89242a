"""Which direct message a rebuild is editing, on disk, so that the next start can end it truthfully.

One small file while a rebuild runs; it is not synced, since it only serves to tell somebody.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.build_record import BuildRecord

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """A message that still says that a rebuild runs."""

    user: str
    channel: str
    ts: str
    since: str  # ISO 8601, UTC
    generation: str  # live when the rebuild began
    bot: BuildRecord | None = None  # the process that edits it

    @classmethod
    def of_this_bot(
        cls, user: str, place: tuple[str, str], since: str, generation: str
    ) -> OpenMessage:
        """Make the note of a message that this process edits; place is channel and ts."""
        bot = BuildRecord.of_this_process("clockify-bot run")
        return cls(user, *place, since, generation, bot)

    def is_of_another_bot(self) -> bool:
        """Say whether another process, which is alive, goes on editing it."""
        return self.bot is not None and self.bot.pid != os.getpid() and self.bot.is_alive()


class OpenMessageFile:
    """Keeps one open message; what goes wrong is logged, for it must not stop a rebuild."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, message: OpenMessage) -> None:
        """Remember a message in place of the one before, unless another bot still edits that."""
        before = self.read()
        if before is not None and before.is_of_another_bot():
            return
        beside = self._path.with_name(f"{self._path.name}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with os.fdopen(os.open(beside, flags, 0o600), "w", encoding="utf-8") as file:
                json.dump(asdict(message), file)
            os.replace(beside, self._path)
        except OSError as error:
            logger.error("cannot remember which message to end: %s", error)

    def read(self) -> OpenMessage | None:
        """Give the message that was not ended; None when there is none or the file is not whole."""
        try:
            raw = json.loads(self._path.read_text(encoding="utf-8"))
            bot = _read_record(raw.pop("bot", None))
            return OpenMessage(**{name: str(value) for name, value in raw.items()}, bot=bot)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, AttributeError, LookupError) as error:
            logger.warning("cannot read which message to end: %s", error)
            return None

    def clear(self, *, only: OpenMessage) -> None:
        """Forget this message, and no other that has taken its place."""
        if self.read() != only:
            return
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            logger.error("cannot forget which message to end: %s", error)


def _read_record(raw: dict[str, Any] | None) -> BuildRecord | None:
    if raw is None:
        return None
    words = {name: str(value) for name, value in raw.items() if name not in ("pid", "start")}
    return BuildRecord(pid=int(raw["pid"]), start=float(raw["start"]), **words)
