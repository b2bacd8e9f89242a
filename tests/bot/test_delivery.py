"""Replies to the local Slack: where they go, and that each is there exactly once."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler

from bot.delivery import TryLater
from bot.message import Message
from bot.response_url import is_slacks
from bot.simulator.feed import Change
from bot.simulator.server import Simulator
from bot.slack_calls import reply_metadata
from bot.tasks import Inquiry, Surface

from .delivery_bench import ANSWER, APOLOGY, DeliveryBench, delivery_bench

Json = dict[str, Any]
FLAGS = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}


@pytest.fixture
async def desk(sim: Simulator) -> AsyncIterator[DeliveryBench]:
    """Give what a process needs to deliver."""
    async with delivery_bench(sim) as made:
        yield made


async def command(desk: DeliveryBench) -> Inquiry:
    """Let U0ANN use /clockify."""
    url = desk.sim.site.responses.issue("C0GEN", "U0ANN")
    return Inquiry(
        key="command 1",
        text="how?",
        surface=Surface.COMMAND,
        team="T0SIM",
        user="U0ANN",
        channel="C0GEN",
        response_url=url,
    )


def privates(desk: DeliveryBench) -> list[Json]:
    """List what U0ANN alone sees in C0GEN."""
    public = {message["ts"] for message in desk.sim.messages("C0GEN")}
    seen = desk.sim.messages("C0GEN", viewer="U0ANN")
    return [message for message in seen if message["ts"] not in public]


def posts(desk: DeliveryBench) -> list[Json]:
    """List what was posted to response_urls."""
    entries = desk.sim.site.feed.entries()
    return [entry.body for entry in entries if entry.kind == "response_url"]


class TestThreads:
    async def test_a_mention_gets_one_reply_in_its_thread(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        ts = await desk.to(desk.process(), inquiry).post(ANSWER)
        (reply,) = desk.replies(inquiry)
        assert (reply["ts"], reply["text"]) == (ts, ANSWER.text)
        assert reply["metadata"] == reply_metadata(inquiry.key)
        assert desk.sim.calls("chat.postMessage")[0].body.items() >= FLAGS.items()

    async def test_a_message_without_a_thread_is_replied_to_under_itself(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = await desk.inquiry()
        await desk.to(desk.process(), dataclasses.replace(inquiry, thread="")).post(ANSWER)
        assert len(desk.replies(inquiry)) == 1

    async def test_blocks_that_slack_refuses_are_left_out(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        bad = Message("Only words.", ({"type": "section"},))
        await desk.to(desk.process(), inquiry).post(bad)
        assert [reply["text"] for reply in desk.replies(inquiry)] == ["Only words."]

    async def test_what_slack_refuses_for_good_is_raised_at_once(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        await desk.sim.fault("api_error", method="chat.postMessage", error="is_archived")
        with pytest.raises(SlackApiError, match="is_archived"):
            await desk.to(desk.process(), inquiry).post(ANSWER)
        assert desk.count("conversations.replies") == 0

    async def test_a_notice_is_for_the_asker_alone(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        await desk.to(desk.process(), inquiry).say(APOLOGY)
        assert desk.replies(inquiry) == []
        (entry,) = desk.sim.calls("chat.postEphemeral")
        assert (entry.body["user"], entry.body["thread_ts"]) == ("U0ANN", inquiry.thread)

    async def test_a_notice_that_cannot_be_for_one_is_a_reply(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        await desk.sim.fault("api_error", method="chat.postEphemeral", error="user_not_in_channel")
        await desk.to(desk.process(), inquiry).say(APOLOGY)
        assert [reply["text"] for reply in desk.replies(inquiry)] == [APOLOGY.text]

    async def test_a_notice_in_a_direct_message_is_a_reply(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry(channel="D0ANN", surface=Surface.DIRECT)
        await desk.to(desk.process(), inquiry).say(APOLOGY)
        assert [reply["text"] for reply in desk.replies(inquiry)] == [APOLOGY.text]


class TestExactlyOnce:
    @pytest.mark.parametrize("kind", ["lost_reply", "http_500 done", "http_500"])
    async def test_a_reply_that_slack_did_not_confirm_is_there_once(
        self, desk: DeliveryBench, kind: str
    ) -> None:
        inquiry = await desk.inquiry()
        options = {"is_done": True} if kind.endswith("done") else {}
        await desk.sim.fault(kind.split()[0], method="chat.postMessage", **options)
        ts = await desk.to(desk.process(), inquiry).post(ANSWER)
        assert [reply["ts"] for reply in desk.replies(inquiry)] == [ts]

    async def test_the_sdks_own_retries_would_post_it_twice(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        desk.client.retry_handlers = [AsyncConnectionErrorRetryHandler()]
        await desk.sim.fault("lost_reply", method="chat.postMessage")
        await desk.client.chat_postMessage(
            channel=inquiry.channel, thread_ts=inquiry.thread, text="twice"
        )
        assert len(desk.replies(inquiry)) == 2
        await desk.sim.fault("lost_reply", method="chat.postMessage")
        await desk.to(desk.process(), inquiry).post(ANSWER)
        assert len(desk.replies(inquiry)) == 3

    async def test_after_a_kill_the_reply_is_found_and_not_posted_again(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = await desk.inquiry()
        ts = await desk.to(desk.process(), inquiry).post(ANSWER)
        again = desk.to(desk.process(), inquiry, tries=2, reply=ANSWER)
        assert await again.post(ANSWER) == ts
        assert desk.count("chat.postMessage") == 1

    async def test_a_try_that_was_handed_back_and_does_not_count_is_looked_for(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = await desk.inquiry()
        await desk.to(desk.process(), inquiry).post(ANSWER)
        await desk.to(desk.process(), inquiry, tries=1).post(ANSWER)
        assert len(desk.replies(inquiry)) == 1

    async def test_a_post_of_the_killed_process_may_still_be_under_way(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = await desk.inquiry()
        again = desk.to(desk.process(settle=0.3), inquiry, tries=2, reply=ANSWER)
        posting = asyncio.create_task(again.post(ANSWER))
        await asyncio.sleep(0.1)
        await desk.client.chat_postMessage(
            channel=inquiry.channel,
            thread_ts=inquiry.thread,
            text=ANSWER.text,
            metadata=reply_metadata(inquiry.key),
        )
        await posting
        assert len(desk.replies(inquiry)) == 1

    async def test_what_another_process_did_between_two_tries_is_looked_for(
        self, desk: DeliveryBench
    ) -> None:
        inquiry, delivery = await desk.inquiry(), desk.process()
        await desk.to(delivery, inquiry).close()  # handed back before anything was posted
        await desk.to(desk.process(), inquiry).post(ANSWER)
        await desk.to(delivery, inquiry, tries=2).post(ANSWER)
        assert len(desk.replies(inquiry)) == 1

    async def test_an_apology_does_not_replace_an_answer_that_is_there(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = await desk.inquiry()
        await desk.to(desk.process(), inquiry).post(ANSWER)
        await desk.to(desk.process(), inquiry, tries=4).post(APOLOGY)
        assert [reply["text"] for reply in desk.replies(inquiry)] == [ANSWER.text]

    async def test_replies_to_other_questions_of_the_thread_are_not_taken_for_it(
        self, desk: DeliveryBench
    ) -> None:
        first = await desk.inquiry()
        second = await desk.inquiry(thread=first.thread)
        delivery = desk.process()
        await desk.to(delivery, second).post(APOLOGY)
        await desk.to(delivery, first, tries=2).post(ANSWER)
        assert [reply["text"] for reply in desk.replies(first)] == [APOLOGY.text, ANSWER.text]

    async def test_somebody_elses_message_with_the_key_does_not_count(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = await desk.inquiry()
        desk.sim.workspace.post(
            inquiry.channel,
            author="U0ANN",
            text="me too",
            thread_ts=inquiry.thread,
            metadata=reply_metadata(inquiry.key),
        )
        await desk.to(desk.process(), inquiry, tries=2).post(ANSWER)
        assert len(desk.replies(inquiry)) == 1

    async def test_a_reply_on_a_later_page_is_found(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        for number in range(205):
            await desk.sim.post("U0ADA", inquiry.channel, f"{number}", inquiry.thread)
        await desk.to(desk.process(), inquiry).post(ANSWER)
        await desk.to(desk.process(), inquiry, tries=2).post(ANSWER)
        assert len(desk.replies(inquiry)) == 1
        assert desk.count("conversations.replies") == 2

    async def test_of_two_candidates_the_first_is_the_reply(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        metadata = reply_metadata(inquiry.key)
        sent = [
            await desk.client.chat_postMessage(
                channel=inquiry.channel, thread_ts=inquiry.thread, text=text, metadata=metadata
            )
            for text in ("one", "two")
        ]
        found = await desk.to(desk.process(), inquiry, tries=2).post(ANSWER)
        assert found == sent[0]["ts"]

    async def test_cancelled_while_it_posts_the_next_try_looks_first(
        self, desk: DeliveryBench
    ) -> None:
        inquiry, delivery = await desk.inquiry(), desk.process()
        claim = desk.claim(inquiry)  # the same for the apology: its notes are old by then
        posting = asyncio.create_task(delivery.to(inquiry, claim=claim).post(ANSWER))

        def cancel(_: Change) -> None:
            posting.cancel()

        desk.sim.workspace.feed.listen(cancel)
        await asyncio.wait({posting})
        assert posting.cancelled()
        await delivery.to(inquiry, claim=claim).post(APOLOGY)
        assert [reply["text"] for reply in desk.replies(inquiry)] == [ANSWER.text]

    @pytest.mark.parametrize("error", ["missing_scope", "not_in_channel"])
    async def test_where_the_bot_may_not_look_it_posts_and_warns_once(
        self, desk: DeliveryBench, error: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        inquiry, delivery = await desk.inquiry(), desk.process()
        await desk.sim.fault("api_error", method="conversations.replies", error=error, times=2)
        await desk.to(delivery, inquiry, tries=2).post(ANSWER)
        await desk.to(delivery, inquiry, tries=2).post(ANSWER)
        assert len(desk.replies(inquiry)) == 2
        warnings = [r for r in caplog.records if r.levelname == "WARNING"]
        assert ["channels:history" in record.message for record in warnings] == [True]

    async def test_where_looking_fails_it_waits_for_a_later_try(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        await desk.sim.fault("http_500", method="conversations.replies", times=3)
        with pytest.raises(TryLater):
            await desk.to(desk.process(), inquiry, tries=2).post(ANSWER)
        assert desk.replies(inquiry) == []
        await desk.to(desk.process(), inquiry, tries=3).post(ANSWER)
        assert len(desk.replies(inquiry)) == 1

    async def test_looking_is_tried_again(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        await desk.to(desk.process(), inquiry).post(ANSWER)
        await desk.sim.fault("http_500", method="conversations.replies", times=2)
        await desk.to(desk.process(), inquiry, tries=2).post(ANSWER)
        assert len(desk.replies(inquiry)) == 1

    async def test_after_three_failures_it_waits_for_a_later_try(self, desk: DeliveryBench) -> None:
        inquiry, delivery = await desk.inquiry(), desk.process()
        await desk.sim.fault("http_500", method="chat.postMessage", times=3)
        with pytest.raises(TryLater):
            await desk.to(delivery, inquiry).post(ANSWER)
        await desk.to(delivery, inquiry).post(APOLOGY)
        assert [reply["text"] for reply in desk.replies(inquiry)] == [APOLOGY.text]

    async def test_several_messages_of_a_task_count_one_each(self, desk: DeliveryBench) -> None:
        inquiry, delivery = await desk.inquiry(), desk.process()
        for tries, parts in ((1, [""]), (2, ["", "told"]), (3, ["", "told"])):
            claim = desk.claim(inquiry, tries=tries)
            for part in parts:
                await delivery.in_thread("C0GEN", "", claim=claim, part=part).post(ANSWER)
        posted = [m for m in desk.sim.messages("C0GEN") if m.get("bot_id")]
        assert len(posted) == 2

    async def test_this_machines_clock_may_be_ahead(self, desk: DeliveryBench) -> None:
        inquiry, delivery = await desk.inquiry(), desk.process()
        for tries in (1, 2):
            claim = desk.claim(inquiry, tries=tries)
            claim = dataclasses.replace(claim, received_at=claim.received_at + 200)
            await delivery.in_thread("C0GEN", "", claim=claim).post(ANSWER)
        assert desk.count("chat.postMessage") == 1

    async def test_a_persons_id_is_nowhere_to_look(
        self, desk: DeliveryBench, caplog: pytest.LogCaptureFixture
    ) -> None:
        claim = desk.claim(await desk.inquiry(), tries=2)
        await desk.process().in_direct("U0ANN", claim=claim).post(ANSWER)
        assert desk.count("conversations.history") == 0
        assert "scopes" not in caplog.text


class TestOneAskersEyes:
    async def test_a_private_channel_answer_is_seen_by_the_asker(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        await desk.to(desk.process(), inquiry, is_private=True).post(ANSWER)
        assert desk.replies(inquiry) == []
        seen = desk.sim.messages(inquiry.channel, inquiry.thread, viewer="U0ANN")
        assert [message["text"] for message in seen[1:]] == [ANSWER.text]

    async def test_it_is_shown_again_when_slack_did_not_confirm_it(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = await desk.inquiry()
        await desk.sim.fault("http_500", method="chat.postEphemeral", times=2)
        await desk.to(desk.process(), inquiry, is_private=True).post(ANSWER)
        seen = desk.sim.messages(inquiry.channel, inquiry.thread, viewer="U0ANN")
        assert len(seen) == 2

    async def test_in_a_direct_message_nothing_needs_hiding(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry(channel="D0ANN", surface=Surface.DIRECT)
        await desk.to(desk.process(), inquiry, is_private=True).post(ANSWER)
        assert len(desk.replies(inquiry)) == 1


class TestCommands:
    async def test_the_answer_is_private(self, desk: DeliveryBench) -> None:
        inquiry = await command(desk)
        assert await desk.to(desk.process(), inquiry).post(ANSWER) == ""
        assert [message["text"] for message in privates(desk)] == [ANSWER.text]
        (entry,) = posts(desk)
        assert entry["sent"]["replace_original"] is True
        assert entry["sent"].items() >= FLAGS.items()

    async def test_it_does_not_overtake_the_acknowledgement(self, desk: DeliveryBench) -> None:
        inquiry = await command(desk)
        began = time.monotonic()
        await desk.to(desk.process(acknowledgement=0.1), inquiry).post(ANSWER)
        assert time.monotonic() - began >= 0.1
        began = time.monotonic()
        await desk.to(desk.process(acknowledgement=5.0), inquiry, tries=2).post(ANSWER)
        assert time.monotonic() - began < 1.0

    @pytest.mark.parametrize(
        "order",
        [
            {"kind": "lost_reply"},
            {"kind": "http_500"},
            {"kind": "rate_limit", "retry_after_seconds": 0.02},
        ],
        ids=lambda order: str(order["kind"]),
    )
    async def test_what_is_not_confirmed_is_said_again(
        self, desk: DeliveryBench, order: Json
    ) -> None:
        inquiry = await command(desk)
        await desk.sim.fault(order.pop("kind"), method="response_url", **order)
        await desk.to(desk.process(), inquiry).post(ANSWER)
        assert privates(desk)[-1]["text"] == ANSWER.text
        assert len(posts(desk)) == 2
        assert posts(desk)[-1]["sent"]["blocks"]
        assert desk.count("chat.postMessage") == 0

    async def test_blocks_that_slack_refuses_are_left_out(self, desk: DeliveryBench) -> None:
        inquiry = await command(desk)
        await desk.to(desk.process(), inquiry).post(Message("Words.", ({"type": "section"},)))
        assert [message["text"] for message in privates(desk)] == ["Words."]

    async def test_after_five_uses_it_becomes_a_direct_message(self, desk: DeliveryBench) -> None:
        inquiry = await command(desk)
        for tries in range(1, 7):  # each by a process of its own
            await desk.to(desk.process(), inquiry, tries=tries).post(ANSWER)
        assert len(posts(desk)) == 5
        assert len(desk.sim.messages("D0ANN")) == 1

    async def test_after_half_an_hour_it_becomes_a_direct_message(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = await command(desk)
        claim = desk.claim(inquiry)
        old = dataclasses.replace(claim, received_at=claim.received_at - 1_800)
        await desk.process().to(inquiry, claim=old).post(ANSWER)
        assert posts(desk) == []
        assert len(desk.sim.messages("D0ANN")) == 1

    async def test_when_slack_wants_a_long_pause_it_becomes_a_direct_message(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = await command(desk)
        await desk.sim.fault("rate_limit", method="response_url", retry_after_seconds=60, times=2)
        await desk.to(desk.process(), inquiry).post(ANSWER)
        assert len(desk.sim.messages("D0ANN")) == 1

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:9/response/1",
            "http://localhost:{port}/response/1",
            "http://user@127.0.0.1:{port}/response/1",
            "https://hooks.slack.com/commands/1",
            "http://127.0.0.1:{port}@evil.example/1",
            "http://127.0.0.1:port/",
        ],
    )
    async def test_an_address_that_is_not_slacks_gets_nothing(
        self, desk: DeliveryBench, url: str
    ) -> None:
        port = desk.sim.api_url.split(":")[2].split("/")[0]
        spoofed = dataclasses.replace(await command(desk), response_url=url.format(port=port))
        await desk.to(desk.process(), spoofed).post(ANSWER)
        assert len(desk.sim.messages("D0ANN")) == 1
        address = desk.process().response_url(spoofed.response_url)
        assert not await address.say(ANSWER)
        assert not await address.delete()
        assert posts(desk) == []

    @pytest.mark.parametrize(
        ("url", "is_good"),
        [
            ("https://hooks.slack.com/commands/T1/2/3", True),
            ("https://hooks.slack.com:443/actions/T1/2/3", True),
            ("https://hooks.slack.com:8443/actions/T1/2/3", False),
            ("http://hooks.slack.com/commands/T1/2/3", False),
            ("https://hooks.slack.com.evil.example/commands/T1/2/3", False),
            ("https://evil.example/hooks.slack.com", False),
            ("https://token@hooks.slack.com/commands/T1/2/3", False),
            ("http://127.0.0.1:3000/response/1", False),
            ("", False),
        ],
    )
    def test_in_earnest_only_slacks_own_host_does(self, url: str, is_good: bool) -> None:
        assert is_slacks(url, base_url="https://slack.com/api/") is is_good

    @pytest.mark.parametrize(
        ("url", "is_good"),
        [
            ("http://127.0.0.1:3000/response/1", True),
            ("http://127.0.0.1:3001/response/1", False),
            ("https://127.0.0.1:3000/response/1", False),
            ("http://localhost:3000/response/1", False),
            ("https://hooks.slack.com/commands/1", False),
        ],
    )
    def test_on_the_local_slack_only_its_own_address_does(self, url: str, is_good: bool) -> None:
        assert is_slacks(url, base_url="http://127.0.0.1:3000/api/") is is_good

    async def test_a_click_is_answered_beside_its_message(self, desk: DeliveryBench) -> None:
        message = desk.sim.workspace.post("C0GEN", author="U0SIM", text="An answer.")
        url = desk.sim.site.responses.issue("C0GEN", "U0ANN", message)
        await desk.sim.fault("lost_reply", method="response_url")
        assert await desk.process().response_url(url).say(APOLOGY)
        assert desk.sim.messages("C0GEN")[-1]["text"] == "An answer."
        assert {message["text"] for message in privates(desk)} == {APOLOGY.text}

    async def test_a_click_can_take_its_message_away(self, desk: DeliveryBench) -> None:
        url = desk.sim.site.responses.issue("C0GEN", "U0ANN")
        await desk.process().response_url(url).say(ANSWER)
        (message,) = privates(desk)
        url = desk.sim.site.responses.issue("C0GEN", "U0ANN", message)
        assert await desk.process().response_url(url).delete()
        assert privates(desk) == []


class TestDirectMessages:
    @pytest.mark.parametrize("surface", [Surface.FORM, Surface.HOME])
    async def test_an_answer_to_a_form_comes_as_a_direct_message(
        self, desk: DeliveryBench, surface: Surface
    ) -> None:
        inquiry = dataclasses.replace(await desk.inquiry(), surface=surface, channel="")
        await desk.to(desk.process(), inquiry).post(ANSWER)
        (message,) = desk.sim.messages("D0ANN")
        assert message["text"] == ANSWER.text

    async def test_an_answer_that_takes_a_while_is_announced_in_its_place(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = dataclasses.replace(await desk.inquiry(), surface=Surface.FORM, channel="")
        destination = desk.to(desk.process(), inquiry)
        await destination.show_searching()
        await desk.sim.wait_for(lambda: desk.sim.messages("D0ANN"))
        assert "how do I lock timesheets?" in desk.sim.messages("D0ANN")[0]["text"]
        await destination.post(ANSWER)
        (message,) = desk.sim.messages("D0ANN")
        assert message["text"] == ANSWER.text

    async def test_after_a_kill_the_announcement_becomes_the_answer(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = dataclasses.replace(await desk.inquiry(), surface=Surface.FORM, channel="")
        destination = desk.to(desk.process(), inquiry)
        await destination.show_searching()
        await desk.notebook.wait_for(inquiry.key, "draft")
        await destination.close()
        await desk.to(desk.process(), inquiry, tries=2).post(ANSWER)
        (message,) = desk.sim.messages("D0ANN")
        assert message["text"] == ANSWER.text
        assert desk.sim.calls("chat.update")[0].body["channel"] == "D0ANN"

    async def test_an_announcement_on_its_way_when_work_ends_is_not_left_behind(
        self, desk: DeliveryBench
    ) -> None:
        inquiry = dataclasses.replace(await desk.inquiry(), surface=Surface.FORM, channel="")
        delivery, closing = desk.process(first_draft=0.0), []
        destination = desk.to(delivery, inquiry)

        def close(_: Change) -> None:
            closing.append(asyncio.create_task(destination.close()))

        desk.sim.workspace.feed.listen(close)
        await destination.show_searching()
        await desk.sim.wait_for(lambda: closing)
        desk.sim.workspace.feed.forget(close)
        await asyncio.wait(closing)
        await desk.to(delivery, inquiry).post(ANSWER)
        assert [message["text"] for message in desk.sim.messages("D0ANN")] == [ANSWER.text]

    async def test_before_it_is_claimed_nothing_is_posted(self, desk: DeliveryBench) -> None:
        inquiry = dataclasses.replace(await desk.inquiry(), surface=Surface.FORM, channel="")
        waiting = desk.to(desk.process(first_draft=0.0), inquiry, tries=0)
        await waiting.show_waiting(7)
        await asyncio.sleep(0.1)  # longer than any other wait
        await waiting.close()
        assert desk.sim.messages("D0ANN") == []


class TestStatus:
    async def test_it_is_shown_while_work_goes_on(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        destination = desk.to(desk.process(), inquiry)
        workspace = desk.sim.workspace
        await destination.show_waiting(3)
        await desk.sim.wait_for(
            lambda: "2 questions before" in workspace.status("C0GEN", inquiry.thread)
        )
        await destination.show_searching()
        await desk.sim.wait_for(lambda: "is searching" in workspace.status("C0GEN", inquiry.thread))
        await destination.post(ANSWER)
        assert workspace.status("C0GEN", inquiry.thread) == ""

    async def test_it_is_shown_again_before_slack_takes_it_away(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        destination = desk.to(desk.process(status=0.02), inquiry)
        await destination.show_searching()
        await desk.sim.wait_for(lambda: desk.count("assistant.threads.setStatus") >= 3)
        await destination.close()

    async def test_one_that_is_on_its_way_is_not_left_behind(self, desk: DeliveryBench) -> None:
        inquiry = await desk.inquiry()
        destination = desk.to(desk.process(), inquiry)
        await desk.sim.fault("slow", method="assistant.threads.setStatus", seconds=0.2)
        await destination.show_searching()
        await asyncio.sleep(0)
        await destination.post(ANSWER)
        calls = [entry.name for entry in desk.sim.calls()]
        assert calls == ["assistant.threads.setStatus", "chat.postMessage"]

    @pytest.mark.parametrize(
        ("kind", "error", "calls"),
        [
            ("api_error", "unknown_method", 1),
            ("api_error", "missing_scope", 1),
            ("api_error", "internal_error", 2),
            ("lost_reply", "", 2),
        ],
    )
    async def test_only_a_workspace_without_statuses_switches_them_off(
        self, desk: DeliveryBench, kind: str, error: str, calls: int
    ) -> None:
        inquiry, delivery = await desk.inquiry(), desk.process()
        options = {"error": error} if error else {}
        await desk.sim.fault(kind, method="assistant.threads.setStatus", **options)
        for number in (1, 2):
            destination = desk.to(delivery, dataclasses.replace(inquiry, key=f"event {number}"))
            await destination.show_searching()
            await asyncio.sleep(0)
            await destination.post(ANSWER)
        assert desk.count("assistant.threads.setStatus") == calls
