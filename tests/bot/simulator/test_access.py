"""What the Web API keeps from the bot, how it reads arguments, and how it cuts pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.model import BOT_USER_ID
from bot.simulator.server import Simulator

from .conftest import MANIFEST, QUICK, Time
from .test_web_api import refusal

Arguments = dict[str, Any]
HELLO = {"text": "hi"}


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"channel": "C0OUT"} | HELLO, "not_in_channel"),
        ("chat.postMessage", {"channel": "C0OLD"} | HELLO, "is_archived"),
        ("chat.postMessage", {"channel": "U0PAT"} | HELLO, "channel_not_found"),
        ("conversations.history", {"channel": "C0OUT"}, "not_in_channel"),
        ("conversations.info", {"channel": "D0ANN"}, "missing_scope"),
        ("conversations.list", {"types": "im"}, "missing_scope"),
        ("conversations.list", {"types": "public_channel,zoo"}, "invalid_types"),
        ("users.conversations", {"user": "U0ANN"}, "user_not_found"),
        (
            "reactions.add",
            {"channel": "C0OUT", "timestamp": "1.1", "name": "eyes"},
            "not_in_channel",
        ),
        ("reactions.add", {"channel": "C0OLD", "timestamp": "1.1", "name": "eyes"}, "is_archived"),
        ("assistant.threads.setSuggestedPrompts", {"channel_id": "D0ANN"}, "missing_scope"),
        ("conversations.history", {"channel": "C0GEN", "limit": 1_001}, "invalid_limit"),
        ("conversations.history", {"channel": "C0GEN", "limit": "many"}, "invalid_limit"),
        ("conversations.history", {"channel": "C0GEN", "cursor": "7"}, "invalid_cursor"),
        ("conversations.history", {"channel": "C0GEN", "oldest": "now"}, "invalid_ts_oldest"),
        ("conversations.history", {"channel": "C0GEN", "latest": "now"}, "invalid_ts_latest"),
        (
            "chat.postMessage",
            {"channel": "C0GEN", "metadata": {"event_type": "a", "event_payload": 1}} | HELLO,
            "invalid_metadata_schema",
        ),
        (
            "chat.postMessage",
            {"channel": "C0GEN", "metadata": "[oh"} | HELLO,
            "invalid_metadata_format",
        ),
    ],
)
async def test_what_is_not_for_the_bot_is_refused(
    client: AsyncWebClient, method: str, arguments: Arguments, error: str
) -> None:
    assert (await refusal(client, method, arguments))["error"] == error


async def test_a_private_channel_without_the_bot_is_unknown_to_it(
    sim: Simulator, client: AsyncWebClient
) -> None:
    channel = sim.workspace.channels["G0PRV"]
    ts = await sim.post("U0ANN", "G0PRV", "secret")
    others = channel.members - {BOT_USER_ID}
    sim.workspace.channels["G0PRV"] = type(channel)(channel.id, channel.name, channel.kind, others)
    calls: list[tuple[str, Arguments]] = [
        ("chat.postMessage", {"channel": "G0PRV"} | HELLO),
        ("chat.getPermalink", {"channel": "G0PRV", "message_ts": ts}),
        ("chat.delete", {"channel": "G0PRV", "ts": ts}),
        ("conversations.info", {"channel": "G0PRV"}),
        ("conversations.history", {"channel": "G0PRV"}),
        ("reactions.add", {"channel": "G0PRV", "timestamp": ts, "name": "eyes"}),
    ]
    for method, arguments in calls:
        assert (await refusal(client, method, arguments))["error"] == "channel_not_found"


async def test_a_reading_method_does_not_look_at_a_json_body(sim: Simulator) -> None:
    headers = {"Authorization": f"Bearer {sim.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        url = f"{sim.api_url}conversations.members"
        async with session.post(url, json={"channel": "C0GEN"}) as response:
            assert (await response.json())["error"] == "invalid_arguments"
        async with session.post(url, data={"channel": "C0GEN"}) as response:
            assert (await response.json())["ok"] is True
        async with session.get(url, params={"channel": "C0GEN"}) as response:
            assert (await response.json())["ok"] is True


async def test_tokens_are_taken_from_where_slack_takes_them(sim: Simulator) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{sim.api_url}chat.postMessage"
        inside = {"token": sim.bot_token, "channel": "C0GEN", "text": "hi"}
        async with session.post(url, json=inside) as response:
            assert (await response.json())["error"] == "not_authed"
        url = f"{sim.api_url}apps.connections.open"
        async with session.post(url, data={"token": sim.app_token}) as response:
            assert (await response.json())["error"] == "not_authed"
        headers = {"Authorization": f"Bearer {sim.app_token}"}
        async with session.get(url, headers=headers) as response:
            assert (await response.json())["error"] == "insecure_request"
    assert sim.bot_token not in str(sim.calls())


async def test_channels_are_listed_in_pages(sim: Simulator, client: AsyncWebClient) -> None:
    async def ids(method: str, **arguments: Any) -> list[str]:
        cursor, found = "", []
        while True:
            response = await client.api_call(
                method, params={"limit": 2, "cursor": cursor} | arguments
            )
            found += [channel["id"] for channel in response["channels"]]
            cursor = response["response_metadata"]["next_cursor"]
            if not cursor:
                return found
            assert not cursor.isdecimal()

    assert await ids("conversations.list") == ["C0GEN", "C0RND", "C0EXT", "C0OUT", "C0OLD"]
    assert await ids("users.conversations", exclude_archived="true") == ["C0GEN", "C0RND", "C0EXT"]


async def test_people_and_groups_are_listed(tmp_path: Path, clock: Time) -> None:
    path = tmp_path / "groups.yml"
    scopes = "users:read, usergroups:read, im:write,"
    path.write_text(MANIFEST.replace("users:read,", scopes), encoding="utf-8")
    async with await Simulator.start(
        path, clock=clock, pace=QUICK, extra_users=150, extra_channels=3
    ) as sim:
        client = AsyncWebClient(token=sim.bot_token, base_url=sim.api_url)
        users = await client.users_list(limit=200)
        assert len(users["members"]) == 156
        assert (await client.usergroups_list())["usergroups"][0]["id"] == "S0ADM"
        assert (await client.usergroups_users_list(usergroup="S0ADM"))["users"] == ["U0ADA"]
        opened = await client.conversations_open(users="U0X150")
        assert opened["channel"]["id"] == "D0X150"
        for user, error in (("U0DEE", "user_disabled"), ("U0PAT", "user_not_found")):
            refused = await refusal(client, "conversations.open", {"users": user})
            assert refused["error"] == error
        await client.chat_postMessage(channel="D0X150", text="hi")
        members = await client.conversations_members(channel="C0X002", limit=1000)
        assert len(members["members"]) == 153
        await sim.post("U0X001", "C0X003", "hello")
        assert len(sim.messages("C0X003")) == 1
