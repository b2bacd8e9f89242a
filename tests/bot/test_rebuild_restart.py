"""A bot that ends while it rebuilds: what it was telling is told to the end by the next one."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bot.lifeline import GRACE_SECONDS, PUBLISHING_SECONDS
from bot.open_message import OpenMessage, OpenMessageFile
from bot.simulator.model import BOT_USER_ID
from bot.simulator.server import Simulator
from core.build_record import BuildRecord
from core.build_state import BuildOutcome, BuildState
from core.errors import RebuildRefused
from core.report import Phase, Progress

from .conftest import Bench, Starter, words
from .stand_ins import ArticleAsker, CountingRebuilder

NAME = "rebuild-message.json"
SINCE = "2026-01-02T03:04:05+00:00"
INTERRUPTED = "*I was restarted before the rebuild ended.*"


@pytest.fixture
async def left(sim: Simulator, tmp_path: Path) -> str:
    """Leave what a killed bot leaves: a message that says "rebuilding", and its file; its ts."""
    message = sim.workspace.post("D0ADA", author=BOT_USER_ID, text="Rebuilding the knowledge.")
    note = OpenMessage("U0ADA", "D0ADA", message["ts"], SINCE, "00000001")
    OpenMessageFile(tmp_path / "state" / NAME).write(note)
    return str(message["ts"])


@pytest.fixture
def seen() -> CountingRebuilder:
    """Give a rebuilder that another bot has used."""
    return CountingRebuilder(ArticleAsker())


def interrupted() -> BuildState:
    """Make the state of a build whose process is gone."""
    return BuildState(BuildOutcome.INTERRUPTED, BuildRecord.of_this_process("a test"), "U0ADA")


async def test_the_file_is_there_while_a_rebuild_runs_and_no_longer(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    bench.rebuilder.on_progress(Progress(Phase.PUBLISHING, 0, 1))
    message = await bench.direct("U0ADA", "▸  *publishing*")
    path = bench.slack.audit_file.with_name(NAME)
    note = json.loads(path.read_text())
    assert (note["user"], note["channel"], note["ts"]) == ("U0ADA", "D0ADA", message["ts"])
    assert (note["generation"], note["bot"]["pid"]) == ("00000001", os.getpid())
    assert path.stat().st_mode & 0o777 == 0o600
    bench.rebuilder.gate.set()
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    await bench.rebuild(text="status")
    assert not path.exists()


async def test_a_bot_that_is_stopped_does_not_wait_for_the_rebuild(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    message = await bench.direct("U0ADA", "▸  *embedding*")
    bench.stop.set()
    await asyncio.wait_for(bench.serving, 2.0)
    told = await bench.direct("U0ADA", INTERRUPTED)
    assert (told["ts"], len(bench.directs("U0ADA"))) == (message["ts"], 1)


async def test_a_bot_that_is_stopped_after_the_builder_had_published_says_so(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    bench.rebuilder.is_killed_after_publishing = True
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    bench.stop.set()
    await asyncio.wait_for(bench.serving, 2.0)
    told = await bench.direct("U0ADA", "I was restarted while this rebuild ran.")
    assert "Generation 00000002 is live." in told["text"]
    assert "Nothing was published" not in words(told)


@pytest.mark.proof
async def test_a_command_that_a_stop_cuts_short_is_answered(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild(text="rollback")
    await bench.private("U0ADA", "C0GEN", "One moment, please …")
    bench.stop.set()
    await asyncio.wait_for(bench.serving, 6.0)
    await bench.private("U0ADA", "C0GEN", "I was restarted before this was done.")


async def test_a_disk_that_did_not_confirm_is_told_without_a_contradiction(
    start: Starter, left: str, seen: CountingRebuilder
) -> None:
    error = "Generation 00000002 is live now, but the disk did not confirm it (Input/output error)."
    seen.newest = replace(interrupted(), outcome=BuildOutcome.FAILED, error=error)
    bench = await start(rebuilder=seen)
    told = await bench.direct("U0ADA", "*Published, but the disk did not confirm it.*")
    assert error in told["text"]
    assert "still in use" not in words(told)


async def test_a_message_of_another_bot_that_is_alive_is_left_alone(
    start: Starter, sim: Simulator, left: str, seen: CountingRebuilder, tmp_path: Path
) -> None:
    path = tmp_path / "state" / NAME
    record = BuildRecord.of_this_process("clockify-bot run")
    process = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        start_of_it = psutil.Process(process.pid).create_time()
        other = replace(record, pid=process.pid, start=start_of_it, start_token="")
        theirs = OpenMessage("U0ANN", "D0ADA", left, SINCE, "00000001", other)
        OpenMessageFile(path).write(theirs)
        bench = await start(rebuilder=seen)
        await bench.rebuild()
        await bench.direct("U0ADA", "Generation 00000002 is live.")
        await bench.rebuild(text="status")
        await bench.private("U0ADA", "C0GEN", "*Live:*")
        assert OpenMessageFile(path).read() == theirs
        (text,) = [m["text"] for m in sim.messages("D0ADA") if m["ts"] == left]
        assert text == "Rebuilding the knowledge."
    finally:
        process.kill()
        await process.wait()
    file = OpenMessageFile(path)
    assert not theirs.is_of_another_bot()
    ours = OpenMessage.of_this_bot("U0ADA", ("D0ADA", left), SINCE, "00000001")
    file.write(ours)
    file.clear(only=theirs)
    assert file.read() == ours
    file.clear(only=ours)
    assert file.read() is None


async def test_the_next_bot_ends_the_message_and_status_tells_the_truth(
    start: Starter, left: str, seen: CountingRebuilder
) -> None:
    seen.newest = interrupted()
    bench = await start(rebuilder=seen)
    told = await bench.direct("U0ADA", INTERRUPTED)
    assert "The knowledge from before is still in use." in told["text"]
    assert (told["ts"], len(bench.directs("U0ADA"))) == (left, 1)
    await bench.rebuild(text="status")
    await bench.private("U0ADA", "C0GEN", "started by <@U0ADA>, was interrupted (process ")
    assert not bench.slack.audit_file.with_name(NAME).exists()


async def test_what_was_published_meanwhile_is_told(
    start: Starter, left: str, seen: CountingRebuilder
) -> None:
    await seen.rebuild(lambda _: None, started_by="U0ADA")
    bench = await start(rebuilder=seen)
    told = await bench.direct("U0ADA", "I was restarted while this rebuild ran.")
    assert "Generation 00000002 is live." in told["text"]
    assert "*Added: 1*" in told["text"]


async def test_a_builder_that_is_still_ending_is_waited_for(
    start: Starter, left: str, seen: CountingRebuilder
) -> None:
    running = replace(interrupted(), outcome=BuildOutcome.RUNNING)
    seen.newest = replace(running, record=replace(running.record, pid=1))
    bench = await start(rebuilder=seen)
    await bench.rebuild(text="status")
    assert bench.directs("U0ADA")[0]["text"] == "Rebuilding the knowledge."
    seen.newest = interrupted()
    await bench.direct("U0ADA", INTERRUPTED)


@pytest.mark.proof
async def test_a_builder_that_finishes_publishing_on_a_slow_disk_is_waited_for(
    start: Starter, left: str, seen: CountingRebuilder
) -> None:
    running = replace(interrupted(), outcome=BuildOutcome.RUNNING)
    seen.newest = replace(running, record=replace(running.record, pid=1))
    bench = await start(rebuilder=seen)
    await asyncio.sleep(GRACE_SECONDS + PUBLISHING_SECONDS)  # it may take so long
    await seen.rebuild(lambda _: None, started_by="U0ADA")
    told = await bench.direct("U0ADA", "I was restarted while this rebuild ran.")
    assert "*Added: 1*" in told["text"]


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_generation_of_somebody_else_is_told_as_such(
    start: Starter, left: str, seen: CountingRebuilder, is_known: bool
) -> None:
    await seen.rebuild(lambda _: None, started_by="U0ANN")
    seen.newest = seen.newest if is_known else None
    bench = await start(rebuilder=seen)
    told = await bench.direct("U0ADA", "Generation 00000002 was published meanwhile and is live.")
    assert "Added" not in words(told)


async def test_a_report_from_before_is_not_taken_for_that_of_the_killed_one(
    start: Starter, left: str, seen: CountingRebuilder
) -> None:
    await seen.rebuild(lambda _: None, started_by="U0ADA")
    seen.asker.generation = "00000001"
    assert seen.newest is not None
    record = replace(seen.newest.record, since="2026-01-02T03:04:04+00:00")
    seen.newest = replace(seen.newest, record=record)
    bench = await start(rebuilder=seen)
    await bench.direct("U0ADA", INTERRUPTED)


async def test_a_refusal_meanwhile_is_told(
    start: Starter, left: str, seen: CountingRebuilder
) -> None:
    seen.failure = RebuildRefused("Half of it is gone.")
    with pytest.raises(RebuildRefused):
        await seen.rebuild(lambda _: None, started_by="U0ADA")
    bench = await start(rebuilder=seen)
    told = await bench.direct("U0ADA", "Half of it is gone.")
    assert "I was restarted while this rebuild ran." in told["text"]


async def test_a_message_that_is_gone_is_replaced_by_a_new_one(
    start: Starter, sim: Simulator, left: str, seen: CountingRebuilder
) -> None:
    sim.workspace.delete("D0ADA", left)
    bench = await start(rebuilder=seen)
    await bench.direct("U0ADA", INTERRUPTED)


async def test_a_file_that_is_not_whole_stops_nothing(start: Starter, tmp_path: Path) -> None:
    for content in ("", "[]", '{"user": 1}', "\x00", '{"a": "b"}', '{"bot": {}}', '{"bot": 1}'):
        file = OpenMessageFile(tmp_path / "broken.json")
        (tmp_path / "broken.json").write_text(content)
        assert file.read() is None
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / NAME).write_text("{")
    bench = await start()
    await bench.rebuild()
    await bench.direct("U0ADA", "Generation 00000002 is live.")
