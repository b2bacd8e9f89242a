"""Nobody acts beyond their rights: what only admins may, tried by everybody else, with no effect.

Each payload goes through the real Bolt app, as Slack or somebody in its place could send it. Each
must leave one line in the audit and nothing else: no rebuild, no settings, no word of what others
asked or of what channels have.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

from bot.app import create_app
from bot.assembly import open_parts, open_store
from bot.channel_form import CHANNEL_FORM, ChannelPage, channel_view
from bot.channel_rules import ChannelRules, Mode
from bot.parts import Knowledge, Parts
from bot.retrying import Pace
from bot.simulator.inputs import initial_values
from bot.simulator.server import Simulator
from bot.simulator.view_rules import check_view
from bot.startup import Identity

from .conftest import Json, settings_for
from .conversations import KEPT
from .homes import until
from .stand_ins import ArticleAsker, CountingRebuilder

ADMIN = "U0ADA"
NAMED = ("U0GUS", "U0DEE", "U0PAT", "U0BOT")  # as admins in the settings, in vain
OTHERS = ("U0ANN", *NAMED)
SECRET = "who earns what"  # a question that was refused
RULES = ChannelRules(Mode.OFF, folders=("secret-folder",))
SUBCOMMANDS = ("", "force", "cancel", "rollback", "rollback 1", "status")


@dataclass
class Gate:
    """The app with everything behind it, and a way to send it what no person can."""

    sim: Simulator
    parts: Parts
    app: AsyncApp
    rebuilder: CountingRebuilder
    sent: int = 0

    async def send(self, payload: Json) -> None:
        """Dispatch a payload and wait for its line in the audit."""
        self.sent += 1
        await self.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))
        await until(lambda: len(self.attempts()) >= self.sent)

    def attempts(self) -> list[Json]:
        """Read the audit, without the ends of rebuilds."""
        path: Path = self.parts.slack.audit_file
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in map(json.loads, lines) if line["event"] == "attempt"]

    async def settle(self) -> None:
        """See everything in hand to its end."""
        await self.parts.workers.drain(5.0)
        await self.parts.background.drain(5.0)
        assert await self.parts.store.inbox.count() == 0

    async def assert_untouched(self) -> None:
        """Check that nothing came of anything but one line each."""
        await self.settle()
        assert (self.rebuilder.builds, self.rebuilder.rolled_back) == (0, [])
        assert await self.parts.store.rules.all() == {"C0RND": RULES}
        assert [line for line in self.attempts() if line["allowed"]] == []
        assert len(self.attempts()) == self.sent
        shown = str([entry.body for entry in self.sim.calls()])
        assert SECRET not in shown
        assert "secret-folder" not in shown


@pytest.fixture
async def gate(sim: Simulator, tmp_path: Path) -> AsyncIterator[Gate]:
    """Make the app; everybody but the member is named as an admin, too."""
    rebuilder = CountingRebuilder(ArticleAsker())
    slack = settings_for(sim, tmp_path, admins=(ADMIN, *NAMED))
    knowledge = Knowledge(asker=rebuilder.asker, rebuilder=rebuilder)
    identity = Identity(team="Simulator", team_id="T0SIM", bot_user_id=sim.bot_user_id)
    async with (
        open_store(slack) as store,
        open_parts(slack, knowledge, identity, store, pace=Pace(first_pause=0.01)) as parts,
    ):
        await store.rules.set("C0RND", RULES, ADMIN)
        asked = replace(
            KEPT, user="U0BOB", question=SECRET, outcome="refused:nothing_found", asked_at=2e9
        )
        await store.conversations.add(asked)
        await parts.workers.start()
        yield Gate(sim, parts, create_app(parts), rebuilder)
        await parts.workers.drain(1.0)


def command(name: str, text: str, user: str, team: str = "T0SIM") -> Json:
    """Use a slash command."""
    where = {"channel_id": "C0GEN", "response_url": "http://127.0.0.1:1/none"}
    handles = {"trigger_id": f"1.{next(NUMBERS)}"}
    return {"command": name, "text": text, "user_id": user, "team_id": team} | where | handles


NUMBERS = itertools.count()


def interaction(kind: str, user: str, team: str = "T0SIM") -> Json:
    """Begin an interactive payload."""
    who = {"id": user, "username": user, "name": user, "team_id": team}
    return {"type": kind, "user": who, "team": {"id": team}, "trigger_id": f"1.{next(NUMBERS)}"}


def press(action_id: str, user: str, team: str = "T0SIM", **action: Any) -> Json:
    """Press a button in the Home."""
    view = {"id": "V0HOME", "type": "home", "hash": "h", "private_metadata": "", "callback_id": ""}
    pressed = {"type": "button", "action_id": action_id, "value": action_id} | action
    payload = interaction("block_actions", user, team)
    container = {"type": "view", "view_id": "V0HOME"}
    return payload | {"container": container, "view": view, "actions": [pressed]}


def form(user: str, team: str = "T0SIM", mode: str = "auto") -> Json:
    """Give the filled-in form for #support."""
    page = ChannelPage(channel="C0GEN", settings={})
    view = channel_view(page)
    values = initial_values(check_view(view, "modal")["blocks"])
    values["mode:C0GEN"]["input"]["selected_option"]["value"] = mode
    view |= {"id": f"V{next(NUMBERS)}", "hash": "h", "state": {"values": values}}
    return interaction("view_submission", user, team) | {"view": view}


def choice(user: str, team: str = "T0SIM") -> Json:
    """Choose a channel in the form."""
    payload = form(user, team) | {"type": "block_actions"}
    action = {"type": "conversations_select", "action_id": "channel_choice", "block_id": "channel"}
    return payload | {"actions": [action | {"selected_conversation": "C0RND"}]}


def everything(user: str, team: str = "T0SIM") -> Iterator[Json]:
    """List what only admins may do."""
    for text in SUBCOMMANDS:
        yield command("/clockify-rebuild", text, user, team)
    yield command("/clockify", "gaps", user, team)
    for action_id in ("home_rebuild", "home_gaps", "home_channels"):
        yield press(action_id, user, team)
    yield choice(user, team)
    yield form(user, team)


@pytest.mark.parametrize("user", OTHERS)
async def test_nobody_else_does_what_admins_may(gate: Gate, user: str) -> None:
    for payload in everything(user):
        await gate.send(payload)
    await gate.assert_untouched()
    assert {line["user"] for line in gate.attempts()} == {user}


@pytest.mark.parametrize("team", ["T0EXT", "T0EVIL", ""])
async def test_an_admins_id_from_another_workspace_is_not_enough(gate: Gate, team: str) -> None:
    for payload in everything(ADMIN, team):
        await gate.send(payload)
    await gate.assert_untouched()
    assert {line["team"] for line in gate.attempts()} == {team}


CLAIMS: dict[str, Any] = {
    "value": ADMIN,
    "user": ADMIN,
    "user_id": ADMIN,
    "admin": True,
    "selected_user": ADMIN,
}


def spoofed(payload: Json) -> Iterator[Json]:
    """Claim to be the admin wherever a payload has room for it."""
    words = json.dumps({"user": ADMIN, "user_id": ADMIN, "verdict": "allowed"})
    for name in ("view", "message", "container"):
        inside = payload.get(name) or {}
        claim = {"private_metadata": words, "user": ADMIN, "user_id": ADMIN, "bot_id": "B0BOT"}
        yield copy.deepcopy(payload) | {name: {**inside, **claim}}
    for action in payload.get("actions", ())[:1]:
        yield copy.deepcopy(payload) | {"actions": [{**action, **CLAIMS}]}
    yield copy.deepcopy(payload) | {"user_name": ADMIN, "authorizations": [{"user_id": ADMIN}]}
    yield copy.deepcopy(payload) | {"state": {"values": {"user": {"input": CLAIMS}}}}
    if "user" in payload:
        yield copy.deepcopy(payload) | {"user_id": ADMIN}
        yield copy.deepcopy(payload) | {
            "user": {**payload["user"], "name": ADMIN, "is_admin": True}
        }
        yield copy.deepcopy(payload) | {"enterprise": {"id": "E1"}, "is_enterprise_install": True}


async def test_to_claim_to_be_the_admin_is_not_enough(gate: Gate) -> None:
    for payload in everything("U0ANN"):
        if payload.get("type") != "view_submission":
            await send_spoofed(gate, payload)
    await gate.assert_untouched()
    assert {line["user"] for line in gate.attempts()} == {"U0ANN"}


@pytest.mark.proof
@pytest.mark.parametrize("user", OTHERS)
async def test_no_claim_helps_anybody(gate: Gate, user: str) -> None:
    for payload in everything(user):
        await send_spoofed(gate, payload)
    await gate.assert_untouched()
    assert {line["user"] for line in gate.attempts()} == {user}


async def send_spoofed(gate: Gate, payload: Json) -> None:
    """Send every spoof of a payload, each as something new."""
    for spoof in spoofed(payload):
        if spoof.get("type") == "view_submission":
            spoof["view"] = {**spoof["view"], "id": f"V{next(NUMBERS)}"}
        await gate.send(spoof | {"trigger_id": f"1.{next(NUMBERS)}"})


def without(payload: Json, *names: str) -> Json:
    """Leave a field out, however deep."""
    copied: Json = copy.deepcopy(payload)
    inside = copied
    for name in names[:-1]:
        inside = inside[name]
    inside.pop(names[-1], None)
    return copied


async def test_a_payload_that_says_nobody_did_it_does_nothing(gate: Gate) -> None:
    interactive = [payload for payload in everything(ADMIN) if "type" in payload]
    for payload in interactive:
        nobodies: list[Any] = [{}, {"id": ""}, {"id": None}, {"id": [ADMIN]}, None, ADMIN]
        for nobody in nobodies:
            await gate.send(payload | {"user": nobody})
    await gate.assert_untouched()
    assert {line["user"] for line in gate.attempts()} == {""}
    assert gate.sim.calls("views.publish") == gate.sim.calls("users.info") == ()


async def test_what_is_missing_or_forged_does_nothing_even_for_the_admin(gate: Gate) -> None:
    rebuild, filled, chosen = press("home_rebuild", ADMIN), form(ADMIN), choice(ADMIN)
    message = {"ts": "1.2", "text": "x", "user": "U0ANN", "blocks": []}
    in_message = {"type": "message", "channel_id": "C0GEN", "message_ts": "1.2"}
    forged = [
        without(rebuild, "view"),
        without(rebuild, "view", "type"),
        rebuild | {"view": {**rebuild["view"], "type": "modal"}},
        rebuild | {"view": "home"},
        without(rebuild, "view")
        | {"container": in_message, "message": message, "channel": {"id": "C0GEN"}},
        press("home_rebuild_now", ADMIN),
        press("home_", ADMIN),
        press("channel_rules", ADMIN),
        without(filled, "view", "id"),
        without(filled, "view", "state"),
        without(filled, "view", "state", "values", "mode:C0GEN"),
        without(filled, "view", "state", "values", "channel"),
        form(ADMIN, mode="everything"),
        filled | {"view": {**filled["view"], "callback_id": "channel_form_2"}},
        filled | {"view": {**filled["view"], "callback_id": "home_form"}},
        chosen | {"view": {**chosen["view"], "callback_id": "ask_form"}},
        without(chosen, "view", "callback_id"),
        without(chosen, "view"),
    ]
    for payload in forged:
        await gate.send(payload)
    await gate.assert_untouched()


async def test_the_admin_does_all_of_it(gate: Gate) -> None:
    """Show that the payloads above fail for their sender and for no other reason."""
    for payload in everything(ADMIN):
        await gate.send(payload)
    await gate.settle()
    assert gate.rebuilder.builds >= 1
    assert (await gate.parts.store.rules.all())["C0GEN"] == ChannelRules(Mode.AUTO)
    assert {line["allowed"] for line in gate.attempts()} == {True}
    assert len(gate.attempts()) == gate.sent
    assert form(ADMIN)["view"]["callback_id"] == CHANNEL_FORM


async def test_settings_are_saved_once_slack_says_who_it_is(gate: Gate) -> None:
    await gate.sim.fault("api_error", error="internal_error", method="users.info", times=2)
    await gate.send(form(ADMIN))
    await gate.settle()
    assert (await gate.parts.store.rules.all())["C0GEN"] == ChannelRules(Mode.AUTO)
    assert [line["outcome"] for line in gate.attempts()] == ["saved"]
    assert len(gate.sim.calls("users.info")) == 3


async def test_settings_of_somebody_whom_slack_does_not_tell_are_not_saved(gate: Gate) -> None:
    await gate.sim.fault("api_error", error="internal_error", method="users.info", times=9)
    await gate.send(form(ADMIN))
    direct = gate.sim.wait_for(lambda: gate.sim.messages("D0ADA"))
    assert "I could not save the settings of <#C0GEN>" in (await direct)[0]["text"]
    await gate.assert_untouched()
    assert [line["outcome"] for line in gate.attempts()] == ["failed"]


async def test_the_same_form_twice_is_saved_once(gate: Gate) -> None:
    payload = form(ADMIN)
    await gate.send(payload)
    await gate.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))
    await gate.settle()
    assert len(gate.attempts()) == 1
    assert len(gate.sim.messages("D0ADA")) == 1
