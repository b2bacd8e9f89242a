"""The kept counts: a careful suggestion, a small private file, and no harm when it is damaged."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from core import token_counts
from core.token_counts import TokenCounts

MODEL, VERSION = "llama3.2", "2"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "token-counts.json"


def record(counts: TokenCounts, *ratios: float, model: str = MODEL) -> None:
    for ratio in ratios:
        counts.record(model, VERSION, characters=round(ratio * 1000), prompt_tokens=1000)


def test_the_fewest_characters_of_five_counts_are_suggested(path: Path) -> None:
    counts = TokenCounts(path)
    assert counts.suggested(MODEL, VERSION) is None
    record(counts, 4.1, 3.98, 4.5, 4.2)
    assert counts.suggested(MODEL, VERSION) is None
    record(counts, 5.0)
    assert counts.suggested(MODEL, VERSION) == 3.9
    assert TokenCounts(path).suggested(MODEL, VERSION) == 3.9


def test_the_most_characters_are_what_a_whole_prompt_may_have(path: Path) -> None:
    counts = TokenCounts(path)
    record(counts, 4.1, 3.9, 4.5, 4.2)
    assert counts.most_chars_per_token(MODEL, VERSION) is None
    record(counts, 4.0)
    assert counts.most_chars_per_token(MODEL, VERSION) == 4.5


def test_models_and_prompt_versions_are_counted_apart(path: Path) -> None:
    counts = TokenCounts(path)
    record(counts, *[2.0] * 5)
    record(counts, *[4.0] * 4, model="phi4")
    assert counts.suggested(MODEL, VERSION) == 2.0
    assert counts.suggested(MODEL, "3") is None
    assert counts.suggested("phi4", VERSION) is None


def test_a_model_has_counted_whatever_the_version_of_the_prompt(path: Path) -> None:
    counts = TokenCounts(path)
    assert not counts.has_counted(MODEL)
    counts.record(MODEL, "1", characters=4000, prompt_tokens=1000)
    assert counts.has_counted(MODEL)
    assert not counts.has_counted("llama3")


@pytest.mark.parametrize(
    ("characters", "tokens"), [(4000, 0), (4000, -1), (8001, 1000), (499, 1000), (0, 10)]
)
def test_what_no_tokenizer_gives_is_not_kept(path: Path, characters: int, tokens: int) -> None:
    """A prompt that was cut, or counted without what the server had cached."""
    counts = TokenCounts(path)
    counts.record(MODEL, VERSION, characters=characters, prompt_tokens=tokens)
    assert not path.exists()


def test_old_counts_are_forgotten(path: Path) -> None:
    counts = TokenCounts(path)
    record(counts, 1.0, *[4.0] * 31)
    assert counts.suggested(MODEL, VERSION) == 1.0
    record(counts, 4.0)
    assert counts.suggested(MODEL, VERSION) == 4.0
    assert [len(rows) for rows in json.loads(path.read_text()).values()] == [32]


def test_so_are_the_models_that_were_counted_longest_ago(path: Path) -> None:
    counts = TokenCounts(path)
    record(counts, *[4.0] * 5)
    for number in range(15):
        record(counts, 4.0, model=f"m{number}")
    record(counts, 4.0)
    record(counts, 4.0, model="m15")
    kept = list(json.loads(path.read_text()))
    assert kept == [*(f"m{n} 2" for n in range(1, 15)), "llama3.2 2", "m15 2"]


def test_the_file_is_small_and_private(path: Path) -> None:
    for number in range(20):
        record(TokenCounts(path), *[4.0] * 33, model=f"registry.example/team/{number}" * 3)
    assert path.stat().st_size < token_counts.MOST_BYTES / 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


DAMAGED = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"null",
    b'"x"',
    b"[" * 60_000,
    b'{"llama3.2 2": 5}',
    b'{"llama3.2 2": [[4000, 1000, 1], [0, 0], [1e999, 1], ["a", 1], null, [true, true]]}',
    b'{"llama3.2 2": [[1' + b"0" * 400 + b", 1], [4000]]}",
    b'{"llama3.2 2": ' + b" " * 70_000 + b"[" + b"[4000, 1000]," * 5 + b"[4000, 1000]]}",
]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_costs_its_counts(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    counts = TokenCounts(path)
    assert counts.suggested(MODEL, VERSION) is None
    record(counts, *[3.0] * 5)
    assert counts.suggested(MODEL, VERSION) == 3.0


def test_a_place_that_cannot_be_written_costs_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "x", tmp_path / "folder", Path("/proc/nowhere/counts.json")):
        counts = TokenCounts(path)
        record(counts, 4.0)
        assert counts.suggested(MODEL, VERSION) is None
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]


def test_threads_lose_no_count(path: Path) -> None:
    counts = TokenCounts(path)
    start = threading.Barrier(4)

    def work(model: str) -> None:
        start.wait()
        record(counts, *[4.0] * 8, model=model)

    threads = [threading.Thread(target=work, args=(f"m{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key: len(rows) for key, rows in json.loads(path.read_text()).items()} == dict.fromkeys(
        ("m0 2", "m1 2", "m2 2", "m3 2"), 8
    )
