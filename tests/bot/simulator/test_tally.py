"""What became of each event and command, and that thousands of them leave nothing behind."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.simulator.feed import MAX_ENTRIES, Change, ChangeType, Feed
from bot.simulator.server import Simulator
from bot.simulator.tally import MAX_OPEN, MAX_RECEIPTS, Tally
from bot.simulator.transcript import Transcript

from .conftest import Connect

Payload = dict[str, Any]


def answers(app: AsyncApp) -> None:
    @app.event("app_mention")
    async def answer(event: Payload, say: Any) -> None:
        for number in range(2):
            await say(text=f"Answer {number}", thread_ts=event["ts"])

    @app.command("/clockify")
    async def ask(ack: Any, respond: Any) -> None:
        await ack("Searching")
        await respond("Found")
        await respond("Found more")


async def test_an_event_and_its_replies_are_counted(sim: Simulator, connect: Connect) -> None:
    client = (await connect(sim, answers)).app.client
    ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot how?")
    await sim.wait_for(lambda: sim.count_replies("C0GEN", ts) == 2)
    (receipt,) = sim.receipts_of("C0GEN", ts)
    await sim.wait_for(lambda: receipt.is_acknowledged)
    assert (receipt.kind, receipt.envelopes, receipt.late) == ("events_api", 1, 0)
    assert sim.receipt(receipt.key) is receipt
    assert receipt.acked_at is not None
    assert 0 <= receipt.acked_at - receipt.sent_at < 3
    (latency,) = sim.tally.latencies
    (ack,) = (entry for entry in sim.site.feed.entries() if entry.kind == "ack")
    assert ack.milliseconds == latency
    assert "milliseconds" in ack.to_json()

    reply = sim.messages("C0GEN", ts)[1]["ts"]
    await client.chat_delete(channel="C0GEN", ts=reply)
    assert sim.count_replies("C0GEN", ts) == 1
    assert sim.count_replies("C0GEN", "1.1") == 0


async def test_a_command_is_known_by_its_trigger(sim: Simulator, connect: Connect) -> None:
    await connect(sim, answers)
    key = await sim.command("U0ANN", "C0GEN", "/clockify", "how?")
    receipt = sim.receipt(key)
    assert receipt is not None
    assert receipt.is_acknowledged
    await sim.wait_for(lambda: receipt.replies == 3)  # the acknowledgement's and two by URL
    assert await sim.command("U0ANN", "C0GEN", "/nonsense") == ""


async def test_a_late_acknowledgement_is_told_apart(sim: Simulator, connect: Connect) -> None:
    await connect(sim, answers)
    await sim.fault("slow_ack")
    ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot how?")
    (receipt,) = await sim.wait_for(lambda: sim.receipts_of("C0GEN", ts))
    await sim.wait_for(lambda: receipt.is_acknowledged)
    assert (receipt.envelopes, receipt.late) == (2, 1)


async def test_what_nobody_acknowledged_stays_unacknowledged(
    impatient: Simulator, connect: Connect
) -> None:
    sim = impatient
    await connect(sim, lambda app: None)
    ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot how?")
    log = sim.site.feed.entries
    await sim.wait_for(lambda: [line for line in log() if line.kind == "event_lost"])
    (receipt,) = sim.receipts_of("C0GEN", ts)
    assert (receipt.is_acknowledged, receipt.envelopes) == (False, 4)


async def answered(sim: Simulator, root: str) -> None:
    """Wait for both answers to a question."""
    await sim.wait_for(lambda: sim.count_replies("C0GEN", root) == 2)


async def test_nothing_is_left_waiting(sim: Simulator, connect: Connect) -> None:
    await connect(sim, answers)
    for number in range(40):
        root = await sim.post("U0ANN", "C0GEN", f"@clockify-bot question {number}")
        await answered(sim, root)
    await sim.wait_for(lambda: all(it.is_acknowledged for it in sim.tally.receipts()))
    courier = sim.site._courier
    assert (sim.site.feed._waiters, courier._waiting, courier._late) == ([], {}, set())
    assert sim.tally._open == {}


def test_the_tally_forgets_the_oldest() -> None:
    kept = Tally()
    for number in range(MAX_RECEIPTS + 5):
        event = {"channel": "C0GEN", "ts": f"{number}.1"}
        payload = {"event_id": f"Ev{number}", "event": event}
        kept.sent({"envelope_id": f"e{number}", "type": "events_api", "payload": payload})
        reply = {"user": "U0BOT", "ts": f"{number}.2"}
        kept.hear(Change(ChangeType.MESSAGE, None, "C0GEN", f"{number}.1", reply))
    assert (kept.receipt("Ev4"), kept.of_message("C0GEN", "4.1")) == (None, ())
    assert kept.replies("C0GEN", "4.1") == 0
    assert kept.receipt("Ev5") is not None
    assert len(kept.of_message("C0GEN", "5.1")) == kept.replies("C0GEN", "5.1") == 1
    assert len(kept._open) == MAX_OPEN
    assert kept.acknowledged("e1", in_time=True) is None


def test_a_transcript_forgets_the_oldest_with_their_threads() -> None:
    kept = Transcript(20)
    for number in range(0, 40, 2):
        kept.add({"ts": f"{number:05}.1", "user": "U0ANN", "text": "hi"})
        reply = {"ts": f"{number + 1:05}.1", "user": "U0BOT", "text": "ho"}
        kept.add(reply | {"thread_ts": f"{number:05}.1"})
    assert len(kept._messages) == 20
    assert len(kept._replies) == len(kept.timeline()) == 10
    assert kept.timeline()[0]["reply_count"] == 1


def test_the_journal_forgets_the_oldest() -> None:
    journal = Feed()
    for number in range(MAX_ENTRIES + 1):
        journal.record("call", f"method {number}", {})
    assert len(journal.entries()) == MAX_ENTRIES
    assert journal.entries()[0].name == "method 1"
