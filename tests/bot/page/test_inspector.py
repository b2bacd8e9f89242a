"""The inspector: what Slack and the bot say to each other, and faults at the press of a button."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, ViewportSize, expect

from .chat import Chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PHONE = ViewportSize(width=375, height=812)
HOSTILE = "<img src=x onerror=window.hit=1>"


async def opened(chat: Chat) -> Locator:
    """Open the drawer."""
    await chat.page.get_by_role("button", name="Inspector and faults").click()
    pane = chat.page.get_by_role("complementary", name="Inspector")
    await expect(pane).to_be_visible()
    return pane


async def test_it_lists_envelopes_and_calls_and_each_opens_to_its_json(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open()
        pane = await opened(chat)
        await chat.say(f"@clockify-bot {HOSTILE}")
        await chat.bot.post(HOSTILE)
        lines = pane.locator(".line")
        mention = lines.filter(has_text="events_api · app_mention")
        await expect(mention).to_contain_text("C0GEN")
        await expect(lines.filter(has_text="acknowledged")).to_contain_text("ms")
        await mention.locator("summary").click()
        await expect(mention.locator("pre")).to_contain_text('"type": "app_mention"')
        await expect(pane.locator("img")).to_have_count(0)
        assert await chat.page.evaluate("window.hit") is None

        await pane.get_by_label("What is listed").select_option("Errors")
        await expect(pane.locator(".journal")).to_contain_text("Nothing yet")
        await pane.get_by_role("button", name="Close inspector").click()
        await expect(pane).to_be_hidden()
        await expect(chat.page.get_by_role("button", name="Inspector and faults")).to_be_focused()


async def test_faults_happen_to_the_call_that_is_chosen_until_they_are_cleared(
    chat: Chat,
) -> None:
    async with chat.bot.connected():
        await chat.open()
        pane = await opened(chat)
        said = pane.get_by_role("status")
        await pane.get_by_label("Which calls").select_option("chat.postMessage")
        await pane.get_by_role("button", name="429").click()
        await expect(said).to_have_text("The next chat.postMessage gets 429, 5 seconds.")
        await chat.bot.call("auth.test")
        with pytest.raises(AssertionError, match="ratelimited"):
            await chat.bot.post("too fast")
        await pane.get_by_label("What is listed").select_option("Errors")
        await expect(pane.locator(".line")).to_contain_text(["ratelimited"])

        await pane.get_by_role("button", name="429").click()
        await pane.get_by_role("button", name="Clear all faults").click()
        await expect(said).to_have_text("Nothing is disturbed any more.")
        await chat.bot.post("in time")
        await pane.get_by_role("button", name="Ask to reconnect").click()
        await expect(said).to_contain_text("refresh_requested")
        await expect(chat.page.locator("#banner")).to_contain_text("The bot is not connected")


async def test_every_fault_button_is_understood(chat: Chat) -> None:
    await chat.open()
    pane = await opened(chat)
    buttons = pane.locator(".fault-row").get_by_role("button")
    assert await buttons.count() == 19
    said = ""
    for number in range(await buttons.count()):
        await buttons.nth(number).click()
        await expect(pane.get_by_role("status")).not_to_have_text(said)
        said = await pane.get_by_role("status").inner_text()
    await expect(chat.page.locator(".toast")).to_have_count(0)


async def test_on_a_phone_it_covers_everything_and_escape_closes_it(chat: Chat) -> None:
    await chat.page.set_viewport_size(PHONE)
    await chat.open()
    await chat.page.get_by_role("button", name="Channels").click()
    pane = await opened(chat)
    assert await pane.bounding_box() == {"x": 0, "y": 0, **PHONE}
    await expect(chat.page.locator("#app")).to_have_attribute("inert", "")
    assert not await chat.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    await chat.page.keyboard.press("Escape")
    await expect(pane).to_be_hidden()
    await expect(chat.page.locator("#app")).not_to_have_attribute("inert", "")
