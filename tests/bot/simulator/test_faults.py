"""Ordered faults: shares that repeat, methods apart, and what each of them does."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.faults import FaultKind, Faults, read_fault
from bot.simulator.model import ControlError
from bot.simulator.server import Simulator

from .conftest import Connect
from .test_responses import send
from .test_web_api import refusal

POST = "chat.postMessage"
HELLO: dict[str, Any] = {"channel": "C0GEN", "text": "hi"}


def drawn(order: dict[str, Any], times: int = 2_000) -> list[bool]:
    """Order a fault and tell at which of its occasions it hits."""
    faults = Faults()
    faults.order(read_fault(order))
    return [faults.take(FaultKind(order["kind"]), POST) is not None for _ in range(times)]


def bare(sim: Simulator) -> AsyncWebClient:
    """Give a client that tries nothing again."""
    return AsyncWebClient(token=sim.bot_token, base_url=sim.api_url, retry_handlers=[])


def test_a_share_hits_its_part_and_the_same_ones_each_time() -> None:
    order = {"kind": "lost_reply", "share": 0.05, "method": POST}
    first = drawn(order)
    assert 70 <= sum(first) <= 130
    assert drawn(order) == first
    assert drawn(order | {"seed": 1}) != first
    assert drawn(order | {"share": 1}) == [True] * 2_000
    assert sum(drawn({"kind": "lost_reply", "times": 3})) == 3


def test_methods_have_faults_of_their_own() -> None:
    faults = Faults()
    for method, seconds in ((POST, 7), ("chat.update", "soon"), (None, 3)):
        order = {"kind": "rate_limit", "retry_after_seconds": seconds}
        faults.order(read_fault(order | ({"method": method} if method else {})))
    names = (POST, "chat.update", POST, POST)
    taken = [faults.take(FaultKind.RATE_LIMIT, name) for name in names]
    assert [fault and fault.retry_after_seconds for fault in taken] == [7, "soon", 3, None]


def test_any_method_leaves_the_response_urls_out() -> None:
    faults = Faults()
    faults.order(read_fault({"kind": "lost_reply", "share": 1}))
    assert faults.take(FaultKind.LOST_REPLY, "response_url") is None
    faults.order(read_fault({"kind": "lost_reply", "method": "response_url"}))
    assert faults.take(FaultKind.LOST_REPLY, "response_url") is not None


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ({}, "'' is not a valid FaultKind. The kinds are: drop_socket, "),
        ({"kind": "refresh", "times": 2}, "The fault refresh has no option 'times'; it has none."),
        (
            {"kind": "slow_ack", "seconds": 2},
            "The fault slow_ack has no option 'seconds'; its options are: seed, share, times.",
        ),
        (
            {"kind": "lost_reply", "share": 15},
            '"share" of the fault lost_reply is a number above 0, 1 at most, not 15.',
        ),
        (
            {"kind": "lost_reply", "times": True},
            '"times" of the fault lost_reply is a whole number from 1 on, not True.',
        ),
        (
            {"kind": "lost_reply", "times": 1, "share": 0.5},
            'Give the fault lost_reply "times" or "share", not both.',
        ),
        (
            {"kind": "slow", "seconds": "2"},
            "\"seconds\" of the fault slow is a number of seconds, not '2'.",
        ),
        (
            {"kind": "http_500", "status": 404},
            '"status" of the fault http_500 is a status from 500 to 599, not 404.',
        ),
        (
            {"kind": "rate_limit", "retry_after_seconds": -1},
            '"retry_after_seconds" of the fault rate_limit is a number of seconds, a text, or null'
            " for no header, not -1.",
        ),
        ({"kind": "slow", "method": "chat.shout"}, "There is no method 'chat.shout' to disturb."),
    ],
)
def test_a_mistake_in_an_order_is_named(order: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ControlError) as caught:
        read_fault(order, [POST])
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("seconds", "header"),
    [(7, "7"), (1.5, "1.5"), (3600, "3600"), ("later", "later"), (None, None)],
)
async def test_retry_after_takes_every_form(
    sim: Simulator, seconds: float | str | None, header: str | None
) -> None:
    await sim.fault("rate_limit", method=POST, retry_after_seconds=seconds)
    with pytest.raises(SlackApiError) as caught:
        await bare(sim).chat_postMessage(**HELLO)
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers.get("Retry-After") == header


@pytest.mark.parametrize("is_done", [False, True])
async def test_a_breakdown_comes_before_or_after_the_work(sim: Simulator, is_done: bool) -> None:
    await sim.fault("http_500", method=POST, status=503, is_done=is_done)
    with pytest.raises(SlackApiError) as caught:
        await bare(sim).chat_postMessage(**HELLO)
    assert caught.value.response.status_code == 503
    assert len(sim.messages("C0GEN")) == is_done
    (call,) = sim.calls(POST)
    assert (call.body["text"], call.error) == ("hi", None if is_done else "http_503")


async def test_the_web_api_is_down_until_cleared(sim: Simulator) -> None:
    await sim.fault("web_api_down")
    for _ in range(3):
        with pytest.raises(aiohttp.ClientConnectionError):
            await bare(sim).chat_postMessage(**HELLO)
    assert (sim.calls(), sim.messages("C0GEN")) == ((), [])
    await sim.fault("clear")
    await bare(sim).chat_postMessage(**HELLO)


async def test_a_response_url_is_disturbed_by_name(sim: Simulator) -> None:
    url = sim.site.responses.issue("C0GEN", "U0ANN")
    await sim.fault("rate_limit", method="response_url")
    await sim.fault("http_500", method="response_url")
    assert (await send(url, {"text": "a"}))[0] == 500
    assert (await send(url, {"text": "b"}))[0] == 429
    await sim.fault("lost_reply", method="response_url")
    with pytest.raises(aiohttp.ClientConnectionError):
        await send(url, {"text": "c"})
    assert await send(url, {"text": "d"}) == (200, "ok")
    assert [note["text"] for note in sim.messages("C0GEN", viewer="U0ANN")] == ["c", "d"]


def hears_everything(app: AsyncApp) -> None:
    @app.event("app_mention")
    @app.event("message")
    async def hear() -> None: ...


@pytest.mark.parametrize("attempt", [0, 1])
async def test_an_event_is_delivered_twice(sim: Simulator, connect: Connect, attempt: int) -> None:
    await connect(sim, hears_everything)
    await sim.fault("duplicate", retry_attempt=attempt)
    ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot hi")
    (receipt,) = await sim.wait_for(lambda: sim.receipts_of("C0GEN", ts))
    await sim.wait_for(lambda: receipt.envelopes == 2)
    one, two = (envelope.body for envelope in sim.envelopes())
    assert one["payload"]["event_id"] == two["payload"]["event_id"] == receipt.key
    assert one["envelope_id"] != two["envelope_id"]
    assert {one["retry_attempt"], two["retry_attempt"]} == {0, attempt}


async def test_a_mention_comes_as_two_events(sim: Simulator, connect: Connect) -> None:
    await connect(sim, hears_everything)
    await sim.fault("twin")
    ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot hi")
    await sim.wait_for(lambda: len(sim.envelopes()) == 2)
    events = [envelope.body["payload"] for envelope in sim.envelopes()]
    assert {event["event"]["type"] for event in events} == {"app_mention", "message"}
    assert len({event["event_id"] for event in events}) == 2
    assert {event["event"]["ts"] for event in events} == {ts}


async def test_a_trigger_expires_at_once(sim: Simulator, client: AsyncWebClient) -> None:
    title = {"type": "plain_text", "text": "Why?"}
    view = {"type": "modal", "title": title, "blocks": []}
    await sim.fault("expired_trigger")
    trigger_id = sim.site.views.issue_trigger("U0ANN")
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=trigger_id, view=view)


async def test_every_stream_expires_at_once(sim: Simulator, client: AsyncWebClient) -> None:
    root = await sim.post("U0ANN", "D0ANN", "how?")
    stream = await client.chat_startStream(channel="D0ANN", thread_ts=root)
    await sim.fault("expire_streams")
    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        await client.chat_appendStream(channel="D0ANN", ts=stream["ts"], markdown_text="a")


async def test_ordered_faults_hit_the_method_they_name(
    sim: Simulator, client: AsyncWebClient
) -> None:
    await sim.fault("rate_limit", method=POST, times=2, retry_after_seconds=7)
    await sim.fault("api_error", method="auth.test", error="fatal_error")
    for _ in range(2):
        assert (await refusal(client, POST, HELLO)).headers["Retry-After"] == "7"
    assert (await refusal(client, "auth.test", {}))["error"] == "fatal_error"
    await client.chat_postMessage(**HELLO)
    await client.auth_test()


async def test_a_lost_reply_has_done_its_work(sim: Simulator, client: AsyncWebClient) -> None:
    await sim.fault("lost_reply", method=POST)
    with pytest.raises(aiohttp.ClientError):
        await bare(sim).chat_postMessage(**HELLO)
    assert len(sim.messages("C0GEN")) == 1
