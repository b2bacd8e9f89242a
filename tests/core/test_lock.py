"""The build lock between real processes: one enters, the dead free it at once, orders are named."""

from __future__ import annotations

import json
import random
import re
import socket
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from core.build_record import BuildRecord
from core.errors import LockTimeout
from core.lock import GUARD_NAME, RECORD_NAME, read_record

from .fakes import enter_often, hear, hold_lock, running
from .holders import AT_ONCE_SECONDS, assert_free, entered


def own_record() -> BuildRecord:
    return BuildRecord.of_this_process("an earlier build")


def write_record(folder: Path, record: BuildRecord) -> None:
    (folder / RECORD_NAME).write_text(json.dumps(asdict(record)), encoding="utf-8")


class TestHolding:
    def test_record_tells_who_builds_and_goes_with_the_lock(self, tmp_path: Path) -> None:
        with entered(tmp_path / "new" / "index", purpose="rebuild"):
            record = read_record(tmp_path / "new" / "index")
            assert record is not None
            assert record == replace(own_record(), since=record.since, purpose="rebuild")
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", record.since)
            assert record.is_alive()
        assert [path.name for path in (tmp_path / "new" / "index").iterdir()] == [GUARD_NAME]

    def test_it_is_freed_after_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError), entered(tmp_path):
            _ = 1 / 0
        assert read_record(tmp_path) is None
        assert_free(tmp_path)

    def test_nested_acquisition_is_refused(self, tmp_path: Path) -> None:
        with entered(tmp_path, purpose="the outer build"):
            with (
                pytest.raises(LockTimeout, match="the outer build"),
                entered(tmp_path, timeout_seconds=0.1),
            ):
                pytest.fail("entered twice")
            record = read_record(tmp_path)
            assert record is not None
            assert record.purpose == "the outer build"
        assert_free(tmp_path)

    def test_another_thread_is_refused(self, tmp_path: Path) -> None:
        refusals: list[LockTimeout] = []

        def contend() -> None:
            try:
                with entered(tmp_path, timeout_seconds=0.1):
                    pass
            except LockTimeout as error:
                refusals.append(error)

        with entered(tmp_path):
            thread = threading.Thread(target=contend)
            thread.start()
            thread.join()
        assert len(refusals) == 1

    def test_folders_have_locks_of_their_own(self, tmp_path: Path) -> None:
        with entered(tmp_path / "a"):
            assert_free(tmp_path / "b")


class TestProcesses:
    def test_only_one_enters_and_the_other_is_told_who(self, tmp_path: Path) -> None:
        with running(hold_lock, tmp_path, "the nightly build") as (process, pipe):
            pid = hear(pipe)
            assert pid == process.pid
            record = read_record(tmp_path)
            assert record is not None
            started = time.monotonic()
            with pytest.raises(LockTimeout) as refused, entered(tmp_path, timeout_seconds=0.3):
                pytest.fail("two builders")
            assert time.monotonic() - started < AT_ONCE_SECONDS
            assert str(refused.value) == (
                f"A build of {tmp_path} is running: process {pid} on {socket.gethostname()} "
                f"since {record.since} for the nightly build. Waited 0.3 s. "
                "[hint: try again later or increase BUILD_LOCK_TIMEOUT]"
            )
            assert read_record(tmp_path) == record
            pipe.send("stop")
            process.join(10)
            assert process.exitcode == 0
        assert_free(tmp_path)

    def test_a_waiting_builder_enters_when_the_other_is_done(self, tmp_path: Path) -> None:
        with running(hold_lock, tmp_path, "first") as (_, pipe):
            hear(pipe)
            threading.Timer(0.1, pipe.send, ["stop"]).start()
            assert_free(tmp_path)

    def test_a_killed_holder_frees_at_once_and_its_record_is_cleared(self, tmp_path: Path) -> None:
        with running(hold_lock, tmp_path, "killed") as (process, pipe):
            hear(pipe)
            process.kill()
            process.join(10)
            leftover = read_record(tmp_path)
            assert leftover is not None
            assert leftover.purpose == "killed"
            assert not leftover.is_alive()
            assert str(leftover).endswith(" for killed, not running here")
            with entered(tmp_path, purpose="the next one") as milliseconds:
                assert milliseconds < AT_ONCE_SECONDS * 1000
                record = read_record(tmp_path)
                assert record is not None
                assert record.purpose == "the next one"

    def test_contest_with_kills_has_never_two_inside(self, tmp_path: Path) -> None:
        choice = random.Random(7)
        rounds = 6
        with (
            running(enter_often, tmp_path, rounds) as (_, first),
            running(enter_often, tmp_path, rounds) as (_, second),
            running(enter_often, tmp_path, 10_000) as (victim, third),
        ):
            for pipe in (first, second, third):
                pipe.send("go")
            for _ in range(choice.randint(1, 3)):
                assert hear(third) == "inside"
            victim.kill()
            for pipe in (first, second):
                assert [hear(pipe) for _ in range(rounds)] == ["inside"] * rounds
                assert hear(pipe) == 0
        assert_free(tmp_path)


class TestLeftovers:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"12345",
            b"null",
            b"[]",
            b"{}",
            b'{"pid": 1}',
            b"\xff\xfe",
            json.dumps({**asdict(own_record()), "pid": "text"}).encode(),
            json.dumps({**asdict(own_record()), "pid": -5}).encode(),
            json.dumps({**asdict(own_record()), "pid": 10**30}).encode(),
            json.dumps({**asdict(own_record()), "pid": 1, "start": "text"}).encode(),
            json.dumps({**asdict(own_record()), "more": 1}).encode(),
        ],
        ids=[
            "empty",
            "a pid only",
            "null",
            "a list",
            "nothing in it",
            "fields missing",
            "not UTF-8",
            "pid is text",
            "pid is negative",
            "pid is huge",
            "start is text",
            "unknown field",
        ],
    )
    def test_malformed_record_stops_nobody(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / RECORD_NAME).write_bytes(content)
        assert_free(tmp_path)

    @pytest.mark.parametrize(
        "changed",
        [
            {},
            {"start": 0.0, "start_token": "an earlier start"},
            {"host": "elsewhere", "start_token": "another boot:1"},
            {"pid_namespace": "pid:[1]"},
        ],
        ids=["lives", "pid reused", "of another host", "of another namespace"],
    )
    def test_record_of_who_does_not_hold_the_lock_stops_nobody(
        self, tmp_path: Path, changed: dict[str, Any]
    ) -> None:
        with running(hold_lock, tmp_path / "other", "elsewhere") as (_, pipe):
            hear(pipe)
            record = read_record(tmp_path / "other")
            assert record is not None
            assert record.is_alive()
            write_record(tmp_path, replace(record, **changed))
            assert_free(tmp_path)

    def test_pid_one_after_a_restart_is_not_itself(self, tmp_path: Path) -> None:
        write_record(tmp_path, replace(own_record(), start=0.0, start_token="an earlier start"))
        assert_free(tmp_path)
