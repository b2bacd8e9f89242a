"""Workers on a real inbox: everything taken in is carried out or apologised for, exactly once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.database import Database
from bot.fair_queue import Limits
from bot.inbox import Inbox
from bot.question_log import reference_of
from bot.retrying import Pace
from bot.sender import TryLater
from bot.tasks import Claim, GiveUp, Task, TaskKind
from bot.waiting_room import WaitingRoom
from bot.workers import Bounds, Workers

QUICK = Pace(first_pause=0.01, longest_pause=0.02, sweep=0.05)


@dataclass
class Scripted:
    """A handler that fails as told and notes what it was asked to do."""

    failures: dict[str, list[Exception]] = field(default_factory=dict)  # by key, used up in turn
    apology_failures: list[Exception] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    tries: list[tuple[str, int]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    given_up: list[tuple[str, GiveUp, str]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.gate.set()

    async def handle(self, claim: Claim) -> None:
        """Wait at the gate, then fail or be done."""
        key = claim.task.key
        await self._note(lambda: self.tries.append((key, claim.tries)))
        await self.gate.wait()
        if self.failures.get(key):
            raise self.failures[key].pop(0)
        await self._note(lambda: self.done.append(key))

    async def give_up(self, claim: Claim, why: GiveUp, reference: str) -> None:
        """Note the apology, or fail."""
        if self.apology_failures:
            raise self.apology_failures.pop(0)
        await self._note(lambda: self.given_up.append((claim.task.key, why, reference)))

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something to be noted."""
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(is_so)

    async def _note(self, change: Callable[[], None]) -> None:
        async with self.changed:
            change()
            self.changed.notify_all()


@dataclass
class NotedRoom(WaitingRoom):
    """A waiting room that notes who comes and goes, and tells nobody anything."""

    handler: Scripted
    noted: list[str] = field(default_factory=list)

    def enter(self, task: Task) -> None:
        """Note it."""
        self.noted.append(f"enter {task.key}")

    async def leave(self, key: str) -> None:
        """Note how often it was tried then."""
        self.noted.append(f"leave {key}, {len(self.handler.tries)} tries")


def task(key: str, user: str = "U1", kind: TaskKind = TaskKind.QUESTION) -> Task:
    """Make a task."""
    return Task(key, kind, user, "C1", body={"text": key})


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Open a state file."""
    opened = await Database.open(tmp_path / "bot.sqlite3")
    yield opened
    await opened.close()


@pytest.fixture
def inbox(database: Database) -> Inbox:
    """Give an inbox of a process."""
    return Inbox(database)


@asynccontextmanager
async def working(
    inbox: Inbox,
    handler: Scripted,
    *,
    pace: Pace = QUICK,
    bounds: Bounds | None = None,
    drain_seconds: float = 2.0,
) -> AsyncIterator[Workers]:
    """Run workers with one handler for everything but votes."""
    kinds = set(TaskKind) - {TaskKind.VOTE}
    workers = Workers(inbox, dict.fromkeys(kinds, handler), pace=pace, bounds=bounds)
    await workers.start()
    yield workers
    handler.gate.set()
    await workers.drain(drain_seconds)


async def take(inbox: Inbox, workers: Workers, *tasks: Task) -> None:
    """Record tasks and tell the workers, as a listener does."""
    for one in tasks:
        assert await inbox.record(one)
        workers.notice(one)


async def emptied(inbox: Inbox) -> None:
    """Wait until nothing is left to do."""
    async with asyncio.timeout(5):
        while await inbox.count():
            await asyncio.sleep(0.005)


async def test_a_task_is_carried_out_and_gone(inbox: Inbox) -> None:
    handler = Scripted()
    async with working(inbox, handler) as workers:
        await take(inbox, workers, task("a"), task("b", "U2"))
        await emptied(inbox)
    assert sorted(handler.done) == ["a", "b"]
    assert handler.given_up == []


async def test_what_was_left_in_the_inbox_is_taken_up_at_the_start(inbox: Inbox) -> None:
    handler = Scripted()
    await inbox.record(task("left"))
    async with working(inbox, handler, pace=Pace(sweep=60.0)):
        await emptied(inbox)
    assert handler.done == ["left"]


async def test_what_another_process_recorded_is_found_by_the_sweep(database: Database) -> None:
    handler = Scripted()
    async with working(Inbox(database), handler):
        other = Inbox(database)
        await other.record(task("theirs"))
        await emptied(other)
    assert handler.done == ["theirs"]


async def test_two_processes_on_one_inbox_do_each_task_once(database: Database) -> None:
    handler = Scripted()
    inboxes = Inbox(database), Inbox(database)
    async with working(inboxes[0], handler) as first, working(inboxes[1], handler) as second:
        tasks = [task(f"{number}", f"U{number}") for number in range(40)]
        for one in tasks:
            await inboxes[0].record(one)
            first.notice(one)
            second.notice(one)
        await emptied(inboxes[0])
    assert sorted(handler.done) == sorted(one.key for one in tasks)


async def test_what_passes_is_tried_again_and_what_does_not_is_apologised_for(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Scripted({"passes": [TimeoutError(), TimeoutError()], "broken": [KeyError("x")]})
    async with working(inbox, handler) as workers:
        await take(inbox, workers, task("passes"), task("broken"))
        await emptied(inbox)
    assert handler.done == ["passes"]
    assert [tries for key, tries in handler.tries if key == "passes"] == [1, 2, 3]
    assert handler.given_up == [("broken", GiveUp.FAILED, reference_of("broken"))]
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert errors == [f"question {reference_of('broken')} failed"]


async def test_three_failures_that_might_have_passed_are_enough(inbox: Inbox) -> None:
    handler = Scripted({"a": [TimeoutError() for _ in range(9)]})
    async with working(inbox, handler) as workers:
        await take(inbox, workers, task("a"))
        await emptied(inbox)
    assert len(handler.tries) == 3
    assert [why for _, why, _ in handler.given_up] == [GiveUp.FAILED]


async def test_being_asked_to_wait_is_no_failure(inbox: Inbox) -> None:
    handler = Scripted({"a": [TryLater("Slack is busy") for _ in range(6)]})
    async with working(inbox, handler) as workers:
        await take(inbox, workers, task("a"))
        await emptied(inbox)
    assert handler.done == ["a"]


async def test_a_task_that_ended_with_its_process_three_times_is_poison(inbox: Inbox) -> None:
    handler = Scripted()
    await inbox.record(task("poison"))
    for _ in range(3):
        await inbox.claim("poison")
        await inbox.release("poison")
    await inbox.record(task("good"))
    async with working(inbox, handler):
        await emptied(inbox)
    assert [(key, why) for key, why, _ in handler.given_up] == [("poison", GiveUp.POISON)]
    assert handler.done == ["good"]


async def test_what_is_older_than_fifteen_minutes_gets_an_apology(inbox: Inbox) -> None:
    handler = Scripted()
    await inbox.record(task("old"), time.time() - 901)
    await inbox.record(task("young"), time.time() - 890)
    async with working(inbox, handler):
        await emptied(inbox)
    assert [(key, why) for key, why, _ in handler.given_up] == [("old", GiveUp.TOO_LATE)]
    assert handler.done == ["young"]


async def test_what_grows_old_behind_others_does_not_wait_for_them(inbox: Inbox) -> None:
    handler = Scripted()
    handler.gate.clear()
    bounds = Bounds(questions=Limits(in_flight=1))
    async with working(inbox, handler, pace=Pace(too_late=0.3, sweep=0.05), bounds=bounds) as w:
        await take(inbox, w, task("stuck"), task("behind"))
        await handler.until(lambda: bool(handler.given_up))
        assert handler.given_up[0][:2] == ("behind", GiveUp.TOO_LATE)
        assert handler.tries == [("stuck", 1)]


async def test_newcomers_are_told_when_too_many_wait(inbox: Inbox) -> None:
    handler = Scripted()
    handler.gate.clear()
    bounds = Bounds(questions=Limits(in_flight=1), waiting=2)
    async with working(inbox, handler, bounds=bounds) as workers:
        await take(inbox, workers, *(task(f"{n}") for n in range(5)))
        await handler.until(lambda: len(handler.given_up) == 2)
        assert {why for _, why, _ in handler.given_up} == {GiveUp.BUSY}
        handler.gate.set()
        await emptied(inbox)
    assert sorted(handler.done) == ["0", "1", "2"]


async def test_an_apology_is_repeated_until_it_gets_through(inbox: Inbox) -> None:
    failures = [TryLater("not now"), TimeoutError(), TimeoutError(), TimeoutError()]
    handler = Scripted({"a": [KeyError("x")]}, apology_failures=[*failures])
    async with working(inbox, handler) as workers:
        await take(inbox, workers, task("a"))
        await emptied(inbox)
    assert [why for _, why, _ in handler.given_up] == [GiveUp.FAILED]


async def test_an_apology_that_nobody_takes_ends_after_an_hour(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Scripted(apology_failures=[TimeoutError()])
    await inbox.record(task("a"), time.time() - 3_601)
    async with working(inbox, handler):
        await emptied(inbox)
    assert handler.given_up == []
    assert f"could not tell anybody about question {reference_of('a')}" in caplog.text


async def test_a_task_of_a_kind_that_nobody_handles_is_dropped_with_an_error(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    async with working(inbox, Scripted()) as workers:
        await take(inbox, workers, task("a", kind=TaskKind.VOTE))
        await emptied(inbox)
    assert "could not tell anybody about vote" in caplog.text


async def test_a_click_does_not_wait_behind_questions(inbox: Inbox) -> None:
    handler = Scripted()
    handler.gate.clear()
    async with working(inbox, handler) as workers:
        await take(inbox, workers, *(task(f"{n}") for n in range(4)))
        await take(inbox, workers, task("click", kind=TaskKind.SHARE))
        await handler.until(lambda: ("click", 1) in handler.tries)
        assert len(handler.tries) == 3  # two questions of the user are in flight


async def test_places_in_the_queue_count_from_one(inbox: Inbox) -> None:
    handler = Scripted()
    handler.gate.clear()
    async with working(inbox, handler) as workers:
        await take(inbox, workers, *(task(f"{n}") for n in range(4)))
        assert [workers.position(f"{n}") for n in range(4)] == [None, None, 1, 2]


async def test_the_waiting_room_is_left_before_the_work_begins(inbox: Inbox) -> None:
    handler = Scripted()
    room = NotedRoom(handler)
    workers = Workers(inbox, dict.fromkeys(TaskKind, handler), waiting_room=room, pace=QUICK)
    await workers.start()
    await take(inbox, workers, task("a"))
    await emptied(inbox)
    await workers.drain(1.0)
    assert room.noted == ["enter a", "leave a, 0 tries"]


async def test_draining_waits_for_what_is_in_flight_and_begins_nothing(inbox: Inbox) -> None:
    handler = Scripted()
    handler.gate.clear()
    async with working(inbox, handler) as workers:
        await take(inbox, workers, *(task(f"{n}") for n in range(4)))
        await handler.until(lambda: len(handler.tries) == 2)
        draining = asyncio.create_task(workers.drain(5.0))
        await asyncio.sleep(0)
        await take(inbox, workers, task("late", "U2"))
        assert (await inbox.waiting())[-1].key == "late"
        handler.gate.set()
        await asyncio.wait_for(draining, 1.0)
    assert handler.tries == [("0", 1), ("1", 1)]
    assert sorted(handler.done) == ["0", "1"]
    assert [waiting.key for waiting in await inbox.waiting()] == ["2", "3", "late"]


async def test_what_does_not_end_in_time_is_handed_back_and_counts_for_nothing(
    inbox: Inbox,
) -> None:
    first, second = Scripted(), Scripted()
    first.gate.clear()
    workers = Workers(inbox, dict.fromkeys(TaskKind, first), pace=QUICK)
    await workers.start()
    await take(inbox, workers, task("a"))
    await first.until(lambda: bool(first.tries))
    started = time.monotonic()
    await workers.drain(1.2)
    assert 0.1 < time.monotonic() - started < 1.2
    assert first.done == []
    async with working(inbox, second):
        await emptied(inbox)
    assert second.tries == [("a", 1)]


async def test_a_click_that_is_handed_back_counts_for_it_may_have_been_seen(inbox: Inbox) -> None:
    first, second = Scripted(), Scripted()
    first.gate.clear()
    workers = Workers(inbox, dict.fromkeys(TaskKind, first), pace=QUICK)
    await workers.start()
    await take(inbox, workers, task("a", kind=TaskKind.SHARE))
    await first.until(lambda: bool(first.tries))
    await workers.drain(1.0)
    async with working(inbox, second):
        await emptied(inbox)
    assert second.tries == [("a", 2)]


async def test_what_pauses_is_handed_back_at_once(inbox: Inbox) -> None:
    handler = Scripted({"a": [TimeoutError()]})
    workers = Workers(inbox, dict.fromkeys(TaskKind, handler), pace=Pace(first_pause=60.0))
    await workers.start()
    await take(inbox, workers, task("a"))
    await handler.until(lambda: bool(handler.tries))
    await asyncio.wait_for(workers.drain(9.0), 3.0)
    assert [(waiting.key, waiting.tries) for waiting in await inbox.waiting()] == [("a", 1)]


async def test_draining_idle_workers_takes_no_time(inbox: Inbox) -> None:
    workers = Workers(inbox, {})
    await workers.start()
    await asyncio.wait_for(workers.drain(9.0), 3.0)
