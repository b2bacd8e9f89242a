"""Socket Mode itself: tickets, refusals, retries, and a stop that does not hang."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.manifest import ManifestError
from bot.simulator.server import Simulator

from .conftest import QUICK, Connect, Time
from .test_bolt import answers_mentions


async def open_url(sim: Simulator) -> str:
    client = AsyncWebClient(base_url=sim.api_url)
    return str((await client.apps_connections_open(app_token=sim.app_token))["url"])


async def test_a_socket_says_hello_and_echoes_pings(sim: Simulator) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(await open_url(sim), autoping=False) as ws,
    ):
        assert await ws.receive_json() == {
            "type": "hello",
            "num_connections": 1,
            "connection_info": {"app_id": "A0SIM"},
            "debug_info": {
                "host": "applink-sim",
                "build_number": 10,
                "approximate_connection_time": 18060,
            },
        }
        await ws.ping(b"sdk-ping-pong:1.5")
        pong = await ws.receive()
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1.5")


async def test_a_ticket_is_used_once_and_soon(sim: Simulator, clock: Time) -> None:
    used, old = await open_url(sim), await open_url(sim)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(used):
            pass
        clock.seconds += 31
        for url in (used, old, f"ws{sim.url[4:]}/link/?ticket=made-up"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(url)
            assert caught.value.status == 408


async def test_a_ticket_can_have_a_shorter_life(manifest: Path, clock: Time) -> None:
    pace = replace(QUICK, ticket_seconds=2.0)
    async with (
        await Simulator.start(manifest, clock=clock, pace=pace) as sim,
        aiohttp.ClientSession() as session,
    ):
        url = await open_url(sim)
        clock.seconds += 3
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_any_socket_acknowledges_any_envelope(sim: Simulator) -> None:
    async with aiohttp.ClientSession() as session:
        one = await session.ws_connect(await open_url(sim))
        two = await session.ws_connect(await open_url(sim))
        assert [(await ws.receive_json())["num_connections"] for ws in (one, two)] == [1, 2]
        asked = asyncio.create_task(sim.command("U0ANN", "C0GEN", "/clockify", "hi"))
        receivers = {asyncio.create_task(ws.receive_json()): ws for ws in (one, two)}
        (done,), _ = await asyncio.wait(receivers, return_when=asyncio.FIRST_COMPLETED)
        envelope, other = done.result(), two if receivers[done] is one else one
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
        assert envelope["payload"]["channel_name"] == "support"
        ack = {"envelope_id": envelope["envelope_id"], "payload": {"text": "Here."}}
        await other.send_json(ack)
        await asked
        assert [note["text"] for note in sim.messages("C0GEN", viewer="U0ANN")] == ["Here."]
        await asyncio.gather(one.close(), two.close(), *receivers, return_exceptions=True)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("too_many_websockets", "too_many_websockets"), ("link_disabled", "link_disabled")],
)
async def test_a_socket_may_be_turned_away(sim: Simulator, kind: str, reason: str) -> None:
    await sim.fault(kind)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(await open_url(sim)) as ws:
            refusal = await ws.receive_json()
        assert (refusal["type"], refusal["reason"]) == ("disconnect", reason)
        await sim.fault("clear")
        async with session.ws_connect(await open_url(sim)) as ws:
            assert (await ws.receive_json())["type"] == "hello"


async def test_a_warned_socket_still_gets_events(sim: Simulator) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(await open_url(sim)) as ws,
    ):
        await ws.receive_json()
        await sim.fault("warning")
        assert (await ws.receive_json())["reason"] == "warning"
        assert sim.is_connected
        await sim.post("U0ANN", "C0EXT", "@clockify-bot hi")
        event = (await ws.receive_json())["payload"]
        assert event["is_ext_shared_channel"] is True
        assert event["event"]["type"] == "app_mention"


async def test_a_silent_socket_swallows_events(impatient: Simulator) -> None:
    sim = impatient
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(await open_url(sim)) as ws,
    ):
        await ws.receive_json()
        await sim.fault("silent")
        await sim.command("U0ANN", "C0GEN", "/clockify", "hi")
        (note,) = sim.messages("C0GEN", viewer="U0ANN")
        assert note["text"] == '/clockify failed with the error "operation_timeout"'


async def test_a_reset_connection_is_replaced(sim: Simulator, connect: Connect) -> None:
    await connect(sim, answers_mentions, ping_interval=0.2)
    await sim.fault("drop_socket")
    assert not sim.is_connected
    await sim.wait_connected()


async def test_an_event_that_nobody_acknowledges_is_given_up(
    impatient: Simulator, connect: Connect
) -> None:
    sim = impatient
    await connect(sim, lambda app: None)  # Bolt acknowledges nothing that it has no listener for
    await sim.post("U0ANN", "C0GEN", "@clockify-bot hi")
    await sim.wait_for(lambda: len(sim.envelopes()) == 4)
    log = sim.site.feed.entries
    lost = await sim.wait_for(lambda: [line for line in log() if line.kind == "event_lost"])
    assert [line.error for line in lost] == ["timeout"]


async def test_unsubscribed_events_are_not_sent(sim: Simulator, connect: Connect) -> None:
    await connect(sim, lambda app: None)
    await sim.post("U0ANN", "G0PRV", "no mention, no message.groups")
    ts = await sim.post("U0ANN", "C0GEN", "no message.channels")
    sim.people.react("U0ANN", "C0GEN", ts, "eyes")
    await sim.wait_for(sim.envelopes)
    (envelope,) = sim.envelopes()
    event = envelope.body["payload"]["event"]
    assert (event["type"], event["reaction"], event["item"]["ts"]) == (
        "reaction_added",
        "eyes",
        ts,
    )


async def test_edits_of_direct_messages_are_announced(sim: Simulator, connect: Connect) -> None:
    seen: list[Any] = []

    def register(app: AsyncApp) -> None:
        @app.event({"type": "message", "subtype": "message_changed"})
        async def note(event: dict[str, Any]) -> None:
            seen.append(event)

    handler = await connect(sim, register)
    ts = (await handler.app.client.chat_postMessage(channel="D0ANN", text="a"))["ts"]
    await handler.app.client.chat_update(channel="D0ANN", ts=ts, text="b")
    await sim.wait_for(lambda: len(sim.envelopes()) == 2)
    event = sim.envelopes()[1].body["payload"]["event"]
    assert (event["message"]["text"], event["previous_message"]["text"]) == ("b", "a")
    assert event["hidden"] is True


async def test_stopping_is_quick_with_everything_open(manifest: Path) -> None:
    async with aiohttp.ClientSession() as session:
        sim = await Simulator.start(manifest, pace=QUICK)
        ws = await session.ws_connect(await open_url(sim), autoclose=False)
        stream = await session.get(f"{sim.url}/sim/events", params={"as": "U0ANN"})
        await sim.wait_connected()
        await sim.post("U0ANN", "C0GEN", "@clockify-bot hi")
        began = time.monotonic()
        await sim.stop()
        assert time.monotonic() - began < 2.0
        stream.close()
        await ws.close()


async def test_a_taken_port_is_passed_over(manifest: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with await Simulator.start(manifest, port=port) as sim:
            assert sim.url.startswith("http://127.0.0.1:")
            assert not sim.url.endswith(f":{port}")


async def test_only_this_machine_is_listened_to(manifest: Path) -> None:
    with pytest.raises(ValueError, match="only listens on this machine, not on 0\\.0\\.0\\.0"):
        await Simulator.start(manifest, host="0.0.0.0")


@pytest.mark.parametrize("text", [None, "- a list", "{ not: yaml"])
async def test_an_unusable_manifest_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "broken.yml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=r"The manifest .*broken\.yml"):
        await Simulator.start(path)
