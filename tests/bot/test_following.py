"""Following: surfaces that run long answer from what is live on disk, and from nothing less."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest

from bot.following import Follower, following
from bot.simulator.server import Simulator
from core.assembly import Assembled, open_pipeline
from core.config import Config
from core.lock import build_lock
from core.store import Opened, Store
from tests.ollama import ScriptedOllama

from .articles import write_article
from .terminal import MODULE, NOWHERE, WAIT_SECONDS, Terminal

FOLLOWED_SECONDS = 5.0
KEEPS = "keeps answering; the one on disk cannot take its place: "


class CountingStore(Store):
    """A store that counts how often it is opened, and stumbles when told to."""

    opened = 0
    stumbles = False

    def open(self) -> Opened:
        """Open, or raise what no store raises."""
        self.opened += 1
        if self.stumbles:
            raise ZeroDivisionError("odd")
        return super().open()


@asynccontextmanager
async def serving(terminal: Terminal) -> AsyncIterator[tuple[Assembled, CountingStore]]:
    """Open a pipeline on a terminal's own library."""
    config = Config(
        knowledge=terminal.folder / "knowledge",
        index=terminal.folder / "index",
        answerer="extractive",
        ollama_url=NOWHERE,
    )
    async with open_pipeline(config) as assembled:
        store = CountingStore(config.index_dir)
        yield replace(assembled, store=store), store


async def publish(terminal: Terminal, *arguments: str) -> float:
    """Publish a generation from the command line; give the time when it was done."""
    ended = await terminal.run("build", "--force", *arguments)
    assert ended.code == 0, ended
    return time.monotonic()


def publish_here(index: Path) -> None:
    """Publish what is live once more, under the next number; a second process would do the same."""
    store = Store(index)
    opened = store.open()
    with build_lock(index, timeout_seconds=5, purpose="a test") as lock:
        store.publish(opened.index, {**opened.meta, "articles": []}, lock=lock)


def damage(index: Path, number: int) -> Path:
    """Flip a bit in the chunks of a generation."""
    path = index / "generations" / f"{number:08d}" / "chunks.jsonl"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what the follower has warned of."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "bot.following" and record.levelno >= logging.WARNING
    ]


@pytest.mark.proof
@pytest.mark.beside
async def test_what_the_command_line_publishes_or_rolls_back_to_answers_within_5_s(
    own: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.following")
    async with serving(own) as (assembled, store), following(assembled):

        async def followed(number: str, since: float) -> None:
            while assembled.pipeline.generation != number:
                assert time.monotonic() - since < FOLLOWED_SECONDS
                await asyncio.sleep(0.05)

        await followed("00000002", await publish(own))
        assert (await own.run("generations", "rollback", "1")).code == 0
        await followed("00000001", time.monotonic())
        assert store.opened == 2
    assert [r.getMessage() for r in caplog.records if r.name == "bot.following"] == [
        "generation 00000002 is live",
        "generation 00000001 is live",
    ]


async def test_a_damaged_generation_never_takes_the_place_of_a_whole_one_in_memory(
    own: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    index = own.folder / "index"
    async with serving(own) as (assembled, store):
        follower = Follower(assembled.pipeline, store)
        publish_here(index)
        assert await follower.look() == ""
        publish_here(index)
        path = damage(index, 3)
        damage(index, 2)  # what is served: the store would fall back to the first
        problems = {await follower.look() for _ in range(3)}
        (problem,) = problems
        assert "00000003" in problem
        assert assembled.pipeline.generation == "00000002"
        assert (len(warnings(caplog)), store.opened) == (1, 2)
        assert warnings(caplog)[0] == f"generation 00000002 {KEEPS}{problem}"

        impatient = Follower(assembled.pipeline, store, retry_seconds=0.0)
        assert await impatient.look() == problem == await impatient.look()
        assert (len(warnings(caplog)), store.opened) == (2, 4)
        damage(index, 3)  # back
        assert path.exists()
        assert await impatient.look() == ""
        assert assembled.pipeline.generation == "00000003"


@pytest.mark.parametrize("content", ["", "no pointer", None], ids=["empty", "garbage", "gone"])
async def test_a_damaged_pointer_changes_nothing_and_a_whole_one_goes_on(
    own: Terminal, caplog: pytest.LogCaptureFixture, content: str | None
) -> None:
    current = own.folder / "index" / "CURRENT"
    async with serving(own) as (assembled, store):
        follower = Follower(assembled.pipeline, store)
        before = current.read_text()
        current.unlink() if content is None else current.write_text(content)
        assert "CURRENT" in await follower.look() == await follower.look()
        assert (assembled.pipeline.generation, len(warnings(caplog))) == ("00000001", 1)
        current.write_text(before)
        assert await follower.look() == ""
        assert store.opened == 1


@pytest.mark.proof
async def test_vectors_of_another_embedder_are_not_swapped_in_but_an_index_of_words_is(
    own: Terminal,
) -> None:
    async with serving(own) as (assembled, store), ScriptedOllama() as ollama:
        follower = Follower(assembled.pipeline, store)
        await publish(own.having(EMBEDDER="ollama", OLLAMA_URL=ollama.url))
        assert "questions would be embedded with embedded" in await follower.look()
        assert assembled.pipeline.generation == "00000001"
        await publish(own, "--lexical-only")
        assert await follower.look() == ""
        assert (assembled.pipeline.generation, assembled.pipeline.index.spec) == ("00000003", None)


@pytest.mark.proof
@pytest.mark.beside
async def test_an_index_built_anew_under_the_same_number_is_followed(own: Terminal) -> None:
    async with serving(own) as (assembled, store):
        follower = Follower(assembled.pipeline, store)
        before = assembled.pipeline.index
        assert await follower.look() == ""
        assert assembled.pipeline.index is before
        shutil.rmtree(own.folder / "index")
        assert "no index" in await follower.look()
        write_article(own.folder / "knowledge", "tags", "Only owls may delete a tag.\n")
        await publish(own)
        assert await follower.look() == ""
        after = assembled.pipeline.index
    assert (before.generation, after.generation) == ("00000001", "00000001")
    assert any("owls" in chunk.text for chunk in after.chunks)


async def test_a_stumble_is_logged_once_and_does_not_end_the_following(
    own: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(own) as (assembled, store):
        follower = Follower(assembled.pipeline, store, poll_seconds=0.01, retry_seconds=0.2)
        store.stumbles = True
        publish_here(own.folder / "index")
        task = asyncio.create_task(follower.follow())
        async with asyncio.timeout(FOLLOWED_SECONDS):
            while store.opened < 2:
                await asyncio.sleep(0.01)
            assert assembled.pipeline.generation == "00000001"
            store.stumbles = False
            while assembled.pipeline.generation == "00000001":
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [text for text in warnings(caplog) if KEEPS in text] == [
        f"generation 00000001 {KEEPS}an unexpected error, which the log has"
    ]


@pytest.mark.proof
async def test_run_follows_a_build_from_the_command_line(sim: Simulator, own: Terminal) -> None:
    running = await own.on(sim).start("run")
    try:
        await sim.wait_connected(20)
        published = await publish(own)
        await running.line("generation 00000002 is live")
        assert time.monotonic() - published < FOLLOWED_SECONDS
        assert (await running.stop(SIGTERM))[0] == 0
    finally:
        await running.kill()


@pytest.mark.proof
@pytest.mark.beside
async def test_chat_answers_the_next_question_from_what_is_live(own: Terminal) -> None:
    process = await asyncio.create_subprocess_exec(
        *(*MODULE, "chat", "--json"),
        cwd=own.folder,
        env=own.environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with closing(process.stdin):
        generations: list[Any] = []
        async with asyncio.timeout(WAIT_SECONDS):
            for _ in range(2):
                process.stdin.write(b"How do I create a tag?\n")
                answer = (await process.stdout.readline()).decode()
                generations += re.findall(r'"generation": "(\d+)"', answer)
                publish_here(own.folder / "index")
            process.stdin.write(b":exit\n")
            await process.communicate()
    assert generations == ["00000001", "00000002"]
