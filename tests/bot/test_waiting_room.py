"""Places in the queue: shown as the status of the thread, and never as a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from bot.channel_rules import ChannelRules
from bot.delivery_texts import waiting_status
from bot.inbox import Waiting
from bot.policy import Decision
from bot.retrying import Pace
from bot.tasks import Claim, Inquiry, Surface, Task, TaskKind
from bot.waiting_room import WaitingRoom

from .conftest import Bench, Json, Starter
from .test_asking import Board

HASTY = Pace(patience=0.05, again=0.05, telling=0.05)


def statuses(bench: Bench, root: str) -> list[str]:
    """List the statuses of a thread."""
    calls: list[Json] = [call.body for call in bench.sim.calls("assistant.threads.setStatus")]
    return [call["status"] for call in calls if call["thread_ts"] == root]


def is_told(bench: Bench, root: str, status: str) -> bool:
    """Tell whether a thread has had a status."""
    return status in statuses(bench, root)


async def test_who_waits_in_the_queue_or_for_the_model_is_told_the_place(start: Starter) -> None:
    bench = await start(pace=HASTY, max_concurrent=1)
    bench.asker.gate.clear()
    roots = [await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")]
    await bench.sim.wait_for(lambda: bench.asker.running == 1)
    for place, user in enumerate(("U0ADA", "U0ANN", "U0ANN"), 1):
        roots.append(await bench.sim.post(user, "C0GEN", "@clockify-bot track time"))
        told = waiting_status(place)
        await bench.sim.wait_for(partial(is_told, bench, roots[-1], told))
    assert [bench.replies("C0GEN", root) for root in roots] == [[], [], [], []]
    bench.asker.gate.set()
    for root in roots:
        await bench.reply_to("C0GEN", root)
    assert [len(bench.replies("C0GEN", root)) for root in roots] == [1, 1, 1, 1]


@dataclass
class Bouncer:
    """A policy that keeps one person out, and counts what it is asked."""

    outcast: str = ""
    asked: int = 0

    async def decide(self, inquiry: Inquiry) -> Decision:
        """Let in whoever is not the one."""
        self.asked += 1
        refusal = "Not you." if inquiry.user == self.outcast else ""
        return Decision(ChannelRules(), refusal=refusal)


@dataclass
class Seats:
    """A delivery that notes for whom it made destinations."""

    made: dict[str, Board] = field(default_factory=dict)

    def to(self, inquiry: Inquiry, *, claim: Claim, is_private: bool = False) -> Board:
        """Make a board for an asker."""
        return self.made.setdefault(inquiry.user, Board())


def room_for(seats: Seats, bouncer: Bouncer) -> WaitingRoom:
    """Make a room where the first look is told and every change after it."""
    return WaitingRoom(seats, bouncer, ahead=lambda: 2, pace=Pace(patience=0.0, again=0.0))


def asked_by(user: str, surface: Surface = Surface.MENTION) -> Task:
    """Make a question."""
    return Inquiry(user, "track time", surface, "T0SIM", user, "C0GEN", "1.0", "1.0").to_task()


def waiting(user: str) -> Waiting:
    """Make the same question as it waits."""
    return Waiting(user, TaskKind.QUESTION, user, "C0GEN", 0.0, 0)


async def test_a_place_is_told_when_it_changes_and_no_more_once_it_is_their_turn() -> None:
    seats = Seats()
    room = room_for(seats, Bouncer())
    for user in ("U1", "U2"):
        room.enter(asked_by(user))
    for _ in range(2):
        await room.tell((waiting("U1"), waiting("U2")))
    await room.leave("U1")
    await room.tell((waiting("U2"),))
    assert seats.made["U1"].shown == ["waiting 3", "closed"]
    assert seats.made["U2"].shown == ["waiting 4", "waiting 3"]
    await room.tell((waiting("U1"),))
    assert seats.made["U1"].shown == ["waiting 3", "closed"]


async def test_who_may_not_ask_or_did_not_is_told_no_place() -> None:
    seats, bouncer = Seats(), Bouncer("U2")
    room = room_for(seats, bouncer)
    for task in (asked_by("U1"), asked_by("U2"), asked_by("U3", Surface.AUTO)):
        room.enter(task)
    await room.tell((waiting("U1"), waiting("U2"), waiting("U3")))
    assert list(seats.made) == ["U1"]
    assert bouncer.asked == 2
