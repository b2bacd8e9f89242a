"""Limits of the local Slack: calls in their turn, Retry-After obeyed, nobody else held up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.message import Message
from bot.sender import MAX_BUCKETS, RATES, Line, Rate, Sender, TryLater
from bot.simulator.server import Simulator
from bot.slack_calls import Place, SlackCalls
from bot.slack_failures import is_uncertain, read_retry_after, retry_after_seconds
from bot.startup import BoundedRateLimitHandler

from .delivery_bench import ANSWER, FREE, DeliveryBench, delivery_bench

POST = "chat.postMessage"


@pytest.fixture
async def desk(sim: Simulator) -> AsyncIterator[DeliveryBench]:
    """Give what a process needs to deliver."""
    async with delivery_bench(sim) as made:
        yield made


def calls_of(desk: DeliveryBench, rates: dict[str, Rate] = FREE) -> SlackCalls:
    """Make the calls of a process with other limits."""
    return desk.process(sender=Sender(rates)).calls


def said(desk: DeliveryBench) -> list[tuple[str, str | None, float]]:
    """List the posts: what, the error, when."""
    return [(entry.body["text"], entry.error, entry.at) for entry in desk.sim.calls(POST)]


def refused(status: int, body: Any) -> SlackApiError:
    """Make the SDK's error for a reply of Slack's."""
    response = AsyncSlackResponse(
        client=None,
        http_verb="POST",
        api_url="",
        req_args={},
        data=body,
        headers={},
        status_code=status,
    )
    return SlackApiError("refused", response)  # type: ignore[no-untyped-call]


class TestTooManyRequests:
    @pytest.mark.parametrize(("retry_after", "seconds"), [(0.3, 0.3), ("0.30", 0.3), (None, 1.0)])
    async def test_no_call_goes_out_before_its_time(
        self, desk: DeliveryBench, retry_after: float | str | None, seconds: float
    ) -> None:
        calls = calls_of(desk)
        await desk.sim.fault("rate_limit", method=POST, retry_after_seconds=retry_after)
        posting = [asyncio.create_task(calls.post(Place("C0GEN"), ANSWER)) for _ in range(3)]
        await asyncio.wait(posting)
        times = [at for _, _, at in said(desk)]
        refused = next(at for _, error, at in said(desk) if error == "ratelimited")
        later = [at for at in times if at > refused + 0.1]
        assert len(times) == 4
        assert later
        assert min(later) >= refused + seconds

    async def test_what_waits_goes_out_in_its_order_and_the_refused_first(
        self, desk: DeliveryBench
    ) -> None:
        calls = calls_of(desk)
        await desk.sim.fault("rate_limit", method=POST, retry_after_seconds=0.2)
        posting = [asyncio.create_task(_say(calls, "0"))]
        await desk.sim.wait_for(lambda: desk.sim.calls(POST))
        while calls.sender.has_room(POST, "C0GEN", 1):  # until the refusal has come in
            await asyncio.sleep(0.001)
        posting += [asyncio.create_task(_say(calls, str(number))) for number in range(1, 5)]
        await asyncio.wait(posting)
        texts = [m["text"] for m in desk.sim.messages("C0GEN") if m.get("bot_id")]
        assert texts == ["0", "1", "2", "3", "4"]

    async def test_other_channels_and_methods_are_not_held_up(self, desk: DeliveryBench) -> None:
        calls = calls_of(desk)
        await desk.sim.fault("rate_limit", method=POST, retry_after_seconds=0.5)
        limited = asyncio.create_task(calls.post(Place("C0GEN"), ANSWER))
        await desk.sim.wait_for(lambda: desk.sim.calls(POST))
        channel, ts = await calls.post(Place("C0RND"), ANSWER)
        await calls.update(channel, ts, ANSWER)
        assert not limited.done()
        await limited

    async def test_a_method_without_a_rate_of_ours_is_limited_for_the_workspace(
        self, desk: DeliveryBench
    ) -> None:
        calls, first = calls_of(desk), await desk.inquiry()
        second = await desk.inquiry(channel="C0RND")
        method = "conversations.replies"
        await desk.sim.fault("rate_limit", method=method, retry_after_seconds=0.3)
        places = [Place(inquiry.channel, inquiry.thread) for inquiry in (first, second)]
        looking = [asyncio.create_task(calls.own_messages(places[0]))]
        await desk.sim.wait_for(lambda: desk.sim.calls(method))
        while calls.sender.has_room(method, "", 1):  # until the refusal has come in
            await asyncio.sleep(0.001)
        looking.append(asyncio.create_task(calls.own_messages(places[1])))
        await asyncio.gather(*looking)
        refused, *later = (entry.at for entry in desk.sim.calls(method))
        assert min(later) >= refused + 0.3

    async def test_a_long_pause_is_not_waited_for(self, desk: DeliveryBench) -> None:
        calls = calls_of(desk)
        await desk.sim.fault("rate_limit", method=POST, retry_after_seconds=1_000)
        for _ in range(2):
            with pytest.raises(TryLater) as raised:
                await calls.post(Place("C0GEN"), ANSWER)
            assert 990 < raised.value.after_seconds <= 1_000
        assert desk.count(POST) == 1

    async def test_nor_one_that_is_longer_than_the_callers_patience(
        self, desk: DeliveryBench
    ) -> None:
        calls = calls_of(desk)
        await desk.sim.fault("rate_limit", method=POST, retry_after_seconds=5)
        began = asyncio.get_running_loop().time()
        with pytest.raises(TryLater):
            await calls.post(Place("C0GEN"), ANSWER, patience_seconds=2.0)
        assert asyncio.get_running_loop().time() - began < 2.0

    async def test_who_waits_in_line_hears_at_once_that_it_takes_too_long(
        self, desk: DeliveryBench
    ) -> None:
        calls = calls_of(desk, {POST: Rate(1, 0.2, is_per_channel=True)})
        await desk.sim.fault("rate_limit", method=POST, retry_after_seconds=1_000)
        posting = (calls.post(Place("C0GEN"), ANSWER) for _ in range(3))
        async with asyncio.timeout(3.0):
            results = await asyncio.gather(*posting, return_exceptions=True)
        assert [type(result) for result in results] == [TryLater] * 3
        assert desk.count(POST) == 1

    async def test_the_impatient_do_not_wait_behind_the_patient(self, desk: DeliveryBench) -> None:
        calls = calls_of(desk)
        await desk.sim.fault("rate_limit", method=POST, retry_after_seconds=5.0)
        patient = asyncio.create_task(calls.post(Place("C0GEN"), ANSWER))
        while calls.sender.has_room(POST, "C0GEN", 1):  # until the refusal has come in
            await asyncio.sleep(0.001)
        began = asyncio.get_running_loop().time()
        with pytest.raises(TryLater):
            await calls.post(Place("C0GEN"), ANSWER, patience_seconds=3.0)
        assert asyncio.get_running_loop().time() - began < 2.0
        patient.cancel()
        await asyncio.wait({patient})

    async def test_other_refusals_are_not_repeated(self, desk: DeliveryBench) -> None:
        await desk.sim.fault("api_error", method=POST, error="is_archived")
        with pytest.raises(SlackApiError, match="is_archived"):
            await calls_of(desk).post(Place("C0GEN"), ANSWER)
        assert desk.count(POST) == 1

    async def test_the_clients_own_handlers_do_not_sleep_in_the_call(
        self, desk: DeliveryBench
    ) -> None:
        desk.client.retry_handlers = [BoundedRateLimitHandler()]
        calls = calls_of(desk)
        await desk.sim.fault("rate_limit", method=POST, retry_after_seconds=1_000)
        with pytest.raises(TryLater):
            await asyncio.wait_for(calls.post(Place("C0GEN"), ANSWER), 2.0)

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("2", 2.0), ("0.5", 0.5), ("", 1.0), ("soon", 1.0), ("nan", 1.0), ("inf", 1.0), ("-1", 0)],
    )
    def test_the_header_is_read(self, header: str, seconds: float) -> None:
        assert read_retry_after(header) == seconds

    @pytest.mark.parametrize(
        ("status", "body", "is_doubtful"),
        [
            (200, {"ok": False, "error": "is_archived"}, False),
            (200, {"ok": False, "error": "fatal_error"}, True),
            (429, "", False),
            (502, {"ok": False, "error": "bad_gateway"}, True),
            (503, "<html>", True),
            (200, "", True),
        ],
    )
    def test_after_some_failures_it_may_have_been_done(
        self, status: int, body: Any, is_doubtful: bool
    ) -> None:
        assert is_uncertain(refused(status, body)) is is_doubtful

    def test_after_a_broken_connection_it_may_have_been_done(self) -> None:
        assert is_uncertain(TimeoutError())

    def test_what_is_no_refusal_of_slacks_names_no_time(self) -> None:
        assert retry_after_seconds(TimeoutError()) is None


class TestBuckets:
    def test_they_allow_no_more_than_slack_does(self) -> None:
        per_minute = {name: rate.calls * 60 / rate.seconds for name, rate in RATES.items()}
        assert per_minute == {
            "chat.postMessage": 60,
            "chat.postEphemeral": 60,
            "chat.update": 50,
            "chat.startStream": 20,
            "chat.appendStream": 100,
            "chat.stopStream": 20,
        }
        assert RATES["chat.postMessage"].is_per_channel
        assert not RATES["chat.appendStream"].is_per_channel

    async def test_a_burst_then_an_even_flow(self) -> None:
        sender = Sender({POST: Rate(3, 0.3, is_per_channel=True)})
        times = await _times(sender, "C1", 6)
        assert times[2] - times[0] < 0.09
        assert times[5] - times[0] >= 0.29

    async def test_each_channel_has_its_own(self) -> None:
        sender = Sender({POST: Rate(1, 60.0, is_per_channel=True)})
        async with asyncio.timeout(5.0):
            for channel in ("C1", "C2"):
                await sender.call(POST, channel, _nothing)

    async def test_the_workspace_shares_those_for_edits(self) -> None:
        sender = Sender({"chat.update": Rate(1, 60.0)})
        await sender.call("chat.update", "C1", _nothing)
        with pytest.raises(TryLater):
            await sender.call("chat.update", "C2", _nothing, patience_seconds=0.02)

    async def test_who_gives_up_waiting_holds_nobody_up(self) -> None:
        sender = Sender({POST: Rate(1, 0.2, is_per_channel=True)})
        await sender.call(POST, "C1", _nothing)
        impatient = [
            asyncio.create_task(sender.call(POST, "C1", _nothing, patience_seconds=0.02))
            for _ in range(3)
        ]
        patient = asyncio.create_task(sender.call(POST, "C1", _nothing, patience_seconds=5.0))
        cancelled = asyncio.create_task(sender.call(POST, "C1", _nothing))
        await asyncio.sleep(0)
        cancelled.cancel()
        await patient
        results = await asyncio.gather(*impatient, cancelled, return_exceptions=True)
        assert [type(result) for result in results] == [TryLater] * 3 + [asyncio.CancelledError]

    async def test_who_is_cancelled_in_the_moment_of_their_turn_passes_it_on(self) -> None:
        line = Line()

        async def take(ticket: int) -> None:
            async with line.turn(ticket):
                pass

        async with line.turn(0):
            tasks = [asyncio.create_task(take(ticket)) for ticket in (1, 2)]
            await asyncio.sleep(0)  # both wait
        tasks[0].cancel()  # it is called and has not run yet
        async with asyncio.timeout(5.0):
            await tasks[1]
        assert tasks[0].cancelled()

    async def test_whether_there_is_room(self) -> None:
        sender = Sender({"chat.update": Rate(3, 60.0)})
        await sender.call("chat.update", "", _nothing)
        assert sender.has_room("chat.update", "", 2)
        assert not sender.has_room("chat.update", "", 3)

    async def test_their_number_is_bounded_and_those_in_use_stay(self) -> None:
        sender, gate = Sender({POST: Rate(1, 60.0, is_per_channel=True)}), asyncio.Event()
        waiting = asyncio.create_task(sender.call(POST, "C-busy", gate.wait))
        await asyncio.sleep(0)
        for number in range(MAX_BUCKETS + 50):
            await sender.call(POST, f"C{number}", _nothing)
        assert sender.buckets == MAX_BUCKETS
        with pytest.raises(TryLater):
            await sender.call(POST, "C-busy", _nothing, patience_seconds=0.02)
        gate.set()
        await waiting


async def _say(calls: SlackCalls, text: str) -> None:
    await calls.post(Place("C0GEN"), Message(text))


async def _nothing() -> None:
    return None


async def _times(sender: Sender, channel: str, count: int) -> list[float]:
    times: list[float] = []
    loop = asyncio.get_running_loop()

    async def note() -> None:
        times.append(loop.time())

    sends: list[Callable[[], Awaitable[None]]] = [note] * count
    await asyncio.gather(*(sender.call(POST, channel, send) for send in sends))
    return times
