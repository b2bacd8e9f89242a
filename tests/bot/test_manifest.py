"""The manifests: valid, ask for exactly what is used, and all they announce has its listener."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

from bot.config import REQUIRED_SCOPES
from bot.database import Database
from bot.inbox import Inbox

from .conftest import MANIFEST, ROOT, Bench, Json

SCHEMA = ROOT / ".." / "shared" / "data" / "manifest.schema.2.0.0.json"
VARIANTS = ROOT / "docs" / "manifests"
AGENT, FOLLOW_UPS = VARIANTS / "agent.yml", VARIANTS / "follow-ups.yml"
MANIFESTS = (MANIFEST, AGENT, FOLLOW_UPS)
COMMANDS = {"/clockify": "Ask me about Clockify", "/clockify-rebuild": "Only the admins"}
EVENTS = ["app_mention", "message.im", "app_home_opened"]
MORE_EVENTS = {
    AGENT: ["app_context_changed", "agent_session_stopped", "agent_session_title_changed"],
    FOLLOW_UPS: ["message.channels", "message.groups"],
}
SHORTCUTS = {"ask_about_message": "message", "ask_clockify": "global"}
DESCRIPTION_CHARACTERS = 300  # of an agent
# Taken and left alone: nothing here depends on what they tell.
IDLE = frozenset({"app_context_changed", "agent_session_title_changed"})


def load(path: Path) -> Json:
    """Read a manifest."""
    loaded: Json = yaml.safe_load(path.read_text())
    return loaded


each_manifest = pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)


@each_manifest
def test_it_validates_against_slacks_schema(path: Path) -> None:
    if not SCHEMA.exists():
        pytest.skip("../shared/data/manifest.schema.2.0.0.json is not here")
    jsonschema.validate(load(path), json.loads(SCHEMA.read_text()))


@each_manifest
def test_it_asks_for_these_scopes_and_events_and_no_others(path: Path) -> None:
    manifest = load(path)
    more = ["assistant:write"] if path == AGENT else []
    assert manifest["oauth_config"]["scopes"] == {"bot": [*REQUIRED_SCOPES, *more]}
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert sorted(events) == sorted(EVENTS + MORE_EVENTS.get(path, []))
    commands = [command["command"] for command in manifest["features"]["slash_commands"]]
    assert commands == list(COMMANDS)
    shortcuts = manifest["features"].get("shortcuts", [])
    announced = {shortcut["callback_id"]: shortcut["type"] for shortcut in shortcuts}
    assert announced == ({} if path == MANIFEST else SHORTCUTS)


@each_manifest
def test_socket_mode_is_on_and_what_a_self_hosted_app_must_not_have_is_off(path: Path) -> None:
    settings = load(path)["settings"]
    assert settings["socket_mode_enabled"] is True
    assert settings["interactivity"] == {"is_enabled": True}
    assert settings["org_deploy_enabled"] is False
    assert settings["token_rotation_enabled"] is False


def test_a_variant_adds_and_takes_nothing_away() -> None:
    plain, agent, follow_ups = map(load, MANIFESTS)
    for variant in (agent, follow_ups):
        features = variant["features"]
        features.pop("shortcuts")
        view = features.pop("agent_view", None)
        assert view is None or len(view["agent_description"]) <= DESCRIPTION_CHARACTERS
        variant["settings"]["event_subscriptions"] = plain["settings"]["event_subscriptions"]
        variant["oauth_config"] = plain["oauth_config"]
        assert variant == plain
    assert "agent_view" in AGENT.read_text()
    assert "uests" in AGENT.read_text().partition("_metadata")[0]


BY = {"user_id": "U0ANN", "team_id": "T0SIM"}


def event_of(name: str) -> Json:
    """Make the payload of an event that a manifest subscribes to."""
    kind, _, channel_type = name.partition(".")
    place = {"channel": "C0GEN", "user": "U0ANN", "ts": "1.0", "thread_ts": "1.0"}
    types = {"im": "im", "channels": "channel", "groups": "group", "": ""}
    words = {"channel_type": types[channel_type], "text": "good morning", "tab": "messages"}
    return envelope(place | words | {"type": kind})


def payload_of(kind: str) -> Json:
    """Make the payload of a shortcut that cannot go any further."""
    payload = {"user": USER, "team": {"id": "T0SIM"}, "trigger_id": "1.2"}
    if SHORTCUTS[kind] == "global":
        return payload | {"type": "shortcut", "callback_id": kind}
    message = {"ts": "1.0", "text": "", "user": "U0ADA"}
    where = {"channel": {"id": "C0GEN"}, "message": message}
    return payload | {"type": "message_action", "callback_id": kind} | where


@each_manifest
async def test_all_that_it_announces_has_a_listener(
    app: AsyncApp, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bot.listeners.catch_all")
    manifest = load(path)
    features = manifest["features"]
    payloads = [
        *(
            {"command": entry["command"], "text": "help", "response_url": "https://x"} | BY
            for entry in features["slash_commands"]
        ),
        *(payload_of(entry["callback_id"]) for entry in features.get("shortcuts", [])),
        *(
            event_of(name)
            for name in manifest["settings"]["event_subscriptions"]["bot_events"]
            if name not in IDLE
        ),
    ]
    for payload in payloads:
        assert (await dispatch(app, payload))[0] == 200
    left_over = [it for it in caplog.records if it.name in ("bot.app", "bot.listeners.catch_all")]
    assert [record.getMessage() for record in left_over] == []


@pytest.mark.parametrize("name", sorted(IDLE))
async def test_what_is_left_alone_is_acknowledged(app: AsyncApp, name: str) -> None:
    assert (await dispatch(app, event_of(name)))[0] == 200


@pytest.mark.parametrize("command", COMMANDS)
async def test_each_command_has_a_listener(bench: Bench, command: str) -> None:
    await bench.sim.command("U0ANN", "C0GEN", command)
    await bench.private("U0ANN", "C0GEN", COMMANDS[command])


async def test_each_event_of_the_plain_one_is_answered(bench: Bench) -> None:
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")  # app_mention
    await bench.ask("U0ANN", "D0ANN", "track time")  # message.im
    bench.sim.people.open_home("U0ANN")  # app_home_opened
    view = await bench.sim.wait_for(lambda: bench.sim.home("U0ANN"))
    assert view is not None
    assert view["type"] == "home"


def envelope(event: Json) -> Json:
    """Wrap an event as Slack does."""
    return {"type": "event_callback", "team_id": "T0SIM", "event_id": "Ev1", "event": event}


async def dispatch(app: AsyncApp, payload: Json) -> tuple[int, Any]:
    """Give a payload to Bolt as the socket does; the status 200 means acknowledged."""
    response = await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))
    return response.status, response.body


USER = {"id": "U0ANN", "team_id": "T0SIM"}
CLICK = {"action_id": "other", "block_id": "b", "type": "button", "action_ts": "1.0"}

VIEW = {"type": "modal", "callback_id": "x"}


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"type": "block_actions", "user": USER, "actions": [CLICK]}, id="action"),
        pytest.param({"type": "shortcut", "user": USER, "callback_id": "x"}, id="shortcut"),
        pytest.param({"type": "message_action", "user": USER, "callback_id": "x"}, id="message"),
        pytest.param({"type": "view_submission", "user": USER, "view": VIEW}, id="view"),
        pytest.param({"type": "view_closed", "user": USER, "view": VIEW}, id="end"),
        pytest.param(envelope({"type": "reaction_added", "user": "U0ANN"}), id="event"),
        pytest.param(envelope({"type": "message", "subtype": "message_changed"}), id="edit"),
    ],
)
async def test_what_nothing_listens_to_is_acknowledged(app: AsyncApp, payload: Json) -> None:
    status, _ = await dispatch(app, payload)
    assert status == 200


async def test_unknown_command_is_answered(app: AsyncApp) -> None:
    payload = {"command": "/other", "user_id": "U0ANN", "team_id": "T0SIM", "text": ""}
    status, body = await dispatch(app, payload)
    assert (status, json.loads(body)["response_type"]) == (200, "ephemeral")
    assert "/clockify help" in body


async def test_a_listener_that_breaks_answers_with_a_reference(app: AsyncApp) -> None:
    payload = {"command": "/clockify", "team_id": "T0SIM", "text": "gaps"}  # by nobody
    status, body = await dispatch(app, payload)
    assert (status, "reference: `" in body) == (200, True)


async def test_a_feedback_button_of_another_app_version_is_acknowledged(app: AsyncApp) -> None:
    action = CLICK | {"action_id": "answer_feedback", "value": "odd"}
    payload = {"type": "block_actions", "user": USER, "actions": [action]}
    assert (await dispatch(app, payload))[0] == 200


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"type": "app_mention", "bot_id": "B9", "user": "U9"}, id="bot mention"),
        pytest.param({"type": "message", "channel_type": "im", "bot_id": "B9"}, id="bot message"),
        pytest.param({"type": "message", "channel_type": "channel", "user": "U0ANN"}, id="channel"),
        pytest.param({"type": "message", "channel_type": "im", "user": "USLACKBOT"}, id="slackbot"),
        pytest.param(
            {"type": "message", "channel_type": "im", "subtype": "message_deleted"}, id="deleted"
        ),
    ],
)
async def test_what_is_not_addressed_to_the_bot_is_left_alone(
    app: AsyncApp, tmp_path: Path, event: Json
) -> None:
    message = {"channel": "D0ANN", "ts": "1.0", "text": "track time"}
    assert (await dispatch(app, envelope(message | event)))[0] == 200
    database = await Database.open(tmp_path / "state" / "bot.sqlite3")
    try:
        inbox = Inbox(database)
        assert await inbox.count() == 0
        addressed = {"type": "message", "channel_type": "im", "user": "U0ANN", "ts": "2.0"}
        await dispatch(app, envelope(message | addressed) | {"event_id": "Ev2"})
        assert await inbox.count() == 1
    finally:
        await database.close()
