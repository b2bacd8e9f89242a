"""What the Web API refuses and what it gives, through slack_sdk's own client."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.simulator.server import Simulator

from .conftest import Time

Arguments = dict[str, Any]


async def refusal(client: AsyncWebClient, method: str, arguments: Arguments) -> AsyncSlackResponse:
    """Call a method that must fail and give the reply."""
    is_read = method.startswith(("conversations.", "users.", "usergroups.", "chat.get"))
    given: Arguments = {"params" if is_read else "json": arguments}
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, **given)
    response = caught.value.response
    assert isinstance(response, AsyncSlackResponse)
    return response


async def test_auth_test_says_who_the_bot_is(client: AsyncWebClient) -> None:
    response = await client.auth_test()
    assert response["ok"] is True
    assert (response["user_id"], response["bot_id"]) == ("U0BOT", "B0BOT")
    assert (response["team_id"], response["team"]) == ("T0SIM", "Acme Support")
    assert response["user"] == "clockify-bot"
    assert "chat:write" in response.headers["x-oauth-scopes"].split(",")
    assert len(response.headers["x-slack-req-id"]) == 32


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        ("", "auth.test", "not_authed"),
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        ("app", "auth.test", "not_allowed_token_type"),
        ("bot", "apps.connections.open", "not_allowed_token_type"),
        ("xapp-wrong", "apps.connections.open", "invalid_auth"),
        ("bot", "chat.shout", "unknown_method"),
    ],
)
async def test_tokens_are_checked(sim: Simulator, token: str, method: str, error: str) -> None:
    known = {"app": sim.app_token, "bot": sim.bot_token}
    client = AsyncWebClient(token=known.get(token, token), base_url=sim.api_url)
    assert (await refusal(client, method, {}))["error"] == error
    (call,) = sim.calls()
    assert (call.name, call.error, call.body) == (method, error, {})


POST, UPDATE, REPLY = "chat.postMessage", "chat.update", {"thread_ts": "1.1"}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
LONG = [{"type": "markdown", "text": "x" * 7_000}] * 2


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        (POST, {"channel": "C0NIL", "text": "hi"}, "channel_not_found"),
        (POST, {"text": "hi"}, "invalid_arguments"),
        (POST, {"channel": "C0GEN"}, "no_text"),
        (POST, {"channel": "C0GEN", "text": " "}, "no_text"),
        (POST, {"channel": "C0GEN", "text": "hi"} | REPLY, "thread_not_found"),
        (POST, {"channel": "C0GEN", "text": "a", "markdown_text": "b"}, "markdown_text_conflict"),
        (POST, {"channel": "C0GEN", "markdown_text": "x" * 12_001}, "msg_too_long"),
        (POST, {"channel": "C0GEN", "blocks": [SECTION] * 51}, "invalid_blocks"),
        (POST, {"channel": "C0GEN", "blocks": [{"type": "poem"}]}, "invalid_blocks"),
        (POST, {"channel": "C0GEN", "blocks": LONG}, "msg_blocks_too_long"),
        (POST, {"channel": "C0GEN", "blocks": "[oh"}, "invalid_blocks_format"),
        (POST, {"channel": "C0GEN", "text": "a", "metadata": {}}, "invalid_metadata_schema"),
        (UPDATE, {"channel": "C0GEN", "ts": "1.1", "text": "hi"}, "message_not_found"),
        ("chat.delete", {"channel": "C0GEN", "ts": "1.1"}, "message_not_found"),
        (
            "chat.postEphemeral",
            {"channel": "C0RND", "user": "U0GUS", "text": "a"},
            "user_not_in_channel",
        ),
        ("conversations.history", {"channel": "G0PRV"}, "missing_scope"),
        ("conversations.replies", {"channel": "C0GEN", "ts": "1.1"}, "thread_not_found"),
        ("conversations.open", {"users": "U0ANN"}, "missing_scope"),
        ("usergroups.users.list", {"usergroup": "S0ADM"}, "missing_scope"),
        ("users.info", {"user": "U0NIL"}, "user_not_found"),
        (
            "reactions.add",
            {"channel": "C0GEN", "timestamp": "1.1", "name": "eyes"},
            "message_not_found",
        ),
        ("views.open", {"trigger_id": "1.a", "view": {}}, "invalid_arguments"),
        ("views.publish", {"user_id": "U0ANN", "view": {"type": "modal"}}, "invalid_arguments"),
        (
            "assistant.threads.setStatus",
            {"channel_id": "C0GEN", "thread_ts": "1.1"},
            "invalid_thread_ts",
        ),
        ("assistant.threads.setTitle", {"channel_id": "D0ANN"}, "missing_scope"),
    ],
)
async def test_bad_calls_are_refused(
    client: AsyncWebClient, method: str, arguments: Arguments, error: str
) -> None:
    assert (await refusal(client, method, arguments))["error"] == error


async def test_a_missing_scope_is_named(client: AsyncWebClient) -> None:
    response = await refusal(client, "conversations.history", {"channel": "G0PRV"})
    assert response["needed"] == "groups:history"
    assert "chat:write" in response["provided"].split(",")


async def test_a_channel_without_the_bot_is_closed_to_it(
    sim: Simulator, client: AsyncWebClient
) -> None:
    for channel_id in ("C0GEN", "G0PRV"):
        channel = sim.workspace.channels[channel_id]
        without = replace(channel, members=channel.members - {"U0BOT"})
        sim.workspace.channels[channel_id] = without
    post = {"channel": "C0GEN", "text": "hi"}
    assert (await refusal(client, POST, post))["error"] == "not_in_channel"
    assert (await refusal(client, POST, post | {"channel": "G0PRV"}))["error"] == (
        "channel_not_found"
    )
    archived = replace(sim.workspace.channels["C0RND"], is_archived=True)
    sim.workspace.channels["C0RND"] = archived
    assert (await refusal(client, POST, post | {"channel": "C0RND"}))["error"] == "is_archived"
    await sim.post("U0ANN", "C0GEN", "@clockify-bot hello?")
    assert sim.envelopes() == ()


async def test_a_post_is_cut_and_an_update_is_refused_when_it_is_too_long(
    sim: Simulator, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postMessage(channel="C0GEN", text="x" * 40_001))["ts"]
    assert len(sim.messages("C0GEN")[0]["text"]) == 40_000
    long = {"channel": "C0GEN", "ts": ts, "text": "x" * 4_001}
    assert (await refusal(client, UPDATE, long))["error"] == "msg_too_long"
    theirs = {"channel": "C0GEN", "ts": await sim.post("U0ANN", "C0GEN", "hi"), "text": "ho"}
    assert (await refusal(client, UPDATE, theirs))["error"] == "cant_update_message"


async def test_an_update_replaces_and_a_delete_removes(
    sim: Simulator, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postMessage(channel="C0GEN", text="Searching", blocks=[SECTION]))["ts"]
    await client.chat_update(channel="C0GEN", ts=ts, text="Found")
    (message,) = sim.messages("C0GEN")
    assert (message["text"], message["edited"]["user"]) == ("Found", "U0BOT")
    assert "blocks" not in message
    await client.chat_update(channel="C0GEN", ts=ts, markdown_text="**Found**")
    assert sim.messages("C0GEN")[0]["blocks"][0]["type"] == "markdown"
    await client.chat_delete(channel="C0GEN", ts=ts)
    assert sim.messages("C0GEN") == []


async def test_a_deleted_root_stays_as_a_tombstone(sim: Simulator, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0GEN", text="root"))["ts"]
    reply = (await client.chat_postMessage(channel="C0GEN", text="reply", thread_ts=ts))["ts"]
    await client.chat_delete(channel="C0GEN", ts=ts)
    assert [message["text"] for message in sim.messages("C0GEN", ts)] == [
        "This message was deleted.",
        "reply",
    ]
    answer = {"channel": "C0GEN", "text": "no root", "thread_ts": reply}
    assert (await refusal(client, POST, answer))["error"] == "thread_not_found"


async def test_ephemeral_messages_are_not_in_history(
    sim: Simulator, client: AsyncWebClient
) -> None:
    posted = await client.chat_postEphemeral(channel="C0GEN", user="U0ANN", text="psst")
    assert (await client.conversations_history(channel="C0GEN"))["messages"] == []
    hidden = {"channel": "C0GEN", "ts": posted["message_ts"], "text": "loud"}
    assert (await refusal(client, UPDATE, hidden))["error"] == "message_not_found"
    (message,) = sim.messages("C0GEN", viewer="U0ANN")
    assert (message["text"], message["visible_to"]) == ("psst", "U0ANN")
    assert sim.messages("C0GEN", viewer="U0ADA") == []


async def test_history_and_replies_come_in_pages(sim: Simulator, client: AsyncWebClient) -> None:
    root = await sim.post("U0ANN", "C0GEN", "root")
    for number in range(3):
        await client.chat_postMessage(
            channel="C0GEN",
            text=f"reply {number}",
            thread_ts=root,
            reply_broadcast=number == 2,
            metadata={"event_type": "answer", "event_payload": {"id": number}},
        )
    history = await client.conversations_history(channel="C0GEN", limit=1)
    assert [message["text"] for message in history["messages"]] == ["reply 2"]
    assert history["has_more"] is True
    cursor = history["response_metadata"]["next_cursor"]
    rest = await client.conversations_history(channel="C0GEN", limit=1, cursor=cursor)
    assert rest["messages"][0]["reply_count"] == 3
    assert rest["has_more"] is False

    replies = await client.conversations_replies(
        channel="C0GEN", ts=root, include_all_metadata=True
    )
    assert [message["text"] for message in replies["messages"]] == [
        "root",
        "reply 0",
        "reply 1",
        "reply 2",
    ]
    assert replies["messages"][1]["metadata"]["event_payload"] == {"id": 0}
    oldest = replies["messages"][2]["ts"]
    later = await client.conversations_replies(channel="C0GEN", ts=root, oldest=oldest)
    assert [message["text"] for message in later["messages"]] == ["root", "reply 2"]
    assert "metadata" not in later["messages"][1]


async def test_reading_the_workspace(sim: Simulator, client: AsyncWebClient) -> None:
    external = await client.conversations_info(channel="C0EXT", include_num_members=True)
    assert external["channel"]["is_ext_shared"] is True
    assert external["channel"]["num_members"] == 4
    members = await client.conversations_members(channel="C0RND")
    assert members["members"] == ["U0ADA", "U0ANN", "U0BOT"]
    guest = (await client.users_info(user="U0GUS"))["user"]
    assert (guest["is_restricted"], guest["is_admin"]) == (True, False)
    assert "email" not in guest["profile"]
    partner = (await client.users_info(user="U0PAT"))["user"]
    assert (partner["team_id"], partner["is_stranger"]) == ("T0EXT", False)
    departed = (await client.users_info(user="U0DEE"))["user"]
    assert (departed["deleted"], "is_restricted" in departed) == (True, False)
    ts = await sim.post("U0ANN", "C0GEN", "hello")
    link = (await client.chat_getPermalink(channel="C0GEN", message_ts=ts))["permalink"]
    assert link == f"https://acme-support.slack.com/archives/C0GEN/p{ts.replace('.', '')}"


async def test_reactions_are_added_once(sim: Simulator, client: AsyncWebClient) -> None:
    ts = await sim.post("U0ANN", "C0GEN", "hello")
    await client.reactions_add(channel="C0GEN", timestamp=ts, name="eyes")
    assert sim.messages("C0GEN")[0]["reactions"] == [
        {"name": "eyes", "users": ["U0BOT"], "count": 1}
    ]
    again = {"channel": "C0GEN", "timestamp": ts, "name": "eyes"}
    assert (await refusal(client, "reactions.add", again))["error"] == "already_reacted"
    await client.reactions_remove(channel="C0GEN", timestamp=ts, name="eyes")
    assert sim.messages("C0GEN")[0]["reactions"] == []
    assert (await refusal(client, "reactions.remove", again))["error"] == "no_reaction"


async def test_arguments_come_by_query_form_and_json(sim: Simulator) -> None:
    headers = {"Authorization": f"Bearer {sim.bot_token}"}
    url = f"{sim.api_url}chat.postMessage"
    form = {"channel": "C0GEN", "blocks": json.dumps([SECTION])}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(url, data=form) as response:
            assert (await response.json())["ok"] is True
        async with session.post(url, params={"channel": "C0GEN"}, json={"text": "b"}) as response:
            assert (await response.json())["ok"] is True
        async with session.post(url, json=["text"]) as response:
            assert (await response.json())["error"] == "json_not_object"
    async with aiohttp.ClientSession() as session:
        by_field = {"token": sim.bot_token, "channel": "C0GEN", "text": "c"}
        async with session.post(url, data=by_field) as response:
            assert (await response.json())["ok"] is True
    assert [message["text"] for message in sim.messages("C0GEN")] == ["", "b", "c"]
    assert sim.bot_token not in str(sim.calls())


async def test_the_status_goes_when_the_bot_posts_or_after_two_minutes(
    sim: Simulator, client: AsyncWebClient, clock: Time
) -> None:
    ts = await sim.post("U0ANN", "C0GEN", "hello")
    status: Arguments = {"channel_id": "C0GEN", "thread_ts": ts, "status": "is searching…"}
    await client.assistant_threads_setStatus(**status)
    assert sim.workspace.status("C0GEN", ts) == "is searching…"
    await client.chat_postMessage(channel="C0GEN", thread_ts=ts, text="Found.")
    assert sim.workspace.status("C0GEN", ts) == ""
    await client.assistant_threads_setStatus(**status)
    clock.seconds += 120
    assert sim.workspace.status("C0GEN", ts) == ""


async def test_a_view_needs_a_fresh_trigger(
    sim: Simulator, client: AsyncWebClient, clock: Time
) -> None:
    title = {"type": "plain_text", "text": "Why?"}
    view = {"type": "modal", "title": title, "blocks": [SECTION]}
    trigger_id = sim.site.views.issue_trigger("U0ANN")
    clock.seconds += 3.1
    call: Arguments = {"trigger_id": trigger_id, "view": view}
    assert (await refusal(client, "views.open", call))["error"] == "expired_trigger_id"
    call["trigger_id"] = sim.site.views.issue_trigger("U0ANN")
    view_id = (await client.views_open(**call))["view"]["id"]
    assert (await refusal(client, "views.open", call))["error"] == "exchanged_trigger_id"
    await client.views_update(view_id=view_id, view=view | {"callback_id": "later"})
    modal = sim.modal("U0ANN")
    assert modal is not None
    assert (modal["id"], modal["callback_id"]) == (view_id, "later")
