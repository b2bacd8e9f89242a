"""What the last build of an index folder is doing or did, on disk, so that everyone can tell.

.build.state.json in the index folder, written by the builder: who started it, how far it is, how it
ended. For display only: it is not synced, and the build lock alone decides who builds. A build that
is said to run, but whose process is gone, was interrupted.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from .build_record import BuildRecord
from .report import BuildReport, Phase, Progress

STATE_NAME = ".build.state.json"


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


def write_state(folder: Path, state: BuildState) -> None:
    """Replace the state; a full or read-only disk must not stop a build."""
    raw = asdict(state)
    raw["report"] = state.report.as_json() if state.report is not None else None
    beside = folder / f"{STATE_NAME}.{os.getpid()}.tmp"
    with suppress(OSError):
        try:
            beside.write_text(json.dumps(raw, ensure_ascii=False), encoding="utf-8")
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
    if state.outcome is BuildOutcome.RUNNING and not state.record.is_alive():
        return replace(state, outcome=BuildOutcome.INTERRUPTED)
    return state


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
