"""The inbox: each task once, to one process at a time, through deaths; only ids at the end."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert, text, update

from bot import tables
from bot.database import Database
from bot.inbox import Inbox, Waiting
from bot.message import Message
from bot.tasks import Claim, Inquiry, Surface, Task, TaskKind
from core.build_record import BuildRecord

from .inbox_child import claim_at_once

CHILD = [sys.executable, "-m", "tests.bot.inbox_child"]
DAY = 86_400.0
HERE = BuildRecord.of_this_process("a test")
ELSEWHERE = replace(HERE, pid_namespace="pid:[1]")  # another container on this machine
REPLY = Message("The answer", ({"type": "section"},))


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give the time of day."""
    return Clock(1_000_000.0)


@pytest.fixture
def steady() -> Clock:
    """Give the clock that nobody sets."""
    return Clock(50.0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Open a state file."""
    database = await Database.open(tmp_path / "bot.sqlite3")
    yield database
    await database.close()


@pytest.fixture
def inbox(database: Database, clock: Clock, steady: Clock) -> Inbox:
    """Give the inbox of this process."""
    return Inbox(database, clock=clock, steady_clock=steady)


def task(key: str, twin: str = "", kind: TaskKind = TaskKind.QUESTION) -> Task:
    """Make a task."""
    return Task(key, kind, "U0ADA", "C0GEN", twin, {"text": f"the text of {key}"})


def secret_task(number: int, choice: random.Random) -> Task:
    """Make a task whose text is easy to find on the disk."""
    words = f"secret {number} " + "x" * choice.choice((10, 50, 200, 600))
    return replace(task(f"event {number}"), body={"text": words})


async def claimed(inbox: Inbox, key: str) -> Claim:
    """Claim what must be claimable."""
    claim = await inbox.claim(key)
    assert claim is not None
    return claim


async def keys(inbox: Inbox) -> list[str]:
    """Give the keys of what waits."""
    return [waiting.key for waiting in await inbox.waiting()]


def bytes_on_disk(path: Path) -> bytes:
    """Read the file and its WAL in another process: ours would lose SQLite's locks."""
    files = [file for file in (path, Path(f"{path}-wal")) if file.exists()]
    return subprocess.run(["cat", *files], capture_output=True, check=True).stdout


class TestRecording:
    async def test_what_is_recorded_waits(self, inbox: Inbox, clock: Clock) -> None:
        assert await inbox.record(task("event 1", kind=TaskKind.VOTE))
        assert await inbox.waiting() == (
            Waiting("event 1", TaskKind.VOTE, "U0ADA", "C0GEN", clock.now, 0),
        )
        assert await inbox.count() == 1

    async def test_a_question_comes_back_as_it_was(self, inbox: Inbox) -> None:
        inquiry = Inquiry(
            "event 1", "half a \ud83d pair, \0 and ✓", Surface.MENTION, "T", "U", "C", "1.2", "1.1"
        )
        await inbox.record(inquiry.to_task())
        claim = await claimed(inbox, "event 1")
        assert claim.task == inquiry.to_task()
        assert Inquiry.of(claim.task) == inquiry

    @pytest.mark.parametrize("state", ["queued", "claimed", "done"])
    async def test_a_known_key_or_twin_is_not_taken_again(self, inbox: Inbox, state: str) -> None:
        assert await inbox.record(task("event 1", "T C 1.0"))
        if state != "queued":
            await claimed(inbox, "event 1")
        if state == "done":
            await inbox.finish("event 1")
        assert not await inbox.record(task("event 1"))
        assert not await inbox.record(task("event 1", "T C 2.0"))
        assert not await inbox.record(task("event 2", "T C 1.0"))
        assert await inbox.record(task("event 2", "T C 2.0"))

    async def test_tasks_without_twins_are_no_twins(self, inbox: Inbox) -> None:
        assert await inbox.record(task("event 1"))
        assert await inbox.record(task("event 2"))

    async def test_of_twins_at_the_same_moment_one_is_taken(self, inbox: Inbox) -> None:
        tasks = [task(f"event {number}", "T C 1.0") for number in range(20)]
        taken = await asyncio.gather(*map(inbox.record, tasks))
        assert taken.count(True) == 1

    async def test_the_oldest_waits_first(self, inbox: Inbox, clock: Clock) -> None:
        ages = {"b": 2, "d": 5, "c": 1, "a": 1, "e": 3, "f": 0}
        for key, seconds in ages.items():
            await inbox.record(task(key), received_at=clock.now + seconds)
        assert await keys(inbox) == ["f", "c", "a", "b", "e", "d"]
        await claimed(inbox, "a")
        await inbox.release("a")
        assert await keys(inbox) == ["f", "c", "a", "b", "e", "d"]


class TestClaiming:
    async def test_only_one_claims(self, inbox: Inbox, database: Database) -> None:
        await inbox.record(task("event 1"))
        other = Inbox(database)
        claims = await asyncio.gather(*(one.claim("event 1") for one in (inbox, other, inbox)))
        assert [claim is None for claim in claims].count(False) == 1
        assert await keys(inbox) == []
        assert await inbox.count() == 1

    async def test_what_is_unknown_or_done_is_not_claimed(self, inbox: Inbox) -> None:
        await inbox.record(task("event 1"))
        await claimed(inbox, "event 1")
        await inbox.finish("event 1")
        assert await inbox.claim("event 1") is None
        assert await inbox.claim("event 2") is None

    async def test_what_a_try_left_is_there_for_the_next(self, inbox: Inbox, clock: Clock) -> None:
        await inbox.record(task("event 1"))
        first = await claimed(inbox, "event 1")
        assert first == Claim(task("event 1"), 1, clock.now)
        await inbox.note("event 1", stream="1.5", part=1)
        await inbox.note("event 1", part=2)
        await inbox.keep_reply("event 1", REPLY)
        await inbox.release("event 1")
        assert await claimed(inbox, "event 1") == Claim(
            task("event 1"), 2, clock.now, REPLY, {"stream": "1.5", "part": 2}
        )

    async def test_a_try_that_was_cut_short_does_not_count(self, inbox: Inbox) -> None:
        await inbox.record(task("event 1"))
        await claimed(inbox, "event 1")
        await inbox.release("event 1", uncount=True)
        assert [waiting.tries for waiting in await inbox.waiting()] == [0]

    async def test_another_process_changes_nothing_of_a_claimed_task(
        self, inbox: Inbox, database: Database
    ) -> None:
        late = Inbox(database)  # it had the task before, and was taken for dead
        await inbox.record(task("event 1"))
        await claimed(inbox, "event 1")
        await late.keep_reply("event 1", Message("another"))
        await late.note("event 1", of="another")
        await late.release("event 1")
        assert await keys(inbox) == []
        await inbox.release("event 1")
        again = await claimed(inbox, "event 1")
        assert (again.reply, again.notes) == (None, {})

    async def test_but_it_may_say_that_the_task_is_done(
        self, inbox: Inbox, database: Database
    ) -> None:
        await inbox.record(task("event 1"))
        await claimed(inbox, "event 1")
        await Inbox(database).finish("event 1")
        assert await inbox.count() == 0
        await inbox.release("event 1")
        assert await keys(inbox) == []

    async def test_a_task_that_cannot_be_read_is_dropped(
        self, inbox: Inbox, database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        await inbox.record(task("event 1"))
        broken = update(tables.tasks).values(body='{"text": "my qu')
        await database.write(lambda connection: connection.execute(broken).close())
        assert await inbox.claim("event 1") is None
        assert await inbox.count() == 0
        assert "event 1 cannot be read" in caplog.text
        assert "my qu" not in caplog.text

    async def test_bytes_that_are_no_text_stop_no_other_task(
        self, inbox: Inbox, database: Database
    ) -> None:
        await inbox.record(task("event 1"))
        await inbox.record(task("event 2"))
        broken = text("UPDATE tasks SET user=CAST(x'ff41' AS TEXT) WHERE key='event 1'")
        await database.write(lambda connection: connection.execute(broken).close())
        assert [waiting.user for waiting in await inbox.waiting()] == ["\ufffdA", "U0ADA"]

    async def test_a_task_of_a_newer_bot_is_left_for_it(
        self, inbox: Inbox, database: Database, clock: Clock
    ) -> None:
        await inbox.record(task("event 1"))
        newer = update(tables.tasks).values(kind="of tomorrow")
        await database.write(lambda connection: connection.execute(newer).close())
        assert await keys(inbox) == []
        await inbox.prune()
        assert await inbox.count() == 1
        clock.now += DAY + 1
        await inbox.prune()
        assert await inbox.count() == 0


class TestTheDead:
    async def test_the_claim_of_a_killed_process_comes_back(
        self, inbox: Inbox, database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        command = [*CHILD, "hold", str(database.path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            assert await keys(inbox) == []
            child.kill()
            child.wait()
        assert await keys(inbox) == ["held"]
        assert "queued again: 1" in caplog.text
        assert (await claimed(inbox, "held")).tries == 2

    async def test_one_that_cannot_be_seen_is_given_a_minute(
        self, inbox: Inbox, database: Database, steady: Clock
    ) -> None:
        other = Inbox(database, owner=ELSEWHERE)
        await inbox.record(task("event 1"))
        await claimed(other, "event 1")
        assert await keys(inbox) == []
        steady.now += 59
        assert await keys(inbox) == []
        await other.renew()
        for _ in range(2):
            steady.now += 59
            assert await keys(inbox) == []
            await other.renew()
        assert await keys(inbox) == []
        steady.now += 60
        assert await keys(inbox) == ["event 1"]

    async def test_no_clock_that_is_set_takes_a_task_from_the_living(
        self, inbox: Inbox, database: Database, clock: Clock
    ) -> None:
        other = Inbox(database, owner=ELSEWHERE, clock=clock)
        await inbox.record(task("event 1"))
        await claimed(other, "event 1")
        for jump in (3_600.0, -7_200.0):
            assert await keys(inbox) == []
            clock.now += jump
        assert await keys(inbox) == []

    async def test_a_minute_that_was_seen_for_another_task_does_not_count(
        self, inbox: Inbox, database: Database, steady: Clock
    ) -> None:
        other = Inbox(database, owner=ELSEWHERE)
        await inbox.record(task("event 1"))
        await inbox.record(task("event 2"))
        await claimed(other, "event 1")
        assert await keys(inbox) == ["event 2"]
        await other.finish("event 1")
        await inbox.prune()
        await claimed(other, "event 2")
        steady.now += 61
        assert await keys(inbox) == []

    @pytest.mark.parametrize("record", [None, "{}", '{"pid": 1', "[]"])
    async def test_a_claim_whose_owner_was_not_rescued_comes_back(
        self, inbox: Inbox, database: Database, record: str | None
    ) -> None:
        await inbox.record(task("event 1"))
        await claimed(Inbox(database), "event 1")

        def damage(connection: Connection) -> None:
            connection.execute(delete(tables.owners))
            if record is not None:
                connection.execute(insert(tables.owners).values(id="x", record=record, beats=1))
                connection.execute(update(tables.tasks).values(owner="x"))

        await database.write(damage)
        assert await keys(inbox) == ["event 1"]

    async def test_two_processes_claim_each_task_once(
        self, inbox: Inbox, database: Database
    ) -> None:
        names = [f"event-{number:03}" for number in range(300)]
        await asyncio.gather(*(inbox.record(task(name)) for name in names))
        shares = await asyncio.to_thread(claim_at_once, database.path, 2)
        assert sorted(key for share in shares for key in share) == names


class TestForgetting:
    async def test_a_done_task_is_known_for_a_day(self, inbox: Inbox, clock: Clock) -> None:
        await inbox.record(task("event 1", "T C 1.0"))
        await inbox.finish("event 1")
        clock.now += DAY - 1
        await inbox.prune()
        assert not await inbox.record(task("event 1"))
        assert not await inbox.record(task("event 2", "T C 1.0"))
        clock.now += 2
        await inbox.prune()
        assert await inbox.record(task("event 1", "T C 1.0"))

    async def test_a_day_counts_from_when_the_clock_was_put_right(
        self, inbox: Inbox, clock: Clock
    ) -> None:
        clock.now += 30 * DAY
        await inbox.record(task("event 1"))
        await inbox.finish("event 1")
        clock.now -= 30 * DAY
        await inbox.prune()
        assert not await inbox.record(task("event 1"))
        clock.now += DAY + 1
        await inbox.prune()
        assert await inbox.record(task("event 1"))

    async def test_what_is_not_done_is_not_forgotten(self, inbox: Inbox, clock: Clock) -> None:
        await inbox.record(task("event 1"))
        await inbox.record(task("event 2"))
        await claimed(inbox, "event 2")
        clock.now += 10 * DAY
        await inbox.prune()
        assert await inbox.count() == 2
        await inbox.release("event 2")
        assert await keys(inbox) == ["event 1", "event 2"]

    async def test_a_done_task_leaves_only_its_ids_in_the_file(
        self, inbox: Inbox, database: Database
    ) -> None:
        await inbox.record(Task("event 1", TaskKind.QUESTION, "U0EVE", "", "T C 1.0", {"a": "b?"}))
        await claimed(inbox, "event 1")
        await inbox.finish("event 1")
        left = await database.read(
            lambda connection: connection.execute(tables.tasks.select()).one()._asdict()
        )
        assert {name for name, value in left.items() if value not in (None, "")} == {
            *("number", "key", "twin", "kind", "received_at", "state", "tries", "done_at")
        }

    async def test_the_text_is_overwritten_at_once(self, inbox: Inbox, database: Database) -> None:
        await inbox.record(task("event 1"))
        await inbox.record(replace(task("event 2"), body={"text": "my secret question"}))
        await claimed(inbox, "event 2")
        await inbox.keep_reply("event 2", Message("a secret answer"))
        await inbox.note("event 2", draft="a secret draft")
        code = "import sqlite3, sys; raw = sqlite3.connect(sys.argv[1]); "
        code += "print(raw.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()); raw.close()"
        checkpoint = [sys.executable, "-c", code, str(database.path)]
        subprocess.run(checkpoint, check=True)
        assert bytes_on_disk(database.path).count(b"secret") >= 3
        await inbox.finish("event 2")
        assert subprocess.run(checkpoint, capture_output=True, check=True).stdout == b"(0, 0, 0)\n"
        on_disk = bytes_on_disk(database.path)
        assert b"the text of event 1" in on_disk
        assert b"secret" not in on_disk

    async def test_no_text_of_many_is_left_after_pruning(
        self, inbox: Inbox, database: Database
    ) -> None:
        """Without writing the file anew SQLite leaves some of these, where it moved rows."""
        choice, open_ones, works = random.Random(2), list[int](), []
        for number in range(400):
            works += [inbox.record(secret_task(number, choice)), inbox.claim(f"event {number}")]
            open_ones.append(number)
            if choice.random() < 0.7:
                one = choice.choice(open_ones[-20:])
                reply = Message(secret_task(one, choice).body["text"])
                works.append(inbox.keep_reply(f"event {one}", reply))
            if len(open_ones) > 20:
                works.append(inbox.finish(f"event {open_ones.pop(choice.randrange(20))}"))
        works += [inbox.finish(f"event {number}") for number in open_ones]
        await asyncio.gather(*works, inbox.record(task("event 9999")))
        await inbox.prune()
        on_disk = bytes_on_disk(database.path)
        assert b"the text of event 9999" in on_disk
        assert on_disk.count(b"secret") == 0


class TestFull:
    async def test_nothing_is_confirmed_that_the_disk_did_not_take(self, tmp_path: Path) -> None:
        path = tmp_path / "bot.sqlite3"
        command = [*CHILD, "fill", str(path), "200000"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr
        lines = [line.split(maxsplit=1) for line in ended.stdout.splitlines()]
        confirmed = {words[1] for words in lines if words[0] == "recorded"}
        (told,) = [words[1] for words in lines if words[0] == "full"]
        assert str(path) in told
        assert {key.partition("-")[0] for key in confirmed} == {"before", "after"}
        database = await Database.open(path)
        assert confirmed <= set(await keys(Inbox(database)))
        await database.close()
