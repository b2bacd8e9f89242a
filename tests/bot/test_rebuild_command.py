"""/clockify-rebuild in the local Slack: one direct message from the start to the report."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest
from slack_bolt.async_app import AsyncApp

from bot.blocks import plain_message
from bot.listeners.direct import DirectMessage
from bot.listeners.replies import PrivateReply, Replies
from bot.message import Message
from bot.rebuild_commands import Subcommand, read_subcommand
from bot.simulator.feed import Change, ChangeType
from bot.simulator.server import Simulator
from core.errors import DurabilityUnknown, RebuildRefused
from core.guards import FORCE
from core.report import Phase, Progress

from .conftest import UPDATE_SECONDS, Bench, Json, Starter, words

LIST = "What it understands:"


def titles(message: Json) -> list[str]:
    """List the headings of a message."""
    return [b["text"]["text"] for b in message["blocks"] if b["type"] == "header"]


@pytest.mark.parametrize(
    ("text", "subcommand", "generation"),
    [
        ("", Subcommand.REBUILD, ""),
        (" \t ", Subcommand.REBUILD, ""),
        ("STATUS", Subcommand.STATUS, ""),
        (" Cancel ", Subcommand.CANCEL, ""),
        ("rollback", Subcommand.ROLLBACK, ""),
        ("ROLLBACK \u00a0 00000041", Subcommand.ROLLBACK, "00000041"),
        ("force", Subcommand.FORCE, ""),
        ("help", Subcommand.HELP, ""),
        ("rebuild", Subcommand.UNKNOWN, ""),
        ("force it", Subcommand.UNKNOWN, ""),
        ("rollback ../etc", Subcommand.ROLLBACK_WHICH, ""),
        ("rollback 123456789", Subcommand.ROLLBACK_WHICH, ""),
        ("rollback -1", Subcommand.ROLLBACK_WHICH, ""),
        ("rollback 1 2", Subcommand.ROLLBACK_WHICH, ""),
        ("rollback which", Subcommand.ROLLBACK_WHICH, ""),
        ("unknown", Subcommand.UNKNOWN, ""),
    ],
)
def test_the_whole_text_is_the_subcommand(
    text: str, subcommand: Subcommand, generation: str
) -> None:
    assert read_subcommand(text) == (subcommand, generation)


async def test_one_direct_message_shows_the_progress_and_ends_as_the_report(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.private("U0ADA", "C0GEN", "I keep you posted in our direct message.")
    progress = await bench.direct("U0ADA", "▸  *embedding*  3 of 4, about 12 s left")
    assert titles(progress) == ["Rebuilding the knowledge"]
    assert "`███████████████░░░░░ 75 %`" in words(progress)
    assert progress["text"] == "Rebuilding the knowledge. Now: embedding (3 of 4), about 12 s left."
    bench.rebuilder.on_progress(Progress(Phase.CHECKING, 0, 1))
    await bench.direct("U0ADA", "✓  embedding")
    bench.rebuilder.gate.set()
    report = await bench.direct("U0ADA", "Generation 00000002 is live.")
    assert (report["ts"], titles(report)) == (progress["ts"], ["Rebuilt"])
    assert len(bench.directs("U0ADA")) == 1
    assert bench.sim.messages("C0GEN") == []
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")
    assert bench.asker.generation == "00000002"
    assert bench.rebuilder.asked == [("U0ADA", False)]


async def test_edits_keep_their_distance_and_come_only_with_news(bench: Bench) -> None:
    edits: list[float] = []

    def note(change: Change) -> None:
        if change.type is ChangeType.MESSAGE_CHANGED and change.channel == "D0ADA":
            edits.append(time.monotonic())

    bench.sim.site.feed.listen(note)
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.sim.wait_for(lambda: bench.rebuilder.builds)
    for done in range(120):  # more than half a second of news
        bench.rebuilder.on_progress(Progress(Phase.EMBEDDING, done, 1000))
        await asyncio.sleep(0.005)
    await bench.direct("U0ADA", "119 of 1,000")
    told = len(edits)
    await asyncio.sleep(3 * UPDATE_SECONDS)  # nothing is new
    assert len(edits) == told >= 3
    bench.rebuilder.on_progress(Progress(Phase.INDEXING, 0, 1))
    await bench.direct("U0ADA", "▸  *indexing*")
    bench.rebuilder.gate.set()
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    pauses = [after - before for before, after in pairwise(edits)]
    assert len(edits) == told + 2
    assert min(pauses) >= UPDATE_SECONDS


async def test_a_refusal_names_the_reason_keeps_the_knowledge_and_can_be_forced(
    start: Starter,
) -> None:
    bench = await start(rebuild_cooldown_seconds=60.0)
    bench.rebuilder.failure = RebuildRefused(
        f"Half of the articles are gone <!here>:\n• tags.md. Nothing is published. {FORCE}"
    )
    await bench.rebuild()
    refusal = await bench.direct("U0ADA", "Half of the articles are gone &lt;!here&gt;:")
    assert titles(refusal) == ["The rebuild was refused"]
    assert "• `tags.md`. Nothing is published." in words(refusal)
    assert "clockify-bot build" not in words(refusal)
    assert (
        "The knowledge from before is still in use. Knowledge: generation 00000001"
        in refusal["text"]
    )
    assert "`/clockify-rebuild force` publishes it nevertheless" in refusal["text"]
    await bench.rebuild()
    await bench.private("U0ADA", "C0GEN", "The next may start in ")
    bench.rebuilder.failure = None
    await bench.rebuild(text="force")
    await bench.private("U0ADA", "C0GEN", "published even where a check would refuse")
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    assert bench.rebuilder.asked == [("U0ADA", False), ("U0ADA", True)]
    await bench.rebuild(text="force")
    assert bench.rebuilder.builds == 2


async def test_a_failure_that_cannot_be_forced_does_not_offer_to(bench: Bench) -> None:
    bench.rebuilder.failure = RebuildRefused("No article is there; nothing is published.")
    await bench.rebuild()
    failure = await bench.direct("U0ADA", "No article is there")
    assert titles(failure) == ["The rebuild failed"]
    assert "force" not in words(failure)


async def test_published_but_not_certain_to_be_on_disk_is_said(bench: Bench) -> None:
    bench.rebuilder.failure = DurabilityUnknown("Generation 00000002 is live, yet unsynced.")
    await bench.rebuild()
    told = await bench.direct("U0ADA", "the disk did not confirm it")
    assert "Generation 00000002 is live, yet unsynced." in words(told)
    assert "still in use" not in words(told)


async def test_a_rebuild_that_breaks_gives_a_reference(bench: Bench) -> None:
    bench.rebuilder.failure = RuntimeError("secret path /srv/kb")
    await bench.rebuild()
    told = await bench.direct("U0ADA", "under this reference: `")
    assert "secret" not in words(told)
    assert "still in use" in words(told)


@pytest.mark.proof
async def test_the_next_rebuild_waits_for_the_cooldown_and_status_does_not(start: Starter) -> None:
    bench = await start(rebuild_cooldown_seconds=2.0)
    await bench.rebuild()
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    await bench.rebuild()
    told = await bench.private("U0ADA", "C0GEN", "The last rebuild has only just ended.")
    assert told["text"].endswith((" in 1 s.", " in 2 s."))
    await bench.rebuild(text="status")
    await bench.private("U0ADA", "C0GEN", "published generation 00000002")
    await bench.rebuild(text="cancel")
    await bench.private("U0ADA", "C0GEN", "No rebuild runs.")
    await asyncio.sleep(2.0)
    await bench.rebuild()
    await bench.direct("U0ADA", "Generation 00000003 is live.")


async def test_a_second_rebuild_hears_who_runs_the_first_and_how_far(start: Starter) -> None:
    bench = await start(admins=("U0ADA", "U0ANN"))
    bench.rebuilder.gate.clear()
    await bench.rebuild("U0ADA")
    await bench.sim.wait_for(lambda: bench.rebuilder.builds == 1)
    await bench.rebuild("U0ANN")
    told = await bench.private("U0ANN", "C0GEN", "already running")
    assert "<@U0ADA>" in told["text"]
    assert "embedding (3 of 4), about 12 s left" in told["text"]
    bench.rebuilder.gate.set()
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    assert bench.rebuilder.builds == 1


async def test_two_at_the_same_moment_start_one(start: Starter) -> None:
    bench = await start(admins=("U0ADA", "U0ANN"))
    bench.rebuilder.gate.clear()
    await asyncio.gather(*(bench.rebuild(user) for user in ("U0ADA", "U0ANN", "U0ADA", "U0ANN")))
    assert bench.rebuilder.builds == 1
    assert sorted(line["outcome"] for line in bench.audit()) == ["running already"] * 3 + [
        "started"
    ]


@pytest.mark.parametrize("text", ["help", "HELP", "how do I lock timesheets?"])
async def test_help_and_anything_else_list_the_subcommands(bench: Bench, text: str) -> None:
    await bench.rebuild(text=text)
    told = await bench.private("U0ADA", "C0GEN", LIST)
    assert ("I do not know that subcommand" in told["text"]) == (text.lower() != "help")
    for name in ("status", "cancel", "rollback", "force", "help"):
        assert f"`/clockify-rebuild {name}`" in told["text"]
    assert bench.rebuilder.builds == 0
    assert "timesheets" not in bench.slack.audit_file.read_text()


async def test_the_command_is_acknowledged_within_a_second_whatever_slack_does(
    bench: Bench,
) -> None:
    await bench.sim.fault("slow", method="users.info", seconds=1.5)
    started = time.perf_counter()
    await bench.rebuild()
    assert time.perf_counter() - started < 1.0
    await bench.private("U0ADA", "C0GEN", "One moment, please …")
    assert bench.rebuilder.builds == 0
    await bench.private("U0ADA", "C0GEN", "I keep you posted in our direct message.")
    await bench.direct("U0ADA", "Generation 00000002 is live.")


async def test_where_no_direct_message_is_possible_the_report_comes_to_the_command(
    bench: Bench,
) -> None:
    await bench.sim.fault(
        "api_error", method="chat.postMessage", error="messages_tab_disabled", times=9
    )
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    notice = await bench.private("U0ADA", "C0GEN", "I cannot write you a direct message")
    assert "within half an hour; after that `/clockify-rebuild status` has it" in notice["text"]
    bench.rebuilder.gate.set()
    report = await bench.private("U0ADA", "C0GEN", "Generation 00000002 is live.")
    assert titles(report) == ["Rebuilt"]
    assert bench.directs("U0ADA") == []


async def test_a_message_that_cannot_be_edited_is_followed_by_the_report(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.direct("U0ADA", "○  publishing")
    await bench.sim.fault("api_error", method="chat.update", error="edit_window_closed", times=9)
    bench.rebuilder.gate.set()
    report = await bench.direct("U0ADA", "Generation 00000002 is live.")
    assert [titles(m)[0] for m in bench.directs("U0ADA")] == ["Rebuilding the knowledge", "Rebuilt"]
    assert report["ts"] == bench.directs("U0ADA")[1]["ts"]


async def test_blocks_that_slack_refuses_are_left_out(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    await bench.sim.fault("api_error", method="chat.update", error="invalid_blocks")
    bench.rebuilder.gate.set()
    report = await bench.direct("U0ADA", "Generation 00000002 is live.")
    assert ("blocks" in report, len(bench.directs("U0ADA"))) == (False, 1)


async def test_a_rate_limit_is_waited_for(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    await bench.sim.fault("rate_limit", method="chat.update", retry_after_seconds=1)
    bench.rebuilder.gate.set()
    started = time.monotonic()
    await bench.direct("U0ADA", "Generation 00000002 is live.")
    assert time.monotonic() - started > 0.9
    assert len(bench.directs("U0ADA")) == 1


async def test_a_long_rate_limit_stops_the_edits_and_the_report_is_a_message_of_its_own(
    bench: Bench,
) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    await bench.sim.fault("rate_limit", method="chat.update", retry_after_seconds=31)
    bench.rebuilder.on_progress(Progress(Phase.INDEXING, 0, 1))
    await asyncio.sleep(4 * UPDATE_SECONDS)
    assert "▸  *embedding*" in words(bench.directs("U0ADA")[0])
    bench.rebuilder.gate.set()
    report = await bench.direct("U0ADA", "Generation 00000002 is live.")
    assert report["ts"] == bench.directs("U0ADA")[1]["ts"]


async def test_an_edit_that_failed_is_tried_again_without_news(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.rebuild()
    await bench.direct("U0ADA", "▸  *embedding*")
    await bench.sim.fault("api_error", method="chat.update", error="fatal_error")
    bench.rebuilder.on_progress(Progress(Phase.INDEXING, 0, 1))
    await bench.direct("U0ADA", "▸  *indexing*")


class Spoken(PrivateReply):
    """A private reply that keeps what is said."""

    def __init__(self, replies: Replies) -> None:
        super().__init__(replies, "", "U0ADA")
        self.said: list[str] = []

    async def replace(self, message: Message) -> bool:
        """Keep it."""
        self.said.append(message.text)
        return True


async def test_what_is_said_instead_of_a_direct_message_comes_after_the_answer(
    sim: Simulator, app: AsyncApp
) -> None:
    method, error = "chat.postMessage", "messages_tab_disabled"
    await sim.fault("api_error", method=method, error=error, times=9)
    replies, is_answered = Replies(app.client), asyncio.Event()
    private = Spoken(replies)
    message = DirectMessage(replies, "U0ADA", instead=private, is_answered=is_answered)
    opening = asyncio.ensure_future(message.open(plain_message("It begins.")))
    finishing = asyncio.ensure_future(message.finish(plain_message("It has ended.")))
    await asyncio.wait({opening, finishing}, timeout=0.3)
    assert private.said == []
    is_answered.set()
    await asyncio.gather(opening, finishing)
    assert sorted(said.partition(".")[0] for said in private.said) == [
        "It has ended",
        "Rebuilding the knowledge",
    ]


async def test_the_answer_comes_late_and_the_report_after_it_where_no_direct_message_is_possible(
    bench: Bench,
) -> None:
    method, error = "chat.postMessage", "messages_tab_disabled"
    await bench.sim.fault("slow", method="users.info", seconds=0.7)
    await bench.sim.fault("api_error", method=method, error=error, times=9)
    await bench.rebuild()
    await bench.private("U0ADA", "C0GEN", "Generation 00000002 is live.")
    told = [message["text"].split(".")[0] for message in bench.privates("U0ADA", "C0GEN")]
    assert told == [
        "One moment, please …",
        "Rebuilding the knowledge",
        "Rebuilding the knowledge",
        "*Rebuilt*\n\nGeneration 00000002 is live",
    ]
