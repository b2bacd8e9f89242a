"""The page's API over HTTP: what a person sees and does, and who is kept out."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.simulator.server import Simulator

from .conftest import Connect
from .over_http import Body, act, read


async def test_the_state_is_what_the_person_sees(http: aiohttp.ClientSession) -> None:
    ann, guest = [await read(http, "/sim/state", **{"as": who}) for who in ("U0ANN", "U0GUS")]
    assert [channel["id"] for channel in ann["channels"]] == [
        "C0GEN",
        "C0RND",
        "G0PRV",
        "C0EXT",
        "C0OUT",
        "D0ANN",
    ]
    assert guest["channels"] == [
        {"id": "C0GEN", "name": "support", "kind": "public"},
        {"id": "D0GUS", "name": "directmessage", "kind": "im", "user": "U0GUS"},
    ]
    assert [user["role"] for user in ann["users"]] == [
        *("agent", "admin", "guest", "deactivated", "external", "bot")
    ]
    assert ann["commands"] == [
        {
            "command": "/clockify",
            "description": "Ask the help center",
            "usage_hint": "[question]",
        }
    ]
    assert ann["bot"] == {"id": "U0BOT", "name": "clockify-bot"}
    assert [shortcut["type"] for shortcut in ann["shortcuts"]] == ["message", "global"]
    assert ann["faults"]["refresh"] == []
    assert ann["faults"]["slow"] == ["method", "seconds", "seed", "share", "times"]
    assert (ann["team"], ann["connected"]) == ({"id": "T0SIM", "name": "Acme Support"}, False)


async def test_a_message_is_written_and_read(
    http: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    root = (await act(http, "post", **{"as": "U0ANN"}, channel="C0GEN", text="a & b"))["ts"]
    await act(http, "post", **{"as": "U0ADA"}, channel="C0GEN", text="reply", thread_ts=root)
    await client.chat_postEphemeral(channel="C0GEN", user="U0ANN", text="psst")

    ann = await read(http, "/sim/history", channel="C0GEN", **{"as": "U0ANN"})
    assert [message["text"] for message in ann["messages"]] == ["a &amp; b", "psst"]
    assert ann["messages"][0]["reply_count"] == 1
    assert ann["messages"][1]["is_ephemeral"] is True
    ada = await read(http, "/sim/history", channel="C0GEN", **{"as": "U0ADA"})
    assert [message["text"] for message in ada["messages"]] == ["a &amp; b"]
    thread = await read(http, "/sim/history", channel="C0GEN", thread_ts=root, **{"as": "U0GUS"})
    assert [message["text"] for message in thread["messages"]] == ["a &amp; b", "reply"]


@pytest.mark.parametrize(
    ("deed", "order", "sentence"),
    [
        ("post", {"channel": "C0GEN", "text": "hi"}, '"as" is missing or not a text.'),
        (
            "post",
            {"as": "U0BOT", "channel": "C0GEN", "text": "hi"},
            "There is no person 'U0BOT'; there are U0ANN, U0ADA, U0GUS, U0DEE, U0PAT.",
        ),
        (
            "post",
            {"as": "U0GUS", "channel": "C0RND", "text": "hi"},
            "U0GUS sees no channel 'C0RND'.",
        ),
        (
            "post",
            {"as": "U0ANN", "channel": "C0GEN", "text": "hi", "thread_ts": "1.1"},
            "There is no message '1.1' in #support.",
        ),
        (
            "post",
            {"as": "U0ANN", "channel": "C0GEN", "text": " "},
            "A message needs some text.",
        ),
        (
            "action",
            {"as": "U0ANN", "channel": "C0GEN", "message_ts": "1.1", "block_id": "a"},
            '"action_id" is missing or not a text.',
        ),
        ("home", {"as": "U0ANN", "tab": "about"}, 'The tab is "home" or "messages".'),
        (
            "dance",
            {},
            "A person can do one of: post, edit, delete, file, command, action, suggest,"
            " shortcut, submit, close, home, reaction, stop, invite, fault.",
        ),
    ],
)
async def test_a_mistake_gets_a_sentence(
    http: aiohttp.ClientSession, deed: str, order: Body, sentence: str
) -> None:
    assert await act(http, deed, **order) == {"ok": False, "error": sentence}


async def test_the_events_are_those_that_the_person_may_see(
    sim: Simulator, http: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    async with http.get("/sim/events", params={"as": "U0GUS"}) as stream:
        assert stream.content_type == "text/event-stream"
        assert await stream.content.readline() == b": connected\n"
        await sim.post("U0ANN", "G0PRV", "private")
        await sim.post("U0ANN", "C0RND", "not for guests")
        await client.chat_postEphemeral(channel="C0GEN", user="U0ANN", text="psst")
        root = await sim.post("U0ANN", "C0GEN", "public")
        await client.chat_postEphemeral(channel="C0GEN", user="U0GUS", text="for you")
        await client.chat_postMessage(channel="C0GEN", thread_ts=root, text="reply")
        await client.chat_delete(channel="C0GEN", ts=sim.messages("C0GEN", root)[1]["ts"])
        events = [await next_event(stream) for _ in range(6)]

    told = [(event["type"], (event["message"] or {}).get("text")) for event in events]
    assert told == [
        ("message", "public"),
        ("ephemeral", "for you"),
        ("message", "reply"),
        ("message_changed", "public"),
        ("message_deleted", "reply"),
        ("message_changed", "public"),
    ]
    assert (events[0]["thread_ts"], events[2]["thread_ts"]) == (None, root)
    assert events[3]["message"]["reply_count"] == 1


async def next_event(stream: aiohttp.ClientResponse) -> Body:
    async for line in stream.content:
        if line.startswith(b"data: "):
            event: Body = json.loads(line.removeprefix(b"data: "))
            return event
    raise AssertionError("the stream ended")


async def test_a_quiet_stream_has_a_heartbeat(http: aiohttp.ClientSession) -> None:
    async with http.get("/sim/events", params={"as": "U0ANN"}) as stream:
        lines = [await stream.content.readline() for _ in range(3)]
    assert lines == [b": connected\n", b"\n", b": still here\n"]


async def test_the_log_has_every_call_without_its_token(
    http: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    await client.auth_test()
    await client.chat_postMessage(channel="C0GEN", text="hi")
    entries = (await read(http, "/sim/log"))["entries"]
    assert entries == [
        {"number": 1, "kind": "call", "error": None, "method": "auth.test", "arguments": {}},
        {
            "number": 2,
            "kind": "call",
            "error": None,
            "method": "chat.postMessage",
            "arguments": {"channel": "C0GEN", "text": "hi"},
        },
    ]
    assert (await read(http, "/sim/log", since="1"))["entries"] == entries[1:]


async def test_a_home_is_seen_by_its_person(
    http: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    view = {"type": "home", "blocks": [{"type": "divider"}]}
    published = (await client.views_publish(user_id="U0ANN", view=view))["view"]
    assert (await read(http, "/sim/view", **{"as": "U0ANN"}))["view"] == published
    assert (await read(http, "/sim/view", **{"as": "U0ADA"})) == {"view": None, "modal": None}


@pytest.mark.parametrize("path", ["/", "/sim/state?as=U0ANN", "/api/auth.test", "/link/"])
async def test_a_foreign_host_is_refused(http: aiohttp.ClientSession, path: str) -> None:
    for host in ("evil.example", "evil.example:3000", "127.0.0.1.evil.example", "10.0.0.1:3000"):
        async with http.get(path, headers={"Host": host}) as response:
            assert response.status == 403


async def test_a_foreign_page_is_refused(sim: Simulator, http: aiohttp.ClientSession) -> None:
    order = {"as": "U0ANN", "channel": "C0GEN", "text": "hi"}
    own, foreign = {"Origin": sim.url}, {"Origin": "http://evil.example"}
    async with http.post("/sim/post", json=order, headers=foreign) as response:
        assert response.status == 403
    async with http.get("/sim/log", headers=foreign) as response:
        assert response.status == 403
    async with http.post("/sim/post", data=json.dumps(order)) as response:
        assert response.status == 403
    assert sim.messages("C0GEN") == []
    async with http.post("/sim/post", json=order, headers=own) as response:
        assert response.status == 200


async def test_the_page_runs_nothing_but_its_own_files(http: aiohttp.ClientSession) -> None:
    async with http.get("/") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["Content-Security-Policy"].startswith("default-src 'self';")
    async with http.get("/page/app.js") as response:
        assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    for name in ("..%2fmodel.py", "%2e%2e%2fpage%2fapp.js", ".app.js", "missing.js"):
        async with http.get(URL(f"/page/{name}", encoded=True)) as response:
            assert response.status == 404


async def test_the_home_and_ephemeral_messages_can_be_clicked(
    sim: Simulator, http: aiohttp.ClientSession, client: AsyncWebClient, connect: Connect
) -> None:
    seen: list[Body] = []

    def register(app: AsyncApp) -> None:
        @app.action("share")
        async def share(ack: Any, body: Body) -> None:
            await ack()
            seen.append(body)

    await connect(sim, register)
    text = {"type": "plain_text", "text": "Share"}
    button = {"type": "button", "action_id": "share", "text": text, "value": "a1"}
    blocks = [{"type": "actions", "block_id": "do", "elements": [button]}]
    click = {"as": "U0ANN", "channel": "C0GEN", "block_id": "do", "action_id": "share"}
    shown = await client.chat_postEphemeral(channel="C0GEN", user="U0ANN", text="a", blocks=blocks)
    await act(http, "action", **click, message_ts=shown["message_ts"])
    home = {"type": "home", "blocks": blocks}
    view = (await client.views_publish(user_id="U0ANN", view=home))["view"]
    await act(http, "action", **click, view_id=view["id"])
    missing = await act(http, "action", **click | {"action_id": "x"}, view_id=view["id"])
    assert missing["error"] == "There is no element 'x' in a block 'do' there."

    await sim.wait_for(lambda: len(seen) == 2)
    ephemeral, in_view = seen
    assert ephemeral["container"]["is_ephemeral"] is True
    assert "message" not in ephemeral
    assert in_view["container"] == {"type": "view", "view_id": view["id"]}
    assert "response_url" not in in_view
    assert [body["actions"][0]["value"] for body in seen] == ["a1", "a1"]
