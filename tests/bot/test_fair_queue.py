"""Who is next: channels in turn, users in turn, limits; and places in the queue."""

from __future__ import annotations

from bot.fair_queue import FairQueue, Limits
from bot.inbox import Waiting
from bot.tasks import TaskKind

WIDE = Limits(in_flight=100, per_user=100, per_channel=100)


def waiting(key: str, user: str = "U1", channel: str = "C1", at: float = 0.0) -> Waiting:
    """Make something that waits."""
    return Waiting(key, TaskKind.QUESTION, user, channel, at, 0)


def filled(limits: Limits, *keys: tuple[str, str, str]) -> FairQueue:
    """Make a queue of (key, user, channel)."""
    queue = FairQueue(limits)
    for key, user, channel in keys:
        queue.put(waiting(key, user, channel))
    return queue


def taken(queue: FairQueue) -> list[str]:
    """Take all that the limits allow."""
    return [one.key for one in iter(queue.take, None)]


def test_channels_take_turns_and_so_do_the_users_of_one() -> None:
    queue = filled(
        WIDE,
        ("a1", "ann", "C1"),
        ("a2", "ann", "C1"),
        ("a3", "ann", "C1"),
        ("b1", "bob", "C1"),
        ("c1", "cid", "C2"),
        ("c2", "cid", "C2"),
    )
    expected = ["a1", "c1", "b1", "c2", "a2", "a3"]
    assert [one.key for one in queue.in_turn()] == expected
    assert taken(queue) == expected


def test_one_who_sends_a_hundred_lets_the_next_newcomer_go_first() -> None:
    queue = filled(Limits(), *((f"a{n}", "ann", "C1") for n in range(100)))
    assert taken(queue) == ["a0", "a1"]
    queue.put(waiting("b0", "bob", "C1"))
    assert taken(queue) == ["b0"]


def test_no_user_channel_or_process_has_more_in_flight_than_it_may() -> None:
    one_user = filled(Limits(per_user=2), *((f"{n}", "ann", f"C{n}") for n in range(5)))
    assert len(taken(one_user)) == 2
    one_channel = filled(Limits(per_channel=8), *((f"{n}", f"U{n}", "C1") for n in range(20)))
    assert len(taken(one_channel)) == 8
    many = filled(Limits(in_flight=64), *((f"{n}", f"U{n}", f"C{n}") for n in range(99)))
    assert len(taken(many)) == 64
    assert (many.in_flight, len(many)) == (64, 35)


def test_the_end_of_one_makes_room_for_the_next() -> None:
    queue = filled(Limits(per_user=1), *((f"a{n}", "ann", "C1") for n in range(3)))
    assert taken(queue) == ["a0"]
    queue.end("a0")
    assert taken(queue) == ["a1"]


def test_a_key_is_in_it_once_also_while_it_is_in_flight() -> None:
    queue = filled(WIDE, ("a", "ann", "C1"), ("a", "ann", "C1"))
    assert len(queue) == 1
    assert taken(queue) == ["a"]
    queue.put(waiting("a"))
    assert (len(queue), "a" in queue) == (0, True)
    queue.end("a")
    assert "a" not in queue


def test_what_is_old_comes_out_whatever_the_limits_say() -> None:
    queue = FairQueue(Limits(per_user=1))
    for key, at in (("old", 1.0), ("older", 0.0), ("new", 5.0)):
        queue.put(waiting(key, at=at))
    assert sorted(one.key for one in queue.take_older(5.0)) == ["old", "older"]
    assert taken(queue) == ["new"]
