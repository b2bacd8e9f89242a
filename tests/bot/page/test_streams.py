"""What the bot shows while it works: the status line, and an answer that grows."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .chat import Chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_status_is_shown_until_the_bot_answers(chat: Chat) -> None:
    await chat.open()
    ts = await chat.say("What now?")
    place = {"channel_id": "C0GEN", "thread_ts": ts}
    await chat.bot.call("assistant.threads.setStatus", **place, status="is searching…")
    status = chat.page.locator("#channel-composer .status")
    await expect(status).to_have_text("clockify-bot is searching…")

    await chat.bot.post("Here it is", thread_ts=ts)
    await expect(status).to_have_text("")


async def test_loading_messages_are_shown_as_they_are(chat: Chat) -> None:
    await chat.open()
    ts = await chat.say("What now?")
    place = {"channel_id": "C0GEN", "thread_ts": ts, "status": "is searching…"}
    await chat.bot.call("assistant.threads.setStatus", **place, loading_messages=["Reading…"])
    await expect(chat.page.locator("#channel-composer .status")).to_have_text("Reading…")


async def test_a_stream_grows_with_its_tasks_and_can_be_stopped(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open()
        ts = await chat.say("How do I lock timesheets?")
        source = {"type": "url", "url": "https://clockify.me/help/lock", "text": "Lock timesheets"}
        task = {"type": "task_update", "id": "1", "title": "Searching", "status": "in_progress"}
        done = task | {"status": "complete", "sources": [source]}
        reader = {"recipient_user_id": "U0ANN", "recipient_team_id": "T0SIM"}
        started = await chat.bot.call(
            "chat.startStream", channel="C0GEN", thread_ts=ts, chunks=[task], **reader
        )
        stream = {"channel": "C0GEN", "ts": started["ts"]}
        reply = chat.thread.get_by_role("article").last
        await expect(reply.locator(".task")).to_have_text("In progress: Searching")
        await expect(reply).to_have_attribute("aria-busy", "true")
        text = {"type": "markdown_text", "text": "Open **Sett"}
        await chat.bot.call("chat.appendStream", **stream, chunks=[done, text])
        await expect(reply.locator(".task")).to_have_text("Done: SearchingLock timesheets")
        await chat.bot.call("chat.appendStream", **stream, markdown_text="ings**.")
        await expect(reply.locator("strong")).to_have_text("Settings")

        stop = chat.thread.get_by_role("button", name="Stop")
        await stop.click()
        await expect(stop).to_be_hidden()
        await expect(reply).not_to_have_attribute("aria-busy", "true")
        await expect(chat.page.locator("#thread-input")).to_be_focused()
        with pytest.raises(AssertionError, match="stopped_by_user"):
            await chat.bot.call("chat.appendStream", **stream, markdown_text="more")
