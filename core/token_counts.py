"""Remember how many characters a model's tokens had, so that doctor can suggest CHARS_PER_TOKEN.

Takes what the server counted after each prompt; gives a careful factor, and the bound that tells a
cut prompt. No prompt is packed by it: a factor that followed the counts by itself would pack equal
questions differently.
"""

from __future__ import annotations

import json
import logging
import math
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from .disk import opened_regular, read_exactly, write_all

logger = logging.getLogger(__name__)

ENOUGH_COUNTS = 5
KEPT_COUNTS = 32  # of each model and prompt version; older ones are forgotten
KEPT_KEYS = 16  # the ones counted last
TOO_MANY = 10**9  # characters or tokens of one prompt
MOST_BYTES = 64 * 1024  # a longer file is not ours
# Outside of these a prompt was cut, or the server left out what it had cached.
FEWEST_CHARS, MOST_CHARS = 0.5, 8.0

Count = tuple[int, int]  # characters, tokens


class TokenCounts:
    """A small JSON file of counts; one that is damaged or cannot be written costs a suggestion.

    Several threads may record at once. Of two processes the later one wins: a lost count is small.
    """

    def __init__(self, path: Path) -> None:
        """Take the place of the file; its folder is made with the first count."""
        self._path = path
        self._lock = threading.Lock()

    def record(
        self, model: str, prompt_version: str, *, characters: int, prompt_tokens: int
    ) -> None:
        """Add what one prompt took; a count that no tokenizer gives is left out."""
        if prompt_tokens <= 0 or not FEWEST_CHARS <= characters / prompt_tokens <= MOST_CHARS:
            return
        key = _key(model, prompt_version)
        with self._lock:
            counts = self._read()
            before = counts.pop(key, [])  # put back last: those before it are forgotten first
            counts[key] = [*before, (characters, prompt_tokens)][-KEPT_COUNTS:]
            kept = dict(list(counts.items())[-KEPT_KEYS:])
            self._write(json.dumps(kept).encode())

    def suggested(self, model: str, prompt_version: str) -> float | None:
        """Return the fewest characters per token seen, rounded down to tenths; None for few counts.

        The fewest, for an estimate that is too high costs some room, and one too low a cut prompt.
        """
        seen = self._seen(model, prompt_version)
        return max(FEWEST_CHARS, math.floor(min(seen) * 10) / 10) if seen else None

    def most_chars_per_token(self, model: str, prompt_version: str) -> float | None:
        """Return the most characters per token seen; None for few counts."""
        return max(self._seen(model, prompt_version), default=None)

    def has_counted(self, model: str) -> bool:
        """Say whether this model has counted a prompt before, with any version of the prompt."""
        with self._lock:
            return any(key.rpartition(" ")[0] == model for key in self._read())

    def _seen(self, model: str, prompt_version: str) -> list[float]:
        """Return the characters per token of each count; none of too few."""
        with self._lock:
            counts = self._read().get(_key(model, prompt_version), [])
        ratios = [characters / tokens for characters, tokens in counts]
        return ratios if len(ratios) >= ENOUGH_COUNTS else []

    def _read(self) -> dict[str, list[Count]]:
        try:
            with opened_regular(self._path) as (file, size):
                parsed = json.loads(read_exactly(file, min(size, MOST_BYTES + 1)))
        except (OSError, ValueError, RecursionError):
            return {}
        entries = parsed.items() if isinstance(parsed, dict) else ()
        counts = {key: _counts(rows) for key, rows in entries}
        return {key: found for key, found in counts.items() if found}

    def _write(self, content: bytes) -> None:
        """Replace the file, readable by this user alone; not synced, for it may be lost."""
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside.unlink(missing_ok=True)
            descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                write_all(descriptor, content)
            finally:
                os.close(descriptor)
            os.replace(beside, self._path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            logger.debug("token counts could not be kept: %s", error)


def _key(model: str, prompt_version: str) -> str:
    return f"{model} {prompt_version}"


def _counts(rows: Any) -> list[Count]:
    """Give what of one entry is sound; the file may be anything."""
    found = [tuple(row) for row in rows if isinstance(row, list)] if isinstance(rows, list) else []
    return [row for row in found if _is_sound(row)][-KEPT_COUNTS:]


def _is_sound(row: tuple[Any, ...]) -> bool:
    """Say whether a row is a count that record() would have kept."""
    are_counts = len(row) == 2 and all(type(n) is int and 0 < n < TOO_MANY for n in row)
    return are_counts and FEWEST_CHARS <= row[0] / row[1] <= MOST_CHARS
