"""The build lock among containers, users, surviving children and disks without locks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import psutil
import pytest

from core.errors import LockTimeout
from core.lock import GUARD_NAME, RECORD_NAME, build_lock, read_record

from .fakes import hear, hold_lock, running
from .holders import (
    IN_CONTAINER,
    NOBODY,
    contend_as,
    first_line,
    hold_and_execute,
    hold_and_fork,
    hold_and_leave_in_child,
    program,
)

AT_ONCE_SECONDS = 1.0  # it takes some 0.01 s
HANGING_SECONDS = 10.0


def seconds_to_enter(folder: Path) -> float:
    started = time.monotonic()
    with build_lock(folder, timeout_seconds=HANGING_SECONDS, purpose="the next build") as lock:
        seconds = time.monotonic() - started
        lock.assert_held()
    return seconds


@cache
def containers_work() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*IN_CONTAINER, "true"], capture_output=True).returncode == 0


@pytest.fixture
def containers() -> None:
    if not containers_work():
        pytest.skip("needs the right to make PID namespaces (root on Linux)")


@pytest.fixture
def everyone() -> Iterator[Path]:
    """Give a folder that every user may write to; pytest's own are private."""
    if os.name == "nt" or os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


@pytest.mark.usefixtures("containers")
class TestContainers:
    """Each builder is process 1 of a PID namespace of its own, and sees no other."""

    def test_a_live_builder_in_another_namespace_excludes(self, tmp_path: Path) -> None:
        with program(tmp_path, *IN_CONTAINER) as builder:
            assert first_line(builder) == "inside"
            record = read_record(tmp_path)
            assert record is not None
            assert record.pid == 1
            assert not record.is_alive()  # it cannot be proved from here
            for place in ((), IN_CONTAINER):
                with program(tmp_path, *place, timeout_seconds=0.1) as other:
                    told = first_line(other)
                    assert told.startswith("LockTimeout: A build of ")
                    assert "(cannot be seen from here)" in told

    def test_it_excludes_also_when_its_guard_was_deleted(self, tmp_path: Path) -> None:
        with program(tmp_path, *IN_CONTAINER) as builder:
            assert first_line(builder) == "inside"
            (tmp_path / GUARD_NAME).unlink()
            with program(tmp_path, *IN_CONTAINER, timeout_seconds=0.1) as other:
                assert first_line(other).startswith("LockTimeout: A build of ")
            builder.kill()
            builder.wait()
            assert seconds_to_enter(tmp_path) < AT_ONCE_SECONDS

    def test_process_one_of_a_restarted_container_enters(self, tmp_path: Path) -> None:
        with program(tmp_path, *IN_CONTAINER) as builder:
            assert first_line(builder) == "inside"
            builder.kill()
            builder.wait()
        assert (tmp_path / RECORD_NAME).exists()
        with program(tmp_path, *IN_CONTAINER, timeout_seconds=AT_ONCE_SECONDS) as builder:
            assert first_line(builder) == "inside"
            record = read_record(tmp_path)
            assert record is not None
            assert record.pid == 1


class TestUsers:
    def test_a_builder_of_another_user_excludes(self, everyone: Path) -> None:
        with running(hold_lock, everyone, "the nightly build") as (builder, pipe):
            hear(pipe)
            with running(contend_as, everyone, NOBODY) as (_, other):
                told = hear(other)
            assert f"is running: process {builder.pid} on " in told
            assert "for the nightly build. Waited 0.3 s." in told

    def test_builders_take_turns_whoever_they_are(self, everyone: Path) -> None:
        with running(hold_lock, everyone, "killed") as (builder, pipe):
            hear(pipe)
            builder.kill()
            builder.join()
        with running(contend_as, everyone, NOBODY) as (other, pipe):
            assert hear(pipe) == "inside"
            record = read_record(everyone)
            assert record is not None
            assert record.is_alive()
            with (
                pytest.raises(LockTimeout, match="another user's build"),
                build_lock(everyone, timeout_seconds=0.1, purpose="a test"),
            ):
                pytest.fail("two builders")
            other.kill()
            other.join()
        assert seconds_to_enter(everyone) < AT_ONCE_SECONDS

    @pytest.mark.parametrize("mode", [0o777, 0o775, 0o755, 0o700])
    def test_who_may_write_to_the_folder_may_lock_it(self, tmp_path: Path, mode: int) -> None:
        (tmp_path / "index").mkdir()
        (tmp_path / "index").chmod(mode)
        with build_lock(tmp_path / "index", timeout_seconds=1, purpose="a test"):
            for name in (GUARD_NAME, RECORD_NAME):
                assert (tmp_path / "index" / name).stat().st_mode & 0o777 == mode & 0o666


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
class TestChildren:
    @pytest.mark.parametrize("hold", [hold_and_fork, hold_and_execute], ids=["forked", "executed"])
    def test_a_child_that_outlives_a_killed_builder_does_not_keep_the_lock(
        self, tmp_path: Path, hold: Callable[..., None]
    ) -> None:
        with running(hold, tmp_path) as (_, pipe):
            child = hear(pipe)
            try:
                assert seconds_to_enter(tmp_path) < AT_ONCE_SECONDS
                assert psutil.Process(child).status() != psutil.STATUS_ZOMBIE  # it lives
            finally:
                os.kill(child, signal.SIGKILL)

    def test_a_forked_child_that_leaves_lets_nobody_in(self, tmp_path: Path) -> None:
        with running(hold_and_leave_in_child, tmp_path) as (_, pipe):
            assert hear(pipe) == "This process does not hold the build lock; nothing is published."
            record = read_record(tmp_path)
            assert record is not None
            assert record.purpose == "a parent"
            with (
                pytest.raises(LockTimeout, match="a parent"),
                build_lock(tmp_path, timeout_seconds=0.1, purpose="a test"),
            ):
                pytest.fail("two builders")


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("error", ["ENOSYS", "EOPNOTSUPP", "ENOLCK"])
def test_a_file_system_without_locks_is_refused(tmp_path: Path, error: str) -> None:
    inject = ("strace", "-f", "-o", os.devnull, "-e", f"inject=flock:error={error}")
    with program(tmp_path, *inject) as builder:
        told = first_line(builder)
    assert told.startswith(f"SettingsError: INDEX is {tmp_path}, on a file system without locks (")
    assert told.endswith("Choose a folder on a local disk.")
    assert read_record(tmp_path) is None
