"""The audit: every attempt and every end is one line that only its owner can read."""

from __future__ import annotations

import json
import logging
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.audit import Attempt, AuditLog, RebuildEnd
from core.errors import RebuildRefused

from .conftest import Bench, Json, Starter

ATTEMPT = Attempt("U0ADA", "T0SIM", "C0GEN", "rebuild", True, "started")


def short(line: Json) -> tuple[object, ...]:
    """Give what an attempt was and what came of it."""
    return tuple(line[name] for name in ("user", "channel", "subcommand", "allowed", "outcome"))


async def test_lines_are_appended_to_a_private_file_in_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "audit.jsonl"
    await AuditLog(path).record(ATTEMPT)
    await AuditLog(path).record(RebuildEnd("U0ADA", "abc", "published", "00000002", 1.5))
    first, second = map(json.loads, path.read_text().splitlines())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    age = datetime.now(UTC) - datetime.fromisoformat(first.pop("time"))
    assert 0 <= age.total_seconds() < 10
    assert first == {
        "event": "attempt",
        "user": "U0ADA",
        "team": "T0SIM",
        "channel": "C0GEN",
        "subcommand": "rebuild",
        "allowed": True,
        "outcome": "started",
        "generation": "",
    }
    assert (second["event"], second["generation"], second["seconds"]) == ("end", "00000002", 1.5)


async def test_a_line_stays_one_line_whatever_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    await AuditLog(path).record(Attempt('U\n{"', "\u2028", "\r\n", "\x85", False, "\x0b"))
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["user"] == 'U\n{"'


async def test_a_disk_that_does_not_take_it_is_logged_and_stops_nothing(
    start: Starter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    bench = await start(audit_file=tmp_path / "file" / "audit.jsonl")
    await bench.rebuild()
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    failures = [record for record in caplog.records if record.name == "bot.audit"]
    assert {record.levelno for record in failures} == {logging.ERROR}
    assert "does not take this line" in failures[0].message
    assert '"outcome": "started"' in failures[1].message


async def test_each_attempt_and_each_end_is_recorded(start: Starter) -> None:
    bench = await start(admins=("U0ADA", "U0GUS"))
    await bench.rebuild("U0ANN")
    await bench.rebuild("U0GUS", "rollback 7")
    await bench.rebuild("U0ADA", "how do I lock timesheets?")
    await bench.rebuild("U0ADA", "status", "D0ADA")
    await bench.rebuild("U0ADA", "rollback 1")
    bench.rebuilder.failure = RebuildRefused("No article; a question of somebody.")
    await bench.rebuild("U0ADA", "rollback")
    await bench.rebuild("U0ADA")
    await bench.direct("U0ADA", "No article")
    await bench.sim.fault("api_error", method="users.info")
    lines = bench.audit()
    assert [short(line) for line in lines if line["event"] == "attempt"] == [
        ("U0ANN", "C0GEN", "rebuild", False, "not an admin"),
        ("U0GUS", "C0GEN", "rollback", False, "a guest"),
        ("U0ADA", "C0GEN", "unknown", True, "unknown subcommand"),
        ("U0ADA", "D0ADA", "status", True, "told"),
        ("U0ADA", "C0GEN", "rollback", True, "rolled back from 00000001 to 00000001"),
        ("U0ADA", "C0GEN", "rollback", True, "refused"),
        ("U0ADA", "C0GEN", "rebuild", True, "started"),
    ]
    assert [line["generation"] for line in lines[:2]] == ["", "7"]
    (end,) = [line for line in lines if line["event"] == "end"]
    assert (end["user"], end["outcome"], end["generation"]) == ("U0ADA", "failed", "00000001")
    assert 0 <= end["seconds"] < 5
    text = bench.slack.audit_file.read_text()
    assert "timesheets" not in text
    assert "somebody" not in text


async def test_a_check_that_fails_is_recorded_too(bench: Bench) -> None:
    await bench.sim.fault("api_error", method="users.info")
    await bench.rebuild()
    assert [short(line) for line in bench.audit()] == [
        ("U0ADA", "C0GEN", "rebuild", False, "the check failed")
    ]
