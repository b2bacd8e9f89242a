"""Who acts, by keyboard alone, and on a phone."""

from __future__ import annotations

import pytest
from playwright.async_api import ViewportSize, expect

from .chat import Chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PHONE = ViewportSize(width=390, height=844)
WIDE = "| a | b | c | d |\n|---|---|---|---|\n| " + " | ".join(["wide" * 12] * 4) + " |"


async def channels(chat: Chat) -> list[str]:
    """List the names in the sidebar."""
    return await chat.page.locator("#channels .channel-name").all_inner_texts()


async def has_side_scroll(chat: Chat) -> bool:
    """Tell whether the page is wider than the window."""
    return bool(await chat.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


async def test_acting_as_someone_else_changes_the_channels_and_the_author(chat: Chat) -> None:
    await chat.open(channel="C0EXT")
    assert await channels(chat) == [
        *("support", "random", "leads", "partner-shared", "without-the-bot", "clockify-bot")
    ]
    await expect(chat.page.locator("#channel-note")).to_have_text("Shared with another company")
    actor = chat.page.get_by_label("Act as")
    await expect(actor.locator("option")).to_have_text(
        [
            *("Ann Agent (agent)", "Ada Admin (admin)", "Gus Guest (guest)"),
            "Pat Partner (other company)",
        ]
    )

    await actor.select_option("U0GUS")
    await expect(chat.page.locator("#channels .channel-name")).to_have_text(
        ["support", "clockify-bot"]
    )
    await expect(chat.page.locator("#channel-title")).to_have_text("#support")
    await chat.say("I am Gus")
    assert chat.sim.messages("C0GEN")[0]["user"] == "U0GUS"
    await chat.page.reload()
    await expect(chat.rows.last.locator(".author")).to_have_text("Gus Guest")
    await expect(actor).to_have_value("U0GUS")
    await expect(chat.rows.last.locator(".role-badge")).to_have_text("Guest")
    await actor.select_option("U0PAT")
    await expect(chat.page.locator("#channels .channel-name")).to_have_text(["partner-shared"])
    await chat.say("I am Pat")
    await expect(chat.rows.last.locator(".role-badge")).to_have_text("Other company")


async def test_unread_channels_are_marked_until_they_are_opened(chat: Chat) -> None:
    await chat.open()
    await chat.bot.post("news", channel="C0RND")
    unread = chat.page.get_by_role("button", name="random 1 new")
    await expect(unread).to_be_visible()
    await unread.click()
    await expect(chat.rows).to_have_count(1)
    await expect(chat.page.locator(".unread")).to_have_count(0)


async def test_everything_works_with_the_keyboard_alone(chat: Chat) -> None:
    ts = await chat.sim.post("U0ADA", "C0RND", "a question")
    await chat.bot.post("an answer", channel="C0RND", thread_ts=ts)
    await chat.open()
    press = chat.page.keyboard.press
    focus = chat.page.locator(":focus")
    await press("Tab")
    await expect(focus).to_have_text("Skip to the message field")
    await press("Tab")
    await expect(focus).to_have_attribute("id", "act-as")
    await press("Tab")
    await press("Tab")
    await expect(focus).to_have_text("random")
    assert await focus.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"

    await press("Enter")
    await expect(chat.page.locator("#channel-title")).to_have_text("#random")
    await expect(chat.field).to_be_focused()
    await press("Shift+Tab")
    await press("Shift+Tab")
    await expect(focus).to_have_accessible_name("1 reply · View thread")
    await press("Enter")
    await expect(chat.page.locator("#thread-input")).to_be_focused()
    await chat.page.keyboard.type("thanks")
    await press("Enter")
    await expect(chat.thread.get_by_role("article").last).to_contain_text("thanks")
    await press("Escape")
    await expect(chat.thread).to_be_hidden()
    await expect(focus).to_have_accessible_name("2 replies · View thread")


async def test_landmarks_and_live_regions_have_names(chat: Chat) -> None:
    await chat.open()
    get = chat.page.get_by_role
    await expect(get("navigation", name="Workspace")).to_be_visible()
    await expect(get("main", name="#support")).to_be_visible()
    await expect(get("log", name="Messages")).to_have_attribute("aria-live", "polite")
    await expect(get("combobox", name="Message #support")).to_be_visible()
    await expect(chat.page.locator("[aria-current=page]")).to_have_text("support")


async def test_a_phone_has_a_drawer_and_a_full_screen_thread_without_side_scrolling(
    chat: Chat,
) -> None:
    await chat.page.set_viewport_size(PHONE)
    await chat.open()
    assert not await has_side_scroll(chat)
    menu = chat.page.get_by_role("button", name="Channels")
    await expect(chat.page.get_by_label("Act as")).to_be_hidden()
    await menu.click()
    await expect(chat.page.get_by_label("Act as")).to_be_focused()
    await chat.page.keyboard.press("Escape")
    await expect(menu).to_be_focused()
    await menu.click()
    await chat.page.get_by_role("button", name="random").click()
    await expect(chat.page.locator("#channel-title")).to_have_text("#random")
    await expect(menu).to_have_attribute("aria-expanded", "false")

    ts = await chat.say("word" * 60)
    blocks = [{"type": "markdown", "text": f"{WIDE}\n\n```\n{'x' * 300}\n```"}]
    await chat.bot.post("wide", channel="C0RND", thread_ts=ts, blocks=blocks)
    await expect(chat.thread.locator("table")).to_be_visible()
    assert await chat.thread.bounding_box() == {"x": 0, "y": 0, **PHONE}
    assert not await has_side_scroll(chat)
    await expect(chat.page.locator("#main")).to_have_attribute("inert", "")
    await chat.page.get_by_role("button", name="Close thread").click()
    await expect(chat.field).to_be_visible()
    assert not await has_side_scroll(chat)
