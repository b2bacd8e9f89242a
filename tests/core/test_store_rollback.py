"""Going back to an earlier generation, what is remembered of it, and who answers after damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import IndexUnusable, LockTimeout, RebuildRefused
from core.lock import GUARD_NAME, build_lock
from core.rolled_back import MOST, RECORD_NAME, write_rolled_back
from core.store import Store

from .fakes import hear, running
from .indexes import (
    DAMAGES,
    act_refused,
    flip,
    generation,
    index_of,
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


def served(store: Store) -> str:
    opened = store.open()
    (version,) = versions_in(opened.index)
    return version


class TestRollingBack:
    def test_to_the_one_before(self, three: Store) -> None:
        assert roll_back(three) == ("00000003", "00000002")
        assert three.live() == "00000002"
        opened = three.open()
        assert (versions_in(opened.index), opened.damaged) == ({"v2"}, ())
        assert roll_back(three) == ("00000002", "00000001")
        assert served(three) == "v1"

    @pytest.mark.parametrize("number", ["1", "01", "00000001", " 1 "])
    def test_to_a_number_in_any_form(self, three: Store, number: str) -> None:
        assert roll_back(three, number) == ("00000003", "00000001")
        assert served(three) == "v1"

    def test_the_one_before_is_not_one_that_was_rolled_back_from(self, three: Store) -> None:
        roll_back(three)
        publish(three, index_of("v4"), inputs="inputs of v4")
        assert roll_back(three) == ("00000004", "00000002")

    def test_the_one_before_is_whole(self, three: Store) -> None:
        flip(generation(three, 2) / "lexical.npz")
        assert roll_back(three) == ("00000003", "00000001")

    @pytest.mark.parametrize(
        ("number", "reason"),
        [
            ("3", "Generation 00000003 is live already; nothing is changed."),
            ("4", "There is no generation 00000004. There are: 00000001, 00000002, 00000003."),
            ("9" * 30, f"There is no generation {'9' * 30}. There are: 00000001, "),
            ("one", '"one" is not the number of a generation. There are: 00000001, '),
            ("", '"" is not the number of a generation. '),
            ("-1", '"-1" is not the number of a generation. '),
            ("²", '"²" is not the number of a generation. '),
            ("../00000001", '"../00000001" is not the number of a generation. '),
            ("2", "Generation 00000002 cannot be used: hnsw.bin has another checksum. There are"),
        ],
    )
    def test_a_number_that_cannot_be(self, three: Store, number: str, reason: str) -> None:
        flip(generation(three, 2) / "hnsw.bin")
        before = three.current()
        with pytest.raises(RebuildRefused) as refused:
            roll_back(three, number)
        assert str(refused.value).startswith(reason)
        assert three.current() == before
        assert not (three.folder / RECORD_NAME).exists()

    def test_there_is_none_before_the_first(self, store: Store) -> None:
        publish_versions(store, "v1")
        with pytest.raises(RebuildRefused) as refused:
            roll_back(store)
        assert str(refused.value) == (
            "There is no whole generation before 00000001 to go back to; nothing is changed. "
            "Run: clockify-bot generations"
        )

    def test_there_is_no_index(self, store: Store) -> None:
        with pytest.raises(IndexUnusable, match=r"There is no index in .*\. Run: "):
            roll_back(store)

    def test_not_without_the_lock(self, three: Store) -> None:
        with build_lock(three.folder, timeout_seconds=5, purpose="a test") as lock:
            (three.folder / GUARD_NAME).unlink()
            with pytest.raises(LockTimeout):
                three.rollback(None, lock=lock)
        assert three.live() == "00000003"
        assert three.rolled_back_from("inputs of v3") is None

    def test_from_a_damaged_one(self, three: Store) -> None:
        flip(generation(three, 3) / "vectors.npy")
        assert roll_back(three) == ("00000003", "00000002")
        assert three.rolled_back_from("inputs of v3") is None  # its disk was at fault

    def test_from_a_damaged_current(self, three: Store) -> None:
        (three.folder / "CURRENT").write_text("garbage")
        assert roll_back(three, "2") == ("", "00000002")
        assert served(three) == "v2"


class TestTheRecord:
    def test_names_what_was_rolled_back_from(self, three: Store) -> None:
        assert three.rolled_back_from("inputs of v3") is None
        roll_back(three)
        assert three.rolled_back_from("inputs of v3") == "00000003"
        assert three.rolled_back_from("inputs of v2") is None
        assert [info.is_rolled_back for info in three.list()] == [True, False, False]

    def test_forgets_what_one_goes_forward_to(self, three: Store) -> None:
        roll_back(three)
        assert roll_back(three, "3") == ("00000002", "00000003")
        assert three.rolled_back_from("inputs of v3") is None
        assert three.rolled_back_from("inputs of v2") is None  # going forward is no reproach

    def test_forgets_what_is_published(self, three: Store) -> None:
        roll_back(three)
        publish(three, index_of("v3"), inputs="inputs of v3")
        assert three.rolled_back_from("inputs of v3") is None

    def test_of_two_generations_with_the_same_inputs(self, three: Store) -> None:
        publish(three, index_of("v3"), inputs="inputs of v3")
        assert roll_back(three) == ("00000004", "00000002")  # 3 is of the same knowledge
        assert three.rolled_back_from("inputs of v3") == "00000004"
        assert roll_back(three, "3") == ("00000002", "00000003")
        assert three.rolled_back_from("inputs of v3") is None  # they are live

    def test_comes_before_current(self, three: Store) -> None:
        refusal = ("os.rename", "/CURRENT", 5, "")
        with running(act_refused, three.folder, roll_back, *refusal) as (_, pipe):
            assert hear(pipe)[0] == "OSError"
        assert three.live() == "00000003"
        assert three.rolled_back_from("inputs of v3") == "00000003"
        assert [info.is_rolled_back for info in three.list()] == [False, False, False]
        assert repair(three) == (
            "Generation 00000003 is live, so it is no longer held to be rolled back from.",
        )
        assert three.rolled_back_from("inputs of v3") is None

    @pytest.mark.parametrize("damage", DAMAGES)
    def test_when_damaged_is_empty_and_told(self, three: Store, damage: str) -> None:
        roll_back(three)
        DAMAGES[damage](three.folder / RECORD_NAME)
        is_read = damage in ("removed", "longer")  # nothing is missing of JSON with a line more
        told = repair(three)
        assert told == (
            ()
            if is_read
            else (f"{RECORD_NAME} was damaged: what was rolled back from may be published again.",)
        )
        kept = "00000003" if damage == "longer" else None
        assert three.rolled_back_from("inputs of v3") == kept
        assert roll_back(three) == ("00000002", "00000001")
        assert three.rolled_back_from("inputs of v2") == "00000002"

    def test_when_damaged_is_replaced_by_the_next_rollback(self, three: Store) -> None:
        (three.folder / RECORD_NAME).mkdir()
        roll_back(three)
        assert three.rolled_back_from("inputs of v3") == "00000003"

    def test_is_bounded(self, three: Store) -> None:
        roll_back(three)
        more = {f"more inputs {number}": "00000003" for number in range(MOST)}
        write_rolled_back(three.folder, {"inputs of v3": "00000003", **more})
        raw = json.loads((three.folder / RECORD_NAME).read_bytes())
        assert raw["rolled_back"] == more


class TestWhoAnswers:
    """Four generations; 2 is live, 3 was rolled back from, 4 was left by a crash."""

    @pytest.fixture
    def four(self, three: Store) -> Store:
        roll_back(three)
        before = (three.folder / "CURRENT").read_bytes()
        publish(three, index_of("v4"), inputs="inputs of v4")
        (three.folder / "CURRENT").write_bytes(before)
        return three

    def test_older_ones_then_newer_ones_then_what_was_rolled_back_from(self, four: Store) -> None:
        order = []
        for number in (2, 1, 4, 3):
            opened = four.open()
            order.append(opened.index.generation)
            assert [reason[:19] for reason in opened.damaged] == [
                f"generation {damaged}" for damaged in order[:-1]
            ]
            meta = four.meta()
            assert meta is not None
            assert meta["generation"] == order[-1]
            flip(generation(four, number) / "chunks.jsonl")
        assert order == ["00000002", "00000001", "00000004", "00000003"]
        with pytest.raises(IndexUnusable, match="No whole generation"):
            four.open()

    @pytest.mark.parametrize("text", [None, "garbage", "00000077 " + "a" * 64])
    def test_without_current_the_newest_that_was_not_rolled_back_from(
        self, four: Store, text: str | None
    ) -> None:
        (four.folder / "CURRENT").unlink()
        if text is not None:
            (four.folder / "CURRENT").write_text(text)
        order = []
        for number in (4, 2, 1, 3):
            order.append(four.open().index.generation)
            flip(generation(four, number) / "chunks.jsonl")
        assert order == ["00000004", "00000002", "00000001", "00000003"]

    def test_a_hash_that_is_of_another_generation_is_not_believed(self, four: Store) -> None:
        text = (four.folder / "CURRENT").read_text()
        (four.folder / "CURRENT").write_text(text.replace("00000002", "00000001"))
        opened = four.open()
        assert opened.damaged == ("CURRENT does not match generation 00000001",)
        assert opened.index.generation == "00000004"
