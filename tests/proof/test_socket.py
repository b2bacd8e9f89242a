"""Faults of Slack's sockets at their real pace: back soon, and never more than ten calls a minute.

The stock handler of slack-bolt meets the same faults and does not pass.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler

from bot.connection import PING_SECONDS
from bot.patience import opening_limit
from bot.simulator.model import Pace
from bot.simulator.server import Simulator
from bot.startup import close_client
from tests.bot.supervised import config_for, make_app, supervised

MANIFEST = Path(__file__).parents[2] / "manifest.yml"
WATCHDOG_SECONDS = PING_SECONDS * 1.5
BACK_SECONDS = WATCHDOG_SECONDS + 10
MAX_CALLS = 10  # of apps.connections.open in any minute
PACE = Pace(ack_timeout_seconds=1.0, retry_delays_seconds=(0.1, 0.5, 1.0), ticket_seconds=2.0)

pytestmark = pytest.mark.beside

Connect = Callable[[Simulator], AbstractAsyncContextManager[object]]


@asynccontextmanager
async def ours(sim: Simulator) -> AsyncIterator[None]:
    """Connect as `clockify-bot run` does."""
    async with supervised(sim, limit=opening_limit()):
        yield


@asynccontextmanager
async def stock(sim: Simulator) -> AsyncIterator[None]:
    """Connect as slack-bolt's examples do."""
    gate = asyncio.Event()
    gate.set()
    config = config_for(sim)
    app = make_app(config, gate, [])
    handler = AsyncSocketModeHandler(app, config.app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]
        await close_client(app.client)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a fault went."""

    back_seconds: float  # the longest; BACK_SECONDS and more when it never came back
    busiest_minute: int  # calls of apps.connections.open

    @property
    def is_good(self) -> bool:
        """Whether it is what the bot promises."""
        return self.back_seconds < BACK_SECONDS and self.busiest_minute <= MAX_CALLS


def opened(sim: Simulator) -> list[float]:
    """List when apps.connections.open was called."""
    return [call.at for call in sim.calls("apps.connections.open")]


def busiest_minute(sim: Simulator) -> int:
    """Count the calls of the busiest minute."""
    times = opened(sim)
    return max(sum(start <= at < start + 60 for at in times) for start in times)


def calls(sim: Simulator, count: int) -> Callable[[], bool]:
    """Tell whether there were so many."""
    return lambda: len(opened(sim)) >= count


async def back(
    sim: Simulator, is_again: Callable[[], bool], patience_seconds: float = BACK_SECONDS
) -> float:
    """Wait until the bot answers a mention on a new connection; give the seconds."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(patience_seconds):
            await sim.wait_for(lambda: is_again() and sim.is_connected, patience_seconds)
            root = await sim.post("U0ANN", "C0GEN", "@clockify-bot ping")
            await sim.wait_for(lambda: len(sim.messages("C0GEN", root)) > 1, patience_seconds)
    except TimeoutError:
        return patience_seconds
    return time.monotonic() - started


async def refused_handshakes(sim: Simulator) -> float:
    """Refuse every handshake for three times as long as a ticket lives."""
    before = len(opened(sim))
    await sim.fault("refuse_handshake", times=10_000)
    await sim.fault("refresh")
    await sim.wait_for(lambda: len(opened(sim)) > before)
    await asyncio.sleep(3 * PACE.ticket_seconds)
    await sim.fault("clear")
    return await back(sim, lambda: sim.is_connected)


async def ten_in_a_row(sim: Simulator) -> float:
    """Reset or end each new connection as soon as it is there."""
    longest = 0.0
    for kind in ("drop_socket", "refresh") * 5:
        before = len(opened(sim))
        await sim.fault(kind)
        longest = max(longest, await back(sim, calls(sim, before + 1)))
    return longest


async def silent_peer(sim: Simulator) -> float:
    """Say nothing more, and do not hang up."""
    before = len(opened(sim))
    await sim.fault("silent")
    return await back(sim, calls(sim, before + 1))


async def too_many(sim: Simulator) -> float:
    """Refuse every new connection for half a minute."""
    await sim.fault("too_many_websockets", times=10_000)
    await sim.fault("refresh")
    return await _well_after(sim, 30)


async def link_disabled(sim: Simulator) -> float:
    """Switch Socket Mode off for half a minute."""
    await sim.fault("link_disabled")
    return await _well_after(sim, 30)


async def _well_after(sim: Simulator, seconds: float) -> float:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and busiest_minute(sim) <= MAX_CALLS:
        await asyncio.sleep(0.1)
    await sim.fault("clear")
    return await back(sim, lambda: sim.is_connected)


async def outcome(connect: Connect, fault: Callable[[Simulator], Awaitable[float]]) -> Outcome:
    """Meet a fault on a Slack of its own."""
    async with await Simulator.start(MANIFEST, pace=PACE) as sim, connect(sim):
        await sim.wait_connected()
        seconds = await fault(sim)
        return Outcome(round(seconds, 2), busiest_minute(sim))


FAULTS = [refused_handshakes, ten_in_a_row, silent_peer, too_many, link_disabled]


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_bot_is_back_soon_and_makes_no_storm(
    fault: Callable[[Simulator], Awaitable[float]],
) -> None:
    found = await outcome(ours, fault)
    print(fault.__name__, found)
    assert found.is_good, found


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_stock_handler_is_not_or_does(
    fault: Callable[[Simulator], Awaitable[float]],
) -> None:
    found = await outcome(stock, fault)
    print(fault.__name__, found)
    assert not found.is_good, found


async def test_a_step_of_the_clock_costs_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    true_time = time.time
    async with await Simulator.start(MANIFEST, pace=PACE, clock=true_time) as sim, ours(sim):
        for days in (1, -1, 400):
            monkeypatch.setattr(time, "time", lambda days=days: true_time() + days * 86_400)
            await asyncio.sleep(WATCHDOG_SECONDS + 1)
        assert len(opened(sim)) == 1


async def test_two_minutes_of_one_fault_after_the_other_make_no_storm() -> None:
    pairs = [("refuse_handshake", "drop_socket"), ("too_many_websockets", "refresh")]
    async with await Simulator.start(MANIFEST, pace=PACE) as sim, ours(sim):
        ends = time.monotonic() + 120
        while time.monotonic() < ends:
            for obstacle, end in pairs:
                before = len(opened(sim))
                await sim.fault(obstacle)
                await sim.fault(end)
                seconds = await back(sim, calls(sim, before + 2), 2 * BACK_SECONDS)
                assert seconds < 2 * BACK_SECONDS
        print(busiest_minute(sim))
        assert busiest_minute(sim) <= MAX_CALLS
