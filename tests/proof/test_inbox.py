"""What was confirmed is kept: through kills, power cuts, full disks and damage; claimed by one."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.database import Database, StorageError
from bot.inbox import Inbox

from ..bot.inbox_child import claim_at_once, make_task
from .disks import MAKERS, cut_power, make_disk

KILLS = 20
CLAIMANTS, TASKS = 3, 2_000
FLIPS = 300
PAGE = 4096
CHILD = [sys.executable, "-m", "tests.bot.inbox_child"]
is_root = hasattr(os, "geteuid") and os.geteuid() == 0
needs_root = pytest.mark.skipif(not is_root, reason="only root may mount a small disk")

Record = Callable[[str, object], None]


def start(*words: str) -> subprocess.Popen[str]:
    """Start a process that works on an inbox."""
    pipe = subprocess.PIPE
    return subprocess.Popen([*CHILD, *words], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


async def keys_in(path: Path) -> list[str]:
    """Open the inbox as the next start does, and give the keys of what waits."""
    database = await Database.open(path)
    found = [waiting.key for waiting in await Inbox(database).waiting()]
    await database.close()
    return found


def test_what_was_confirmed_before_a_kill_is_there(tmp_path: Path, record_property: Record) -> None:
    path, choice = tmp_path / "bot.sqlite3", random.Random(4)
    confirmed: list[str] = []
    for number in range(KILLS):
        with start("record", str(path), f"run{number}") as child:
            assert child.stdout is not None
            before = len(confirmed)
            for _ in range(choice.randrange(1, 400)):
                confirmed.append(child.stdout.readline().strip())
            child.kill()
            rest = child.stdout.read()
            confirmed += [line for line in rest.split("\n")[:-1]]  # the last may be cut off
            assert child.wait() == -9
        found = asyncio.run(keys_in(path))
        assert len(found) == len(set(found))
        assert set(confirmed[before:]) <= set(found)
    assert set(confirmed) <= set(found)
    told = f"{KILLS} kills: {len(confirmed)} confirmed, 0 lost, {len(found)} there"
    record_property("kills", told)
    print(told)


def test_each_task_is_claimed_once(tmp_path: Path, record_property: Record) -> None:
    path = tmp_path / "bot.sqlite3"
    names = {f"event-{number}" for number in range(TASKS)}

    async def record() -> None:
        database = await Database.open(path)
        inbox = Inbox(database)
        await asyncio.gather(*(inbox.record(make_task(name)) for name in names))
        await database.close()

    asyncio.run(record())
    shares = claim_at_once(path, CLAIMANTS)
    claims = Counter(key for share in shares for key in share)
    assert set(claims) == names
    assert set(claims.values()) == {1}
    told = f"{TASKS} tasks claimed once, shares {[len(share) for share in shares]}"
    record_property("claims", told)
    print(told)
    assert len(asyncio.run(keys_in(path))) == TASKS  # all three are gone


@needs_root
class TestSmallDisk:
    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[Path]:
        """Mount two megabytes of memory; skip where that is forbidden."""
        place = tmp_path / "disk"
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "proof", str(place)]
        mounted = subprocess.run(mount, capture_output=True, text=True, timeout=20, check=False)
        if mounted.returncode:
            pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
        yield place
        subprocess.run(["umount", str(place)], timeout=20, check=True)

    @staticmethod
    def remount(disk: Path, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], timeout=20, check=True)

    async def test_nothing_is_confirmed_without_room(
        self, disk: Path, record_property: Record
    ) -> None:
        path = disk / "bot.sqlite3"
        database = await Database.open(path)
        inbox, confirmed = Inbox(database), set[str]()

        async def record(key: str) -> str:
            try:
                assert await inbox.record(make_task(key))
            except StorageError as error:
                return str(error)
            confirmed.add(key)
            return ""

        for batch in range(200):
            names = [f"before {batch} {number}" for number in range(20)]
            told = await asyncio.gather(*map(record, names))
            if any(told):
                break
        assert {"There is no room" in each for each in told} == {True}
        assert len(confirmed) > 100
        for number in range(50):
            await record(f"meanwhile {number}")
        self.remount(disk, "size=8m")
        assert not any(await asyncio.gather(*(record(f"after {n}") for n in range(50))))
        assert confirmed <= {waiting.key for waiting in await inbox.waiting()}
        await database.close()
        assert confirmed <= set(await keys_in(path))
        record_property("full disk", f"{len(confirmed)} confirmed, 0 lost")

    async def test_no_room_from_the_start(self, disk: Path) -> None:
        (disk / "ballast").write_bytes(b"x" * 2 * 2**20)
        with pytest.raises(StorageError, match=r"no room|No space left"):
            await Database.open(disk / "state" / "bot.sqlite3")

    async def test_a_disk_that_cannot_be_written(self, disk: Path) -> None:
        path = disk / "bot.sqlite3"
        await (await Database.open(path)).close()
        self.remount(disk, "ro")
        with pytest.raises(StorageError, match=r"Read-only file system|cannot be written"):
            await Database.open(path)
        self.remount(disk, "rw")


async def test_a_lock_that_another_process_keeps(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    database = await Database.open(path)
    inbox = Inbox(database)
    with start("lock", str(path)) as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == "ready\n"
        names = [f"event {number}" for number in range(20)]
        records = (inbox.record(make_task(name)) for name in names)
        ended = await asyncio.gather(*records, return_exceptions=True)
        assert {type(each) for each in ended} == {StorageError}
        assert "was locked by another process for more than 5 seconds" in str(ended[0])
        assert await inbox.waiting() == ()
        with pytest.raises(StorageError, match="locked by another process"):
            await Database.open(path)
        locker.communicate("go\n")
    assert await inbox.record(make_task("event 0"))
    await database.close()


@pytest.mark.parametrize("kind", sorted(MAKERS))
async def test_what_was_confirmed_before_a_power_cut_is_there(
    kind: str, tmp_path: Path, record_property: Record
) -> None:
    disk, confirmed = make_disk(kind, tmp_path), set[str]()
    for cut in range(5):
        with disk.mounted() as root:
            database = await Database.open(root / "bot.sqlite3")
            inbox = Inbox(database)
            for batch in range(3 + cut):
                names = [f"{cut} {batch} {number}" for number in range(10)]
                await asyncio.gather(*(inbox.record(make_task(name)) for name in names))
                confirmed.update(names)
            if cut % 2:
                await inbox.prune()  # written anew, then more
                await inbox.record(make_task(f"{cut} late"))
                confirmed.add(f"{cut} late")
            cut_power(root)
            with pytest.raises(StorageError):
                await inbox.record(make_task("dark"))
            await database.close()
        with disk.mounted() as root:
            found = await keys_in(root / "bot.sqlite3")
            assert confirmed <= set(found)
    record_property(f"power cuts on {kind}", f"{len(confirmed)} confirmed, 0 lost")


async def test_damage_anywhere(tmp_path: Path, record_property: Record) -> None:
    """Damage one place at a time: the bot starts, and what is whole is still there."""
    whole = tmp_path / "whole.sqlite3"
    database = await Database.open(whole)
    names = [f"event {number:03}" for number in range(200)]
    await asyncio.gather(*(Inbox(database).record(make_task(name)) for name in names))
    await database.close()
    content, choice = whole.read_bytes(), random.Random(4)
    places = [(page * PAGE, PAGE) for page in range(len(content) // PAGE)]
    places += [(choice.randrange(len(content)), 1) for _ in range(FLIPS)]
    kept: list[int] = []
    refused: list[int] = []
    for number, (place, size) in enumerate(places):
        path = tmp_path / f"{number}" / "bot.sqlite3"
        path.parent.mkdir()
        changed = bytes(255 - byte for byte in content[place : place + size])
        path.write_bytes(content[:place] + changed + content[place + size :])
        try:
            kept.append(len(await keys_in(path)))
        except StorageError:
            refused.append(place)
            continue
        with closing(sqlite3.connect(path)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    ends = Counter(kept)
    record_property("damage", f"{len(places)} places, kept {ends}, refused at {refused}")
    print(f"{len(places)} places, kept {ends.most_common()}, refused at {refused}")
    assert all(place < 100 for place in refused)  # the header: ours no more, or of a newer bot
    assert sum(count < 190 for count in kept) <= 5  # the header and the first pages
