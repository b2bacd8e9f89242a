"""Events: which are sent, with which fields, and about what they are silent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from slack_bolt.async_app import AsyncApp

from bot.simulator.model import ControlError
from bot.simulator.server import Simulator

from .conftest import MANIFEST, QUICK, Connect

Event = dict[str, Any]
EVERYTHING = (
    "bot_events: [app_mention, message.im, message.channels, message.groups,"
    " member_joined_channel, reaction_added, reaction_removed]"
)


@pytest_asyncio.fixture
async def nosy(tmp_path: Path) -> AsyncIterator[Simulator]:
    """A simulator whose app subscribes to all messages."""
    path = tmp_path / "nosy.yml"
    ours = next(line for line in MANIFEST.splitlines() if "bot_events" in line).strip()
    text = MANIFEST.replace(ours, EVERYTHING).replace("users:read,", "users:read, groups:history,")
    path.write_text(text, encoding="utf-8")
    async with await Simulator.start(path, pace=QUICK) as simulator:
        yield simulator


def hears_everything(app: AsyncApp) -> None:
    @app.event("app_mention")
    @app.event("message")
    @app.event("member_joined_channel")
    @app.event("reaction_added")
    async def hear() -> None: ...


async def events(sim: Simulator, count: int) -> list[Event]:
    """Wait for so many events and give their inner parts."""
    await sim.wait_for(lambda: len(sim.envelopes("events_api")) >= count)
    sent = sim.envelopes("events_api")
    assert len(sent) == count
    return [envelope.body["payload"]["event"] for envelope in sent]


async def test_a_mention_has_a_twin_in_either_order(nosy: Simulator, connect: Connect) -> None:
    await connect(nosy, hears_everything)
    stamps = [await nosy.post("U0ANN", "C0GEN", f"@clockify-bot {number}") for number in range(8)]
    heard = await events(nosy, 16)
    pairs = [[event["type"] for event in heard if event["ts"] == ts] for ts in stamps]
    assert all(sorted(pair) == ["app_mention", "message"] for pair in pairs)
    assert {pair[0] for pair in pairs} == {"app_mention", "message"}
    mention = next(event for event in heard if event["type"] == "app_mention")
    assert sorted(mention) == [
        *("blocks", "channel", "client_msg_id", "event_ts", "team", "text", "ts", "type", "user")
    ]
    message = next(event for event in heard if event["type"] == "message")
    assert sorted(message.keys() - mention.keys()) == ["channel_type"]


async def test_the_wrapper_is_slacks(sim: Simulator, connect: Connect) -> None:
    await connect(sim, hears_everything)
    await sim.post("U0ANN", "D0ANN", "hi")
    await events(sim, 1)
    payload = sim.envelopes()[0].body["payload"]
    assert sorted(payload) == [
        *("api_app_id", "authorizations", "context_enterprise_id", "context_team_id", "event"),
        *("event_context", "event_id", "event_time", "is_ext_shared_channel", "team_id", "token"),
        "type",
    ]
    assert payload["authorizations"] == [
        {
            "enterprise_id": None,
            "team_id": "T0SIM",
            "user_id": "U0BOT",
            "is_bot": True,
            "is_enterprise_install": False,
        }
    ]
    assert payload["event"]["channel_type"] == "im"


async def test_a_partners_message_names_their_team(sim: Simulator, connect: Connect) -> None:
    await connect(sim, hears_everything)
    await sim.post("U0PAT", "C0EXT", "@clockify-bot hi")
    (event,) = await events(sim, 1)
    assert (event["team"], event["user_team"], event["source_team"]) == ("T0EXT",) * 3
    assert event["user_profile"]["team"] == "T0EXT"
    assert sim.envelopes()[0].body["payload"]["is_ext_shared_channel"] is True
    assert sim.envelopes()[0].body["payload"]["team_id"] == "T0SIM"


async def test_edits_deletions_files_and_broadcasts(nosy: Simulator, connect: Connect) -> None:
    await connect(nosy, hears_everything)
    root = await nosy.post("U0ANN", "C0GEN", "one")
    reply = nosy.people.post("U0ADA", "C0GEN", "loud", root, broadcast=True)
    nosy.people.edit("U0ANN", "C0GEN", root, "two")
    nosy.people.share_file("U0ANN", "C0GEN", "report.pdf", "@clockify-bot what is this?")
    nosy.people.remove("U0ADA", "C0GEN", reply)
    heard = await events(nosy, 6)

    by_subtype = {event.get("subtype", event["type"]): event for event in heard}
    assert set(by_subtype) == {
        *("message", "thread_broadcast", "message_changed", "file_share", "app_mention"),
        "message_deleted",
    }
    loud = by_subtype["thread_broadcast"]
    assert (loud["thread_ts"], loud["parent_user_id"]) == (root, "U0ANN")
    changed = by_subtype["message_changed"]
    assert (changed["message"]["text"], changed["previous_message"]["text"]) == ("two", "one")
    assert changed["message"]["edited"]["user"] == "U0ANN"
    assert (changed["hidden"], changed["ts"] == root) == (True, False)
    assert by_subtype["file_share"]["files"][0]["name"] == "report.pdf"
    assert by_subtype["app_mention"]["files"][0]["filetype"] == "pdf"
    assert by_subtype["message_deleted"]["deleted_ts"] == reply


async def test_only_ones_own_messages_can_be_changed(sim: Simulator) -> None:
    ts = await sim.post("U0ANN", "C0GEN", "mine")
    with pytest.raises(ControlError, match="is not by U0ADA"):
        sim.people.edit("U0ADA", "C0GEN", ts, "yours")
    with pytest.raises(ControlError, match="is not by U0ADA"):
        sim.people.remove("U0ADA", "C0GEN", ts)
    with pytest.raises(ControlError, match="Only a reply in a thread"):
        sim.people.post("U0ANN", "C0GEN", "loud", broadcast=True)


async def test_a_channel_without_the_bot_is_silent_until_it_is_invited(
    nosy: Simulator, connect: Connect
) -> None:
    await connect(nosy, hears_everything)
    await nosy.post("U0ANN", "C0OUT", "@clockify-bot hi")
    (note,) = nosy.messages("C0OUT", viewer="U0ANN")[1:]
    assert note["text"] == "<@U0BOT> is not in this channel. Add it first, or it will not see this."
    nosy.people.invite("U0ANN", "C0OUT", "U0BOT")
    ts = await nosy.post("U0ANN", "C0OUT", "@clockify-bot hi again")
    heard = await events(nosy, 3)
    assert sorted(event["type"] for event in heard) == [
        *("app_mention", "member_joined_channel", "message")
    ]
    joined = next(event for event in heard if event["type"] == "member_joined_channel")
    assert (joined["user"], joined["channel"], joined["inviter"]) == ("U0BOT", "C0OUT", "U0ANN")
    assert {event["ts"] for event in heard if "ts" in event} == {ts}


async def test_an_archived_channel_is_out_of_sight(sim: Simulator) -> None:
    with pytest.raises(ControlError, match="U0ANN sees no channel 'C0OLD'"):
        await sim.post("U0ANN", "C0OLD", "anyone?")


@pytest.mark.parametrize(
    ("removed", "channel"), [("app_mentions:read,", "C0GEN"), ("im:history,", "D0ANN")]
)
async def test_an_event_without_its_scope_is_not_sent(
    tmp_path: Path, connect: Connect, removed: str, channel: str
) -> None:
    path = tmp_path / "poor.yml"
    path.write_text(MANIFEST.replace(removed, ""), encoding="utf-8")
    async with await Simulator.start(path, pace=QUICK) as sim:
        await connect(sim, hears_everything)
        ts = await sim.post("U0ANN", channel, "@clockify-bot hi")
        sim.people.react("U0ANN", channel, ts, "eyes")
        assert [event["type"] for event in await events(sim, 1)] == ["reaction_added"]


async def test_a_bot_that_takes_no_messages_gets_none(tmp_path: Path) -> None:
    path = tmp_path / "deaf.yml"
    deaf = MANIFEST.replace("messages_tab_enabled: true", "messages_tab_enabled: false")
    path.write_text(deaf, encoding="utf-8")
    async with await Simulator.start(path, pace=QUICK) as sim:
        with pytest.raises(ControlError, match="Sending messages to this app has been turned off"):
            await sim.post("U0ANN", "D0ANN", "hi")


async def test_the_bots_own_messages_come_back_without_their_metadata(
    sim: Simulator, connect: Connect
) -> None:
    client = (await connect(sim, hears_everything)).app.client
    metadata = {"event_type": "answer", "event_payload": {"id": 1}}
    await client.chat_postMessage(channel="D0ANN", text="Hello.", metadata=metadata)
    (event,) = await events(sim, 1)
    assert (event["bot_id"], event["app_id"], event["user"]) == ("B0BOT", "A0SIM", "U0BOT")
    assert event["bot_profile"]["name"] == "clockify-bot"
    assert "metadata" not in event
