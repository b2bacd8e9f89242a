"""Shortcuts, message clicks and commands: what is in their payloads, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from bot.simulator.model import ControlError
from bot.simulator.server import Simulator

from .conftest import MANIFEST, QUICK, Connect
from .test_responses import send

Payload = dict[str, Any]


def collecting(seen: list[Payload]) -> Callable[[AsyncApp], None]:
    """Register an app that acknowledges and keeps every interaction."""

    def register(app: AsyncApp) -> None:
        async def keep(ack: Any, body: Payload) -> None:
            seen.append(body)
            await ack()

        app.shortcut("ask_anything")(keep)
        app.shortcut("ask_about")(keep)
        app.action("go")(keep)
        app.command("/clockify")(keep)

    return register


async def test_a_global_shortcut_comes_from_nowhere(sim: Simulator, connect: Connect) -> None:
    seen: list[Payload] = []
    await connect(sim, collecting(seen))
    trigger_id = await sim.people.global_shortcut("U0ANN", "ask_anything")
    (body,) = seen
    assert sorted(body) == [
        *("action_ts", "callback_id", "enterprise", "is_enterprise_install", "team", "token"),
        *("trigger_id", "type", "user"),
    ]
    assert (body["type"], body["trigger_id"]) == ("shortcut", trigger_id)
    assert body["user"] == {"id": "U0ANN", "username": "ann", "team_id": "T0SIM"}


async def test_a_message_shortcut_says_less_of_its_user(sim: Simulator, connect: Connect) -> None:
    seen: list[Payload] = []
    await connect(sim, collecting(seen))
    ts = await sim.post("U0ADA", "G0PRV", "strange")
    await sim.people.shortcut("U0ANN", "G0PRV", ts, "ask_about")
    (body,) = seen
    assert sorted(body) == [
        *("action_ts", "callback_id", "channel", "enterprise", "is_enterprise_install", "message"),
        *("message_ts", "response_url", "team", "token", "trigger_id", "type", "user"),
    ]
    assert body["user"] == {"id": "U0ANN", "name": "ann"}
    assert body["channel"] == {"id": "G0PRV", "name": "privategroup"}
    assert (body["message"]["ts"], body["message_ts"]) == (ts, ts)
    assert body["action_ts"] != ts


async def test_a_reply_to_a_shortcut_leaves_its_message_alone(
    sim: Simulator, connect: Connect
) -> None:
    seen: list[Payload] = []
    await connect(sim, collecting(seen))
    ts = await sim.post("U0ADA", "C0GEN", "strange")
    await sim.people.shortcut("U0ANN", "C0GEN", ts, "ask_about")
    for wish in ("replace_original", "delete_original"):
        reply = {"text": f"Because of {wish}.", wish: True}
        assert await send(seen[0]["response_url"], reply) == (200, "ok")
    shown = [message["text"] for message in sim.messages("C0GEN", viewer="U0ANN")]
    assert shown == ["strange", "Because of replace_original."]


@pytest.mark.parametrize(
    ("callback_id", "sentence"),
    [
        ("ask_about", "There is no global shortcut 'ask_about'; the manifest has ['ask_anything']"),
        ("none", "There is no global shortcut 'none'"),
    ],
)
async def test_only_declared_shortcuts_are_there(
    sim: Simulator, callback_id: str, sentence: str
) -> None:
    with pytest.raises(ControlError) as caught:
        await sim.people.global_shortcut("U0ANN", callback_id)
    assert str(caught.value).startswith(sentence)


async def test_a_shortcut_that_nobody_takes_fails_visibly(sim: Simulator) -> None:
    with pytest.raises(ControlError, match="The shortcut failed"):
        await sim.people.global_shortcut("U0ANN", "ask_anything")
    hidden = sim.workspace.post("C0GEN", author="U0BOT", text="psst", visible_to="U0ANN")
    with pytest.raises(ControlError, match="A message that only you see has no shortcuts"):
        await sim.people.shortcut("U0ANN", "C0GEN", hidden["ts"], "ask_about")


async def test_a_click_has_no_team_id_beside_its_team(sim: Simulator, connect: Connect) -> None:
    seen: list[Payload] = []
    client = (await connect(sim, collecting(seen))).app.client
    root = await sim.post("U0ANN", "C0EXT", "root")
    label = {"type": "plain_text", "text": "Go"}
    button = {"type": "button", "action_id": "go", "text": label, "value": "a1"}
    blocks = [{"type": "actions", "block_id": "do", "elements": [button]}]
    posted = await client.chat_postMessage(
        channel="C0EXT", text="Go?", blocks=blocks, thread_ts=root
    )
    await sim.action("U0PAT", "C0EXT", posted["ts"], block_id="do", action_id="go")
    (body,) = seen
    assert sorted(body) == [
        *("actions", "api_app_id", "channel", "container", "enterprise", "is_enterprise_install"),
        *("message", "response_url", "state", "team", "token", "trigger_id", "type", "user"),
    ]
    assert (body["user"]["team_id"], body["team"]["id"]) == ("T0EXT", "T0SIM")
    assert body["container"]["thread_ts"] == root
    assert body["actions"][0]["value"] == "a1"


async def test_a_command_is_flat(sim: Simulator, connect: Connect) -> None:
    seen: list[Payload] = []
    await connect(sim, collecting(seen))
    key = await sim.command("U0ANN", "D0ANN", "/clockify", "a <b>")
    (body,) = seen
    assert body.pop("response_url").startswith(f"{sim.url}/response/")
    assert body == {
        "token": "v",
        "team_id": "T0SIM",
        "team_domain": "acme-support",
        "channel_id": "D0ANN",
        "channel_name": "directmessage",
        "user_id": "U0ANN",
        "user_name": "ann",
        "command": "/clockify",
        "text": "a &lt;b&gt;",
        "api_app_id": "A0SIM",
        "is_enterprise_install": "false",
        "trigger_id": key,
    }


async def test_an_app_without_interactivity_hears_no_click(tmp_path: Path) -> None:
    path = tmp_path / "silent.yml"
    path.write_text(MANIFEST.replace("interactivity: {is_enabled: true}", ""), encoding="utf-8")
    async with await Simulator.start(path, pace=QUICK) as sim:
        with pytest.raises(ControlError, match="not configured to handle interactive responses"):
            await sim.people.global_shortcut("U0ANN", "ask_anything")
