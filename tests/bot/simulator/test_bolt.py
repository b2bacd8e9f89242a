"""An unmodified slack_bolt app on the local Slack."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.simulator.server import Simulator

from .conftest import Connect

Payload = dict[str, Any]


def answers_mentions(app: AsyncApp) -> None:
    @app.event("app_mention")
    async def answer(event: Payload, say: Any) -> None:
        await say(text="Press the timer.", thread_ts=event["ts"])


async def test_a_mention_gets_a_threaded_reply(sim: Simulator, connect: Connect) -> None:
    await connect(sim, answers_mentions)

    ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot how do I track <time>?")
    await sim.wait_for(lambda: len(sim.messages("C0GEN", ts)) == 2)

    root, reply = sim.messages("C0GEN", ts)
    assert root["text"] == "<@U0BOT> how do I track &lt;time&gt;?"
    assert (root["reply_count"], root["latest_reply"]) == (1, reply["ts"])
    assert (reply["user"], reply["bot_id"], reply["thread_ts"]) == ("U0BOT", "B0BOT", ts)
    assert reply["text"] == "Press the timer."


async def test_a_direct_message_is_not_a_mention(sim: Simulator, connect: Connect) -> None:
    heard: list[Payload] = []

    def register(app: AsyncApp) -> None:
        @app.event("message")
        async def hear(event: Payload, say: Any) -> None:
            heard.append(event)
            await say("Hello.")

    await connect(sim, register)
    await sim.post("U0ANN", "D0ANN", "<@U0BOT> hello")
    await sim.wait_for(lambda: len(sim.messages("D0ANN")) == 2)
    await sim.wait_for(lambda: len(sim.envelopes()) == 2)

    assert [event["channel_type"] for event in heard] == ["im"]
    own = sim.envelopes()[1].body["payload"]["event"]
    assert (own["type"], own["bot_id"], own["text"]) == ("message", "B0BOT", "Hello.")


async def test_the_command_is_acknowledged_with_a_message_and_answered_five_times(
    sim: Simulator, connect: Connect
) -> None:
    statuses: list[int] = []
    is_done = asyncio.Event()

    def register(app: AsyncApp) -> None:
        @app.command("/clockify")
        async def ask(ack: Any, respond: Any, command: Payload) -> None:
            await ack(text=f"Searching {command['text']}")
            for number in range(6):
                statuses.append((await respond(f"Part {number}")).status_code)
            is_done.set()

    await connect(sim, register)
    await sim.command("U0ANN", "C0GEN", "/clockify", "time & <money>")
    await asyncio.wait_for(is_done.wait(), 5)

    assert statuses == [200, 200, 200, 200, 200, 404]
    await sim.wait_for(lambda: len(sim.messages("C0GEN", viewer="U0ANN")) == 6)
    shown = [message["text"] for message in sim.messages("C0GEN", viewer="U0ANN")]
    # Bolt looks for the acknowledgement every 10 ms, so a reply may be shown before it.
    searching = "Searching time &amp; &lt;money&gt;"
    assert sorted(shown) == [*(f"Part {number}" for number in range(5)), searching]
    assert sim.messages("C0GEN") == sim.messages("C0GEN", viewer="U0ADA") == []


async def test_a_click_reaches_the_app_and_replaces_the_message(
    sim: Simulator, connect: Connect
) -> None:
    feedback = {
        "type": "feedback_buttons",
        "action_id": "answer_feedback",
        "positive_button": {"text": {"type": "plain_text", "text": "👍"}, "value": "a1:up"},
        "negative_button": {"text": {"type": "plain_text", "text": "👎"}, "value": "a1:down"},
    }
    seen: list[Payload] = []

    def register(app: AsyncApp) -> None:
        @app.action("answer_feedback")
        async def thank(ack: Any, respond: Any, body: Payload) -> None:
            await ack()
            seen.append(body)
            await respond("Thank you.", replace_original=True)

    handler = await connect(sim, register)
    blocks = [{"type": "context_actions", "block_id": "rate", "elements": [feedback]}]
    posted = await handler.app.client.chat_postMessage(channel="C0GEN", text="Hm?", blocks=blocks)
    click = {"block_id": "rate", "action_id": "answer_feedback", "value": "a1:down"}
    await sim.action("U0ANN", "C0GEN", posted["ts"], **click)
    await sim.wait_for(lambda: sim.messages("C0GEN")[0]["text"] == "Thank you.")

    (body,) = seen
    assert body["actions"][0]["value"] == "a1:down"
    assert body["actions"][0]["text"] == {"type": "plain_text", "text": "👎"}
    assert body["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": "C0GEN",
        "is_ephemeral": False,
    }
    assert "blocks" not in sim.messages("C0GEN")[0]


async def test_a_refresh_is_survived(sim: Simulator, connect: Connect) -> None:
    await connect(sim, answers_mentions)
    await sim.fault("refresh")
    assert not sim.is_connected
    await sim.wait_connected()

    ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot still there?")
    await sim.wait_for(lambda: len(sim.messages("C0GEN", ts)) == 2)
    assert len(sim.calls("apps.connections.open")) == 2


async def test_an_event_that_is_acknowledged_late_comes_again(
    sim: Simulator, connect: Connect
) -> None:
    await connect(sim, answers_mentions)
    await sim.fault("slow_ack", times=2)
    ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot again")
    await sim.wait_for(lambda: len(sim.messages("C0GEN", ts)) == 4)

    sent = [envelope.body for envelope in sim.envelopes("events_api")]
    assert [frame["retry_attempt"] for frame in sent] == [0, 1, 2]
    assert [frame["retry_reason"] for frame in sent] == ["", "timeout", "timeout"]
    assert len({frame["payload"]["event_id"] for frame in sent}) == 1
    assert len({frame["envelope_id"] for frame in sent}) == 3


async def test_an_event_waits_for_a_socket_and_a_command_does_not(
    sim: Simulator, connect: Connect
) -> None:
    ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot are you up?")
    await sim.command("U0ANN", "C0GEN", "/clockify", "hello")
    (failure,) = (note for note in sim.messages("C0GEN", viewer="U0ANN") if note["ts"] != ts)
    assert failure["text"] == '/clockify failed with the error "dispatch_failed"'
    assert failure["is_ephemeral"] is True

    await connect(sim, answers_mentions)
    await sim.wait_for(lambda: len(sim.messages("C0GEN", ts)) == 2)
    (envelope,) = sim.envelopes()
    assert envelope.body["retry_reason"] == "connection_failed"


async def test_a_command_without_an_acknowledgement_times_out(
    sim: Simulator, connect: Connect
) -> None:
    def register(app: AsyncApp) -> None:
        @app.command("/clockify")
        async def forget(ack: Any) -> None:
            await ack()

    await connect(sim, register)
    await sim.fault("slow_ack")
    await sim.command("U0ANN", "C0GEN", "/clockify", "hello")
    await sim.command("U0ANN", "C0GEN", "/foo", "hello")

    timed_out, unknown = (note["text"] for note in sim.messages("C0GEN", viewer="U0ANN"))
    assert timed_out == '/clockify failed with the error "operation_timeout"'
    assert unknown.startswith("`/foo` is not a valid command.")
    assert len(sim.envelopes()) == 1


async def test_the_home_is_published_when_it_is_opened(sim: Simulator, connect: Connect) -> None:
    def register(app: AsyncApp) -> None:
        @app.event("app_home_opened")
        async def show(event: Payload, client: Any) -> None:
            section = {"type": "section", "text": {"type": "mrkdwn", "text": "42 articles"}}
            view = {"type": "home", "blocks": [section]}
            await client.views_publish(user_id=event["user"], view=view)

    await connect(sim, register)
    sim.people.open_home("U0ANN")
    home = await sim.wait_for(lambda: sim.home("U0ANN"))
    assert home is not None
    assert home["blocks"][0]["text"]["text"] == "42 articles"
    assert sim.home("U0ADA") is None


async def test_a_modal_opens_and_is_submitted(sim: Simulator, connect: Connect) -> None:
    name = {"type": "plain_text_input", "action_id": "why"}
    label = {"type": "plain_text", "text": "Why?"}
    reason: Payload = {"type": "input", "block_id": "reason", "label": label, "element": name}
    reason["optional"] = True
    modal: Payload = {"type": "modal", "callback_id": "why", "blocks": [reason]}
    modal["title"] = modal["submit"] = {"type": "plain_text", "text": "Feedback"}

    def register(app: AsyncApp) -> None:
        @app.shortcut("ask_about")
        async def ask(ack: Any, body: Payload, client: Any) -> None:
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=modal)

        @app.view("why")
        async def check(ack: Any, view: Payload) -> None:
            typed = view["state"]["values"]["reason"]["why"]["value"]
            if typed:
                await ack()
            else:
                await ack(response_action="errors", errors={"reason": "Say why."})

    await connect(sim, register)
    ts = await sim.post("U0ANN", "C0GEN", "strange")
    await sim.people.shortcut("U0ANN", "C0GEN", ts, "ask_about")
    view = await sim.wait_for(lambda: sim.modal("U0ANN"))
    assert view is not None
    empty, full = ({"reason": {"why": {"value": text}}} for text in ("", "wrong article"))
    assert await sim.people.submit("U0ANN", view["id"], empty) == {"reason": "Say why."}
    assert await sim.people.submit("U0ANN", view["id"], full) == {}
    assert sim.modal("U0ANN") is None
