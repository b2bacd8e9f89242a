"""What the disk refuses becomes one sentence that says what to do."""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path

import pytest

from core.assembly import index_read, index_written
from core.errors import LockTimeout, SettingsError
from core.store import Store

from .indexes import generation, publish_versions


def sentence(folder: Path, code: int) -> str:
    """Give the sentence for an error of the system."""
    with pytest.raises(SettingsError) as told, index_written(folder):
        raise OSError(code, os.strerror(code))
    return str(told.value)


@pytest.mark.parametrize("code", [errno.EIO, errno.EROFS, errno.EACCES])
def test_another_place_is_the_advice(tmp_path: Path, code: int) -> None:
    assert sentence(tmp_path, code) == (
        f"INDEX is {tmp_path}, which cannot be written: {os.strerror(code)}. "
        "Set INDEX (--index) to a folder with room that you may read and write."
    )


def test_a_full_disk_says_how_much_to_free(tmp_path: Path) -> None:
    store = Store(tmp_path / "index")
    publish_versions(store, "v1")
    missing = 5 * 10**9
    with (generation(store, 1) / "articles.jsonl").open("r+b") as file:
        file.truncate((shutil.disk_usage(tmp_path).free + missing) // 2)  # sparse
    told = sentence(store.folder, errno.ENOSPC)
    hint = re.search(r"No space left on device\. \[hint: free (\d+) MB under (.*)\]$", told)
    assert hint is not None, told
    assert hint[2] == str(store.folder)
    assert int(hint[1]) == pytest.approx(missing / 10**6, rel=0.2)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_where_there_seems_to_be_room_all_that_a_build_needs(tmp_path: Path, code: int) -> None:
    assert sentence(tmp_path, code).endswith(f"[hint: free 34 MB under {tmp_path}]")


def test_other_errors_stay_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(LockTimeout), index_written(tmp_path):
        raise LockTimeout("A build is running.")


def test_reading_has_a_sentence_of_its_own(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="which cannot be read: Permission"),
        index_read(tmp_path),
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
