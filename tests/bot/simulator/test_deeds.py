"""What a person does, as orders over HTTP."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.server import Simulator

from .conftest import Connect
from .over_http import Body, act, read


async def test_every_deed_can_be_done_over_http(
    sim: Simulator, http: aiohttp.ClientSession, client: AsyncWebClient, connect: Connect
) -> None:
    ann, here = {"as": "U0ANN"}, {"channel": "C0GEN"}
    text = {"type": "plain_text", "text": "Ask"}
    typed = {"type": "plain_text_input", "action_id": "it"}
    select = {"type": "external_select", "action_id": "find", "min_query_length": 1}
    blocks = [
        {"type": "input", "block_id": "q", "label": text, "element": typed},
        {"type": "actions", "block_id": "do", "elements": [select]},
    ]
    view = {"type": "modal", "title": text, "submit": text, "callback_id": "ask", "blocks": blocks}
    option = {"text": text, "value": "timer"}

    def register(app: AsyncApp) -> None:
        @app.shortcut("ask_anything")
        async def open_modal(ack: Any, body: Body) -> None:
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=view)

        @app.options("find")
        async def find(ack: Any) -> None:
            await ack(options=[option])

        @app.action("find")
        @app.event("app_mention")
        async def take(ack: Any) -> None:
            await ack()

    await connect(sim, register)
    ts = (await act(http, "post", **ann, **here, text="@clockify-bot hi"))["ts"]
    reply = (await act(http, "post", **ann, **here, text="a", thread_ts=ts, broadcast=True))["ts"]
    file = (await act(http, "file", **ann, **here, name="a.pdf", text="see"))["ts"]
    await act(http, "edit", **ann, **here, message_ts=file, text="look")
    await act(http, "delete", **ann, **here, message_ts=reply)
    await act(http, "reaction", **ann, **here, message_ts=file, name="eyes")
    await act(http, "reaction", **ann, **here, message_ts=file, name="eyes", remove=True)
    await act(http, "invite", **ann, channel="C0OUT", user="U0BOT")
    await act(http, "home", **ann)
    await act(http, "stop", **ann, **here, thread_ts=ts)
    assert [message["text"] for message in sim.messages("C0GEN")] == ["<@U0BOT> hi", "look"]
    assert "U0BOT" in sim.workspace.channels["C0OUT"].members

    await act(http, "shortcut", **ann, callback_id="ask_anything")
    shown = await sim.wait_for(lambda: sim.modal("U0ANN"))
    assert shown is not None
    place = {"view_id": shown["id"], "block_id": "do", "action_id": "find"}
    assert (await act(http, "suggest", **ann, **place, value="t"))["options"] == [option]
    await act(http, "action", **ann, **place, value="timer", values={"q": {"it": "so far"}})
    state = (await read(http, "/sim/view", **ann))["modal"]["state"]["values"]
    assert (state["q"]["it"]["value"], state["do"]["find"]["selected_option"]) == ("so far", option)
    empty = {"q": {"it": ""}}
    refused = await act(http, "submit", **ann, view_id=shown["id"], values=empty)
    assert refused["errors"] == {"q": "Please complete this required field."}
    await act(http, "close", **ann)
    assert (await read(http, "/sim/view", **ann))["modal"] is None


@pytest.mark.parametrize(
    ("deed", "order", "sentence"),
    [
        ("post", {"channel": "C0GEN", "text": "a", "broadcast": 1}, '"broadcast" is true or false'),
        ("submit", {"view_id": "V1", "values": []}, "U0ANN has no view 'V1' open."),
        ("submit", {"view_id": "V1", "values": [1]}, '"values" is not an object of block_ids.'),
        ("invite", {"channel": "D0ANN", "user": "U0ADA"}, "U0ADA cannot join #directmessage."),
        ("fault", {"kind": "flood"}, "'flood' is not a valid FaultKind. The kinds are: drop_socke"),
    ],
)
async def test_a_wrong_order_gets_a_sentence(
    http: aiohttp.ClientSession, deed: str, order: Body, sentence: str
) -> None:
    actor = {} if deed == "fault" else {"as": "U0ANN"}
    assert (await act(http, deed, **actor, **order))["error"].startswith(sentence)
