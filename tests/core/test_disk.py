"""Files that are there with all their bytes, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from core import disk

from .fakes import hear, running

LIMIT = 4096


def write_beyond_a_limit(pipe: Connection, path: Path) -> None:
    """Write where the system takes only the first bytes of one call."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    try:
        disk.write_new(path, bytes(2 * LIMIT))
    except OSError as error:
        pipe.send(error.errno)
    else:
        pipe.send(0)


def test_fewer_bytes_than_asked_for_are_an_error(tmp_path: Path) -> None:
    with running(write_beyond_a_limit, tmp_path / "file") as (_, pipe):
        assert hear(pipe) != 0
    assert (tmp_path / "file").stat().st_size == LIMIT  # the system did take some


def test_a_new_file_is_never_an_old_one(tmp_path: Path) -> None:
    disk.write_new(tmp_path / "file", b"one")
    with pytest.raises(FileExistsError):
        disk.write_new(tmp_path / "file", b"two")
    assert (tmp_path / "file").read_bytes() == b"one"


def test_what_cannot_be_replaced_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        disk.replace_file(tmp_path / "file", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", Path("/dev/zero")):
        with pytest.raises(OSError, match="not a regular file"), disk.opened_regular(path):
            pass


def test_a_file_that_ends_early_gives_fewer_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"short")
    with disk.opened_regular(tmp_path / "file") as (file, size):
        assert size == 5
        assert disk.read_exactly(file, 100) == b"short"


@pytest.mark.parametrize("make", [disk.private_file, disk._temporary_file])
def test_a_private_file_is_read_by_its_path_and_then_gone(
    make: Callable[[], AbstractContextManager[tuple[int, Path]]],
) -> None:
    content = os.urandom(3 * disk.READ_BYTES + 1)
    with make() as (descriptor, path):
        disk.write_all(descriptor, content)
        assert disk.sha256_of_file(path) == hashlib.sha256(content).hexdigest()
        path.write_bytes(b"written by another library")
        assert os.pread(descriptor, 100, 0) == b"written by another library"
    assert not path.exists()
    with contextlib.suppress(OSError):
        os.fstat(descriptor)
        pytest.fail("the descriptor is open")
