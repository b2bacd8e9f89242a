"""Publishing: what is refused, what the disk refuses, which number is next, what is adopted."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from core.errors import LockTimeout, RebuildRefused
from core.index import Index
from core.lock import GUARD_NAME, build_lock
from core.store import META, Store

from .fakes import hear, running
from .indexes import (
    act_refused,
    adopt,
    flip,
    generation,
    index_of,
    names,
    publish,
    publish_versions,
    repair,
    roll_back,
    versions_in,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index")


@pytest.fixture
def two(store: Store) -> Store:
    publish_versions(store, "v1", "v2")
    return store


def publish_v3(store: Store) -> str:
    return publish(store, index_of("v3"), inputs="inputs of v3")


def publish_against_another(pipe: Connection, folder: Path) -> None:
    """Publish v3, while another builder that no lock stops is first with the next number."""

    def be_first(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.rename" and str(arguments[1]).endswith("/00000003"):
            Path(arguments[1]).mkdir()
            (Path(arguments[1]) / "of another builder").touch()

    sys.addaudithook(be_first)
    pipe.send(publish_v3(Store(folder)))


def whole(store: Store) -> tuple[set[str], tuple[str, ...]]:
    """Give the versions that a reader finds and what it had to pass over."""
    opened = store.open()
    return versions_in(opened.index), opened.damaged


class TestTheCheck:
    def test_it_gets_what_was_read_back_before_anything_is_visible(self, two: Store) -> None:
        seen: list[Index] = []

        def check(index: Index) -> None:
            assert two.numbers() == ["00000001", "00000002"]
            seen.append(index)

        index = index_of("v3")
        with build_lock(two.folder, timeout_seconds=5, purpose="a test") as lock:
            two.publish(index, {"articles": []}, lock=lock, check=check)
        (read,) = seen
        assert read is not index
        assert read.chunks == index.chunks
        assert read.vectors is not None
        assert index.vectors is not None
        assert not read.vectors.vectors.flags.writeable  # the very bytes of the file
        assert read.vectors.vectors.tolist() == index.vectors.vectors.tolist()

    def test_what_it_refuses_leaves_nothing(self, two: Store) -> None:
        def check(_: Index) -> None:
            raise RebuildRefused("A guard says no.")

        before = two.current()
        with (
            build_lock(two.folder, timeout_seconds=5, purpose="a test") as lock,
            pytest.raises(RebuildRefused, match=r"^A guard says no\.$"),
        ):
            two.publish(index_of("v3"), {"articles": []}, lock=lock, check=check)
        assert two.current() == before
        assert names(two.folder / "generations") == ["00000001", "00000002"]

    def test_what_is_damaged_while_it_is_written_is_refused(self, two: Store) -> None:
        def spoil(_: Index) -> None:
            (written,) = (two.folder / "generations").glob(".tmp-*")
            shutil.rmtree(written)

        with (
            build_lock(two.folder, timeout_seconds=5, purpose="a test") as lock,
            pytest.raises(FileNotFoundError),
        ):
            two.publish(index_of("v3"), {"articles": []}, lock=lock, check=spoil)
        assert whole(two) == ({"v2"}, ())

    def test_the_lock_is_looked_at_after_it(self, two: Store) -> None:
        def take_away(_: Index) -> None:
            (two.folder / GUARD_NAME).unlink()

        with (
            build_lock(two.folder, timeout_seconds=5, purpose="a test") as lock,
            pytest.raises(LockTimeout, match="removed during the build"),
        ):
            two.publish(index_of("v3"), {"articles": []}, lock=lock, check=take_away)
        assert names(two.folder / "generations") == ["00000001", "00000002"]


class TestTheDisk:
    @pytest.mark.parametrize(
        ("event", "end", "after", "code"),
        [
            ("os.mkdir", "", "", errno.EROFS),
            ("open", "/chunks.jsonl", "", errno.ENOSPC),
            ("open", "/hnsw.bin", "", errno.EDQUOT),
            ("open", f"/{META}", "", errno.EIO),
            ("os.rename", "/00000003", "", errno.EACCES),
            ("open", "/generations", "/00000003", errno.EIO),
            ("open", ".tmp", "/00000003", errno.ENOSPC),
            ("os.rename", "/CURRENT", "/00000003", errno.EIO),
        ],
        ids=lambda value: str(value).removeprefix("/"),
    )
    def test_refuses_a_step_and_nothing_is_visible(
        self, two: Store, event: str, end: str, after: str, code: int
    ) -> None:
        before = two.current()
        with running(act_refused, two.folder, publish_v3, event, end, code, after) as (_, pipe):
            assert hear(pipe)[0] == type(OSError(code, "")).__name__
        assert two.current() == before
        assert names(two.folder / "generations") == ["00000001", "00000002"]
        assert list(two.folder.glob(".*.tmp")) == []
        assert whole(two) == ({"v2"}, ())

    @pytest.mark.parametrize("act", [publish_v3, roll_back], ids=["publishing", "rolling back"])
    def test_does_not_confirm_the_last_sync(
        self, two: Store, act: Callable[[Store], object]
    ) -> None:
        refusal = ("open", "/index", errno.EIO, "/CURRENT")
        with running(act_refused, two.folder, act, *refusal) as (_, pipe):
            name, message = hear(pipe)
        live = "00000003" if act is publish_v3 else "00000001"
        assert name == "DurabilityUnknown"
        assert message == (
            f"Generation {live} is live now, but the disk did not confirm it (Input/output error): "
            "after a power cut the one before may be served. "
            f"Check the disk of {two.folder}, then do it again."
        )
        assert two.open().index.generation == live
        assert not two.is_durable()
        act(two)  # once more, on a disk that is well again
        assert two.is_durable()
        assert two.live() == ("00000004" if act is publish_v3 else "00000001")

    def test_keeps_what_is_live_when_nothing_more_can_be_opened(self, two: Store) -> None:
        refusal = ("open", ("/index", "/CURRENT"), errno.EMFILE, "/CURRENT")
        with running(act_refused, two.folder, publish_v3, *refusal) as (_, pipe):
            assert hear(pipe)[0] == "DurabilityUnknown"
        assert whole(two) == ({"v3"}, ())

    def test_a_read_only_place_is_noticed_before_work_starts(self, two: Store) -> None:
        refusal = ("open", "-probe", errno.EROFS, "")
        with running(act_refused, two.folder, Store.check_room, *refusal) as (_, pipe):
            name, message = hear(pipe)
        assert (name, "Read-only file system" in message) == ("OSError", True)

    def test_room_for_two_more_generations_is_needed(self, two: Store) -> None:
        assert two.bytes_needed() == 2 * sum(
            path.stat().st_size for path in generation(two, 2).iterdir()
        )
        two.check_room()
        assert names(two.folder / "generations") == ["00000001", "00000002"]
        with (generation(two, 2) / "articles.jsonl").open("r+b") as file:
            file.truncate(shutil.disk_usage(two.folder).free)  # sparse: it takes no room
        with pytest.raises(OSError, match=r"MB are free, a build needs \d+ MB") as full:
            two.check_room()
        assert full.value.errno == errno.ENOSPC

    def test_before_the_first_generation_any_room_will_do(self, store: Store) -> None:
        store.check_room()
        assert names(store.folder / "generations") == []


class TestNumbers:
    def test_one_that_is_taken_is_passed_over(self, two: Store) -> None:
        generation(two, 3).mkdir()  # a rename would replace an empty folder
        assert publish_v3(two) == "00000004"
        assert names(generation(two, 3)) == []

    def test_one_that_is_taken_at_the_last_moment_is_passed_over(self, two: Store) -> None:
        with running(publish_against_another, two.folder) as (_, pipe):
            assert hear(pipe) == "00000004"
        assert names(generation(two, 3)) == ["of another builder"]
        assert whole(two) == ({"v3"}, ())

    def test_those_in_quarantine_are_not_used_again(self, two: Store) -> None:
        flip(generation(two, 2) / "vectors.npy")
        repair(two)
        assert two.numbers() == ["00000001"]
        assert publish_v3(two) == "00000003"

    def test_what_current_names_is_not_used_again(self, two: Store) -> None:
        shutil.rmtree(generation(two, 2))
        assert publish_v3(two) == "00000003"

    def test_what_was_rolled_back_from_is_not_used_again(self, two: Store) -> None:
        roll_back(two)
        shutil.rmtree(generation(two, 2))
        assert publish_v3(two) == "00000003"

    def test_no_clock_and_no_eight_digits_are_the_end(self, two: Store) -> None:
        os.rename(generation(two, 2), generation(two, 99_999_999))
        text = (two.folder / "CURRENT").read_text()
        (two.folder / "CURRENT").write_text(text.replace("00000002", "99999999"))
        assert publish_v3(two) == "100000000"
        assert two.numbers() == ["00000001", "99999999", "100000000"]
        assert whole(two) == ({"v3"}, ())


class TestAdopting:
    @pytest.fixture
    def orphan(self, two: Store) -> Store:
        """Give a store as a builder leaves it that dies right before the commit point."""
        before = (two.folder / "CURRENT").read_bytes()
        publish_v3(two)
        (two.folder / "CURRENT").write_bytes(before)
        return two

    def test_what_a_crash_left_becomes_live(self, orphan: Store) -> None:
        assert whole(orphan) == ({"v2"}, ())
        assert adopt(orphan, "inputs of v3") == "00000003"
        assert orphan.live() == "00000003"
        assert whole(orphan) == ({"v3"}, ())

    def test_only_with_these_inputs(self, orphan: Store) -> None:
        assert adopt(orphan, "other inputs") is None
        assert adopt(orphan, "inputs of v2") is None  # it is live, not newer
        assert adopt(orphan, "inputs of v1") is None  # it is older
        assert orphan.live() == "00000002"

    def test_not_when_it_is_damaged(self, orphan: Store) -> None:
        flip(generation(orphan, 3) / "chunks.jsonl")
        assert adopt(orphan, "inputs of v3") is None
        assert orphan.live() == "00000002"

    def test_not_what_was_live_before_a_rollback(self, two: Store) -> None:
        publish_v3(two)
        roll_back(two, "1")
        assert adopt(two, "inputs of v2") is None
        assert two.live() == "00000001"

    def test_not_what_was_rolled_back_from(self, two: Store) -> None:
        roll_back(two)
        assert adopt(two, "inputs of v2") is None
        assert two.live() == "00000001"

    def test_not_without_the_lock(self, orphan: Store) -> None:
        with build_lock(orphan.folder, timeout_seconds=5, purpose="a test") as lock:
            (orphan.folder / GUARD_NAME).unlink()
            with pytest.raises(LockTimeout):
                orphan.adopt("inputs of v3", lock=lock)
        assert orphan.live() == "00000002"

    def test_the_first_one_of_all(self, store: Store) -> None:
        publish_versions(store, "v1")
        (store.folder / "CURRENT").unlink()
        assert adopt(store, "inputs of v1") == "00000001"
        assert whole(store) == ({"v1"}, ())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_file_and_no_memory_file_stays_open(two: Store) -> None:
    before = len(os.listdir("/proc/self/fd"))
    publish_v3(two)
    two.open()
    two.list()
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_record_of_a_generation_is_json_with_its_own_hash(two: Store) -> None:
    meta = json.loads((generation(two, 2) / META).read_bytes())
    assert len(meta["self"]) == 64
    assert meta["inputs"] == "inputs of v2"
    assert "articles" not in meta  # they are in articles.jsonl
