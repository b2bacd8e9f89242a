"""Modals and the App Home: what a view may be, and what the app hears of them."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.model import ControlError
from bot.simulator.server import Simulator

from .conftest import Connect
from .forms import View, field, modal, option, plain
from .test_web_api import refusal


async def opened(sim: Simulator, client: AsyncWebClient, view: View, user: str = "U0ANN") -> View:
    """Open a modal for a person and give it."""
    trigger_id = sim.site.views.issue_trigger(user)
    response = await client.views_open(trigger_id=trigger_id, view=view)
    shown: View = response["view"]
    return shown


async def test_a_modal_is_built_as_slack_builds_it(sim: Simulator, client: AsyncWebClient) -> None:
    shown = await opened(sim, client, modal(field("q"), private_metadata="a1"))
    assert (shown["callback_id"], shown["private_metadata"]) == ("ask", "a1")
    assert shown["state"] == {"values": {"q": {"it": {"type": "plain_text_input", "value": None}}}}
    assert (shown["app_id"], shown["bot_id"], shown["team_id"]) == ("A0SIM", "B0BOT", "T0SIM")
    assert (shown["root_view_id"], shown["previous_view_id"]) == (shown["id"], None)
    trigger_id = sim.site.views.issue_trigger("U0ANN")
    second = (await client.views_push(trigger_id=trigger_id, view=modal()))["view"]
    assert (second["root_view_id"], second["previous_view_id"]) == (shown["id"], shown["id"])
    assert await push(sim, client) is None
    assert await push(sim, client) == "push_limit_reached"


async def push(sim: Simulator, client: AsyncWebClient) -> str | None:
    """Push a modal and give the error."""
    trigger_id = sim.site.views.issue_trigger("U0ANN")
    if len(sim.site.views._modals["U0ANN"]) < 3:
        await client.views_push(trigger_id=trigger_id, view=modal())
        return None
    call = {"trigger_id": trigger_id, "view": modal()}
    return str((await refusal(client, "views.push", call))["error"])


async def test_a_push_needs_a_modal_and_an_update_the_newest_hash(
    sim: Simulator, client: AsyncWebClient
) -> None:
    call: View = {"trigger_id": sim.site.views.issue_trigger("U0ANN"), "view": modal()}
    assert (await refusal(client, "views.push", call))["error"] == "invalid_trigger_id"
    shown = await opened(sim, client, modal(field("q"), external_id="mine"))
    update = {"view_id": shown["id"], "view": modal(), "hash": "old"}
    assert (await refusal(client, "views.update", update))["error"] == "hash_conflict"
    await client.views_update(external_id="mine", view=modal(), hash=shown["hash"])
    missing = {"view_id": "V0NIL", "view": modal()}
    assert (await refusal(client, "views.update", missing))["error"] == "not_found"


async def test_the_home_is_only_published_where_it_can_be(
    sim: Simulator, client: AsyncWebClient
) -> None:
    home = {"type": "home", "blocks": []}
    for user in ("U0NIL", "U0PAT", "U0DEE"):
        call: View = {"user_id": user, "view": home}
        assert (await refusal(client, "views.publish", call))["error"] == "user_not_found"
    first = (await client.views_publish(user_id="U0ANN", view=home))["view"]
    stale = {"user_id": "U0ANN", "view": home, "hash": "old"}
    assert (await refusal(client, "views.publish", stale))["error"] == "hash_conflict"
    second = (await client.views_publish(user_id="U0ANN", view=home, hash=first["hash"]))["view"]
    assert (second["id"], second["hash"] != first["hash"]) == (first["id"], True)


async def test_what_was_typed_survives_an_update(sim: Simulator, client: AsyncWebClient) -> None:
    shown = await opened(sim, client, modal(field("q"), field("gone")))
    button = {"type": "button", "action_id": "more", "text": plain("More")}
    actions = {"type": "actions", "block_id": "do", "elements": [button]}
    updated = modal(field("q"), field("new", initial_value="here"), actions)
    await client.views_update(view_id=shown["id"], view=updated)
    with pytest.raises(ControlError, match="There is no input 'it' in a block 'gone'"):
        await sim.people.submit("U0ANN", shown["id"], {"gone": {"it": "x"}})
    sim.site.views.fill(
        "U0ANN", shown["id"], {"q": {"it": {"type": "plain_text_input", "value": "typed"}}}
    )
    await client.views_update(view_id=shown["id"], view=updated)
    view = sim.modal("U0ANN")
    assert view is not None
    assert view["state"]["values"]["q"]["it"]["value"] == "typed"
    assert view["state"]["values"]["new"]["it"]["value"] == "here"


async def test_a_click_in_a_view_carries_its_state(sim: Simulator, connect: Connect) -> None:
    seen: list[View] = []

    def register(app: AsyncApp) -> None:
        @app.action("pick")
        async def pick(ack: Any, body: View) -> None:
            await ack()
            seen.append(body)

    handler = await connect(sim, register)
    select = {"type": "conversations_select", "action_id": "pick"}
    actions = {"type": "actions", "block_id": "do", "elements": [select]}
    shown = await opened(sim, handler.app.client, modal(field("q"), actions))
    await sim.people.view_action(
        "U0ANN",
        shown["id"],
        block_id="do",
        action_id="pick",
        value="C0GEN",
        values={"q": {"it": "so far"}},
    )

    (body,) = seen
    assert sorted(body) == [
        *("actions", "api_app_id", "container", "enterprise", "is_enterprise_install", "team"),
        *("token", "trigger_id", "type", "user", "view"),
    ]
    assert body["container"] == {"type": "view", "view_id": shown["id"]}
    (action,) = body["actions"]
    assert (action["type"], action["selected_conversation"]) == ("conversations_select", "C0GEN")
    values = body["view"]["state"]["values"]
    assert values["q"]["it"]["value"] == "so far"
    assert values["do"]["pick"] == {
        "type": "conversations_select",
        "selected_conversation": "C0GEN",
    }


@pytest.mark.parametrize("clears", [False, True])
async def test_a_closed_modal_is_heard_of_where_it_asks_for_it(
    sim: Simulator, connect: Connect, clears: bool
) -> None:
    closed: list[View] = []

    def register(app: AsyncApp) -> None:
        @app.view_closed("ask")
        async def note(ack: Any, body: View) -> None:
            await ack()
            closed.append(body)

    client = (await connect(sim, register)).app.client
    await opened(sim, client, modal())
    sim.people.close_modal("U0ANN")  # says nothing
    shown = await opened(sim, client, modal(notify_on_close=True))
    trigger_id = sim.site.views.issue_trigger("U0ANN")
    upper = modal(notify_on_close=True, clear_on_close=clears)
    top = (await client.views_push(trigger_id=trigger_id, view=upper))["view"]
    sim.people.close_modal("U0ANN")

    expected = 2 if clears else 1
    await sim.wait_for(lambda: len(sim.envelopes("interactive")) == expected)
    await sim.wait_for(lambda: len(sim.tally.latencies) == expected)
    assert [body["is_cleared"] for body in closed] == [clears] * expected
    ids = [top["id"], shown["id"]] if clears else [top["id"]]
    assert [body["view"]["id"] for body in closed] == ids
    assert "trigger_id" not in closed[0]
    left = sim.modal("U0ANN")
    assert (left is None) is clears


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"response_action": "errors", "errors": {"other": "No."}}, "(invalid_arguments)"),
        ({"response_action": "update", "view": {"type": "modal"}}, "(invalid_arguments)"),
    ],
)
async def test_a_bad_answer_to_a_submission_is_told_to_the_person(
    sim: Simulator, connect: Connect, answer: View, sentence: str
) -> None:
    def register(app: AsyncApp) -> None:
        @app.view("ask")
        async def check(ack: Any) -> None:
            await ack(**answer)

    client = (await connect(sim, register)).app.client
    shown = await opened(sim, client, modal(field("q")))
    with pytest.raises(ControlError) as caught:
        await sim.people.submit("U0ANN", shown["id"], {"q": {"it": "x"}})
    assert str(caught.value) == f"We had some trouble connecting. Try again? {sentence}"
    assert sim.modal("U0ANN") is not None


async def test_a_required_field_is_refused_before_the_app_hears_of_it(
    sim: Simulator, connect: Connect
) -> None:
    def register(app: AsyncApp) -> None:
        @app.view("ask")
        async def push_another(ack: Any) -> None:
            await ack(response_action="push", view=modal(callback_id="second"))

        @app.view("second")
        async def clear(ack: Any) -> None:
            await ack(response_action="clear")

    client = (await connect(sim, register)).app.client
    shown = await opened(sim, client, modal(field("q")))
    refused = await sim.people.submit("U0ANN", shown["id"])
    assert refused == {"q": "Please complete this required field."}
    assert sim.envelopes("interactive") == ()
    assert await sim.people.submit("U0ANN", shown["id"], {"q": {"it": "x"}}) == {}
    second = sim.modal("U0ANN")
    assert second is not None
    assert second["callback_id"] == "second"
    await sim.people.submit("U0ANN", second["id"])
    assert sim.modal("U0ANN") is None


async def test_options_are_asked_of_the_app(sim: Simulator, connect: Connect) -> None:
    asked: list[View] = []

    def register(app: AsyncApp) -> None:
        @app.options("find")
        async def find(ack: Any, body: View) -> None:
            asked.append(body)
            await ack(options=[option("Timer", "timer")])

        @app.view("ask")
        async def accept(ack: Any, view: View) -> None:
            asked.append(view["state"]["values"])
            await ack()

    client = (await connect(sim, register)).app.client
    select = {"type": "external_select", "action_id": "find", "min_query_length": 2}
    block = {"type": "input", "block_id": "what", "label": plain("What?"), "element": select}
    shown = await opened(sim, client, modal(block))
    where = {"block_id": "what", "action_id": "find"}
    assert await sim.people.suggest("U0ANN", shown["id"], **where, value="t") == []
    found = await sim.people.suggest("U0ANN", shown["id"], **where, value="ti")
    assert found == [option("Timer", "timer")]
    await sim.people.submit("U0ANN", shown["id"], {"what": {"find": "timer"}})
    body, values = asked
    assert (body["type"], body["value"], "trigger_id" in body) == ("block_suggestion", "ti", False)
    assert values["what"]["find"]["selected_option"] == option("Timer", "timer")
