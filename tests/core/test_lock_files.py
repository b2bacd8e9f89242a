"""The lock's own files: taken away by an operator, or never files; one time-out for both."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from core.errors import LockTimeout, SettingsError
from core.lock import GUARD_NAME, RECORD_NAME, build_lock, read_record

from .fakes import hear, hold_lock, running
from .holders import assert_free, entered


class TestFilesTakenAway:
    """An operator deletes or replaces the lock's files while a build runs."""

    def test_the_holder_notices_that_the_guard_is_gone(self, tmp_path: Path) -> None:
        with build_lock(tmp_path, timeout_seconds=1, purpose="a test") as lock:
            (tmp_path / GUARD_NAME).unlink()
            with pytest.raises(LockTimeout, match="removed during the build"):
                lock.assert_held()

    def test_the_holder_notices_another_guard(self, tmp_path: Path) -> None:
        with build_lock(tmp_path, timeout_seconds=1, purpose="a test") as lock:
            (tmp_path / GUARD_NAME).rename(tmp_path / "kept")  # or its inode might be used again
            (tmp_path / GUARD_NAME).touch()
            with pytest.raises(LockTimeout, match="replaced during the build"):
                lock.assert_held()

    def test_nothing_is_held_after_the_end(self, tmp_path: Path) -> None:
        with build_lock(tmp_path, timeout_seconds=1, purpose="a test") as lock:
            lock.assert_held()
        with pytest.raises(LockTimeout, match="does not hold the build lock"):
            lock.assert_held()

    def test_others_still_wait_for_the_live_builder(self, tmp_path: Path) -> None:
        with running(hold_lock, tmp_path, "the nightly build") as (process, pipe):
            pid = hear(pipe)
            (tmp_path / GUARD_NAME).unlink()
            for _ in range(2):  # the first one to give up must not clear the way for the second
                with pytest.raises(LockTimeout) as refused, entered(tmp_path, timeout_seconds=0.1):
                    pytest.fail("two builders")
                assert f"process {pid} on " in str(refused.value)
                assert "the nightly build" in str(refused.value)
            process.kill()
            process.join(10)
        assert_free(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"{", b"12345"], ids=["empty", "torn", "a pid only"])
    def test_what_the_record_says_does_not_matter(self, tmp_path: Path, content: bytes) -> None:
        with running(hold_lock, tmp_path, "the nightly build") as (_, pipe):
            hear(pipe)
            (tmp_path / GUARD_NAME).unlink()
            (tmp_path / RECORD_NAME).write_bytes(content)
            with (
                pytest.raises(LockTimeout, match="is running: another process"),
                entered(tmp_path, timeout_seconds=0.1),
            ):
                pytest.fail("two builders")

    def test_others_still_wait_when_only_the_record_is_gone(self, tmp_path: Path) -> None:
        with running(hold_lock, tmp_path, "the nightly build") as (_, pipe):
            hear(pipe)
            (tmp_path / RECORD_NAME).unlink()
            with (
                pytest.raises(LockTimeout, match="is running: another process"),
                entered(tmp_path, timeout_seconds=0.1),
            ):
                pytest.fail("two builders")

    def test_who_waited_holds_a_guard_that_others_find(self, tmp_path: Path) -> None:
        """The second waits with a guard that is deleted as well; it must not build with it."""
        with running(hold_lock, tmp_path, "first") as (process, pipe):
            hear(pipe)
            (tmp_path / GUARD_NAME).unlink()

            def take_away_again() -> None:
                while not (tmp_path / GUARD_NAME).exists():
                    time.sleep(0.001)
                time.sleep(0.1)  # by now the second waits for the first's record
                (tmp_path / GUARD_NAME).unlink()
                process.kill()

            thread = threading.Thread(target=take_away_again)
            thread.start()
            assert_free(tmp_path)
            thread.join()
        assert [path.name for path in tmp_path.iterdir()] == [GUARD_NAME]

    def test_who_lost_both_files_leaves_the_next_builder_alone(self, tmp_path: Path) -> None:
        with running(hold_lock, tmp_path, "the next build") as (_, pipe):
            with build_lock(tmp_path / "index", timeout_seconds=1, purpose="a test") as lock:
                (tmp_path / "index" / GUARD_NAME).unlink()
                (tmp_path / "index" / RECORD_NAME).unlink()
                hear(pipe)
                for name in (GUARD_NAME, RECORD_NAME):
                    (tmp_path / name).rename(tmp_path / "index" / name)
                with pytest.raises(LockTimeout, match="replaced during the build"):
                    lock.assert_held()
            record = read_record(tmp_path / "index")
            assert record is not None
            assert record.purpose == "the next build"


class TestOddFiles:
    @pytest.mark.parametrize("name", [GUARD_NAME, RECORD_NAME])
    @pytest.mark.parametrize(
        "make",
        [os.mkfifo, os.mkdir, lambda path: os.symlink("elsewhere", path)],
        ids=["a pipe", "a folder", "a link"],
    )
    def test_what_is_no_file_is_named(
        self, tmp_path: Path, make: Callable[[Path], None], name: str
    ) -> None:
        make(tmp_path / name)
        assert read_record(tmp_path) is None
        with pytest.raises(SettingsError) as refused, entered(tmp_path):
            pytest.fail("entered")
        assert str(refused.value) == (
            f"{tmp_path / name} is not a file, so no build can be locked. Remove it."
        )
        assert not (tmp_path / "elsewhere").exists()


class TestTime:
    def test_guard_and_record_share_one_time_out(self, tmp_path: Path) -> None:
        """0.6 s for a guard that others hold, then the record of a live builder: 0.8 s in all."""
        with running(hold_lock, tmp_path, "the nightly build") as (_, pipe):
            hear(pipe)
            (tmp_path / GUARD_NAME).unlink()
            waiting = FileLock(tmp_path / GUARD_NAME, thread_local=False, preserve_lock_file=True)
            waiting.acquire()
            threading.Timer(0.6, waiting.release).start()
            started = time.monotonic()
            with pytest.raises(LockTimeout), entered(tmp_path, timeout_seconds=0.8):
                pytest.fail("two builders")
            assert 0.8 <= time.monotonic() - started < 1.3

    def test_no_time_out_at_all_is_one_attempt(self, tmp_path: Path) -> None:
        with entered(tmp_path, timeout_seconds=0):
            started = time.monotonic()
            with pytest.raises(LockTimeout), entered(tmp_path, timeout_seconds=0):
                pytest.fail("two builders")
            assert time.monotonic() - started < 0.5
