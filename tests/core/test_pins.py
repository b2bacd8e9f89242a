"""What is being read is not moved: pins across processes, and readers who come too late."""

from __future__ import annotations

import os
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from core.pins import Vanished, pinned, unpinned
from core.store import META, Store

from .fakes import hear, running
from .indexes import generation, open_slowly, prune, publish_versions


def pin_until_told(pipe: Connection, path: Path) -> None:
    with pinned(path):
        pipe.send(os.getpid())
        pipe.recv()
    pipe.send("done")
    pipe.recv()


def pin_slowly(pipe: Connection, path: Path) -> None:
    """Pin a file, but wait between opening and locking it; sends what came of it."""

    def wait(event: str, _: object) -> None:
        if event == "fcntl.flock":
            pipe.send("opened")
            pipe.recv()

    sys.addaudithook(wait)
    try:
        with pinned(path):
            pipe.send("pinned")
    except Vanished as error:
        pipe.send(str(error))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.touch()
    return path


def is_free(path: Path) -> bool:
    with unpinned(path) as free:
        return free


class TestPinned:
    def test_by_another_process_until_it_lets_go(self, file: Path) -> None:
        assert is_free(file)
        with running(pin_until_told, file) as (_, pipe):
            hear(pipe)
            assert not is_free(file)
            pipe.send("let go")
            hear(pipe)
            assert is_free(file)

    def test_by_another_process_until_it_is_killed(self, file: Path) -> None:
        with running(pin_until_told, file) as (process, pipe):
            hear(pipe)
            assert not is_free(file)
            process.kill()
            process.join(20)
            assert is_free(file)

    def test_by_several_at_once(self, file: Path) -> None:
        with pinned(file), pinned(file):
            assert not is_free(file)
        assert is_free(file)

    def test_not_while_it_is_being_moved(self, file: Path) -> None:
        with unpinned(file) as free:
            assert free
            with pytest.raises(Vanished, match="being removed"), pinned(file):
                pass
        with pinned(file):
            pass

    def test_not_what_has_been_replaced_meanwhile(self, file: Path) -> None:
        with running(pin_slowly, file) as (_, pipe):
            hear(pipe)
            file.with_name("other").touch()
            file.with_name("other").rename(file)
            pipe.send("go on")
            assert hear(pipe) == "it is being removed"

    def test_what_is_not_there_is_free_to_move_and_cannot_be_pinned(self, tmp_path: Path) -> None:
        assert is_free(tmp_path / "nothing")
        with pytest.raises(FileNotFoundError), pinned(tmp_path / "nothing"):
            pass

    def test_a_folder(self, tmp_path: Path) -> None:
        with pinned(tmp_path):
            assert not is_free(tmp_path)
        assert is_free(tmp_path)

    def test_a_fifo_does_not_block(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        started = time.monotonic()
        assert is_free(tmp_path / "fifo")
        with pinned(tmp_path / "fifo"):
            pass
        assert time.monotonic() - started < 2


# What a reader of generation 1 does with its meta.json, in order.
COMPARED, OPENED_TO_PIN, PINNING, READ = 1, 2, 3, 4


class TestReaderAgainstPruner:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        store = Store(tmp_path / "index")
        publish_versions(store, "v1")
        return store

    @pytest.mark.parametrize("moment", [COMPARED, OPENED_TO_PIN, PINNING])
    def test_a_reader_that_comes_too_late_starts_over(self, store: Store, moment: int) -> None:
        with running(open_slowly, store.folder, "00000001", moment) as (_, pipe):
            assert hear(pipe) == ("fcntl.flock" if moment == PINNING else "open")
            publish_versions(store, "v2", "v3", "v4")
            assert prune(store) == ("00000001",)
            pipe.send("go on")
            assert hear(pipe) == ("00000004", ())

    def test_a_reader_that_was_there_first_reads_to_the_end(self, store: Store) -> None:
        with running(open_slowly, store.folder, "00000001", READ) as (_, pipe):
            hear(pipe)
            publish_versions(store, "v2", "v3", "v4")
            assert prune(store) == ()
            pipe.send("go on")
            assert hear(pipe) == ("00000001", ())
        assert prune(store) == ("00000001",)

    def test_one_that_is_always_being_moved_is_passed_over(self, store: Store) -> None:
        publish_versions(store, "v2")
        with unpinned(generation(store, 2) / META) as free:
            assert free
            opened = store.open()
        assert opened.index.generation == "00000001"
        assert opened.damaged == ("generation 00000002: it is being removed",)
        assert store.open().index.generation == "00000002"
