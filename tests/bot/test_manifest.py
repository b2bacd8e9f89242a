"""manifest.yml: valid, asks for exactly what is used, and everything it announces is answered."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

from bot.config import REQUIRED_SCOPES
from bot.simulator.server import Simulator

from .conftest import MANIFEST, ROOT, Bench, Json, words

SCHEMA = ROOT / ".." / "shared" / "data" / "manifest.schema.2.0.0.json"
COMMANDS = {"/clockify": "Ask me about Clockify", "/clockify-rebuild": "Only the admins"}
EVENTS = ["app_mention", "message.im", "app_home_opened"]


@pytest.fixture(scope="module")
def manifest() -> Json:
    """Read the manifest."""
    loaded: Json = yaml.safe_load(MANIFEST.read_text())
    return loaded


def test_it_validates_against_slacks_schema(manifest: Json) -> None:
    if not SCHEMA.exists():
        pytest.skip("../shared/data/manifest.schema.2.0.0.json is not here")
    jsonschema.validate(manifest, json.loads(SCHEMA.read_text()))


def test_it_asks_for_these_scopes_and_events_and_no_others(manifest: Json) -> None:
    assert manifest["oauth_config"]["scopes"] == {"bot": list(REQUIRED_SCOPES)}
    assert manifest["settings"]["event_subscriptions"] == {"bot_events": EVENTS}
    commands = [command["command"] for command in manifest["features"]["slash_commands"]]
    assert commands == list(COMMANDS)


def test_socket_mode_is_on_and_what_a_self_hosted_app_must_not_have_is_off(manifest: Json) -> None:
    settings = manifest["settings"]
    assert settings["socket_mode_enabled"] is True
    assert settings["interactivity"] == {"is_enabled": True}
    assert settings["org_deploy_enabled"] is False
    assert settings["token_rotation_enabled"] is False


@pytest.mark.parametrize("command", COMMANDS)
async def test_each_command_has_a_listener(bench: Bench, command: str) -> None:
    await bench.sim.command("U0ANN", "C0GEN", command)
    await bench.private("U0ANN", "C0GEN", COMMANDS[command])


async def test_each_event_has_a_listener(bench: Bench) -> None:
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")  # app_mention
    await bench.sim.post("U0ANN", "D0ANN", "track time")  # message.im
    await bench.sim.wait_for(lambda: len(bench.sim.messages("D0ANN")) == 2)
    bench.sim.people.open_home("U0ANN")  # app_home_opened
    view = await bench.sim.wait_for(lambda: bench.sim.home("U0ANN"))
    assert view is not None
    assert "/clockify-rebuild" in words(view)
    assert "Knowledge: generation 00000001" in words(view)


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
    payload = {"command": "/clockify", "team_id": "T0SIM", "user_id": "U0ANN", "text": "x"}
    status, body = await dispatch(app, payload)  # no response_url
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
    app: AsyncApp, sim: Simulator, event: Json
) -> None:
    message = {"channel": "D0ANN", "ts": "1.0", "text": "track time"}
    assert (await dispatch(app, envelope(message | event)))[0] == 200
    addressed = {"type": "message", "channel_type": "im", "user": "U0ANN", "ts": "2.0"}
    await dispatch(app, envelope(message | addressed) | {"event_id": "Ev2"})
    await sim.wait_for(lambda: sim.calls("chat.postMessage"))
    assert len(sim.calls("chat.postMessage")) == 1
