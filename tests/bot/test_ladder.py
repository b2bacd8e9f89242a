"""Answers that show while they are written, on the local Slack: one message, whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.delivery import Destination, Stopped
from bot.sender import Rate, Sender
from bot.simulator.feed import Change
from bot.simulator.server import Simulator
from bot.slack_calls import reply_metadata
from bot.tasks import Inquiry, Surface

from .delivery_bench import ANSWER, APOLOGY, DeliveryBench, delivery_bench

Json = dict[str, Any]
DRAFT = "Open **Settings** first. "
LONGER = f"{DRAFT}Then switch locking on. "


@pytest.fixture
async def desk(sim: Simulator) -> AsyncIterator[DeliveryBench]:
    """Give what a process needs to deliver."""
    async with delivery_bench(sim) as made:
        yield made


async def streaming(desk: DeliveryBench, **changes: Any) -> tuple[Inquiry, Destination]:
    """Let an answer begin to stream."""
    inquiry = await desk.inquiry()
    destination = desk.to(desk.process(**changes), inquiry)
    await destination.show_draft(DRAFT + "And")
    await desk.shown(inquiry, "Settings")
    return inquiry, destination


def assert_only(desk: DeliveryBench, inquiry: Inquiry, *, is_expired: bool = False) -> None:
    """Assert that the final answer is the one reply, that it is whole, marked and at its end."""
    (reply,) = desk.replies(inquiry)
    assert reply["text"] == ANSWER.text
    assert [block["text"]["text"] for block in reply["blocks"]] == [ANSWER.text]
    assert reply["metadata"] == reply_metadata(inquiry.key)
    assert is_expired or "streaming" not in reply


class TestNativeStream:
    async def test_an_answer_grows_and_becomes_the_final_message(self, desk: DeliveryBench) -> None:
        inquiry, destination = await streaming(desk)
        await destination.show_draft(LONGER + "And")
        assert (await desk.shown(inquiry, "locking"))["text"] == LONGER
        ts = await destination.post(ANSWER)
        assert_only(desk, inquiry)
        assert desk.replies(inquiry)[0]["ts"] == ts
        (start,) = desk.sim.calls("chat.startStream")
        assert start.body["recipient_user_id"] == "U0ANN"
        assert start.body["recipient_team_id"] == "T0SIM"
        assert [entry.body["markdown_text"] for entry in desk.sim.calls("chat.appendStream")] == [
            "Then switch locking on. "
        ]
        assert desk.count("chat.postMessage") == 0

    async def test_an_answer_that_is_there_at_once_is_one_post(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        destination = desk.to(desk.process(first_draft=60.0), inquiry)
        await destination.show_draft(LONGER)
        await asyncio.sleep(0.05)  # longer than any other wait
        await destination.post(ANSWER)
        assert_only(desk, inquiry)
        assert {entry.name for entry in desk.sim.calls()} == {"chat.postMessage"}

    async def test_additions_keep_their_pace(self, desk: DeliveryBench) -> None:
        inquiry, destination = await streaming(desk, append=0.1)
        words = [f"word{number} " for number in range(50)]
        for count in range(1, len(words) + 1):
            await destination.show_draft(DRAFT + "".join(words[:count]) + "And")
        await desk.shown(inquiry, "word49")
        await destination.post(ANSWER)
        appended = desk.sim.calls("chat.appendStream")
        assert len(appended) == 1
        assert appended[0].at - desk.sim.calls("chat.startStream")[0].at >= 0.1

    async def test_a_long_draft_goes_in_parts_that_slack_takes(self, desk: DeliveryBench) -> None:
        inquiry, destination = await streaming(desk)
        lines = "".join(f"{'word ' * 20}{number}\n" for number in range(110))
        await destination.show_draft(DRAFT + lines)
        await desk.shown(inquiry, "108")
        sizes = [len(e.body["markdown_text"]) for e in desk.sim.calls("chat.appendStream")]
        assert sizes
        assert max(sizes) <= 12_000
        await destination.post(ANSWER)
        assert_only(desk, inquiry)

    async def test_the_message_is_noted_before_anything_is_appended(
        self, desk: DeliveryBench
    ) -> None:
        inquiry, destination = await streaming(desk)
        noted = await desk.notebook.wait_for(inquiry.key, "draft")
        assert noted == f"C0GEN {desk.replies(inquiry)[0]['ts']}"
        await destination.close()

    async def test_what_could_link_or_ping_is_inert(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        destination = desk.to(desk.process(), inquiry)
        await destination.show_draft("<!channel> <https://evil.example|Settings> [a](//b.com) end")
        text = (await desk.shown(inquiry, "Settings"))["text"]
        assert "<" not in text
        assert "](" not in text
        await destination.close()

    async def test_in_a_direct_message_it_streams_too(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry(channel="D0ANN", surface=Surface.DIRECT)
        destination = desk.to(desk.process(), inquiry)
        await destination.show_draft(LONGER)
        await desk.shown(inquiry, "Settings")
        await destination.post(ANSWER)
        assert_only(desk, inquiry)
        assert desk.count("chat.startStream") == 1


class TestStepsDown:
    @pytest.mark.parametrize(
        "error",
        [
            "missing_recipient_user_id",
            "missing_recipient_team_id",
            "invalid_thread_ts",
            "unknown_method",
            "missing_scope",
            "channel_type_not_supported",
        ],
    )
    async def test_where_no_stream_begins_a_message_is_edited(
        self, desk: DeliveryBench, error: str
    ) -> None:
        inquiry, delivery = await desk.inquiry(), desk.process()
        await desk.sim.fault("api_error", method="chat.startStream", error=error)
        destination = desk.to(delivery, inquiry)
        await destination.show_draft(LONGER)
        shown = await desk.shown(inquiry, "*Settings*")
        assert shown["metadata"] == reply_metadata(inquiry.key, is_draft=True)
        await destination.post(ANSWER)
        assert_only(desk, inquiry)
        is_off = error in ("unknown_method", "missing_scope")
        other = await desk.inquiry()
        destination = desk.to(delivery, other)
        await destination.show_draft(LONGER)
        await desk.shown(other, "Settings")
        await destination.post(ANSWER)
        assert desk.count("chat.startStream") == (1 if is_off else 2)

    @pytest.mark.parametrize(
        "error", ["message_not_in_streaming_state", "streaming_state_conflict", "msg_too_long"]
    )
    async def test_a_stream_that_breaks_goes_on_as_edits_of_the_same_message(
        self, desk: DeliveryBench, error: str
    ) -> None:
        inquiry, destination = await streaming(desk)
        await desk.sim.fault("api_error", method="chat.appendStream", error=error)
        await destination.show_draft(LONGER + "And")
        await desk.shown(inquiry, "locking on. And")  # edits show the last word, too
        await destination.post(ANSWER)
        assert_only(desk, inquiry)
        assert desk.count("chat.postMessage") == 0

    async def test_an_expired_stream_goes_on_as_edits(self, desk: DeliveryBench) -> None:
        inquiry, destination = await streaming(desk)
        await desk.sim.fault("expire_streams")
        await destination.show_draft(LONGER + "And")
        await desk.shown(inquiry, "locking on. And")
        await destination.post(ANSWER)
        assert_only(desk, inquiry, is_expired=True)

    async def test_a_stream_that_expires_before_the_end_is_replaced(
        self, desk: DeliveryBench
    ) -> None:
        inquiry, destination = await streaming(desk)
        await desk.sim.fault("expire_streams")
        await destination.post(ANSWER)
        assert_only(desk, inquiry, is_expired=True)

    async def test_a_stream_is_left_before_slack_ends_it(self, desk: DeliveryBench) -> None:
        inquiry, destination = await streaming(desk, stream=0.0)
        await destination.show_draft(LONGER + "And")
        await desk.shown(inquiry, "locking on. And")
        assert desk.count("chat.appendStream") == 0
        assert desk.count("chat.stopStream") == 1
        await destination.post(ANSWER)
        assert_only(desk, inquiry)

    @pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream", "chat.update"])
    @pytest.mark.parametrize("kind", ["lost_reply", "http_500", "rate_limit"])
    async def test_faults_on_the_way_leave_one_message(
        self, desk: DeliveryBench, method: str, kind: str
    ) -> None:
        inquiry, destination = await streaming(desk)
        await desk.sim.fault(kind, method=method, **RATE.get(kind, {}))
        await destination.show_draft(LONGER + "And")
        await desk.shown(inquiry, "locking") if method == "chat.appendStream" else None
        await destination.post(ANSWER)
        assert_only(desk, inquiry)

    @pytest.mark.parametrize("kind", ["lost_reply", "http_500", "rate_limit"])
    async def test_a_start_that_slack_did_not_confirm_leaves_one_message(
        self, desk: DeliveryBench, kind: str
    ) -> None:
        inquiry = await desk.inquiry()
        await desk.sim.fault(kind, method="chat.startStream", **RATE.get(kind, {}))
        destination = desk.to(desk.process(), inquiry)
        await destination.show_draft(LONGER)
        await desk.sim.wait_for(lambda: desk.sim.calls("chat.startStream"))
        await asyncio.sleep(0.1)  # longer than an edit waits
        await destination.post(ANSWER)
        assert_only(desk, inquiry)

    async def test_a_message_whose_edits_fail_waits_for_its_end(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        destination = desk.to(desk.process(streaming="update"), inquiry)
        await destination.show_draft(DRAFT)
        await desk.shown(inquiry, "Settings")
        await desk.sim.fault("http_500", method="chat.update")
        await destination.show_draft(LONGER)
        await desk.sim.wait_for(lambda: desk.sim.calls("chat.update"))
        await destination.post(ANSWER)
        assert_only(desk, inquiry)

    @pytest.mark.parametrize("kind", ["lost_reply", "http_500"])
    async def test_a_draft_that_slack_did_not_confirm_leaves_one_message(
        self, desk: DeliveryBench, kind: str
    ) -> None:
        inquiry = await desk.inquiry()
        destination = desk.to(desk.process(streaming="update"), inquiry)
        await desk.sim.fault(kind, method="chat.postMessage")
        await destination.show_draft(DRAFT)
        await desk.sim.wait_for(lambda: desk.sim.calls("chat.postMessage"))
        await destination.post(ANSWER)
        assert_only(desk, inquiry)

    async def test_a_streamed_message_that_was_deleted_is_posted_anew(
        self, desk: DeliveryBench
    ) -> None:
        inquiry, destination = await streaming(desk)
        desk.sim.workspace.delete(inquiry.channel, desk.replies(inquiry)[0]["ts"])
        await destination.post(ANSWER)
        assert_only(desk, inquiry)

    async def test_no_draft_is_begun_that_could_wait_long_for_its_end(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = await desk.inquiry()
        few = Sender({"chat.update": Rate(24, 60.0)})
        destination = desk.to(desk.process(streaming="update", sender=few), inquiry)
        await destination.show_draft(LONGER)
        await asyncio.sleep(0.05)  # longer than the first draft waits
        await destination.post(ANSWER)
        assert {entry.name for entry in desk.sim.calls()} == {"chat.postMessage"}

    async def test_a_disk_that_takes_no_note_ends_the_drafts(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        desk.notebook.failures = 1
        destination = desk.to(desk.process(first_draft=0.0), inquiry)
        await destination.show_draft(LONGER)
        await asyncio.sleep(0.05)
        await destination.post(ANSWER)
        assert_only(desk, inquiry)
        assert desk.count("chat.startStream") == 0

    async def test_off_means_one_post(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        destination = desk.to(desk.process(streaming="off"), inquiry)
        await destination.show_draft(LONGER)
        await destination.post(ANSWER)
        assert_only(desk, inquiry)
        assert {entry.name for entry in desk.sim.calls()} == {"chat.postMessage"}


class TestReaderStops:
    async def test_nothing_more_is_said_and_what_is_there_stays(self, desk: DeliveryBench) -> None:
        inquiry, destination = await streaming(desk)
        desk.sim.people.stop("U0ANN", inquiry.channel, inquiry.thread)
        with pytest.raises(Stopped):
            await destination.post(ANSWER)
        assert [reply["text"] for reply in desk.replies(inquiry)] == [DRAFT]

    async def test_the_next_draft_tells_that_it_was_stopped(self, desk: DeliveryBench) -> None:
        inquiry, destination = await streaming(desk)
        desk.sim.people.stop("U0ANN", inquiry.channel, inquiry.thread)
        await destination.show_draft(LONGER + "And")
        with pytest.raises(Stopped):
            await asyncio.wait_for(_keep_showing(destination), 5.0)
        assert [reply["text"] for reply in desk.replies(inquiry)] == [DRAFT]

    async def test_so_it_is_when_slack_tells_on_an_addition_only(self, desk: DeliveryBench) -> None:
        inquiry, destination = await streaming(desk)
        await desk.sim.fault("api_error", method="chat.appendStream", error="stopped_by_user")
        await destination.show_draft(LONGER + "And")
        await desk.sim.wait_for(lambda: desk.sim.calls("chat.appendStream"))
        with pytest.raises(Stopped):
            await destination.post(ANSWER)
        assert [reply["text"] for reply in desk.replies(inquiry)] == [DRAFT]

    async def test_it_stays_so_after_a_restart(self, desk: DeliveryBench) -> None:
        inquiry, destination = await streaming(desk)
        desk.sim.people.stop("U0ANN", inquiry.channel, inquiry.thread)
        with pytest.raises(Stopped):
            await destination.post(ANSWER)
        made = len(desk.sim.calls())
        again = desk.to(desk.process(), inquiry, tries=2)
        with pytest.raises(Stopped):
            await again.show_draft(LONGER)
        with pytest.raises(Stopped):
            await again.post(ANSWER)
        assert len(desk.sim.calls()) == made


async def _keep_showing(destination: Destination) -> None:
    while True:
        await destination.show_draft(LONGER + "And")
        await asyncio.sleep(0.01)


class TestAfterAKill:
    async def test_a_stream_that_was_noted_becomes_the_answer(self, desk: DeliveryBench) -> None:
        inquiry, killed = await streaming(desk)
        await desk.notebook.wait_for(inquiry.key, "draft")
        await killed.close()
        await desk.to(desk.process(), inquiry, tries=2, reply=ANSWER).post(ANSWER)
        assert_only(desk, inquiry)
        assert desk.count("chat.postMessage") == 0

    async def test_a_stream_whose_ts_was_not_noted_is_found(self, desk: DeliveryBench) -> None:
        inquiry, left = await desk.inquiry(), []

        def keep(change: Change) -> None:
            if change.message is not None and change.message.get("bot_id"):
                left.append(dict(desk.notebook.notes.get(inquiry.key, {})))

        desk.sim.workspace.feed.listen(keep)
        killed = desk.to(desk.process(), inquiry)
        await killed.show_draft(LONGER)
        await desk.shown(inquiry, "Settings")
        await killed.close()
        desk.notebook.notes[inquiry.key] = left[0]  # as the process was killed in that moment
        await desk.to(desk.process(), inquiry, tries=2).post(ANSWER)
        assert_only(desk, inquiry)

    async def test_what_belongs_to_another_question_is_not_taken(self, desk: DeliveryBench) -> None:
        mine = await desk.inquiry()
        answered, streamed = [await desk.inquiry(thread=mine.thread) for _ in range(2)]
        desk.notebook.notes[mine.key] = {"draft": ""}
        delivery = desk.process()
        await desk.to(delivery, answered).post(APOLOGY)
        busy = desk.to(delivery, streamed)
        await busy.show_draft(LONGER)
        await desk.shown(mine, "Settings")
        await desk.to(delivery, mine, tries=2).post(ANSWER)
        await busy.post(APOLOGY)
        texts = [reply["text"] for reply in desk.replies(mine)]
        assert texts == [APOLOGY.text, APOLOGY.text, ANSWER.text]

    async def test_a_message_that_was_being_edited_becomes_the_answer(
        self, desk: DeliveryBench
    ) -> None:
        inquiry, killed = await streaming(desk, streaming="update")
        await killed.close()
        desk.notebook.notes[inquiry.key] = {"posting": True}
        await desk.to(desk.process(), inquiry).post(ANSWER)
        assert_only(desk, inquiry)

    async def test_a_draft_on_its_way_when_work_ends_is_not_left_behind(
        self, desk: DeliveryBench
    ) -> None:
        inquiry, delivery = await desk.inquiry(), desk.process()
        first = desk.to(delivery, inquiry)
        await desk.sim.fault("slow", method="chat.startStream", seconds=0.1)
        await first.show_draft(LONGER)
        await desk.notebook.wait_for(inquiry.key, "draft", empty=True)
        await first.close()
        await desk.to(delivery, inquiry).post(ANSWER)
        assert_only(desk, inquiry)

    async def test_a_repeated_try_shows_no_drafts(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        await desk.to(desk.process(), inquiry).post(ANSWER)
        destination = desk.to(desk.process(first_draft=0.0), inquiry, tries=2)
        await destination.show_draft(LONGER)
        await asyncio.sleep(0.1)  # longer than the first draft waits
        await destination.post(ANSWER)
        assert_only(desk, inquiry)
        assert desk.count("chat.startStream") == 0

    async def test_a_second_try_in_the_same_process_goes_on_with_the_stream(
        self, desk: DeliveryBench
    ) -> None:
        inquiry, delivery = await desk.inquiry(), desk.process(append=0.1)
        first = desk.to(delivery, inquiry)
        await first.show_draft(DRAFT + "And")
        await desk.shown(inquiry, "Settings")
        await first.show_draft(LONGER + "And")
        await desk.to(delivery, inquiry).post(ANSWER)  # the first was not closed
        await asyncio.sleep(0.2)  # longer than an addition waits
        assert_only(desk, inquiry)


class TestNeighbours:
    async def test_of_two_answers_in_a_thread_one_streams(self, desk: DeliveryBench) -> None:
        first = await desk.inquiry()
        second = await desk.inquiry(thread=first.thread)
        delivery = desk.process()
        streamed, edited = desk.to(delivery, first), desk.to(delivery, second)
        await streamed.show_draft(LONGER)
        await desk.shown(first, "Settings")
        await edited.show_draft("Press the *button*. ")
        await desk.shown(first, "Press")
        await streamed.post(ANSWER)
        await edited.post(APOLOGY)
        assert [reply["text"] for reply in desk.replies(first)] == [ANSWER.text, APOLOGY.text]
        assert desk.count("chat.startStream") == 1


RATE: dict[str, Json] = {"rate_limit": {"retry_after_seconds": 0.05}}
