"""`clockify-bot generations`: the list, verify, rollback and prune, for people and programs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.generation_text import age_text
from core.lock import build_lock
from core.store import Store

from ..core.indexes import flip, generation, index_of, publish
from .terminal import Ended, Terminal, bare

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give a store of three generations, the newest made two hours ago."""
    store = Store(tmp_path / "index")
    for days, version in ((40, "v1"), (1, "v2"), (0, "v3")):
        created = datetime.now(UTC) - timedelta(days=days, hours=2)
        index = index_of(version)
        publish(
            store,
            index,
            inputs=f"inputs of {version}",
            created=created.isoformat(timespec="seconds"),
            source=f"/somewhere/[bold]{version}",
            recipe=7,
            counts={"articles": index.articles, "chunks": len(index.chunks)},
        )
    return store


@pytest.fixture
def terminal(tmp_path: Path, store: Store) -> Terminal:
    return Terminal(tmp_path, {**bare(tmp_path), "INDEX": str(store.folder)})


def lines(ended: Ended) -> list[str]:
    assert (ended.code, ended.err) == (0, "")
    return [" ".join(line.split()) for line in ended.out.splitlines()]


async def test_the_list(terminal: Terminal, store: Store) -> None:
    flip(generation(store, 2) / "chunks.jsonl")
    for_people, for_programs = await asyncio.gather(
        terminal.run("generations"), terminal.run("generations", "--json")
    )
    sizes = [f"{info.bytes_on_disk / 10**6:.1f} MB" for info in store.list()]
    assert lines(for_people) == [
        "generation age articles chunks size embedder state source",
        f"live 00000003 2 hours 5 15 {sizes[0]} hashing:hashed-words whole /somewhere/[bold]v3",
        f"00000002 1 day 5 15 {sizes[1]} hashing:hashed-words "
        "damaged: chunks.jsonl has another checksum /somewhere/[bold]v2",
        f"00000001 40 days 5 15 {sizes[2]} hashing:hashed-words whole /somewhere/[bold]v1",
    ]
    told = for_programs.json
    assert (told["index"], told["live"]) == (str(store.folder), "00000003")
    newest, damaged, oldest = told["generations"]
    assert newest["number"] == "00000003"
    assert (newest["live"], oldest["live"]) == (True, False)
    assert (newest["damage"], damaged["damage"]) == (None, "chunks.jsonl has another checksum")
    assert (newest["articles"], newest["chunks"], newest["recipe"]) == (5, 15, 7)
    assert oldest["source"] == "/somewhere/[bold]v1"


@pytest.mark.proof
async def test_verify(terminal: Terminal, store: Store) -> None:
    whole = await terminal.run("generations", "--json", "verify")
    assert (whole.code, whole.json["answers"], whole.json["damaged"]) == (0, "00000003", [])
    assert len(whole.json["generations"]) == 3

    flip(generation(store, 3) / "hnsw.bin")
    (store.folder / "CURRENT").write_text("garbage")
    some = await terminal.run("generations", "verify")
    assert some.code == 1
    assert some.out.splitlines() == [
        "00000003  damaged: hnsw.bin has another checksum",
        "00000002  whole",
        "00000001  whole",
        "damaged: CURRENT is damaged",
        "damaged: generation 00000003: hnsw.bin has another checksum",
        "Generation 00000002 answers. Run: clockify-bot build (it sets aside what is damaged).",
    ]

    for number in (1, 2):
        flip(generation(store, number) / "vectors.npy")
    code, sentence = (await terminal.run("generations", "verify")).failure
    assert code == 3
    assert sentence.startswith(f"clockify-bot: No whole generation in {store.folder} (CURRENT is ")
    assert sentence.endswith("Run: clockify-bot build --force")


@pytest.mark.proof
@pytest.mark.beside
async def test_rollback(terminal: Terminal, store: Store) -> None:
    assert lines(await terminal.run("generations", "rollback")) == [
        "00000003 → 00000002: running bots answer from it within 5 s.",
        "What 00000003 was built from is not published again, unless by: "
        "clockify-bot build --force",
    ]
    assert store.live() == "00000002"
    forward, impossible = [
        await terminal.run("generations", "rollback", "--json", "--", number)
        for number in ("3", "-7")
    ]
    assert (forward.code, forward.json) == (
        0,
        {"before": "00000002", "after": "00000003", "held_back": False},
    )
    back = await terminal.run("generations", "rollback", "--json")
    assert back.json == {"before": "00000003", "after": "00000002", "held_back": True}
    assert (impossible.code, impossible.err) == (1, "")
    assert impossible.json["exit_code"] == 1
    assert impossible.json["error"].startswith('"-7" is not the number of a generation. ')


@pytest.mark.proof
@pytest.mark.beside
async def test_changing_waits_for_a_build_and_reading_does_not(
    terminal: Terminal, store: Store
) -> None:
    impatient = terminal.having(BUILD_LOCK_TIMEOUT="0.1")
    with build_lock(store.folder, timeout_seconds=5, purpose="a test"):
        listed, refused = await asyncio.gather(
            impatient.run("generations"), impatient.run("generations", "prune")
        )
    assert len(lines(listed)) == 4
    code, sentence = refused.failure
    assert (code, " is running: " in sentence, "for a test" in sentence) == (1, True, True)
    assert len(store.numbers()) == 3


@pytest.mark.proof
async def test_prune(terminal: Terminal, store: Store) -> None:
    publish(store, index_of("v4"))
    flip(generation(store, 3) / "vectors.npy")
    publish(store, index_of("v5"))
    freed = store.list()[-1].bytes_on_disk
    pruned = await terminal.run("generations", "prune")
    assert lines(pruned) == [
        "Generation 00000003 is damaged (vectors.npy has another checksum): moved to quarantine.",
        f"Deleted: 00000001 ({freed / 10**6:.1f} MB freed). Kept: 00000002, 00000004, 00000005.",
    ]
    assert store.numbers() == ["00000002", "00000004", "00000005"]


async def test_without_an_index(tmp_path: Path) -> None:
    nowhere = Terminal(tmp_path, {**bare(tmp_path), "INDEX": "none"})
    (tmp_path / "file").touch()
    told, elsewhere = await asyncio.gather(
        nowhere.run("generations", "rollback", "--json"),
        nowhere.run("generations", "verify", "--index", "file"),
    )
    sentence = "There is no index in none. Run: clockify-bot build"
    assert (told.code, told.json) == (3, {"error": sentence, "exit_code": 3})
    assert not (tmp_path / "none").exists()
    code, reason = elsewhere.failure
    assert (code, reason.startswith("clockify-bot: INDEX is file, but ")) == (2, True)


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 minute"),
        (timedelta(minutes=59), "59 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=47), "1 day"),
        (timedelta(days=400), "400 days"),
        (timedelta(days=-10_000), "just now"),
    ],
)
def test_age(age: timedelta, text: str) -> None:
    assert age_text((NOW - age).isoformat(), NOW) == text


@pytest.mark.parametrize("created", [None, "", "yesterday", "2026-01-01"])
def test_an_age_that_is_not_known(created: str | None) -> None:
    assert age_text(created, NOW) == "-"
