"""Contests for a lock: processes that enter, are killed, and are watched by a referee.

    python -m tests.proof.contest FOLDER LOCK ROUNDS SEED [DELETED]

LOCK is "kernel" (core/lock.py) or "earlier" (tests/proof/earlier_lock.py). DELETED names a file of
the lock that an operator deletes again and again meanwhile. Prints one line of JSON, the Tally. A
process of its own, small and without threads, so that forking costs little.

A round: four contenders start together, every second time beside the record of a dead builder, and
enter again and again. Two of them or three are killed, at random times or while inside; each
survivor must enter once more; then the survivors are killed too, and a newcomer must enter.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from core.build_record import BuildRecord
from core.lock import RECORD_NAME, build_lock

from .earlier_lock import earlier_lock

CONTENDERS = 4
PATIENCE_SECONDS = 3.0  # how long a newcomer, or a survivor, may take to enter
INSIDE_SECONDS = 0.002  # at most
BETWEEN_KILLS_SECONDS = 0.01  # at most
SHARE_INSIDE = 0.7  # of the first victims: killed while inside, if they enter in time
WAIT_INSIDE_SECONDS = 0.05
HIGH_DESCRIPTOR = 200  # above all that a contender opens

Enter = Callable[[Path], AbstractContextManager[object]]


@dataclass(slots=True)
class Tally:
    """What happened in all rounds; seconds are a maximum."""

    rounds: int = 0
    entries: int = 0
    overlaps: int = 0
    kills: int = 0
    kills_inside: int = 0
    stuck: int = 0
    slowest_newcomer_seconds: float = 0.0


def enter_kernel(folder: Path) -> AbstractContextManager[object]:
    """Enter through the lock under test."""
    return build_lock(folder, timeout_seconds=PATIENCE_SECONDS, purpose="a contest")


def enter_earlier(folder: Path) -> AbstractContextManager[object]:
    """Enter through the lock that is known to fail."""
    return earlier_lock(folder, timeout_seconds=PATIENCE_SECONDS)


LOCKS: dict[str, Enter] = {"kernel": enter_kernel, "earlier": enter_earlier}


class Slot:
    """What one contender says, in memory that outlives it."""

    FIELDS = 4
    INSIDE, ENTRIES, OVERLAPS, SECONDS = range(FIELDS)

    def __init__(self, memory: mmap.mmap, number: int) -> None:
        self._values = memoryview(memory).cast("d")
        self._first = number * self.FIELDS

    def __getitem__(self, field: int) -> float:
        return self._values[self._first + field]

    def __setitem__(self, field: int, value: float) -> None:
        self._values[self._first + field] = value

    def clear(self) -> None:
        """Forget the last round."""
        for field in range(self.FIELDS):
            self[field] = 0.0


class Referee:
    """Two files locked while inside; whoever finds both locked is not alone.

    When a process is killed, the kernel drops its locks in the order of their descriptors, from the
    top on Linux 6.18, from the bottom on others. So one file has a descriptor below those of the
    lock under test and one above: whichever way, one of the two is free before that lock is.
    """

    def __init__(self, folder: Path) -> None:
        low = os.open(folder / "referee.low", os.O_CREAT | os.O_RDWR)
        opened = os.open(folder / "referee.high", os.O_CREAT | os.O_RDWR)
        high = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR)
        os.close(opened)
        self._files = (low, high)

    def enter(self) -> bool:
        """Lock both; False when somebody else is inside."""
        taken = [_try_to_lock(file) for file in self._files]
        deadline = time.monotonic() + 1.0
        while any(taken) and not all(taken) and time.monotonic() < deadline:
            taken = [
                held or _try_to_lock(file) for held, file in zip(taken, self._files, strict=True)
            ]
        return all(taken)

    def leave(self) -> None:
        """Unlock both."""
        for file in self._files:
            fcntl.flock(file, fcntl.LOCK_UN)


class Contest:
    """Rounds in one folder, whose leftovers stay from round to round."""

    def __init__(self, folder: Path, enter: Enter, seed: int, deleted: str) -> None:
        self.tally = Tally()
        self._deleted = folder / deleted if deleted else None
        self._folder = folder
        self._enter = enter
        self._choice = random.Random(seed)
        memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._slots = [Slot(memory, number) for number in range(CONTENDERS + 1)]

    def play(self) -> None:
        """Play one round."""
        for slot in self._slots:
            slot.clear()
        if self.tally.rounds % 2:
            self._leave_record_of_the_dead()
        pids = self._start()
        numbers = self._choice.sample(range(CONTENDERS), CONTENDERS)
        victims = self._choice.choice((2, 3))
        for number in numbers[:victims]:
            time.sleep(self._choice.random() * BETWEEN_KILLS_SECONDS)
            if self._choice.random() < SHARE_INSIDE:
                _becomes(self._slots[number], Slot.INSIDE, 1, WAIT_INSIDE_SECONDS)
            self._delete()
            self._kill(pids[number], number)
        self._await_entries(numbers[victims:])
        for number in numbers[victims:]:
            time.sleep(self._choice.random() * INSIDE_SECONDS)
            self._delete()
            self._kill(pids[number], number)
        self._send_newcomer()
        self.tally.rounds += 1
        for slot in self._slots:
            self.tally.entries += int(slot[Slot.ENTRIES])
            self.tally.overlaps += int(slot[Slot.OVERLAPS])

    def _delete(self) -> None:
        if self._deleted is not None:
            self._deleted.unlink(missing_ok=True)

    def _leave_record_of_the_dead(self) -> None:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        whole = json.dumps(asdict(replace(BuildRecord.of_this_process("a dead build"), pid=pid)))
        texts = (str(pid), whole, whole.replace(str(pid), "1"), whole[:40], "")
        (self._folder / RECORD_NAME).write_text(self._choice.choice(texts), encoding="utf-8")

    def _start(self) -> list[int]:
        """Start the contenders, all at the same time: when the pipe ends."""
        waiting, go = os.pipe()
        pids = []
        for number in range(CONTENDERS):
            choice = random.Random(self._choice.random())
            pid = os.fork()
            if pid == 0:
                os.close(go)
                self._run(partial(self._contend, number, choice, waiting))
            pids.append(pid)
        os.close(waiting)
        os.close(go)
        return pids

    def _send_newcomer(self) -> None:
        pid = os.fork()
        if pid == 0:
            self._run(self._come_new)
        os.waitpid(pid, 0)
        newcomer = self._slots[CONTENDERS]
        self.tally.stuck += newcomer[Slot.ENTRIES] == 0
        slowest = max(self.tally.slowest_newcomer_seconds, newcomer[Slot.SECONDS])
        self.tally.slowest_newcomer_seconds = slowest

    def _await_entries(self, survivors: list[int]) -> None:
        """Wait until each survivor has entered once more."""
        slots = [self._slots[number] for number in survivors]
        before = [slot[Slot.ENTRIES] for slot in slots]
        for slot, entries in zip(slots, before, strict=True):
            self.tally.stuck += not _becomes(slot, Slot.ENTRIES, entries + 1, PATIENCE_SECONDS)

    def _kill(self, pid: int, number: int) -> None:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):  # or else it had given up, and told why
            self.tally.kills += 1
            self.tally.kills_inside += self._slots[number][Slot.INSIDE] == 1
        else:
            self.tally.stuck += 1

    def _run(self, work: Callable[[], None]) -> NoReturn:
        """Work in a forked process, and never return to what the parent does."""
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def _contend(self, number: int, choice: random.Random, waiting: int) -> None:
        slot, referee = self._slots[number], Referee(self._folder)
        os.read(waiting, 1)
        while True:
            with self._enter(self._folder):
                slot[Slot.INSIDE] = 1
                slot[Slot.OVERLAPS] += not referee.enter()
                time.sleep(choice.random() * INSIDE_SECONDS)
                referee.leave()
                slot[Slot.ENTRIES] += 1
                slot[Slot.INSIDE] = 0
            time.sleep(choice.random() * INSIDE_SECONDS)

    def _come_new(self) -> None:
        slot, referee = self._slots[CONTENDERS], Referee(self._folder)
        started = time.monotonic()
        with self._enter(self._folder):
            slot[Slot.SECONDS] = time.monotonic() - started
            slot[Slot.OVERLAPS] += not referee.enter()
            slot[Slot.ENTRIES] += 1


def _becomes(slot: Slot, field: int, value: float, seconds: float) -> bool:
    """Wait until a field is at least so much; False when the time is over."""
    deadline = time.monotonic() + seconds
    while slot[field] < value:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.0005)
    return True


def _try_to_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(folder: str, lock: str, rounds: str, seed: str, deleted: str = "") -> None:
    """Play the rounds and print the tally."""
    contest = Contest(Path(folder), LOCKS[lock], int(seed), deleted)
    for _ in range(int(rounds)):
        contest.play()
    print(json.dumps(asdict(contest.tally)))


if __name__ == "__main__":
    main(*sys.argv[1:])
