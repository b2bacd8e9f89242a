"""Slack's own Python clients: both Socket Mode clients, the blocking Web API and chat_stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient as AiohttpClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.socket_mode.websockets import SocketModeClient as WebsocketsClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.server import Simulator

Client = Callable[..., Any]
CLIENTS = [AiohttpClient, WebsocketsClient]


@asynccontextmanager
async def running(sim: Simulator, kind: Client) -> AsyncIterator[AsyncBaseSocketModeClient]:
    """Connect a Socket Mode client that acknowledges everything."""
    web = AsyncWebClient(token=sim.bot_token, base_url=sim.api_url)
    client: AsyncBaseSocketModeClient = kind(
        app_token=sim.app_token, web_client=web, ping_interval=0.2
    )

    async def acknowledge(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        payload = {"text": "Here."} if request.type == "slash_commands" else None
        response = SocketModeResponse(envelope_id=request.envelope_id, payload=payload)
        await client.send_socket_mode_response(response)

    client.socket_mode_request_listeners.append(acknowledge)
    await client.connect()  # type: ignore[no-untyped-call]
    try:
        await sim.wait_connected()
        yield client
    finally:
        await client.close()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("kind", CLIENTS, ids=["aiohttp", "websockets"])
async def test_a_client_acknowledges_events_and_commands(sim: Simulator, kind: Client) -> None:
    async with running(sim, kind):
        ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot how?")
        (receipt,) = await sim.wait_for(lambda: sim.receipts_of("C0GEN", ts))
        await sim.wait_for(lambda: receipt.is_acknowledged)
        await sim.command("U0ANN", "C0GEN", "/clockify", "how?")
    note = sim.messages("C0GEN", viewer="U0ANN")[-1]
    assert note["text"] == "Here."


@pytest.mark.parametrize("kind", CLIENTS, ids=["aiohttp", "websockets"])
@pytest.mark.parametrize("fault", ["refresh", "drop_socket"])
async def test_a_client_comes_back(sim: Simulator, kind: Client, fault: str) -> None:
    async with running(sim, kind):
        await sim.fault(fault)
        assert not sim.is_connected
        await sim.wait_connected(10)
        ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot still there?")
        (receipt,) = await sim.wait_for(lambda: sim.receipts_of("C0GEN", ts))
        await sim.wait_for(lambda: receipt.is_acknowledged)
    assert len(sim.calls("apps.connections.open")) == 2


def blocking(sim: Simulator, root: str) -> list[str]:
    """Use the blocking client as an app would; gives the error codes it met."""
    client = WebClient(token=sim.bot_token, base_url=sim.api_url)
    assert client.auth_test()["user_id"] == "U0BOT"
    client.assistant_threads_setStatus(channel_id="C0GEN", thread_ts=root, status="is searching…")
    stream = client.chat_stream(
        channel="C0GEN",
        thread_ts=root,
        recipient_team_id="T0SIM",
        recipient_user_id="U0ANN",
        buffer_size=4,
    )
    stream.append(markdown_text="Press **Start**.")
    metadata = {"event_type": "answer", "event_payload": {"id": 1}}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "<https://x|Timer>"}}
    stream.stop(blocks=[section], metadata=metadata)
    posted = client.chat_postMessage(channel="C0GEN", text="More", thread_ts=root)
    client.chat_update(channel="C0GEN", ts=str(posted["ts"]), text="Even more")
    replies = client.conversations_replies(channel="C0GEN", ts=root, include_all_metadata=True)
    assert replies["messages"][1]["metadata"] == metadata
    view: dict[str, Any] = {"type": "home", "blocks": []}
    client.views_publish(user_id="U0ANN", view=view)
    errors = []
    for channel in ("C0OUT", "C0NIL"):
        with pytest.raises(SlackApiError) as caught:
            client.chat_postMessage(channel=channel, text="hi")
        errors.append(str(caught.value.response["error"]))
    return errors


async def test_the_blocking_client_works(sim: Simulator) -> None:
    root = await sim.post("U0ANN", "C0GEN", "how?")
    errors = await asyncio.to_thread(blocking, sim, root)
    assert errors == ["not_in_channel", "channel_not_found"]
    _, streamed, posted = sim.messages("C0GEN", root)
    assert [block["type"] for block in streamed["blocks"]] == ["markdown", "section"]
    assert (streamed["text"], posted["text"]) == ("Press **Start**.", "Even more")
    assert sim.workspace.status("C0GEN", root) == ""
