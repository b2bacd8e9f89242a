"""ChildRebuilder: a real build in a child process, its progress, the swap of a live pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from bot.rebuilding import ChildRebuilder
from core.assembly import Assembled, open_pipeline
from core.config import Config
from core.errors import RebuildRefused
from core.lock import build_lock
from core.report import BuildStatus, Phase, Progress
from core.types import Answer, Question

from .articles import write_article
from .terminal import NOWHERE, Terminal

LOCK = Question("How do I lock timesheets?")
NEW_TEXT = "1. Ring the brass bell.\n2. Timesheets are locked.\n"


@asynccontextmanager
async def opened(
    terminal: Terminal, **changes: float
) -> AsyncIterator[tuple[Assembled, ChildRebuilder]]:
    """Open a pipeline on a terminal's own library, and its rebuilder."""
    config = Config(
        knowledge=terminal.folder / "knowledge",
        index=terminal.folder / "index",
        answerer="extractive",
        ollama_url=NOWHERE,
        **changes,  # type: ignore[arg-type]
    )
    async with open_pipeline(config) as assembled:
        yield assembled, ChildRebuilder(config, assembled.pipeline, assembled.store)


async def answer(assembled: Assembled) -> str:
    """Give the text of the answer about locking."""
    turn = await assembled.pipeline.ask(LOCK)
    assert isinstance(turn.reply, Answer)
    return turn.reply.text


def builders() -> list[psutil.Process]:
    """List the builders that this process has started and that still run."""
    running = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it ended just now; a zombie counts as gone
            if "bot build --events" in " ".join(child.cmdline()):
                running.append(child)
    return running


async def test_new_text_is_live_after_the_report_and_progress_came_in_order(
    own: Terminal,
) -> None:
    write_article(own.folder / "knowledge", "lock-timesheets", NEW_TEXT)
    steps: list[Progress] = []
    async with opened(own) as (assembled, rebuilder):
        assert "Lock entries" in await answer(assembled)
        report = await rebuilder.rebuild(steps.append)
        assert assembled.pipeline.generation == report.generation == "00000002"
        assert "Ring the brass bell." in await answer(assembled)
    assert (report.status, report.changed) == (BuildStatus.PUBLISHED, ("lock-timesheets",))
    assert report.embeddings_reused > report.embeddings_computed > 0
    assert list(dict.fromkeys(step.phase for step in steps)) == list(Phase)


async def test_a_build_published_by_somebody_else_is_made_live_too(own: Terminal) -> None:
    async with opened(own) as (assembled, rebuilder):
        write_article(own.folder / "knowledge", "lock-timesheets", NEW_TEXT)
        assert (await own.run("build")).code == 0
        assert assembled.pipeline.generation == "00000001"
        report = await rebuilder.rebuild(lambda _: None)
        assert (report.status, report.generation) == (BuildStatus.UNCHANGED, "00000002")
        assert assembled.pipeline.generation == "00000002"


async def test_what_fails_says_why_and_the_old_knowledge_answers(own: Terminal) -> None:
    async with opened(own, build_lock_timeout=0.2) as (assembled, rebuilder):
        with (
            build_lock(own.folder / "index", timeout_seconds=1, purpose="a test"),
            pytest.raises(RebuildRefused, match=r" for a test\. Waited 0\.2 s\."),
        ):
            await rebuilder.rebuild(lambda _: None)
        for article in (own.folder / "knowledge").iterdir():
            article.unlink()
        with pytest.raises(RebuildRefused, match="holds no article; nothing is published"):
            await rebuilder.rebuild(lambda _: None)
        assert assembled.pipeline.generation == "00000001"
        assert "Lock entries" in await answer(assembled)


async def test_a_builder_that_dies_without_a_word_is_an_error(own: Terminal) -> None:
    async with opened(own) as (assembled, rebuilder):

        def kill(_: Progress) -> None:
            for builder in builders():
                builder.kill()

        with pytest.raises(RebuildRefused, match=r"ended without a word \(exit status -9\)"):
            await rebuilder.rebuild(kill)
        assert assembled.pipeline.generation == "00000001"


async def test_giving_up_ends_the_builder(own: Terminal) -> None:
    begun = asyncio.Event()
    async with opened(own, build_lock_timeout=60) as (_, rebuilder):
        with build_lock(own.folder / "index", timeout_seconds=1, purpose="a test"):
            rebuilding = asyncio.create_task(rebuilder.rebuild(lambda _: begun.set()))
            await asyncio.wait_for(begun.wait(), 20)
            assert len(builders()) == 1
            rebuilding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await rebuilding
    assert builders() == []


async def test_an_index_of_words_stays_one(own: Terminal, tmp_path: Path) -> None:
    assert (await own.run("build", "--lexical-only")).code == 0
    write_article(tmp_path / "knowledge", "lock-timesheets", NEW_TEXT)
    async with opened(own) as (assembled, rebuilder):
        report = await rebuilder.rebuild(lambda _: None)
        assert (report.generation, report.embedder) == ("00000003", "lexical only")
        assert "Ring the brass bell." in await answer(assembled)
