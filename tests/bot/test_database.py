"""The state file: durable when write returns, private, never in the way, moved aside if damaged."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, insert, select, text

from bot.database import MAX_BATCH, Database, StorageError
from bot.tables import SCHEMA_VERSION, channel_rules

CHILD = [sys.executable, "-m", "tests.bot.inbox_child"]
LARGE = "x" * 3_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a state file in a folder that is not there yet."""
    return tmp_path / "state" / "bot.sqlite3"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """Open the state file."""
    database = await Database.open(path)
    yield database
    await database.close()


def put(connection: Connection, channel: str, by: str = "") -> str:
    """Write one small row."""
    values = {"channel": channel, "mode": "off", "is_private": False, "folders": "[]"}
    row = {**values, "allows_external": False, "changed_by": by, "changed_at": 0.0}
    connection.execute(insert(channel_rules).values(row))
    return channel


async def put_one(database: Database, channel: str, by: str = "") -> str:
    """Write one small row, durably."""
    return await database.write(lambda connection: put(connection, channel, by))


async def put_many(database: Database, count: int) -> list[str]:
    """Write large rows."""
    names = (f"C{number:03}" for number in range(count))
    return await asyncio.gather(*(put_one(database, name, by=LARGE) for name in names))


async def found(database: Database) -> list[str]:
    """Give the rows, as the reading side sees them."""
    query = select(channel_rules.c.channel).order_by(channel_rules.c.channel)
    return await database.read(lambda connection: list(connection.execute(query).scalars()))


def seen_from_outside(path: Path) -> list[str]:
    """Give the rows that another connection sees."""
    with closing(sqlite3.connect(path)) as raw:
        rows = raw.execute("SELECT channel FROM channel_rules ORDER BY channel").fetchall()
    return [channel for (channel,) in rows]


@contextmanager
def commits_counted() -> Iterator[list[Connection]]:
    """Collect the commits of all engines."""
    commits: list[Connection] = []

    def collect(connection: Connection) -> None:
        commits.append(connection)

    event.listen(Engine, "commit", collect)
    try:
        yield commits
    finally:
        event.remove(Engine, "commit", collect)


class Plug:
    """A work that keeps the writer until it is pulled, so that others queue behind it."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self._is_pulled = threading.Event()

    def __call__(self, connection: Connection) -> None:
        self.has_begun.set()
        assert self._is_pulled.wait(20)

    def pull(self) -> None:
        """Let it go."""
        self._is_pulled.set()


async def plugged(database: Database) -> tuple[Plug, asyncio.Task[None]]:
    """Stop the writer in the middle of a transaction."""
    plug = Plug()
    running = asyncio.create_task(database.write(plug))
    await asyncio.to_thread(plug.has_begun.wait, 20)
    return plug, running


def damage(path: Path, *, first: int, last: int) -> None:
    """Overwrite pages (0 is the first) from another process: ours would lose SQLite's locks."""
    code = (
        "import sys; file = open(sys.argv[1], 'r+b'); file.seek(4096 * int(sys.argv[2])); "
        "file.write(b'\\xa5' * 4096 * (int(sys.argv[3]) - int(sys.argv[2]) + 1))"
    )
    subprocess.run([sys.executable, "-c", code, path, str(first), str(last)], check=True)


def damage_of_sqlite() -> sqlite3.DatabaseError:
    """Make the error that SQLite raises for a damaged page."""
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


async def read_again(database: Database) -> None:
    """Have the writer read from the disk what it reads next."""
    shrink = text("PRAGMA shrink_memory")
    await database.write(lambda connection: connection.execute(shrink).close())


def aside(path: Path) -> list[Path]:
    """Give the damaged files that were moved, without their side files."""
    moved = path.parent.glob(f"{path.name}.damaged-*")
    return sorted(file for file in moved if not file.name.endswith(("-wal", "-shm")))


class TestWriting:
    async def test_what_was_written_is_there_for_others_when_write_returns(
        self, database: Database
    ) -> None:
        assert await put_one(database, "C1") == "C1"
        assert seen_from_outside(database.path) == ["C1"]
        assert await found(database) == ["C1"]

    async def test_works_that_wait_share_one_transaction(self, database: Database) -> None:
        plug, running = await plugged(database)
        names = [f"C{number:03}" for number in range(200)]
        waiting = [asyncio.create_task(put_one(database, name)) for name in names]
        await asyncio.sleep(0)  # each has asked
        with commits_counted() as commits:
            plug.pull()
            await running
            assert await asyncio.gather(*waiting) == names
        assert len(commits) == 2  # the plug's and theirs

    async def test_very_many_share_a_few(self, database: Database) -> None:
        plug, running = await plugged(database)
        names = [f"C{number:04}" for number in range(2 * MAX_BATCH + 1)]
        waiting = [asyncio.create_task(put_one(database, name)) for name in names]
        await asyncio.sleep(0)
        with commits_counted() as commits:
            plug.pull()
            assert await asyncio.gather(*waiting) == names
        await running
        assert len(commits) == 4

    async def test_none_is_told_before_the_commit(self, database: Database) -> None:
        plug, running = await plugged(database)
        other = Plug()
        first = asyncio.create_task(put_one(database, "C1"))
        second = asyncio.create_task(database.write(other))
        await asyncio.sleep(0)
        plug.pull()
        await running
        await asyncio.to_thread(other.has_begun.wait, 20)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not first.done()
        assert seen_from_outside(database.path) == []
        other.pull()
        assert await first == "C1"
        await second

    async def test_a_work_that_fails_undoes_itself_and_no_other(self, database: Database) -> None:
        def fail(connection: Connection) -> None:
            put(connection, "C-failed")
            raise LookupError("no such thing")

        plug, running = await plugged(database)
        works = [
            asyncio.create_task(put_one(database, "C1")),
            asyncio.create_task(database.write(fail)),
            asyncio.create_task(put_one(database, "C1")),
            asyncio.create_task(put_one(database, "C2")),
        ]
        await asyncio.sleep(0)
        plug.pull()
        await running
        first, failed, same, last = await asyncio.gather(*works, return_exceptions=True)
        assert (first, last) == ("C1", "C2")
        assert isinstance(failed, LookupError)
        assert "UNIQUE" in str(same)
        assert await found(database) == ["C1", "C2"]

    async def test_an_error_holds_no_text_of_a_person(self, database: Database) -> None:
        await put_one(database, "C1")
        with pytest.raises(Exception, match="UNIQUE") as raised:
            await put_one(database, "C1", by="my question")
        assert "my question" not in str(raised.value)

    async def test_a_work_is_done_although_its_caller_is_cancelled(
        self, database: Database
    ) -> None:
        plug, running = await plugged(database)
        caller = asyncio.create_task(put_one(database, "C1"))
        other = asyncio.create_task(put_one(database, "C2"))
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        plug.pull()
        await running
        assert await other == "C2"
        assert await found(database) == ["C1", "C2"]

    async def test_the_event_loop_goes_on_while_another_process_has_the_lock(
        self, database: Database
    ) -> None:
        with subprocess.Popen(
            [*CHILD, "lock", str(database.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as locker:
            assert locker.stdout is not None
            assert locker.stdout.readline() == "ready\n"
            writing = asyncio.create_task(put_one(database, "C1"))
            assert await found(database) == []  # reading goes on, too
            for _ in range(100):
                await asyncio.sleep(0.001)
            assert not writing.done()
            locker.communicate("go\n")
        assert await writing == "C1"

    async def test_it_writes_as_durably_and_wipes_as_well_as_sqlite_can(
        self, database: Database
    ) -> None:
        def pragmas(connection: Connection) -> list[object]:
            names = ("journal_mode", "synchronous", "secure_delete", "temp_store")
            return [connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]

        assert await database.write(pragmas) == ["wal", 2, 1, 2]


class TestClosing:
    async def test_what_was_queued_is_written_first(self, path: Path) -> None:
        database = await Database.open(path)
        plug, running = await plugged(database)
        waiting = [asyncio.create_task(put_one(database, f"C{number}")) for number in range(3)]
        await asyncio.sleep(0)
        closing_ = asyncio.create_task(database.close())
        await asyncio.sleep(0)
        plug.pull()
        await asyncio.gather(running, closing_, *waiting)
        assert seen_from_outside(path) == ["C0", "C1", "C2"]

    async def test_afterwards_nothing_is_taken(self, path: Path) -> None:
        database = await Database.open(path)
        await database.close()
        await database.close()
        with pytest.raises(StorageError, match="is closed"):
            await put_one(database, "C1")
        with pytest.raises(StorageError, match="is closed"):
            await found(database)

    async def test_the_wal_is_emptied(self, path: Path) -> None:
        database = await Database.open(path)
        await put_one(database, "C1", by="what somebody wrote")
        other = await Database.open(path)  # keeps SQLite from deleting the WAL
        await database.close()
        assert path.with_name(f"{path.name}-wal").stat().st_size == 0
        await other.close()


class TestPrivacy:
    async def test_only_the_owner_can_read_the_files(self, path: Path) -> None:
        before = os.umask(0)
        try:
            database = await Database.open(path)
            await put_one(database, "C1")
        finally:
            os.umask(before)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        await database.close()
        names = ("bot.sqlite3", "bot.sqlite3-shm", "bot.sqlite3-wal", "bot.sqlite3.lock")
        assert modes == dict.fromkeys(names, 0o600)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    async def test_a_file_that_others_could_read_is_made_private(self, path: Path) -> None:
        await (await Database.open(path)).close()
        path.chmod(0o644)
        await (await Database.open(path)).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


class TestOpening:
    async def test_what_was_written_is_found_again(self, path: Path) -> None:
        for name in ("C1", "C2"):
            database = await Database.open(path)
            await put_one(database, name)
            await database.close()
        assert seen_from_outside(path) == ["C1", "C2"]

    async def test_a_newer_version_is_left_alone(self, path: Path) -> None:
        await (await Database.open(path)).close()
        with closing(sqlite3.connect(path)) as raw:
            raw.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
        before = path.read_bytes()
        with pytest.raises(StorageError, match=r"bot\.sqlite3 .* newer .*Update the bot"):
            await Database.open(path)
        assert path.read_bytes() == before

    async def test_the_database_of_another_program_is_left_alone(self, path: Path) -> None:
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("CREATE TABLE theirs (name)")
        before = path.read_bytes()
        with pytest.raises(StorageError, match="another program"):
            await Database.open(path)
        assert path.read_bytes() == before

    async def test_a_folder_in_its_place(self, path: Path) -> None:
        path.mkdir(parents=True)
        with pytest.raises(StorageError, match=r"STATE_FILE is .* not a file"):
            await Database.open(path)

    async def test_a_file_in_place_of_its_folder(self, path: Path) -> None:
        path.parent.touch()
        with pytest.raises(StorageError, match=r"cannot be opened: (Not a directory|File exists)"):
            await Database.open(path)

    async def test_an_empty_file_is_a_new_one(self, path: Path) -> None:
        path.parent.mkdir()
        path.touch()
        database = await Database.open(path)
        await put_one(database, "C1")
        await database.close()
        assert aside(path) == []


class TestDamage:
    @pytest.mark.parametrize("content", [b"no database " * 1_000, b"\0" * 8192], ids=["text", "0"])
    async def test_what_is_no_database_is_moved_aside(
        self, path: Path, content: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        path.parent.mkdir()
        path.write_bytes(content)
        database = await Database.open(path)
        await put_one(database, "C1")
        await database.close()
        (moved,) = aside(path)
        assert moved.read_bytes() == content
        (told,) = [r for r in caplog.records if "was moved to" in r.message]
        assert told.levelno == logging.ERROR
        assert str(path) in told.message
        assert str(moved) in told.message

    async def test_what_can_be_read_is_taken_over(self, path: Path) -> None:
        database = await Database.open(path)
        names = await put_many(database, 300)
        await database.close()
        pages = path.stat().st_size // 4096
        damage(path, first=pages // 2, last=pages // 2)
        database = await Database.open(path)
        rescued = await found(database)
        await database.close()
        assert 290 < len(rescued) < 300
        assert (rescued[0], rescued[-1]) == (names[0], names[-1])
        assert set(rescued) < set(names)
        assert len(aside(path)) == 1

    @pytest.mark.parametrize(
        ("word", "kept"),
        [
            (b"changed_by", ["C1"]),
            (b"CREATE TABLE channel_rules", []),
            (b"CREATE TABLE votes", ["C1"]),
            (b"sqlite_autoindex_tasks_1", ["C1"]),
        ],
        ids=["column", "table", "another", "index"],
    )
    async def test_damaged_names(self, path: Path, word: bytes, kept: list[str]) -> None:
        database = await Database.open(path)
        await put_one(database, "C1")
        await database.close()
        content = path.read_bytes()
        assert word in content
        path.write_bytes(content.replace(word, b"\xa5" * len(word)))
        database = await Database.open(path)
        assert await found(database) == kept
        await put_one(database, "C2")
        await database.close()
        assert len(aside(path)) == 1

    async def test_a_damaged_index(self, path: Path) -> None:
        database = await Database.open(path)
        for number in range(5):
            await put_one(database, f"C-number-{number}")
        await database.close()
        content = path.read_bytes()
        place = content.index(b"C-number-3")  # in the index or the table, whichever is first
        place = place if content.count(b"C-number-3") == 2 else -1
        path.write_bytes(content[:place] + b"C-number-9" + content[place + 10 :])
        database = await Database.open(path)
        assert len(await found(database)) == 5
        await database.close()
        assert len(aside(path)) == 1

    async def test_so_is_what_is_only_in_the_wal(self, path: Path) -> None:
        using = await Database.open(path)
        await put_many(using, 100)
        await using.wipe()
        await put_one(using, "C-late")
        page = path.stat().st_size // 8192
        damage(path, first=page, last=page)
        database = await Database.open(path)
        assert len(aside(path)) == 1
        assert "C-late" in await found(database)
        await put_one(using, "C-later")
        assert "C-later" in await found(database)
        await using.close()
        await database.close()

    async def test_found_while_reading(self, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        database = await Database.open(path)
        await put_many(database, 100)
        await database.wipe()
        damage(path, first=1, last=path.stat().st_size // 4096 - 1)
        await found(database)
        await put_one(database, "C-new")
        assert "C-new" in await found(database)
        await database.close()
        assert "C-new" in seen_from_outside(path)
        assert len(aside(path)) == 1
        assert "was moved to" in caplog.text

    async def test_found_while_writing(self, path: Path) -> None:
        database = await Database.open(path)
        await put_many(database, 100)
        await database.wipe()
        await read_again(database)
        damage(path, first=1, last=path.stat().st_size // 4096 - 1)
        assert await put_one(database, "C-new") == "C-new"
        await database.close()
        assert "C-new" in seen_from_outside(path)
        assert len(aside(path)) == 1

    async def test_that_no_check_finds(self, database: Database) -> None:
        await put_one(database, "C1")
        fails = iter([True])

        def find_damage(connection: Connection) -> str:
            if next(fails, False):
                raise damage_of_sqlite()
            return put(connection, "C2")

        assert await database.write(find_damage) == "C2"
        assert await found(database) == ["C1", "C2"]
        assert len(aside(database.path)) == 1

    async def test_of_a_file_that_another_process_has_moved_already(
        self, path: Path, tmp_path: Path
    ) -> None:
        whole = tmp_path / "whole.sqlite3"
        await (await Database.open(whole)).close()
        database = await Database.open(path)
        fails = iter([True])

        def find_damage(connection: Connection) -> str:
            if next(fails, False):
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{path}{suffix}").rename(f"{path}.old{suffix}")
                whole.rename(path)
                raise damage_of_sqlite()
            return put(connection, "C1")

        assert await database.write(find_damage) == "C1"
        assert aside(path) == []
        await database.close()
        assert seen_from_outside(path) == ["C1"]

    async def test_found_while_wiping(self, path: Path) -> None:
        database = await Database.open(path)
        await put_many(database, 100)
        await database.wipe()
        await read_again(database)
        page = path.stat().st_size // 8192
        damage(path, first=page, last=page)
        with pytest.raises(StorageError, match="is damaged"):
            await database.wipe()
        await put_one(database, "C-new")
        assert len(await found(database)) > 90
        await database.close()
        assert len(aside(path)) == 1

    async def test_of_several_who_find_it_at_once_one_moves_it(self, path: Path) -> None:
        database = await Database.open(path)
        await put_many(database, 100)
        await database.close()
        page = path.stat().st_size // 8192
        damage(path, first=page, last=page)
        opened = await asyncio.gather(*(Database.open(path) for _ in range(5)))
        for number, database in enumerate(opened):
            await put_one(database, f"D{number}")
        assert len(await found(opened[0])) > 100
        for database in opened:
            await database.close()
        assert len(aside(path)) == 1


class TestMoved:
    async def test_a_file_that_was_deleted_is_made_anew(
        self, database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        await put_one(database, "C1")
        await found(database)
        for suffix in ("", "-wal", "-shm"):
            Path(f"{database.path}{suffix}").unlink()
        assert await found(database) == []
        await put_one(database, "C2")
        assert seen_from_outside(database.path) == ["C2"]
        assert await found(database) == ["C2"]
        assert "is not the file any more" in caplog.text

    async def test_nothing_is_confirmed_that_went_to_a_file_without_the_name(
        self, database: Database
    ) -> None:
        moves = iter([True])

        def write_and_move(connection: Connection) -> None:
            put(connection, "C1")
            if next(moves, False):
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{database.path}{suffix}").rename(f"{database.path}.old{suffix}")

        await database.write(write_and_move)
        assert seen_from_outside(database.path) == ["C1"]
        await database.close()
        assert seen_from_outside(database.path) == ["C1"]

    async def test_one_process_moves_it_aside_and_another_goes_on_with_the_new_one(
        self, path: Path
    ) -> None:
        database, other = await Database.open(path), await Database.open(path)
        await put_many(database, 100)
        await database.wipe()
        await read_again(database)
        damage(path, first=1, last=path.stat().st_size // 4096 - 1)
        await put_one(database, "C-one")
        await put_one(other, "C-two")
        assert {"C-one", "C-two"} <= set(await found(database))
        assert await found(database) == await found(other)
        await other.close()
        await database.close()
        assert len(aside(path)) == 1
        assert {"C-one", "C-two"} <= set(seen_from_outside(path))
