"""/clockify-rebuild cancel, rollback and status, also of rebuilds that run elsewhere."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from bot.listeners.rebuild import ACK_SECONDS
from core.build_record import BuildRecord
from core.build_state import BuildOutcome, BuildState
from core.errors import DurabilityUnknown, RebuildRefused
from core.guards import FORCE
from core.report import Phase, Progress

from .conftest import Bench, Json, Starter, words

SINCE = (datetime.now(UTC) - timedelta(minutes=10)).isoformat(timespec="seconds")
PARENT = BuildRecord(
    pid=os.getppid(),
    start=psutil.Process(os.getppid()).create_time(),
    host="host",
    since=SINCE,
    purpose="clockify-bot build",
)
NOT_CONFIRMED = (
    "Generation 00000002 is live now, but the disk did not confirm it (Input/output error): "
    "after a power cut the one before may be served."
)
ELSEWHERE = BuildState(
    BuildOutcome.RUNNING, PARENT, progress=Progress(Phase.EMBEDDING, 1_200, 3_000, 41.0)
)
WHO = f"started by the command line (process {os.getppid()} on host)."


async def test_cancel_ends_the_rebuild_and_tells_both(start: Starter) -> None:
    bench = await start(admins=("U0ADA", "U0ANN"))
    bench.rebuilder.gate.clear()
    await bench.rebuild("U0ADA")
    await bench.direct("U0ADA", "▸  *embedding*")
    await bench.rebuild("U0ANN", "cancel")
    told = await bench.private("U0ANN", "C0GEN", "Cancelled the rebuild that <@U0ADA> had started.")
    assert "Knowledge: generation 00000001" in told["text"]
    ended = await bench.direct("U0ADA", "*Cancelled by <@U0ANN>.* Nothing was published.")
    assert "The knowledge from before is still in use." in ended["text"]
    assert len(bench.directs("U0ADA")) == 1
    assert bench.asker.generation == "00000001"
    bench.rebuilder.gate.set()
    await bench.rebuild("U0ADA")
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    outcomes = [(line["event"], line["outcome"]) for line in bench.audit()]
    assert sorted(outcomes[1:3]) == [("attempt", "cancelled"), ("end", "cancelled")]


async def test_cancelling_too_late_tells_the_truth(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    bench.rebuilder.publishes_before_it_is_cancelled = True
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    await bench.rebuild(text="cancel")
    told = await bench.private("U0ADA", "C0GEN", "Too late")
    assert "Knowledge: generation 00000002" in told["text"]
    report = await bench.direct("U0ADA", "Generation 00000002 is live.")
    assert "<@U0ADA> cancelled this rebuild, but it had already ended." in report["text"]
    assert "Nothing was published" not in words(report)


async def test_a_report_of_the_build_that_was_waited_for_is_not_taken_for_its_own(
    bench: Bench,
) -> None:
    await bench.rebuilder.rebuild(lambda _: None)  # from the command line
    theirs = bench.rebuilder.newest
    bench.rebuilder.newest = None
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    bench.rebuilder.newest_at_cancel = theirs
    await bench.rebuild(text="cancel")
    await bench.direct("U0ADA", "*Cancelled by <@U0ADA>.* Nothing was published.")


async def test_cancelling_after_a_rebuild_before_is_not_too_late(bench: Bench) -> None:
    await bench.rebuild()
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    before = bench.rebuilder.newest
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    bench.rebuilder.newest_at_cancel = before  # it was still waiting and had written nothing
    await bench.rebuild(text="cancel")
    await bench.direct("U0ADA", "*Cancelled by <@U0ADA>.* Nothing was published.")


async def test_a_builder_that_was_killed_after_it_had_published_is_told_as_having_published(
    bench: Bench,
) -> None:
    bench.rebuilder.gate.clear()
    bench.rebuilder.is_killed_after_publishing = True
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    await bench.rebuild(text="cancel")
    await bench.private("U0ADA", "C0GEN", "Too late")
    told = await bench.direct("U0ADA", "<@U0ADA> cancelled this rebuild, but it had already ended.")
    assert "Generation 00000002 is live." in told["text"]
    assert "Nothing was published" not in words(told)
    assert [line["outcome"] for line in bench.audit() if line["event"] == "end"] == ["published"]


async def test_what_another_builder_published_before_is_not_taken_for_its_own(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    bench.rebuilder.while_it_waits = lambda: setattr(bench.asker, "generation", "00000007")
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    await bench.rebuild(text="cancel")
    told = await bench.direct("U0ADA", "*Cancelled by <@U0ADA>.* Nothing was published.")
    assert "Knowledge: generation 00000007" in told["text"]


async def test_a_published_generation_that_the_disk_did_not_confirm_is_not_told_as_cancelled(
    bench: Bench,
) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    assert bench.rebuilder.newest is not None
    bench.rebuilder.newest_at_cancel = replace(
        bench.rebuilder.newest, outcome=BuildOutcome.FAILED, error=NOT_CONFIRMED
    )
    await bench.rebuild(text="cancel")
    told = await bench.direct("U0ADA", "*Published, but the disk did not confirm it.*")
    assert "Nothing was published" not in words(told)


async def test_a_second_cancel_does_not_cut_short_the_stopping(start: Starter) -> None:
    bench = await start(admins=("U0ADA", "U0ANN"))
    bench.rebuilder.gate.clear()
    bench.rebuilder.ending.clear()
    await bench.rebuild("U0ADA")
    await bench.direct("U0ADA", "▸  *embedding*")
    await asyncio.gather(bench.rebuild("U0ADA", "cancel"), bench.rebuild("U0ANN", "cancel"))
    assert not bench.rebuilder.is_cut_short
    bench.rebuilder.ending.set()
    for user in ("U0ADA", "U0ANN"):
        await bench.private(user, "C0GEN", "Cancelled the rebuild that <@U0ADA> had started.")
    assert not bench.rebuilder.is_cut_short


async def test_cancel_with_nothing_to_cancel(bench: Bench) -> None:
    await bench.rebuild(text="cancel")
    await bench.private("U0ADA", "C0GEN", "No rebuild runs.")


async def test_a_rebuild_of_another_process_is_named_and_left_alone(bench: Bench) -> None:
    bench.rebuilder.newest = ELSEWHERE
    where = "Now: embedding (1,200 of 3,000), about 41 s left."
    for text, holds in (
        ("", "A rebuild is already running"),
        ("force", "A rebuild is already running"),
        ("cancel", "I can cancel only what I started myself"),
        ("rollback", "I cannot roll back while a rebuild runs"),
        ("status", "*A rebuild is running*"),
    ):
        seen = len(bench.privates("U0ADA", "C0GEN"))
        await bench.rebuild(text=text)
        told = bench.privates("U0ADA", "C0GEN")[seen]["text"]
        assert [holds in told, WHO in told, where in told] == [True] * 3, told
    assert (bench.rebuilder.builds, bench.rebuilder.rolled_back) == (0, [])


async def test_what_the_disk_says_of_this_very_process_is_no_obstacle(bench: Bench) -> None:
    own = BuildRecord.of_this_process("clockify-bot try")  # its last word did not reach the disk
    bench.rebuilder.newest = BuildState(BuildOutcome.RUNNING, own)
    await bench.rebuild()
    await bench.direct("U0ADA", "Generation 00000002 is live.")


async def test_rollback_names_what_is_live_and_what_does_not_come_back(bench: Bench) -> None:
    bench.asker.generation = "00000042"
    await bench.rebuild(text="rollback")
    told = await bench.private("U0ADA", "C0GEN", "*Generation 00000041 is live again.*")
    assert "generation 00000042 is not published again unless you use" in told["text"]
    await bench.rebuild(text="Rollback 7")
    await bench.private("U0ADA", "C0GEN", "*Generation 00000007 is live again.*")
    forward = await _after(bench, "rollback 9", "*Generation 00000009 is live again.*")
    assert "published again" not in forward["text"]
    assert bench.rebuilder.rolled_back == [None, "7", "9"]


async def _after(bench: Bench, text: str, holds: str) -> Json:
    await bench.rebuild(text=text)
    return await bench.private("U0ADA", "C0GEN", holds)


@pytest.mark.parametrize("text", ["rollback abc", "rollback -1", "rollback 1 2"])
async def test_a_rollback_to_no_number_names_the_numbers_there_are(bench: Bench, text: str) -> None:
    bench.asker.generation = "00000042"
    told = await _after(bench, text, "`rollback` takes the number of a generation")
    assert "*Whole generations:* 00000042, 00000041, 00000040." in told["text"]
    assert bench.rebuilder.rolled_back == []


async def test_a_rollback_that_this_bot_cannot_follow_is_told_as_such(bench: Bench) -> None:
    bench.asker.generation = "00000042"
    bench.rebuilder.problem = "made with another <!here> embedder."
    sentence = (
        "Generation 00000041 is chosen, but generation 00000042 keeps answering here: "
        "made with another &lt;!here&gt; embedder."
    )
    told = await _after(bench, "rollback", sentence)
    assert "is live again" not in told["text"]
    told = await _after(bench, "status", "*Live:* generation 00000042")
    assert sentence in told["text"]
    assert "*Whole generations:* 00000042, 00000041, 00000040." in told["text"]


async def test_a_rollback_that_the_disk_did_not_confirm_has_happened(bench: Bench) -> None:
    bench.rebuilder.failure = DurabilityUnknown(NOT_CONFIRMED)
    told = await _after(bench, "rollback", "*Rolled back, but the disk did not confirm it.*")
    assert "Generation 00000002 is live now" in told["text"]
    assert "Nothing was rolled back" not in told["text"]


async def test_a_rollback_that_fails_says_why(bench: Bench) -> None:
    bench.rebuilder.failure = RebuildRefused("There is no generation 9 <!here>.")
    await bench.rebuild(text="rollback 9")
    told = await bench.private("U0ADA", "C0GEN", "There is no generation 9 &lt;!here&gt;.")
    assert "Knowledge: generation 00000001" in told["text"]


async def test_no_rollback_during_a_rebuild_of_this_bot(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    await bench.rebuild(text="rollback")
    told = await bench.private("U0ADA", "C0GEN", "I cannot roll back while a rebuild runs")
    assert "<@U0ADA>" in told["text"]
    assert bench.rebuilder.rolled_back == []


async def test_a_rollback_that_takes_long_is_told_later(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    bench.asker.generation = "00000042"
    asyncio.get_running_loop().call_later(ACK_SECONDS + 0.01, bench.rebuilder.gate.set)
    await bench.rebuild(text="rollback")
    await bench.private("U0ADA", "C0GEN", "*Generation 00000041 is live again.*")
    told = [message["text"].split(".")[0] for message in bench.privates("U0ADA", "C0GEN")]
    assert told == ["One moment, please …", "*Generation 00000041 is live again"]


async def test_a_rebuild_waits_for_a_rollback_that_is_under_way(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    bench.asker.generation = "00000042"
    await bench.rebuild(text="rollback")
    await bench.rebuild()
    assert (bench.rebuilder.rolled_back, bench.rebuilder.builds) == ([None], 0)
    bench.rebuilder.gate.set()
    await bench.direct("U0ADA", "Generation 00000042 is live.")  # 41 was live, and one more


async def test_status_of_a_running_rebuild(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    await bench.rebuild(text="status")
    told = await bench.private("U0ADA", "C0GEN", "*A rebuild is running*, started by <@U0ADA>.")
    assert "Now: embedding (3 of 4), about 12 s left." in told["text"]
    assert "*Live:* generation 00000001, made " in told["text"]


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (None, "No rebuild is on record."),
        (
            BuildState(BuildOutcome.INTERRUPTED, PARENT, "U0ANN"),
            "started by <@U0ANN>, was interrupted "
            f"(process {PARENT.pid} on host is gone); it began 10 min ago.",
        ),
        (
            BuildState(BuildOutcome.CANCELLED, PARENT, "U0ANN", ended=SINCE),
            "started by <@U0ANN>, was cancelled 10 min ago.",
        ),
        (
            BuildState(BuildOutcome.FAILED, PARENT, error="No <!here> article.", ended=SINCE),
            "started by the command line, failed 10 min ago.\n\n&gt; No &lt;!here&gt; article.",
        ),
        (
            BuildState(BuildOutcome.FAILED, PARENT, error=f"Half is gone. {FORCE}", ended=SINCE),
            "failed 10 min ago.\n\n&gt; Half is gone.\n\n"
            "If that is what you want: `/clockify-rebuild force` publishes it nevertheless.",
        ),
        (
            BuildState(BuildOutcome.FAILED, PARENT, error=NOT_CONFIRMED, ended=SINCE),
            "started by the command line, published, but the disk did not confirm it, 10 min ago.",
        ),
    ],
    ids=["none", "interrupted", "cancelled", "failed", "refused", "not-confirmed"],
)
async def test_status_tells_how_the_last_rebuild_ended(
    bench: Bench, state: BuildState | None, sentence: str
) -> None:
    bench.rebuilder.newest = state
    await bench.rebuild(text="status")
    told = await bench.private("U0ADA", "C0GEN", "No rebuild runs.")
    wanted = re.escape(sentence.replace("\n&gt; ", "\n> "))
    assert re.search(
        wanted.replace("10\\ min", r"1\d\ min"), told["text"]
    )  # the suite takes minutes


async def test_status_shows_the_last_report(bench: Bench) -> None:
    await bench.rebuild()
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    await bench.rebuild(text="status")
    told = await bench.private(
        "U0ADA", "C0GEN", "started by <@U0ADA>, published generation 00000002"
    )
    assert "*Added: 1*" in words(told)
    assert told["text"].count("00000002") == 3  # live, there, and published


async def test_status_after_a_rollback_does_not_call_the_last_report_live(bench: Bench) -> None:
    await bench.rebuild()
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    await bench.rebuild(text="rollback")
    await bench.rebuild(text="status")
    told = await bench.private("U0ADA", "C0GEN", "*Live:* generation 00000001")
    assert "00000002 is live" not in words(told)
