"""What the last build of an index folder is doing or did, on disk, so that everyone can tell.

.build.state.json in the index folder, written by the builder: who started it, how far it is, how it
ended. For display only: it is not synced, and the build lock alone decides who builds. A build that
is said to run, but whose process is gone, was interrupted; so was one whose process cannot be seen
from here (another host, another container) when nobody holds the lock.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from .build_record import BuildRecord
from .errors import BotError
from .lock import is_locked
from .report import BuildReport, Phase, Progress

STATE_NAME = ".build.state.json"
WRITTEN_EVERY_SECONDS = 1.0  # and when the phase changes
MAX_ERROR_CHARS = 2000
KEPT_AT_END = 300  # of them, in characters


class BuildOutcome(StrEnum):
    """Where a build is."""

    RUNNING = "running"
    DONE = "done"  # published or unchanged; the report says which
    FAILED = "failed"  # refused by a guard, or an error; nothing was published unless error says so
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # its process is gone without a word


@dataclass(frozen=True, slots=True)
class BuildState:
    """The newest build; record names its process, its purpose and since when it runs."""

    outcome: BuildOutcome
    record: BuildRecord
    started_by: str = ""  # a Slack user id; "" from the command line
    progress: Progress | None = None
    report: BuildReport | None = None  # when DONE
    error: str = ""  # when FAILED
    ended: str = ""  # ISO 8601, UTC


class StateWriter:
    """Keeps the state of the build of this process; only who holds the build lock may have one."""

    def __init__(self, folder: Path, *, purpose: str, started_by: str) -> None:
        self._folder = folder
        self.written_at = 0.0  # seconds on the monotonic clock
        record = BuildRecord.of_this_process(purpose)
        self._state = BuildState(BuildOutcome.RUNNING, record, started_by)
        write_state(folder, self._state)

    def note(self, progress: Progress) -> None:
        """Take in how far the build is."""
        before = self._state.progress
        self._state = replace(self._state, progress=progress)
        is_new = before is None or before.phase is not progress.phase
        if is_new or time.monotonic() - self.written_at >= WRITTEN_EVERY_SECONDS:
            write_state(self._folder, self._state)
            self.written_at = time.monotonic()

    def end(
        self, outcome: BuildOutcome, *, report: BuildReport | None = None, error: str = ""
    ) -> None:
        """Write how it ended."""
        ended = datetime.now(UTC).isoformat(timespec="seconds")
        if len(error) > MAX_ERROR_CHARS:  # what to do stands at the end
            error = f"{error[: MAX_ERROR_CHARS - KEPT_AT_END]} … {error[-KEPT_AT_END:]}"
        self._state = replace(self._state, outcome=outcome, report=report, error=error, ended=ended)
        write_state(self._folder, self._state)


@contextmanager
def state_written(folder: Path, *, purpose: str, started_by: str) -> Iterator[StateWriter]:
    """Write that a build runs, and how it failed or was cancelled; the caller ends a good one."""
    writer = StateWriter(folder, purpose=purpose, started_by=started_by)
    try:
        yield writer
    except (KeyboardInterrupt, SystemExit, asyncio.CancelledError):
        writer.end(BuildOutcome.CANCELLED)
        raise
    except BotError as error:
        writer.end(BuildOutcome.FAILED, error=str(error))
        raise
    except BaseException as error:
        writer.end(BuildOutcome.FAILED, error=f"{type(error).__name__}: {error}")
        raise


def write_state(folder: Path, state: BuildState) -> None:
    """Replace the state; a full or read-only disk must not stop a build."""
    raw = asdict(state)
    raw["report"] = state.report.as_json() if state.report is not None else None
    beside = folder / f"{STATE_NAME}.{os.getpid()}.tmp"
    with suppress(OSError):
        try:
            beside.write_text(json.dumps(raw), encoding="ascii")
            os.replace(beside, folder / STATE_NAME)
        except OSError:
            beside.unlink(missing_ok=True)


def read_state(folder: Path) -> BuildState | None:
    """Read the newest build; None before the first one or when the file is not whole."""
    try:
        raw = json.loads((folder / STATE_NAME).read_text(encoding="utf-8"))
        state = _from_json(raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    is_gone = not state.record.is_alive() if state.record.can_be_seen() else not _is_locked(folder)
    if state.outcome is BuildOutcome.RUNNING and is_gone:
        return replace(state, outcome=BuildOutcome.INTERRUPTED)
    return state


def _is_locked(folder: Path) -> bool:
    try:
        return is_locked(folder)
    except OSError:
        return True  # nothing says that it ended


def _from_json(raw: dict[str, Any]) -> BuildState:
    progress, report = raw["progress"], raw["report"]
    if progress is not None:
        progress = Progress(**{**progress, "phase": Phase(progress["phase"])})
    return BuildState(
        outcome=BuildOutcome(raw["outcome"]),
        record=BuildRecord(**raw["record"]),
        started_by=str(raw["started_by"]),
        progress=progress,
        report=None if report is None else BuildReport.from_json(report),
        error=str(raw["error"]),
        ended=str(raw["ended"]),
    )
