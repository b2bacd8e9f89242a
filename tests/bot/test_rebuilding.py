"""ChildRebuilder: real builds in child processes, children that misbehave, parents that die."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from bot.events import PART_NAMES
from bot.following import following
from bot.rebuilding import ChildRebuilder
from core.assembly import Assembled, open_pipeline
from core.build_state import BuildOutcome
from core.config import Config
from core.errors import BotError, DurabilityUnknown, RebuildRefused
from core.lock import RECORD_NAME, build_lock
from core.report import BuildStatus, Phase, Progress
from core.types import Answer, Question

from .articles import ARTICLES, write_article
from .conftest import ROOT
from .terminal import NOWHERE, Terminal
from .test_following import publish_here

LOCK = Question("How do I lock timesheets?")
NEW_TEXT = "1. Ring the brass bell.\n2. Timesheets are locked.\n"
STOPPED = r"stopped\. Generation 00000001 keeps answering\."


def nothing(_: Progress) -> None:
    """Show no progress."""


@asynccontextmanager
async def opened(
    terminal: Terminal, *, rebuilder: dict[str, Any] | None = None, **changes: float
) -> AsyncIterator[tuple[Assembled, ChildRebuilder]]:
    """Open a pipeline on a terminal's own library, and its rebuilder."""
    config = Config(
        knowledge=terminal.folder / "knowledge",
        index=terminal.folder / "index",
        answerer="extractive",
        ollama_url=NOWHERE,
        **changes,  # type: ignore[arg-type]
    )
    async with open_pipeline(config) as assembled, following(assembled) as follower:
        pipeline = assembled.pipeline
        yield assembled, ChildRebuilder(config, pipeline, follower, **(rebuilder or {}))


async def answer(assembled: Assembled) -> str:
    """Give the text of the answer about locking."""
    turn = await assembled.pipeline.ask(LOCK)
    assert isinstance(turn.reply, Answer)
    return turn.reply.text


others: set[psutil.Process] = set()  # children from before the test, such as a browser's driver


@pytest.fixture(autouse=True)
def spare_others() -> None:
    """Note what runs besides the builders of the test."""
    others.clear()
    others.update(psutil.Process().children())


def children() -> list[psutil.Process]:
    """List the children that the test has started and that still run; a zombie is gone."""
    running = []
    for child in set(psutil.Process().children()) - others:
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                running.append(child)
    return running


def write_many(knowledge: Path, articles: int) -> None:
    """Write articles that take the embedder a while, no two chunks of the same text."""
    _, body = ARTICLES["lock-timesheets"]
    for number in range(articles):
        parts = [f"## Part {number}.{n}\n\n{body.replace('locked', f'locked {n}')}" for n in "abcd"]
        text = f"---\ntitle: Long story {number}\n---\n\n{''.join(parts)}"
        (knowledge / f"story-{number}.md").write_text(text, encoding="utf-8")


def rubbish(index: Path) -> list[str]:
    """Name what a build leaves behind that is none of a generation."""
    hidden = [entry.name for entry in (index / "generations").iterdir() if entry.name[0] == "."]
    return hidden + [RECORD_NAME] * (index / RECORD_NAME).exists()


def cached(index: Path) -> int:
    """Count the kept embeddings."""
    return sum(1 for _ in (index / "cache").rglob("*.vec"))


async def test_new_text_is_live_after_the_report_and_progress_came_in_order(
    own: Terminal,
) -> None:
    write_article(own.folder / "knowledge", "lock-timesheets", NEW_TEXT)
    steps: list[Progress] = []
    async with opened(own) as (assembled, rebuilder):
        assert "Lock entries" in await answer(assembled)
        report = await rebuilder.rebuild(steps.append, started_by="U0ADA")
        assert assembled.pipeline.generation == report.generation == "00000002"
        assert "Ring the brass bell." in await answer(assembled)
        state = rebuilder.state()
    assert (report.status, report.changed) == (BuildStatus.PUBLISHED, ("lock-timesheets",))
    assert report.embeddings_reused > report.embeddings_computed > 0
    assert [*dict.fromkeys(step.phase for step in steps)] == [
        phase
        for phase in Phase
        if phase is not Phase.EVALUATING  # there are no questions
    ]
    assert state is not None
    assert (state.outcome, state.started_by, state.report) == (BuildOutcome.DONE, "U0ADA", report)


@pytest.mark.proof
async def test_only_force_publishes_what_is_live_already(own: Terminal) -> None:
    async with opened(own) as (assembled, rebuilder):
        assert (await rebuilder.rebuild(nothing)).status is BuildStatus.UNCHANGED
        assert assembled.pipeline.generation == "00000001"
        assert (await rebuilder.rebuild(nothing, force=True)).status is BuildStatus.PUBLISHED
        assert assembled.pipeline.generation == "00000002"


@pytest.mark.proof
async def test_a_build_published_by_somebody_else_is_made_live_too(own: Terminal) -> None:
    async with opened(own) as (assembled, rebuilder):
        write_article(own.folder / "knowledge", "lock-timesheets", NEW_TEXT)
        assert (await own.run("build")).code == 0
        report = await rebuilder.rebuild(nothing)
        assert (report.status, report.generation) == (BuildStatus.UNCHANGED, "00000002")
        assert assembled.pipeline.generation == "00000002"


@pytest.mark.proof
async def test_what_fails_says_why_and_the_old_knowledge_answers(own: Terminal) -> None:
    async with opened(own, build_lock_timeout=0.2) as (assembled, rebuilder):
        with (
            build_lock(own.folder / "index", timeout_seconds=1, purpose="a test"),
            pytest.raises(RebuildRefused, match=r" for a test\. Waited 0\.2 s\."),
        ):
            await rebuilder.rebuild(nothing)
        for article in (own.folder / "knowledge").iterdir():
            article.unlink()
        with pytest.raises(RebuildRefused, match="holds no article; nothing is published"):
            await rebuilder.rebuild(nothing)
        assert assembled.pipeline.generation == "00000001"
        assert "Lock entries" in await answer(assembled)


@pytest.mark.parametrize(
    ("name", "said"),
    [("SIGKILL", "SIGKILL, perhaps for want of memory"), ("SIGSEGV", "SIGSEGV")],
)
async def test_a_builder_that_dies_without_a_word_is_an_error(
    own: Terminal, name: str, said: str
) -> None:
    async with opened(own) as (assembled, rebuilder):

        def kill(_: Progress) -> None:
            for builder in children():
                builder.send_signal(signal.Signals[name])

        sentence = rf"without a word \({said}\)\. Generation 00000001 keeps answering\."
        with pytest.raises(RebuildRefused, match=sentence):
            await rebuilder.rebuild(kill)
        assert assembled.pipeline.generation == "00000001"


@pytest.mark.proof
async def test_a_builder_that_hangs_is_ended(own: Terminal) -> None:
    async with opened(own, rebuilder={"silence_seconds": 2.0}) as (_, rebuilder):

        def stop(_: Progress) -> None:
            for builder in children():
                builder.suspend()

        with pytest.raises(RebuildRefused, match=rf"said nothing for 2 s and was {STOPPED}"):
            await rebuilder.rebuild(stop)
    assert children() == []


HEADER = "import os, signal, sys\n"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
UNRULY = {
    "garbage": ("while True: print('x' * 99, flush=True)", "wrote what no builder writes and was"),
    "endless-line": (
        f"{DEAF}while True: os.write(1, b'x' * 9999)",
        "wrote a line of more than 1024 KiB",
    ),
    "nonsense": ("print('null\\n[1]\\n{}'); sys.exit(3)", r"without a word \(exit status 3\)"),
    "odd-events": ('print(\'{"progress": {"phase": 1}}\\n{"report": []}\')', "exit status 0"),
    "shouting": (
        "[os.write(2, b'x' * 99999) for _ in range(99)]\n"
        "os.write(2, b'\\ntoken=xoxb-1-secret\\n\\n'); sys.exit(1)",
        r"\(exit status 1\): token=\*\*\*\. Generation",
    ),
}


@pytest.mark.proof
@pytest.mark.parametrize("name", UNRULY)
async def test_a_builder_that_misbehaves_is_ended_and_the_bot_answers(
    own: Terminal, name: str
) -> None:
    behaviour, said = UNRULY[name]
    child = {"program": (sys.executable, "-c", HEADER + behaviour), "silence_seconds": 20.0}
    async with opened(own, rebuilder=child) as (assembled, rebuilder):
        rebuilding = asyncio.create_task(rebuilder.rebuild(nothing))
        assert "Lock entries" in await answer(assembled)
        with pytest.raises(RebuildRefused, match=said):
            await rebuilding
    assert children() == []


@pytest.mark.proof
async def test_a_report_that_names_thousands_arrives_whole(own: Terminal) -> None:
    many = 20 * PART_NAMES + 1
    for number in range(many):
        (own.folder / "knowledge" / f"empty-{number:05d}.md").touch()
    async with opened(own) as (_, rebuilder):
        report = await rebuilder.rebuild(nothing)
    named = [warning.partition(":")[0] for warning in report.warnings]
    assert named == [f"empty-{number:05d}.md" for number in range(many)]


async def test_giving_up_while_waiting_ends_the_builder(own: Terminal) -> None:
    begun = asyncio.Event()
    async with opened(own, build_lock_timeout=60) as (_, rebuilder):
        with build_lock(own.folder / "index", timeout_seconds=1, purpose="a test"):
            rebuilding = asyncio.create_task(rebuilder.rebuild(lambda _: begun.set()))
            await asyncio.wait_for(begun.wait(), 20)
            assert len(children()) == 1
            rebuilding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await rebuilding
    assert children() == []


@pytest.mark.proof
@pytest.mark.beside
async def test_giving_up_while_embedding_publishes_nothing_and_leaves_no_rubbish(
    own: Terminal,
) -> None:
    index = own.folder / "index"
    write_many(own.folder / "knowledge", 25)
    async with opened(own) as (assembled, rebuilder):
        embedding = asyncio.Event()

        def watch(step: Progress) -> None:
            if step.phase is Phase.EMBEDDING and step.done:
                embedding.set()

        rebuilding = asyncio.create_task(rebuilder.rebuild(watch))
        await asyncio.wait_for(embedding.wait(), 20)
        rebuilding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rebuilding
        assert children() == []
        state = rebuilder.state()
        assert (assembled.store.live(), rubbish(index)) == ("00000001", [])
    assert state is not None
    assert state.outcome is BuildOutcome.CANCELLED


@pytest.mark.proof
@pytest.mark.beside
async def test_giving_up_at_the_last_moment_leaves_no_doubt_about_what_is_live(
    own: Terminal,
) -> None:
    async with opened(own) as (assembled, rebuilder):
        publishing = asyncio.Event()

        def watch(step: Progress) -> None:
            if step.phase is Phase.PUBLISHING:
                publishing.set()

        rebuilding = asyncio.create_task(rebuilder.rebuild(watch, force=True))
        await asyncio.wait_for(publishing.wait(), 20)
        rebuilding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rebuilding
        state, live = rebuilder.state(), assembled.store.live()
    assert state is not None
    assert (state.outcome, live) in (
        (BuildOutcome.DONE, "00000002"),
        (BuildOutcome.CANCELLED, "00000001"),
    )
    assert rubbish(own.folder / "index") == []


SLOW_TO_PUBLISH = """
from pathlib import Path
print('{"progress": {"phase": "%s", "done": 0, "total": 1, "seconds_left": null}}', flush=True)
def finish(*_):
    time.sleep(0.6)
    Path("%s").touch()
    sys.exit()
signal.signal(signal.SIGTERM, finish)
print('{"progress": {"phase": "%s", "done": 0, "total": 1, "seconds_left": null}}', flush=True)
time.sleep(60)
"""


@pytest.mark.proof
@pytest.mark.parametrize("phase", [Phase.PUBLISHING, Phase.EMBEDDING])
async def test_only_a_builder_that_publishes_is_given_time_to_finish_that(
    own: Terminal, phase: Phase
) -> None:
    done = own.folder / "done"
    work = HEADER + "import time\n" + SLOW_TO_PUBLISH % (Phase.READING, done, phase)
    child = {"program": (sys.executable, "-c", work), "stop_seconds": 0.1}
    reached = asyncio.Event()

    def watch(step: Progress) -> None:
        if step.phase is phase:
            reached.set()

    async with opened(own, rebuilder=child) as (_, rebuilder):
        rebuilding = asyncio.create_task(rebuilder.rebuild(watch))
        await asyncio.wait_for(reached.wait(), 20)
        rebuilding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rebuilding
    assert done.exists() == (phase is Phase.PUBLISHING)
    assert children() == []


async def test_a_rollback_that_the_disk_did_not_confirm_is_followed_and_told_as_such(
    own: Terminal,
) -> None:
    said = '{"error": "Generation 1 is live now, but.", "exit_code": 1, "is_published": true}'
    child = {"program": (sys.executable, "-c", f"print({said!r})")}
    async with opened(own, rebuilder=child) as (assembled, rebuilder):
        publish_here(own.folder / "index")
        with pytest.raises(DurabilityUnknown, match="is live now, but"):
            await rebuilder.rollback()
        assert assembled.pipeline.generation == "00000002" == rebuilder.live()
        assert rebuilder.generations() == ("00000002", "00000001")


@pytest.mark.proof
async def test_a_rollback_to_what_this_bot_cannot_answer_from_says_so(own: Terminal) -> None:
    async with opened(own) as (assembled, rebuilder):
        publish_here(own.folder / "index")
        assert await rebuilder.look() == ""
        spec = assembled.pipeline.index.spec
        assert spec is not None
        foreign = replace(spec, model="another")
        store = assembled.store
        opened_now = store.open()
        with build_lock(store.folder, timeout_seconds=5, purpose="a test") as lock:
            store.publish(
                replace(opened_now.index, spec=foreign),
                {**opened_now.meta, "articles": [], "inputs": "others"},
                lock=lock,
            )
        rolled_back = await rebuilder.rollback("2")
        assert (rolled_back.problem, rolled_back.held_back) == ("", True)
        forward = await rebuilder.rollback("3")
        assert (forward.before, forward.after, forward.held_back) == ("00000002", "00000003", False)
        assert "questions would be embedded with" in forward.problem
        assert (assembled.pipeline.generation, rebuilder.live()) == ("00000002", "00000003")


async def test_the_builder_is_what_a_host_without_memory_gives_up_first(own: Terminal) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux can be told which process to end")
    seen: set[str] = set()

    def look(step: Progress) -> None:
        if step.phase is not Phase.LOCKING:
            for builder in children():
                with suppress(OSError):
                    seen.add(Path(f"/proc/{builder.pid}/oom_score_adj").read_text().strip())

    async with opened(own) as (_, rebuilder):
        await rebuilder.rebuild(look, force=True)
    assert seen == {"1000"}
    assert Path("/proc/self/oom_score_adj").read_text().strip() != "1000"


@pytest.mark.proof
@pytest.mark.parametrize("nice", [0, 7])
async def test_every_thread_of_the_builder_steps_back(own: Terminal, nice: int) -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("only Linux numbers each thread")
    seen: set[int] = set()

    def look(step: Progress) -> None:
        if step.phase is not Phase.LOCKING:
            for builder in children():
                with suppress(psutil.NoSuchProcess):
                    threads = [thread.id for thread in builder.threads()]
                    seen.update(os.getpriority(os.PRIO_PROCESS, each) for each in threads)

    async with opened(own, build_nice=nice) as (_, rebuilder):
        await rebuilder.rebuild(look, force=True)
    assert seen == {os.getpriority(os.PRIO_PROCESS, 0) + nice}


async def until(predicate: Callable[[], bool], seconds: float) -> float:
    """Wait for something; give the seconds that it took."""
    started = time.monotonic()
    while not predicate():
        assert time.monotonic() - started < seconds
        await asyncio.sleep(0.02)
    return time.monotonic() - started


def is_gone(pid: int) -> bool:
    """Say whether a process has ended; whoever has to may still collect it."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


@pytest.mark.proof
@pytest.mark.beside
async def test_a_builder_whose_parent_is_killed_ends_and_its_embeddings_are_used_again(
    own: Terminal,
) -> None:
    knowledge, index = own.folder / "knowledge", own.folder / "index"
    write_many(knowledge, 25)
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bot.parent", str(knowledge), str(index)),
        cwd=ROOT,
        env={**own.environ},
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    pids: dict[str, int] = {}
    async for line in parent.stdout:
        first, *rest = line.decode().split()
        if first in ("builder", "bystander"):
            pids[first] = int(rest[0])
        elif first == "EMBEDDING" and int(rest[0]) >= 16:
            break
    try:
        parent.send_signal(signal.SIGKILL)
        await parent.wait()
        took = await until(lambda: is_gone(pids["builder"]), 10)
        assert not is_gone(pids["bystander"])
    finally:
        psutil.Process(pids["bystander"]).kill()
    assert took < 4, took
    assert (index / "CURRENT").read_text().startswith("00000001 ")
    assert rubbish(index) == []
    kept = cached(index)
    report = (await own.run("build", "--json")).json
    assert report["generation"] == "00000002"
    assert report["embeddings_computed"] == cached(index) - kept > 0
    assert report["embeddings_reused"] >= 16


@pytest.mark.proof
async def test_rolling_back_is_answered_from_at_once(own: Terminal) -> None:
    write_article(own.folder / "knowledge", "lock-timesheets", NEW_TEXT)
    async with opened(own) as (assembled, rebuilder):
        await rebuilder.rebuild(nothing)
        rolled_back = await rebuilder.rollback()
        assert (rolled_back.before, rolled_back.after) == ("00000002", "00000001")
        assert assembled.pipeline.generation == "00000001"
        assert "Lock entries" in await answer(assembled)
        assert (await rebuilder.rollback("2")).after == "00000002"
        assert assembled.pipeline.generation == "00000002"
        with pytest.raises(BotError, match="77"):
            await rebuilder.rollback("77")
        assert assembled.pipeline.generation == "00000002"


@pytest.mark.proof
async def test_an_index_of_words_stays_one(own: Terminal, tmp_path: Path) -> None:
    assert (await own.run("build", "--lexical-only")).code == 0
    write_article(tmp_path / "knowledge", "lock-timesheets", NEW_TEXT)
    async with opened(own) as (assembled, rebuilder):
        report = await rebuilder.rebuild(nothing)
        assert (report.generation, report.embedder) == ("00000003", "lexical only")
        assert "Ring the brass bell." in await answer(assembled)
