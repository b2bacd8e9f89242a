"""Pruning, quarantine and repair: what is kept, set aside and cleared, and what is said of it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from core.errors import IndexUnusable, LockTimeout
from core.lock import GUARD_NAME, build_lock
from core.pins import pinned
from core.rolled_back import RECORD_NAME
from core.store import KEEP, META, Store

from .fakes import hear, running
from .indexes import (
    DAMAGES,
    FILES,
    act_refused,
    flip,
    generation,
    index_of,
    names,
    prune,
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
def three(store: Store) -> Store:
    publish_versions(store, "v1", "v2", "v3")
    return store


@pytest.fixture
def five(three: Store) -> Store:
    publish_versions(three, "v4", "v5")
    return three


def set_aside(store: Store) -> list[str]:
    return names(store.folder / "quarantine")


class TestPruning:
    def test_keeps_the_newest(self, five: Store) -> None:
        assert KEEP == 3
        assert sorted(prune(five)) == ["00000001", "00000002"]
        assert names(five.folder / "generations") == ["00000003", "00000004", "00000005"]
        assert prune(five) == ()

    def test_keeps_the_live_one_however_old(self, five: Store) -> None:
        roll_back(five, "1")
        assert sorted(prune(five)) == ["00000002", "00000005"]  # 5 was rolled back from
        assert five.open().index.generation == "00000001"

    def test_what_was_rolled_back_from_goes_before_what_was_good(self, store: Store) -> None:
        for version in ("v1", "v2"):
            publish(store, index_of(version), inputs=f"inputs of {version}")
        roll_back(store)
        publish(store, index_of("v3"), inputs="inputs of v3")
        assert roll_back(store) == ("00000003", "00000001")
        publish(store, index_of("v1"), inputs="inputs of v4")
        prune(store)
        assert "00000001" in store.numbers()
        assert roll_back(store) == ("00000004", "00000001")

    def test_keeps_what_answers_in_place_of_the_live_one(self, five: Store) -> None:
        roll_back(five, "2")
        flip(generation(five, 2) / "vectors.npy")
        assert prune(five) == ("00000005",)  # it was rolled back from
        assert five.numbers() == ["00000001", "00000003", "00000004"]
        assert five.open().index.generation == "00000001"

    def test_damaged_ones_do_not_count_and_are_set_aside(self, five: Store) -> None:
        flip(generation(five, 4) / "vectors.npy")
        assert prune(five) == ("00000001",)
        assert five.numbers() == ["00000002", "00000003", "00000005"]
        assert set_aside(five) == ["00000004"]

    def test_one_that_is_being_read_stays_for_the_next_time(self, five: Store) -> None:
        with pinned(generation(five, 1) / META):
            assert prune(five) == ("00000002",)
            assert five.numbers() == ["00000001", "00000003", "00000004", "00000005"]
        assert prune(five) == ("00000001",)

    def test_without_a_whole_one(self, three: Store) -> None:
        for number in (1, 2, 3):
            flip(generation(three, number) / "vectors.npy")
        assert prune(three) == ()
        assert (three.numbers(), set_aside(three)) == ([], ["00000003"])

    def test_what_another_version_of_the_program_wrote_counts(self, five: Store) -> None:
        of_another_format(five, 4)
        assert sorted(prune(five)) == ["00000001", "00000002"]
        assert five.numbers() == ["00000003", "00000004", "00000005"]

    def test_a_reader_keeps_answering(self, three: Store) -> None:
        held = three.open().index
        terms = held.analyzer.terms("lock timesheets")
        before = held.lexical.scores(terms).tolist()
        assert held.vectors is not None
        rows = held.vectors.nearest(held.vectors.vectors[3], 3)[0].tolist()
        for _ in range(KEEP):
            publish(three, index_of("v1"))
            prune(three)
        assert held.generation not in three.numbers()
        assert held.lexical.scores(terms).tolist() == before
        assert held.vectors.nearest(held.vectors.vectors[3], 3)[0].tolist() == rows
        assert versions_in(held) == {"v3"}
        assert versions_in(three.open().index) == {"v1"}


def of_another_format(store: Store, number: int) -> None:
    """Rewrite meta.json as a later version of the program might."""
    path = generation(store, number) / META
    meta = {**json.loads(path.read_bytes()), "format": 99}
    del meta["self"]
    own = hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**meta, "self": own}, indent=1))


class TestRepair:
    def test_a_whole_store_needs_none(self, three: Store) -> None:
        before = three.current()
        assert repair(three) == ()
        assert three.current() == before

    def test_an_empty_place_needs_none(self, store: Store) -> None:
        assert repair(store) == ()
        with pytest.raises(IndexUnusable):
            store.open()

    def test_clears_what_dead_builders_left(self, three: Store) -> None:
        for name in (".tmp-12345-abcd", ".trash-00000000"):
            (three.folder / "generations" / name).mkdir()
            (three.folder / "generations" / name / "chunks.jsonl").write_bytes(b"half")
        (three.folder / "generations" / ".tmp-12345-probe").touch()
        (three.folder / "cache" / "ab").mkdir(parents=True)
        for name in (".CURRENT.1.tmp", ".ROLLED_BACK.1.tmp", ".build.state.json.1.tmp"):
            (three.folder / name).touch()
        (three.folder / "cache" / "ab" / "abcd.1.tmp").touch()
        (three.folder / "cache" / "ab" / "abcd.vec").touch()
        assert repair(three) == ("Cleared 7 leftovers of a build that did not finish.",)
        assert names(three.folder) == [GUARD_NAME, "CURRENT", "cache", "generations"]
        assert names(three.folder / "cache" / "ab") == ["abcd.vec"]
        assert names(three.folder / "generations") == three.numbers()

    def test_leaves_what_a_living_builder_writes(self, three: Store) -> None:
        written = three.folder / "generations" / ".tmp-1-abcd"
        written.mkdir()
        with pinned(written):
            assert repair(three) == ()
        assert repair(three) == ("Cleared 1 leftovers of a build that did not finish.",)

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("damage", ["flipped", "removed", "a folder", "a FIFO"])
    def test_sets_the_live_one_aside_and_points_at_the_one_before(
        self, three: Store, name: str, damage: str
    ) -> None:
        DAMAGES[damage](generation(three, 3) / name)
        moved, pointed = sorted(repair(three), key=lambda told: "CURRENT" in told)
        assert pointed == (
            "CURRENT named generation 00000003, which is damaged or gone: "
            "generation 00000002 is live now."
        )
        assert moved.startswith(f"Generation 00000003 is damaged ({name} ")
        assert moved.endswith("): moved to quarantine.")
        assert (three.numbers(), set_aside(three)) == (["00000001", "00000002"], ["00000003"])
        opened = three.open()
        assert (versions_in(opened.index), opened.damaged) == ({"v2"}, ())

    def test_quarantine_keeps_the_newest(self, three: Store) -> None:
        for number in (1, 2):
            flip(generation(three, number) / "vectors.npy")
        assert len(repair(three)) == 2
        assert set_aside(three) == ["00000002"]
        assert three.open().damaged == ()

    def test_one_that_is_being_read_is_not_set_aside(self, three: Store) -> None:
        flip(generation(three, 1) / "vectors.npy")
        with pinned(generation(three, 1) / META):
            assert repair(three) == ()
            assert len(three.numbers()) == 3
        assert len(repair(three)) == 1

    def test_what_another_version_of_the_program_wrote_is_not_damaged(self, three: Store) -> None:
        of_another_format(three, 3)
        of_another_format(three, 1)
        assert three.open().index.generation == "00000002"
        assert repair(three)[1:] == ()
        assert len(three.numbers()) == 3

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_what_may_not_be_read_is_not_damaged(self, three: Store) -> None:
        (generation(three, 3) / "chunks.jsonl").chmod(0)
        assert three.open().index.generation == "00000002"
        assert repair(three) == ()

    def test_a_place_to_set_aside_that_is_none(self, three: Store) -> None:
        (three.folder / "quarantine").touch()
        flip(generation(three, 1) / "vectors.npy")
        (told,) = repair(three)
        assert told.endswith("it cannot be moved to quarantine (File exists).")
        assert three.numbers() == ["00000001", "00000002", "00000003"]

    @pytest.mark.parametrize("damage", [*DAMAGES, "of another", "from the future"])
    def test_mends_current(self, three: Store, damage: str) -> None:
        current = three.folder / "CURRENT"
        whole = current.read_bytes()
        if damage in DAMAGES:
            DAMAGES[damage](current)
        else:
            number = b"00000001" if damage == "of another" else b"00000077"
            current.write_bytes(number + whole[8:])
        told = repair(three)
        if damage in ("truncated", "longer"):  # by the newline, which nobody misses
            assert told == ()
        else:
            assert [one.endswith(": generation 00000003 is live now.") for one in told] == [True]
            assert current.read_bytes() == whole
        assert three.open().damaged == ()

    def test_with_nothing_whole_sets_aside_and_leaves_no_index(self, three: Store) -> None:
        for number in (1, 2, 3):
            flip(generation(three, number) / "vectors.npy")
        assert len(repair(three)) == 3
        assert three.numbers() == []
        with pytest.raises(IndexUnusable, match=r"No whole generation .* --force"):
            three.open()
        assert publish(three, index_of("v1")) == "00000004"
        assert three.open().damaged == ()

    def test_not_without_the_lock(self, three: Store) -> None:
        flip(generation(three, 1) / "vectors.npy")
        with build_lock(three.folder, timeout_seconds=5, purpose="a test") as lock:
            (three.folder / GUARD_NAME).unlink()
            with pytest.raises(LockTimeout):
                three.repair(lock=lock)
        assert three.live() == "00000003"
        assert len(three.numbers()) == 3


class TestListing:
    def test_newest_first_with_what_is_known(self, three: Store) -> None:
        roll_back(three)
        flip(generation(three, 1) / "hnsw.bin")
        found = three.list()
        assert [info.number for info in found] == ["00000003", "00000002", "00000001"]
        assert [info.is_live for info in found] == [False, True, False]
        assert [info.is_rolled_back for info in found] == [True, False, False]
        assert [info.reason for info in found] == ["", "", "hnsw.bin has another checksum"]
        sizes = [
            sum(path.stat().st_size for path in generation(three, number).iterdir())
            for number in (3, 2, 1)
        ]
        assert [info.bytes_on_disk for info in found] == sizes
        assert [info.meta["inputs"] for info in found] == [
            "inputs of v3",
            "inputs of v2",
            "inputs of v1",
        ]

    def test_a_meta_that_does_not_vouch_for_itself_is_not_told(self, three: Store) -> None:
        flip(generation(three, 2) / META)
        assert [bool(info.meta) for info in three.list()] == [True, False, True]

    def test_without_an_index(self, store: Store) -> None:
        assert store.list() == ()

    def test_names_that_are_no_numbers_are_passed_over(self, three: Store) -> None:
        for name in ("3", "²²²²²²²²", "00000003.old", "notes"):
            (three.folder / "generations" / name).mkdir()
        shutil.rmtree(generation(three, 1))
        assert three.numbers() == ["00000002", "00000003"]


class TestTroubleThatPasses:
    def test_a_disk_that_does_not_answer_costs_no_generation(self, three: Store) -> None:
        refusal = ("open", ("vectors.npy", "chunks.jsonl"), errno.EIO, "")
        with running(act_refused, three.folder, repair, *refusal) as (_, pipe):
            assert hear(pipe) == ()
        assert three.numbers() == ["00000001", "00000002", "00000003"]
        assert not (three.folder / "quarantine").exists()

    def test_a_record_that_cannot_be_read_is_kept_and_stops_a_builder(self, three: Store) -> None:
        roll_back(three)
        refusal = ("open", RECORD_NAME, errno.EIO, "")
        with running(act_refused, three.folder, repair, *refusal) as (_, pipe):
            assert hear(pipe)[0] == "OSError"
        with running(act_refused, three.folder, number_opened, *refusal) as (_, pipe):
            assert hear(pipe) == "00000002"  # readers go on
        assert three.rolled_back_from("inputs of v3") == "00000003"

    def test_a_pointer_from_the_far_future_is_garbage(self, three: Store) -> None:
        (three.folder / "CURRENT").write_text(f"{10**18 - 1} {'0' * 64}\n")
        assert three.open().damaged == ("CURRENT is damaged",)
        publish(three, index_of("v1"))
        assert three.live() == "00000004"


def number_opened(store: Store) -> str:
    return store.open().index.generation
