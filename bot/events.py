"""What a builder tells its parent: one JSON object a line on standard output.

    {"progress": {"phase", "done", "total", "seconds_left"}}
    {"part": {"warnings": ["…", …]}}       of a report whose lists are long, before it
    {"report": {…}}  or  {"error": "…", "exit_code": 1, "is_published": false}       at the end

No line is longer than some hundred names, so that the parent never parses for long.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from core.errors import BotError
from core.report import BuildReport, Phase, Progress

from .json_errors import error_to_json

STEP_SECONDS = 0.1  # between two steps of one phase
PART_NAMES = 200
MAX_PARTS = 5_000  # of one report: a million names
LISTS = ("added", "changed", "removed", "warnings", "notes")


class EventWriter:
    """Writes the events of one build to a file descriptor.

    A reader that is gone is no error here: the lifeline ends the build.
    """

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._phase: Phase | None = None
        self._told = 0.0

    def step(self, step: Progress) -> None:
        """Write a step; of many in a short time, only the first and the last of a phase."""
        now = time.monotonic()
        is_edge = step.phase is not self._phase or step.done == step.total
        if is_edge or now - self._told >= STEP_SECONDS:
            self._phase, self._told = step.phase, now
            self._write({"progress": asdict(step)})

    def report(self, report: BuildReport) -> None:
        """Write the report, long lists ahead of it in parts."""
        raw = report.as_json()
        for name in LISTS:
            if len(raw[name]) > PART_NAMES:
                for start in range(0, len(raw[name]), PART_NAMES):
                    self._write({"part": {name: raw[name][start : start + PART_NAMES]}})
                raw[name] = ()
        self._write({"report": raw})

    def error(self, error: BotError) -> None:
        """Write why there is no report."""
        self._write(error_to_json(error))

    def _write(self, event: dict[str, Any]) -> None:
        line = memoryview(json.dumps(event, ensure_ascii=False).encode() + b"\n")
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError:
            return


@dataclass(slots=True)
class EventReader:
    """Puts the events of one build together again; report or error is set at its end."""

    on_progress: Callable[[Progress], None]
    report: BuildReport | None = None
    error: str = ""
    is_published: bool = False  # in spite of the error
    phase: Phase | None = None  # where the build is
    _parts: list[dict[str, Any]] = field(default_factory=list)

    def take(self, line: bytes) -> bool:
        """Read one line; False when it is no event."""
        try:
            event = json.loads(line)
            match event:
                case {"progress": step}:
                    progress = Progress(**{**step, "phase": Phase(step["phase"])})
                case {"part": dict(part)} if len(self._parts) < MAX_PARTS:
                    self._parts.append(part)
                    return True
                case {"report": raw}:
                    self.report = BuildReport.from_json({**raw, **self._whole(raw)})
                    return True
                case {"error": str(message)}:
                    self.error, self.is_published = message, bool(event.get("is_published"))
                    return True
                case _:
                    return False
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return False
        self.phase = progress.phase
        self.on_progress(progress)
        return True

    def _whole(self, raw: dict[str, Any]) -> dict[str, list[str]]:
        return {name: [*self._of(name), *raw.get(name, ())] for name in LISTS}

    def _of(self, name: str) -> Iterator[str]:
        for part in self._parts:
            yield from part.get(name, ())
