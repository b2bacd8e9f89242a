"""Messages, threads and what the bot shows: the page as people read and write on it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from .blocks import button
from .chat import Chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ANSWER = [
    {"type": "markdown", "text": "Open **Settings**.\n\n1. Pick a day\n   - weekly\n2. Save"},
    {
        "type": "context",
        "elements": [{"type": "mrkdwn", "text": "<https://clockify.me/help/lock|Lock &amp; key>"}],
    },
]
FEEDBACK = {
    "type": "context_actions",
    "block_id": "feedback:thread",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "answer_feedback",
            "positive_button": {
                "text": {"type": "plain_text", "text": "Helpful"},
                "value": "a_1:up",
            },
            "negative_button": {
                "text": {"type": "plain_text", "text": "Not helpful"},
                "value": "a_1:down",
            },
        }
    ],
}


async def test_typed_message_appears_with_its_format_and_the_field_is_empty(chat: Chat) -> None:
    await chat.open()
    await chat.field.press_sequentially("Hello *team*, see https://clockify.me")
    await chat.field.press("Shift+Enter")
    await chat.field.press_sequentially("& `code`")
    await chat.field.press("Enter")

    body = chat.rows.last.locator(".message-body")
    await expect(body).to_have_text("Hello team, see https://clockify.me\n& code")
    await expect(body.locator("strong")).to_have_text("team")
    await expect(body.get_by_role("link")).to_have_attribute("href", "https://clockify.me/")
    await expect(chat.rows.last.locator(".author")).to_have_text("Ann Agent")
    await expect(chat.page.get_by_role("separator", name="Today")).to_be_visible()
    await expect(chat.field).to_have_value("")
    assert chat.sim.messages("C0GEN")[0]["text"] == (
        "Hello *team*, see <https://clockify.me>\n&amp; `code`"
    )


async def test_bot_reply_opens_the_thread_with_its_blocks_and_links(chat: Chat) -> None:
    await chat.open()
    ts = await chat.say("How do I lock timesheets? @clockify-bot")
    await expect(chat.rows.last.locator(".pill")).to_have_text("@clockify-bot")

    await chat.bot.post("Open Settings.", thread_ts=ts, blocks=ANSWER)

    reply = chat.thread.get_by_role("article").last
    await expect(reply.locator(".app-badge")).to_have_text("APP")
    await expect(reply.locator("strong")).to_have_text("Settings")
    await expect(reply.locator("ol > li")).to_have_text([re.compile("Pick a day"), "Save"])
    await expect(reply.locator("ol ul > li")).to_have_text("weekly")
    source = reply.get_by_role("link", name="Lock & key")
    await expect(source).to_have_attribute("href", "https://clockify.me/help/lock")
    await expect(source).to_have_attribute("rel", "noopener noreferrer")
    await expect(source).to_have_attribute("target", "_blank")
    await expect(chat.field).to_be_focused()  # a reply does not take the focus away
    await expect(chat.rows.last.locator(".reply-count")).to_have_text("1 reply")


async def test_other_threads_stay_closed_until_clicked_and_close_with_escape(chat: Chat) -> None:
    ts = await chat.sim.post("U0ADA", "C0GEN", "A question of Ada")
    await chat.open()
    await chat.bot.post("first", thread_ts=ts)
    await chat.bot.post("second", thread_ts=ts)

    summary = chat.page.get_by_role("button", name="2 replies · View thread")
    await expect(summary).to_be_visible()
    await expect(chat.thread).to_be_hidden()
    await chat.rows.last.locator(".message-body").click()
    bodies = chat.thread.locator(".message-body")
    await expect(bodies).to_have_text(["A question of Ada", "first", "second"])
    await expect(chat.thread.get_by_role("separator")).to_have_text("2 replies")

    await chat.page.keyboard.type("a reply of mine")
    await chat.page.keyboard.press("Enter")
    await expect(bodies.last).to_have_text("a reply of mine")
    await expect(chat.rows).to_have_count(1)
    await expect(chat.rows.locator(".reply-count")).to_have_text("3 replies")
    await chat.page.keyboard.press("Escape")
    await expect(chat.thread).to_be_hidden()


async def test_a_link_to_a_message_opens_it_here_and_not_at_slack(chat: Chat) -> None:
    ts = await chat.sim.post("U0ADA", "C0RND", "A question of Ada")
    await chat.bot.post("the answer", channel="C0RND", thread_ts=ts)
    address = f"{chat.sim.url}/api/chat.getPermalink"
    query = {"channel": "C0RND", "message_ts": ts, "token": chat.sim.bot_token}
    async with chat.bot.session.get(address, params=query) as response:
        link = await response.json()
    await chat.open()
    await chat.bot.post(f"<{link['permalink']}|Open the conversation>")
    await chat.page.get_by_role("link", name="Open the conversation").click()

    await expect(chat.page.locator("#channel-title")).to_have_text("#random")
    await expect(chat.thread.get_by_role("article").last).to_contain_text("the answer")
    assert len(chat.page.context.pages) == 1


async def test_a_reply_being_written_is_not_disturbed_by_another_thread(chat: Chat) -> None:
    await chat.open()
    ts = await chat.say("first question")
    await chat.bot.post("first answer", thread_ts=ts)
    await chat.page.locator("#thread-input").fill("half a thought")
    other = await chat.say("second question")
    await chat.bot.post("second answer", thread_ts=other)

    await expect(chat.rows.last.locator(".reply-count")).to_have_text("1 reply")
    await expect(chat.page.locator("#thread-input")).to_have_value("half a thought")
    await expect(chat.thread.get_by_text("first answer")).to_be_visible()


async def test_ephemeral_messages_are_marked_and_only_for_one_person(chat: Chat) -> None:
    await chat.open()
    await chat.bot.call("chat.postEphemeral", channel="C0GEN", user="U0ANN", text="Just for Ann")

    row = chat.rows.filter(has_text="Just for Ann")
    await expect(row.locator(".privacy")).to_have_text("Only visible to you")
    await expect(row).to_have_class(re.compile(r"\bephemeral\b"))
    await expect(row.get_by_role("button", name="Reply in thread")).to_have_count(0)
    await chat.page.get_by_label("Act as").select_option("U0ADA")
    await expect(chat.rows).to_have_count(0)


async def test_edits_replace_the_text_and_deletions_remove_the_row(chat: Chat) -> None:
    await chat.open()
    ts = await chat.bot.post("Searching …")
    await expect(chat.rows.last).to_contain_text("Searching …")
    await chat.bot.call("chat.update", channel="C0GEN", ts=ts, text="Found *it*")

    await expect(chat.rows.last.locator("strong")).to_have_text("it")
    await expect(chat.rows).to_have_count(1)
    await chat.bot.call("chat.delete", channel="C0GEN", ts=ts)
    await expect(chat.rows).to_have_count(0)


async def test_an_edited_root_keeps_its_replies(chat: Chat) -> None:
    await chat.open()
    ts = await chat.bot.post("root")
    await chat.bot.post("reply", thread_ts=ts)
    await expect(chat.rows.locator(".reply-count")).to_have_text("1 reply")
    await chat.bot.call("chat.update", channel="C0GEN", ts=ts, text="new root")

    await expect(chat.rows.locator(".message-body")).to_have_text(re.compile("new root"))
    await expect(chat.rows.locator(".reply-count")).to_have_text("1 reply")


async def test_feedback_sends_its_value_and_stays_pressed(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open()
        ts = await chat.bot.post("An answer", blocks=[*ANSWER, FEEDBACK])
        thumb = chat.page.get_by_role("button", name="Not helpful", exact=True)
        await thumb.click()

        await expect(thumb).to_have_attribute("aria-pressed", "true")
        action = await chat.action()
        assert (action["action_id"], action["value"]) == ("answer_feedback", "a_1:down")
        await chat.bot.call("chat.update", channel="C0GEN", ts=ts, text="x", blocks=[FEEDBACK])
        await expect(chat.rows.last.locator("strong")).to_have_count(0)
        await expect(thumb).to_have_attribute("aria-pressed", "true")
        await expect(thumb).to_be_focused()


async def test_buttons_ask_first_when_told_to_and_links_open_elsewhere(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open()
        texts = {"title": "Delete?", "text": "For everyone.", "confirm": "Delete", "deny": "Keep"}
        confirm = {name: {"type": "plain_text", "text": text} for name, text in texts.items()}
        elements = [
            button("Erase", "erase", style="danger", value="a_1", confirm=confirm),
            button("Article", "article", url="https://clockify.me/help"),
            button("Bad", "bad", url="http:javascript"),
        ]
        await chat.bot.post("Choose", blocks=[{"type": "actions", "elements": elements}])
        erase = chat.page.get_by_role("button", name="Erase")
        await expect(erase).to_have_class("button danger")
        await expect(chat.page.get_by_role("link", name="Article")).to_have_attribute(
            "href", "https://clockify.me/help"
        )

        await erase.click()
        await chat.page.get_by_role("button", name="Keep").click()
        assert chat.sim.envelopes("interactive") == ()
        await erase.click()
        await chat.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        assert (await chat.action())["value"] == "a_1"


async def test_banner_tells_whether_the_bot_and_the_local_slack_are_there(chat: Chat) -> None:
    await chat.open()
    banner = chat.page.locator("#banner")
    await expect(banner).to_contain_text("The bot is not connected")
    async with chat.bot.connected():
        await expect(banner).to_be_hidden()

    await chat.sim.stop()
    await expect(banner).to_contain_text("The local Slack does not answer")
    await chat.field.fill("do not lose this")
    await chat.field.press("Enter")
    await expect(chat.page.locator(".toast")).to_contain_text("Is it still running?")
    await expect(chat.field).to_have_value("do not lose this")


async def test_a_deleted_root_closes_its_thread(chat: Chat) -> None:
    await chat.open()
    ts = await chat.bot.post("root")
    await chat.rows.last.hover()
    await chat.page.get_by_role("button", name="Reply in thread").click()
    await expect(chat.page.locator("#thread-input")).to_be_focused()
    await chat.bot.call("chat.delete", channel="C0GEN", ts=ts)
    await expect(chat.thread).to_be_hidden()
    await expect(chat.field).to_be_focused()


async def test_a_refusal_is_shown_as_a_sentence_that_can_be_dismissed(chat: Chat) -> None:
    await chat.open(actor="U0NOBODY")
    await expect(chat.page.get_by_role("alert")).to_contain_text("'U0NOBODY'")
    await expect(chat.page.get_by_label("Act as")).to_have_value("U0ANN")
    await chat.page.get_by_role("button", name="Dismiss").click()
    await expect(chat.page.locator(".toast")).to_have_count(0)
