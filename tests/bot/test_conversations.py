"""Past questions: follow-ups, recent ones, votes, gaps, calls for a human; only while allowed."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.conversations import Conversation, Conversations, Escalation, Gap, Link
from bot.database import Database
from core.types import Exchange

DAY = 86_400.0
HOUR = 3_600.0
LINKS = (Link("Add time", "https://example.com/time", "Timer"), Link("Tags", None, ""))
ROOT = "100.1"  # a thread


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 10_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give the time of day."""
    return Clock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Open a state file."""
    database = await Database.open(tmp_path / "bot.sqlite3")
    yield database
    await database.close()


@pytest.fixture
def past(database: Database, clock: Clock) -> Conversations:
    """Give conversations that are kept for a week."""
    return Conversations(database, retention_days=7, clock=clock)


def make(clock: Clock, answer_id: str, **changes: object) -> Conversation:
    """Make a conversation in a thread, asked now."""
    made = Conversation(
        answer_id=answer_id,
        team="T0SIM",
        channel="C0GEN",
        thread=ROOT,
        user="U0ADA",
        surface="mention",
        question=f"What is {answer_id}?",
        standalone="",
        reply=f"It is {answer_id}.",
        outcome="answered",
        links=LINKS,
        generation="00000001",
        asked_at=clock.now,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def add(past: Conversations, clock: Clock, answer_id: str, **changes: object) -> None:
    """Keep a conversation, a second after the last."""
    clock.now += 1
    await past.add(make(clock, answer_id, **changes))


def said(*answer_ids: str) -> tuple[Exchange, ...]:
    """Give the exchanges of conversations that make() made."""
    return tuple(Exchange(f"What is {each}?", f"It is {each}.") for each in answer_ids)


class TestKeeping:
    async def test_it_comes_back_as_it_was(self, past: Conversations, clock: Clock) -> None:
        kept = make(clock, "a1", standalone="What is a1 really?", posted_channel="D1")
        await past.add(kept)
        assert await past.find("a1") == kept
        assert await past.find("a2") is None
        assert past.keeps_anything

    async def test_a_repetition_replaces_it(self, past: Conversations, clock: Clock) -> None:
        await past.add(make(clock, "a1"))
        again = make(clock, "a1", posted_ts="101.1")
        await past.add(again)
        assert await past.find("a1") == again
        assert len(await past.history("C0GEN", ROOT)) == 1

    async def test_no_text_is_too_odd(self, past: Conversations, clock: Clock) -> None:
        await past.add(make(clock, "a1", question="half a \ud83d pair, \0 and ✓"))
        found = await past.find("a1")
        assert found is not None
        assert found.question == "half a ? pair, \ufffd and ✓"


class TestHistory:
    async def test_a_thread_is_told_oldest_first(self, past: Conversations, clock: Clock) -> None:
        for name in ("a1", "a2", "a3"):
            await add(past, clock, name)
        await add(past, clock, "b1", thread="200.1")
        await add(past, clock, "c1", channel="C0DEV")
        assert await past.history("C0GEN", ROOT) == said("a1", "a2", "a3")
        assert await past.history("C0GEN", "300.1") == ()

    async def test_five_exchanges_at_most(self, past: Conversations, clock: Clock) -> None:
        for number in range(7):
            await add(past, clock, f"a{number}")
        assert await past.history("C0GEN", ROOT) == said("a2", "a3", "a4", "a5", "a6")

    async def test_a_day_at_most(self, past: Conversations, clock: Clock) -> None:
        await add(past, clock, "a1")
        clock.now += 23 * HOUR
        await add(past, clock, "a2")
        assert await past.history("C0GEN", ROOT) == said("a1", "a2")
        clock.now += HOUR
        assert await past.history("C0GEN", ROOT) == said("a2")

    async def test_so_many_characters_at_most(self, past: Conversations, clock: Clock) -> None:
        await add(past, clock, "a1", question="q" * 1_000, reply="r" * 2_001)
        await add(past, clock, "a2", question="q" * 1_000, reply="r" * 2_000)
        assert [len(each.reply) for each in await past.history("C0GEN", ROOT)] == [2_000]
        await past.add(make(clock, "a1", question="q" * 1_000, reply="r" * 2_000))
        assert len(await past.history("C0GEN", ROOT)) == 2

    async def test_of_a_long_answer_the_beginning(self, past: Conversations, clock: Clock) -> None:
        await add(past, clock, "a1")
        await add(past, clock, "a2", question="q" * 100, reply="r" * 7_000)
        assert await past.history("C0GEN", ROOT) == (Exchange("q" * 100, "r" * 5_900),)

    async def test_refusals_count_and_notices_do_not(
        self, past: Conversations, clock: Clock
    ) -> None:
        await add(past, clock, "a1", outcome="refused:nothing_found")
        await add(past, clock, "a2", outcome="notice:greeting")
        assert await past.history("C0GEN", ROOT) == said("a1")
        assert await past.history_up_to("a2") == ()

    async def test_a_thread_under_the_bots_own_message(
        self, past: Conversations, clock: Clock
    ) -> None:
        await add(past, clock, "a1", thread="", posted_channel="D1", posted_ts="150.1")
        await add(past, clock, "a2", channel="D1", thread="150.1")
        assert await past.history("D1", "150.1") == said("a1", "a2")
        assert await past.history("C0GEN", "150.1") == ()
        await add(past, clock, "b1", posted_ts="160.1")  # where it was posted is not known
        assert await past.history("C0GEN", "160.1") == said("b1")

    async def test_what_has_no_thread_is_no_conversation(
        self, past: Conversations, clock: Clock
    ) -> None:
        await add(past, clock, "a1", thread="")
        await add(past, clock, "a2", thread="")
        assert await past.history("C0GEN", "") == ()
        assert not await past.has_thread("C0GEN", "")
        assert await past.history_up_to("a2") == said("a2")

    async def test_up_to_an_answer(self, past: Conversations, clock: Clock) -> None:
        for name in ("a1", "a2", "a3"):
            await past.add(make(clock, name))  # all at the same moment
        await add(past, clock, "a4")
        assert await past.history_up_to("a2") == said("a1", "a2")
        clock.now += 3 * DAY
        assert await past.history_up_to("a4") == said("a1", "a2", "a3", "a4")
        assert await past.history_up_to("a9") == ()

    async def test_threads_that_the_bot_is_in(self, past: Conversations, clock: Clock) -> None:
        await add(past, clock, "a1", outcome="notice:greeting", posted_ts="101.1")
        assert await past.has_thread("C0GEN", ROOT)
        assert await past.has_thread("C0GEN", "101.1")
        assert not await past.has_thread("C0GEN", "102.1")
        assert not await past.has_thread("C0DEV", ROOT)


class TestRecent:
    async def test_a_persons_own_newest_first(self, past: Conversations, clock: Clock) -> None:
        for number in range(7):
            await add(past, clock, f"a{number}")
        await add(past, clock, "b1", user="U0BOB")
        await add(past, clock, "n1", outcome="notice:thanks")
        recent = await past.recent("U0ADA")
        assert [each.answer_id for each in recent] == ["a6", "a5", "a4", "a3", "a2"]
        assert len(await past.recent("U0ADA", limit=2)) == 2

    async def test_the_same_question_once(self, past: Conversations, clock: Clock) -> None:
        await add(past, clock, "a1", question="Where?")
        await add(past, clock, "a2", question="When?")
        await add(past, clock, "a3", question="where? ")
        recent = await past.recent("U0ADA")
        assert [each.answer_id for each in recent] == ["a3", "a2"]


class TestGaps:
    async def test_refused_and_disliked_questions(self, past: Conversations, clock: Clock) -> None:
        await add(past, clock, "fine", question="Fine?")
        await add(past, clock, "r1", question="How about  Jira?", outcome="refused:weak_evidence")
        await add(past, clock, "d1", question="Offline?")
        await add(past, clock, "r2", question="how ABOUT jira?", outcome="refused:nothing_found")
        await past.vote("fine", "ada", "up")
        await past.vote("d1", "ada", "down", "outdated", "it moved")
        await past.vote("d1", "bob", "down", "wrong")
        await past.vote("d1", "eve", "down", "wrong")
        asked = clock.now
        assert await past.gaps() == (
            Gap("how ABOUT jira?", 2, asked, "refused", (), LINKS),
            Gap("Offline?", 1, asked - 1, "thumbs_down", ("wrong", "outdated"), LINKS),
        )
        assert [gap.times for gap in await past.gaps(limit=1)] == [2]

    async def test_the_newest_of_equals_first(self, past: Conversations, clock: Clock) -> None:
        for name in ("r1", "r2", "r3"):
            await add(past, clock, name, outcome="refused:nothing_found")
        asked = [gap.question for gap in await past.gaps()]
        assert asked == ["What is r3?", "What is r2?", "What is r1?"]

    async def test_a_follow_up_is_named_as_it_was_searched(
        self, past: Conversations, clock: Clock
    ) -> None:
        for name, standalone in (("r1", "An app for iOS?"), ("r2", "Taxes for iOS?")):
            changes = {"standalone": standalone, "outcome": "refused:nothing_found"}
            await add(past, clock, name, question="And for iOS?", **changes)
        asked = [gap.question for gap in await past.gaps()]
        assert asked == ["Taxes for iOS?", "An app for iOS?"]

    async def test_a_changed_mind_counts_once(self, past: Conversations, clock: Clock) -> None:
        await add(past, clock, "a1")
        await past.vote("a1", "ada", "down")
        assert [gap.reasons for gap in await past.gaps()] == [()]
        await past.vote("a1", "ada", "down", "unclear")
        await past.vote("a1", "ada", "down")  # Slack delivered the click again
        assert [gap.reasons for gap in await past.gaps()] == [("unclear",)]
        await past.vote("a1", "ada", "up")
        assert await past.gaps() == ()


class TestEscalations:
    async def test_an_answer_has_one(self, past: Conversations) -> None:
        assert await past.escalation("a1") is None
        assert await past.open_escalation("a1", "U0ADA")
        assert not await past.open_escalation("a1", "U0BOB")
        assert await past.escalation("a1") == Escalation("a1", "U0ADA")
        await past.place_escalation("a1", "C0HELP", "300.1")
        assert await past.escalation("a1") == Escalation("a1", "U0ADA", "C0HELP", "300.1")

    async def test_it_is_resolved_once(self, past: Conversations) -> None:
        assert not await past.resolve("a1", "U0BOB")
        await past.open_escalation("a1", "U0ADA")
        assert await past.resolve("a1", "U0BOB")
        assert not await past.resolve("a1", "U0EVE")
        assert await past.escalation("a1") == Escalation("a1", "U0ADA", resolved_by="U0BOB")


class TestForgetting:
    async def test_nothing_is_given_that_is_too_old(
        self, past: Conversations, clock: Clock
    ) -> None:
        await add(past, clock, "a1", outcome="refused:nothing_found")
        clock.now += 7 * DAY - 1
        assert await past.find("a1") is not None
        clock.now += 1
        assert await past.find("a1") is None
        assert await past.recent("U0ADA") == ()
        assert await past.gaps() == ()
        assert not await past.has_thread("C0GEN", ROOT)

    async def test_pruning_leaves_no_text_of_what_is_too_old(
        self, past: Conversations, database: Database, clock: Clock
    ) -> None:
        asked = [f"secret {number} " + "x" * (number * 37 % 3_000) for number in range(200)]
        await asyncio.gather(*(past.add(make(clock, q[:10], question=q)) for q in asked))
        await past.vote("a1", "ada", "down", "wrong", "a secret comment")
        clock.now += 3 * DAY
        await past.add(make(clock, "b1", question="not so old"))
        await past.vote("b1", "ada", "down", "wrong", "a new comment")
        clock.now += 4 * DAY
        await past.prune()
        files = [database.path, Path(f"{database.path}-wal")]
        on_disk = subprocess.run(["cat", *files], capture_output=True, check=True).stdout
        assert b"not so old" in on_disk
        assert b"a new comment" in on_disk
        assert on_disk.count(b"secret") == 0

    async def test_what_a_clock_ahead_has_dated_is_kept_for_as_long_and_no_longer(
        self, past: Conversations, clock: Clock
    ) -> None:
        clock.now += 1_000 * DAY
        await past.add(make(clock, "a1"))
        await past.vote("a1", "ada", "down")
        await past.open_escalation("a1", "U0ADA")
        clock.now -= 1_000 * DAY
        await past.prune()
        assert await past.find("a1") is not None
        clock.now += 7 * DAY
        await past.prune()
        clock.now -= DAY
        assert await past.find("a1") is None
        await past.add(make(clock, "a1"))
        assert await past.gaps() == ()
        clock.now += 24 * DAY
        await past.prune()
        assert await past.escalation("a1") is None

    async def test_calls_for_a_human_are_kept_for_a_month(
        self, past: Conversations, clock: Clock
    ) -> None:
        await past.open_escalation("a1", "U0ADA")
        clock.now += 29 * DAY
        await past.prune()
        assert await past.escalation("a1") is not None
        clock.now += 2 * DAY
        await past.prune()
        assert await past.escalation("a1") is None


class TestKeepingNothing:
    async def test_nothing_is_written_or_found(
        self, past: Conversations, database: Database, clock: Clock
    ) -> None:
        none = Conversations(database, retention_days=0, clock=clock)
        assert not none.keeps_anything
        await none.add(make(clock, "a1", outcome="refused:nothing_found"))
        await none.vote("a1", "ada", "down", "wrong")
        assert await past.find("a1") is None
        await past.add(make(clock, "a1", outcome="refused:nothing_found"))
        assert [gap.reasons for gap in await past.gaps()] == [()]  # without the vote's
        clock.now -= 1  # even what seems to come from the future
        assert await none.find("a1") is None
        assert await none.history("C0GEN", ROOT) == ()
        assert await none.history_up_to("a1") == ()
        assert not await none.has_thread("C0GEN", ROOT)
        assert await none.recent("U0ADA") == ()
        assert await none.gaps() == ()

    async def test_what_was_kept_before_goes(
        self, past: Conversations, database: Database, clock: Clock
    ) -> None:
        await past.add(make(clock, "a1"))
        await past.vote("a1", "ada", "down")
        await Conversations(database, retention_days=0, clock=clock).prune()
        assert await past.find("a1") is None
        await past.add(make(clock, "a1"))
        assert await past.gaps() == ()

    async def test_calls_for_a_human_work(self, database: Database, clock: Clock) -> None:
        none = Conversations(database, retention_days=0, clock=clock)
        assert await none.open_escalation("a1", "U0ADA")
        await none.prune()
        assert await none.resolve("a1", "U0BOB")
