"""The message field: completion of commands and people by keyboard, suggestions, drafts."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .chat import Chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SUGGESTIONS = ["@clockify-bot how do I lock timesheets?", "/clockify how do I track time"]


async def test_commands_are_completed_with_their_hint_and_description(chat: Chat) -> None:
    await chat.open()
    await chat.field.press_sequentially("/cl")
    await expect(chat.options).to_contain_text(["/clockify", "/clockify-rebuild"])
    await expect(chat.options.first).to_contain_text("[question]")
    await expect(chat.options.first).to_contain_text("Ask about Clockify; only you see the answer")
    await expect(chat.field).to_have_attribute("aria-expanded", "true")

    await chat.field.press("ArrowDown")
    await expect(chat.options.nth(1)).to_have_attribute("aria-selected", "true")
    active = await chat.field.get_attribute("aria-activedescendant")
    assert active == await chat.options.nth(1).get_attribute("id")
    await chat.field.press("Tab")
    await expect(chat.field).to_have_value("/clockify-rebuild ")
    await expect(chat.field).to_be_focused()
    await expect(chat.options).to_have_count(0)


async def test_people_are_completed_in_the_middle_of_a_text(chat: Chat) -> None:
    await chat.open()
    await chat.field.press_sequentially("(for @")
    await expect(chat.options).to_contain_text(
        ["clockify-bot", "Ann Agent", "Ada Admin", "Gus Guest"]
    )
    await chat.field.press_sequentially("adm")
    await expect(chat.options).to_contain_text(["Ada Admin"])
    await chat.field.press("Enter")
    await expect(chat.field).to_have_value("(for @ada ")
    await chat.field.press("Enter")
    await expect(chat.rows.last.locator(".pill")).to_have_text("@Ada Admin")


async def test_arrows_wrap_and_escape_closes_only_the_popup(chat: Chat) -> None:
    await chat.open()
    ts = await chat.say("hello")
    await chat.bot.post("hi", thread_ts=ts)
    await expect(chat.thread).to_be_visible()
    field = chat.page.locator("#thread-input")
    await field.press_sequentially("@")
    await field.press("ArrowUp")
    await expect(chat.options.last).to_have_attribute("aria-selected", "true")

    await field.press("Escape")
    await expect(chat.options).to_have_count(0)
    await expect(chat.thread).to_be_visible()
    await field.press("Enter")
    await expect(chat.thread.get_by_role("article").last).to_contain_text("@")


async def test_threads_offer_no_commands_and_an_address_is_no_mention(chat: Chat) -> None:
    await chat.open()
    ts = await chat.say("hello")
    await chat.bot.post("hi", thread_ts=ts)
    await expect(chat.thread).to_be_visible()
    await chat.page.locator("#thread-input").press_sequentially("/cl")
    await expect(chat.options).to_have_count(0)
    await chat.field.press_sequentially("write to me@a")
    await expect(chat.options).to_have_count(0)


async def test_a_typed_out_command_goes_to_the_app(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open()
        await chat.field.press_sequentially("/clockify-rebuild")
        await chat.field.press("Enter")
        await chat.sim.wait_for(lambda: chat.sim.envelopes("slash_commands"))
        await chat.field.press_sequentially("/clockify  how  now")
        await chat.field.press("Enter")
        await chat.sim.wait_for(lambda: len(chat.sim.envelopes("slash_commands")) == 2)

        sent = [envelope.body["payload"] for envelope in chat.sim.envelopes("slash_commands")]
        assert [(payload["command"], payload["text"]) for payload in sent] == [
            ("/clockify-rebuild", ""),
            ("/clockify", "how  now"),
        ]
        await expect(chat.field).to_have_value("")
        await expect(chat.rows).to_have_count(0)  # a command is no message


async def test_a_command_without_the_bot_tells_the_person_why_it_failed(chat: Chat) -> None:
    await chat.open()
    await chat.field.fill("/clockify help")
    await chat.field.press("Enter")
    row = chat.rows.filter(has_text="/clockify failed")
    await expect(row.locator(".author")).to_have_text("Slackbot")
    await expect(row.locator(".privacy")).to_have_text("Only visible to you")


@pytest.mark.parametrize(
    ("actor", "channel", "suggested"),
    [
        ("U0ANN", "C0GEN", SUGGESTIONS),
        ("U0ADA", "C0GEN", [*SUGGESTIONS, "/clockify-rebuild"]),
        ("U0GUS", "D0GUS", ["how do I lock timesheets?", SUGGESTIONS[1]]),
    ],
    ids=["agent", "admin", "direct message"],
)
async def test_an_empty_conversation_suggests_what_to_try(
    chat: Chat, actor: str, channel: str, suggested: list[str]
) -> None:
    await chat.open(actor, channel)
    await expect(chat.page.locator(".suggestion-text")).to_have_text(suggested)
    await chat.page.get_by_role("button", name=suggested[0]).click()
    await expect(chat.field).to_have_value(suggested[0])
    await expect(chat.field).to_be_focused()
    await chat.field.press("Enter")
    await expect(chat.rows).to_have_count(1)
    await expect(chat.page.locator(".suggestion")).to_have_count(0)


async def test_drafts_wait_in_their_channel(chat: Chat) -> None:
    await chat.open()
    await chat.field.fill("unfinished")
    await chat.page.get_by_role("button", name="random").click()
    await expect(chat.field).to_have_value("")
    await expect(chat.field).to_have_attribute("placeholder", "Message #random")
    await chat.page.get_by_role("button", name="support").click()
    await expect(chat.field).to_have_value("unfinished")
