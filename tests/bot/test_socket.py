"""The connection to Slack: what ends it, how soon it is back, and what never makes a storm."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from aiolimiter import AsyncLimiter

from bot.connection import MAX_FRAME_BYTES, REFUSALS
from bot.patience import EX_TEMPFAIL, ConnectionGivenUp, backoff_seconds, opening_limit
from bot.simulator.server import Simulator
from core.errors import SettingsError

from .scripted_slack import ScriptedSlack
from .supervised import Json, supervised, until

AT_ONCE_SECONDS = 1.0
SHORT_PATIENCE_SECONDS = 2.0  # long enough to connect on a machine that is busy
MENTION = {"type": "event_callback", "event": {"type": "app_mention", "channel": "C1", "ts": "1"}}


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedSlack]:
    """Start a Slack that says what the test says."""
    async with ScriptedSlack() as slack:
        yield slack


async def pong(sim: Simulator) -> None:
    """Mention the app and wait for its answer."""
    root = await sim.post("U0ANN", "C0GEN", "@clockify-bot ping")
    await sim.wait_for(lambda: [m for m in sim.messages("C0GEN", root) if m["text"] == "pong"])


def opened(sim: Simulator) -> int:
    """Count the calls of apps.connections.open."""
    return len(sim.calls("apps.connections.open"))


def more_than(sim: Simulator, before: int) -> Callable[[], bool]:
    """Tell whether there was another call since."""
    return lambda: opened(sim) > before


def answered(sim: Simulator, root: str) -> Callable[[], bool]:
    """Tell whether a thread has an answer."""
    return lambda: len(sim.messages("C0GEN", root)) == 2


def envelope(number: int, **fields: Any) -> Json:
    """Make an envelope with an event."""
    return {"type": "events_api", "envelope_id": f"e{number}", "payload": MENTION, **fields}


@pytest.mark.parametrize("fault", ["refresh", "warning", "drop_socket"])
async def test_one_end_is_made_up_for_at_once(sim: Simulator, fault: str) -> None:
    async with supervised(sim) as bot:
        since, before = bot.record.snapshot().connected_since, opened(sim)
        started = time.monotonic()
        await sim.fault(fault)
        await sim.wait_for(lambda: opened(sim) == before + 1)
        await sim.wait_connected()
        await pong(sim)
        assert time.monotonic() - started < AT_ONCE_SECONDS
        health = bot.supervisor.health()
    assert (health.is_connected, health.reconnects) == (True, 1)
    assert since is not None
    assert health.connected_since is not None
    assert health.connected_since > since
    assert opened(sim) == before + 1


async def test_the_old_connection_serves_until_there_is_a_new_one(sim: Simulator) -> None:
    async with supervised(sim) as bot:
        await sim.fault("refuse_handshake", times=1)
        before = opened(sim)
        await sim.fault("warning")
        await sim.wait_for(lambda: opened(sim) == before + 1)
        await pong(sim)
        assert bot.supervisor.health().reconnects == 0
        await sim.wait_for(lambda: opened(sim) == before + 2)
        await pong(sim)
        assert bot.supervisor.health().reconnects == 1


async def test_a_refused_handshake_gets_a_new_address(sim: Simulator) -> None:
    async with supervised(sim) as bot:
        before = opened(sim)
        await sim.fault("refuse_handshake", times=1)
        await sim.fault("drop_socket")
        await sim.wait_for(lambda: opened(sim) == before + 2)
        await sim.wait_connected()
        await pong(sim)
        assert bot.supervisor.health().reconnects == 1


@pytest.mark.beside
@pytest.mark.proof
@pytest.mark.parametrize("reason", ["link_disabled", "too_many_websockets"])
async def test_a_refusal_is_waited_for_and_named(
    scripted: ScriptedSlack, caplog: pytest.LogCaptureFixture, reason: str
) -> None:
    async with supervised(scripted) as bot:
        first = await scripted.connection()
        scripted.greets = False
        started = time.monotonic()
        await first.send_json({"type": "disconnect", "reason": reason})
        second = await scripted.connection()
        waited = time.monotonic() - started
        assert not bot.supervisor.is_connected
        assert not bot.supervisor.health().is_connected
        await second.send_json({"type": "disconnect", "reason": reason})
        third = await scripted.connection()
        assert time.monotonic() - started > waited + 0.5
        await third.send_json({"type": "hello"})
        await third.send_json(envelope(1))
        await scripted.ack()
        assert bot.supervisor.health().reconnects == 1
    assert waited >= 1.0
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [REFUSALS[reason] in line for line in told] == [True, True]


class CountingLimit(AsyncLimiter):
    """Counts what went through."""

    taken = 0

    async def acquire(self, amount: float = 1) -> None:
        await super().acquire(amount)
        self.taken += 1


async def test_every_new_address_is_asked_for_within_the_limit(sim: Simulator) -> None:
    limit = CountingLimit(100, 1)
    async with supervised(sim, limit=limit):
        for fault in ("refresh", "drop_socket", "refresh"):
            before = opened(sim)
            await sim.fault(fault)
            await sim.wait_for(more_than(sim, before))
            await sim.wait_connected()
            await pong(sim)
    assert limit.taken == opened(sim) == 4


def test_the_limit_lets_ten_a_minute_through_at_most_and_one_at_once() -> None:
    limit = opening_limit()
    in_a_minute = limit.max_rate + 60 * limit.max_rate / limit.time_period
    assert (limit.max_rate >= 2, in_a_minute < 10) == (True, True)
    assert limit.time_period / limit.max_rate <= 10  # back within that time when Slack is, too


def test_back_off_grows_and_differs_from_bot_to_bot() -> None:
    waits = [[backoff_seconds(failures) for _ in range(200)] for failures in range(1, 9)]
    assert [round(max(each)) for each in waits] == [1, 2, 4, 8, 8, 8, 8, 8]
    assert all(min(each) >= max(each) / 2.1 and len(set(each)) > 100 for each in waits)


async def test_a_token_revoked_while_running_ends_it_after_three_calls(
    sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    async with supervised(sim) as bot:
        before = opened(sim)
        revoked = {"error": "token_revoked", "times": 100}
        await sim.fault("api_error", method="apps.connections.open", **revoked)
        await sim.fault("drop_socket")
        with pytest.raises(SettingsError, match="SLACK_APP_TOKEN: The token was") as caught:
            await asyncio.wait_for(bot.supervisor.wait(asyncio.Event()), 10)
    assert (caught.value.exit_code, opened(sim) - before) == (2, 3)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in errors] == [str(caught.value)]


@pytest.mark.proof
async def test_one_rejection_alone_is_no_reason_to_end(sim: Simulator) -> None:
    async with supervised(sim) as bot:
        await sim.fault("api_error", method="apps.connections.open", error="invalid_auth")
        await sim.fault("drop_socket")
        await sim.wait_for(lambda: not sim.is_connected)
        await sim.wait_connected()
        await pong(sim)
        assert bot.supervisor.health().reconnects == 1


async def test_without_a_connection_for_too_long_it_gives_up(sim: Simulator) -> None:
    async with supervised(sim, patience_seconds=SHORT_PATIENCE_SECONDS) as bot:
        await sim.fault("refuse_handshake", times=1_000)
        await sim.fault("drop_socket")
        with pytest.raises(ConnectionGivenUp, match="No connection to Slack for 2 s: Slack does "):
            await asyncio.wait_for(bot.supervisor.wait(asyncio.Event()), 10)
        assert not bot.supervisor.health().is_connected
    assert ConnectionGivenUp.exit_code == EX_TEMPFAIL == 75


async def test_while_the_old_connection_serves_nothing_is_given_up(sim: Simulator) -> None:
    async with supervised(sim, patience_seconds=SHORT_PATIENCE_SECONDS) as bot:
        await sim.fault("refuse_handshake", times=1_000)
        await sim.fault("warning")
        await asyncio.sleep(1.5 * SHORT_PATIENCE_SECONDS)  # longer than it would be waited for
        await sim.wait_for(more_than(sim, opened(sim) + 1))
        await pong(sim)
        await sim.fault("clear")
        await until(lambda: bot.supervisor.health().reconnects == 1)
        await pong(sim)


async def test_stop_wins_over_a_connection_that_was_given_up(sim: Simulator) -> None:
    stop = asyncio.Event()
    async with supervised(sim, patience_seconds=SHORT_PATIENCE_SECONDS) as bot:
        await sim.fault("refuse_handshake", times=1_000)
        await sim.fault("drop_socket")
        with pytest.raises(ConnectionGivenUp):
            await bot.supervisor.wait(asyncio.Event())
        stop.set()
        await bot.supervisor.wait(stop)


NONSENSE: dict[str, str | bytes] = {
    "text": "hello",
    "list": "[1]",
    "nothing": "",
    "unfinished": '{"type": ',
    "deep": "[" * 100_000,
    "binary": b"\xff\x00",
    "no type": "{}",
    "no payload": json.dumps({"type": "events_api", "envelope_id": "e1"}),
    "payload of another kind": json.dumps(envelope(1, payload=[1])),
    "id of another kind": json.dumps(envelope(1, envelope_id=1)),
    "type of another kind": json.dumps(envelope(1, type=["events_api"])),
    "unknown type": json.dumps(envelope(1, type="telepathy")),
}


async def test_nonsense_is_counted_and_nothing_ends(scripted: ScriptedSlack) -> None:
    async with supervised(scripted) as bot:
        socket = await scripted.connection()
        for frame in NONSENSE.values():
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
        await socket.send_json(envelope(2))
        acks = [await scripted.ack() for _ in range(5)]
        health = bot.supervisor.health()
    with_id = [{"envelope_id": "e1"}] * 4  # it has an id, so Slack need not bring it again
    assert sorted(acks, key=json.dumps) == [*with_id, {"envelope_id": "e2"}]
    assert (health.unknown, health.envelopes) == (len(NONSENSE), (("events_api", 1),))
    assert (health.is_connected, len(scripted.opened)) == (True, 1)
    assert health.last_envelope_age_seconds is not None
    assert 0 <= health.last_envelope_age_seconds < 5


async def test_a_frame_that_is_too_big_costs_the_connection_and_no_more(
    scripted: ScriptedSlack,
) -> None:
    async with supervised(scripted) as bot:
        first = await scripted.connection()
        with suppress(ConnectionError):  # the rest of it is not read
            await first.send_str("x" * (MAX_FRAME_BYTES + 1))
        second = await scripted.connection()
        await second.send_json(envelope(1))
        assert await scripted.ack() == {"envelope_id": "e1"}
        assert bot.supervisor.health().reconnects == 1


async def test_too_many_at_once_are_left_to_slack(sim: Simulator) -> None:
    async with supervised(sim, max_in_hand=2) as bot:
        bot.gate.clear()
        roots = [await sim.post("U0ANN", "C0GEN", f"@clockify-bot {n}") for n in range(3)]
        await sim.wait_for(lambda: len(sim.envelopes("events_api")) == 3)
        await until(lambda: len(bot.waiting) == 2 and bot.record.snapshot().refused)
        bot.gate.set()
        for root in roots:
            await sim.wait_for(answered(sim, root))
    assert len(bot.waiting) == 3
    assert sim.envelopes()[-1].body["retry_attempt"] == 1


async def test_stopping_acknowledges_what_is_in_hand_and_takes_no_more(
    scripted: ScriptedSlack,
) -> None:
    async with supervised(scripted) as bot:
        socket = await scripted.connection()
        bot.gate.clear()
        await socket.send_json(envelope(1))
        await until(lambda: bot.waiting)
        stopping = asyncio.create_task(bot.supervisor.stop())
        await asyncio.sleep(0)
        await socket.send_json(envelope(2))
        await until(lambda: bot.record.snapshot().refused)
        bot.gate.set()
        assert await scripted.ack() == {"envelope_id": "e1"}
        await stopping
        await until(lambda: socket.closed)
    assert (len(bot.waiting), scripted.acks.empty()) == (1, True)


async def test_an_acknowledgement_waits_for_the_next_connection(scripted: ScriptedSlack) -> None:
    async with supervised(scripted) as bot:
        bot.gate.clear()
        first = await scripted.connection()
        await first.send_json(envelope(1))
        await until(lambda: bot.waiting)
        scripted.has_opening.clear()
        await first.close()
        await scripted.hanging.acquire()
        bot.gate.set()
        await until(lambda: scripted.posts == 1)
        assert scripted.acks.empty()
        scripted.has_opening.set()
        assert await scripted.ack() == {"envelope_id": "e1"}


def files() -> set[str]:
    """List the open sockets and pipes of the process."""
    folder = "/proc/self/fd"
    links = set()
    for name in os.listdir(folder):
        try:
            links.add(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:  # the folder's own
            continue
    return links


OWN_TASKS = {"connection to Slack", "reading from Slack", "envelope"}


def own_tasks() -> list[str]:
    """Name the supervisor's tasks that run."""
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name() in OWN_TASKS]


@pytest.mark.parametrize(
    "state", ["connected", "opening", "handshake", "waiting", "deaf", "replacing"]
)
async def test_it_stops_soon_in_any_state_and_leaves_nothing(
    scripted: ScriptedSlack, state: str
) -> None:
    tasks, before = asyncio.all_tasks(), files()
    async with supervised(scripted) as bot:
        socket = await scripted.connection()
        match state:
            case "opening":
                scripted.has_opening.clear()
            case "handshake":
                scripted.has_handshake.clear()
            case "waiting":
                down = web.json_response({"ok": False, "error": "internal_error"})
                scripted.open_replies.append(down)
            case "deaf":
                scripted.deafen()
            case "replacing":  # the new connection is there, the old one does not hear of its end
                scripted.deafen()
                await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})
                await until(lambda: bot.supervisor.health().reconnects)
        if state in ("opening", "handshake", "waiting"):
            await socket.close()
        if state in ("opening", "handshake"):
            await scripted.hanging.acquire()
        assert own_tasks()
        started = time.monotonic()
    assert time.monotonic() - started < 3.0
    assert own_tasks() == []
    scripted.has_opening.set()
    scripted.has_handshake.set()
    scripted.hang_up()
    await until(lambda: files() <= before and asyncio.all_tasks() <= tasks)


@pytest.mark.beside
@pytest.mark.proof
@pytest.mark.parametrize("step", ["opening", "handshake", "hello"])
async def test_a_step_that_hangs_is_tried_again_after_ten_seconds(
    scripted: ScriptedSlack, step: str
) -> None:
    async with supervised(scripted) as bot:
        first = await scripted.connection()
        if step == "opening":
            scripted.has_opening.clear()
        elif step == "handshake":
            scripted.has_handshake.clear()
        else:
            scripted.greets = False
        started = time.monotonic()
        await first.close()
        await (scripted.connection() if step == "hello" else scripted.hanging.acquire())
        scripted.greets = True
        scripted.has_opening, scripted.has_handshake = asyncio.Event(), asyncio.Event()
        scripted.has_opening.set()
        scripted.has_handshake.set()
        second = await scripted.connection(13)
        await second.send_json(envelope(1))
        assert await scripted.ack() == {"envelope_id": "e1"}
        assert 10 <= time.monotonic() - started < 13
        assert bot.supervisor.health().reconnects == 1
