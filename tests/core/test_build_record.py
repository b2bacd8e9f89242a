"""The record of a builder: which process it names, and what can be said of it from here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from core.build_record import BuildRecord

DAY_SECONDS = 86_400.0
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="start tokens come from /proc")


@pytest.fixture
def record() -> BuildRecord:
    return BuildRecord.of_this_process("a test")


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that is not this one."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_it_names_this_process(record: BuildRecord) -> None:
    assert record.pid == os.getpid()
    assert record.is_alive()
    assert str(record) == (
        f"process {os.getpid()} on {socket.gethostname()} since {record.since} for a test"
    )


def test_a_clock_that_was_set_changes_nothing(record: BuildRecord) -> None:
    assert replace(record, start=record.start - DAY_SECONDS).is_alive()


def test_the_start_token_tells_from_a_process_of_the_same_second(record: BuildRecord) -> None:
    boot, _, ticks = record.start_token.partition(":")
    reused = replace(record, start_token=f"{boot}:{int(ticks) - 1}")
    assert reused.start == record.start
    assert not reused.is_alive()
    assert str(reused).endswith(" for a test, not running here")


def test_without_a_token_the_start_time_tells(record: BuildRecord) -> None:
    plain = replace(record, start_token="", pid_namespace="")
    assert plain.is_alive()
    assert not replace(plain, start=plain.start - DAY_SECONDS).is_alive()


def test_a_killed_builder_is_gone_before_anyone_waits_for_it(
    record: BuildRecord, other: subprocess.Popen[bytes]
) -> None:
    start = psutil.Process(other.pid).create_time()
    there = replace(record, pid=other.pid, start=start, start_token="")
    assert there.is_alive()
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the table
    assert not there.is_alive()


def test_another_pid_namespace_cannot_be_seen(record: BuildRecord) -> None:
    there = replace(record, pid_namespace="pid:[1]")
    assert not there.is_alive()
    assert str(there) == (
        f"process {os.getpid()} on {socket.gethostname()} (cannot be seen from here) "
        f"since {record.since} for a test"
    )
    assert not replace(there, start_token="").can_be_seen()


def test_another_machine_cannot_be_seen(record: BuildRecord) -> None:
    there = replace(record, host="elsewhere", start_token="another boot:1")
    assert not there.is_alive()
    assert " on elsewhere (cannot be seen from here) since " in str(there)
    assert not replace(there, start_token="").can_be_seen()


def test_a_machine_that_was_renamed_is_still_this_one(record: BuildRecord) -> None:
    assert replace(record, host="its earlier name").is_alive()


def test_what_ran_before_the_machine_was_restarted_is_gone(record: BuildRecord) -> None:
    _, _, ticks = record.start_token.partition(":")
    before = replace(record, start_token=f"another boot:{ticks}", pid_namespace="pid:[1]")
    assert not before.is_alive()
    assert str(before).endswith(" for a test, not running here")
