"""Modals: every kind of input, what is refused, the stack, and the keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import ViewportSize, expect

from bot.simulator.model import Json

from .blocks import button, field, modal, option, plain
from .chat import Chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PHONE = ViewportSize(width=375, height=812)
FOLDERS = [option("Billing", "b"), option("Kiosk", "k"), option("Apps", "a")]
EVERY_INPUT = modal(
    "Settings",
    field("text", "Your question", "plain_text_input", hint=plain("One sentence.")),
    field("mode", "Mode", "radio_buttons", options=FOLDERS, initial_option=FOLDERS[1]),
    field("also", "Also", "checkboxes", options=FOLDERS, optional=True),
    field("one", "Folder", "static_select", options=FOLDERS),
    field("many", "Folders", "multi_static_select", options=FOLDERS, optional=True),
    field("place", "Channel", "conversations_select"),
    field("who", "Who", "users_select"),
)


@pytest.fixture
def manifest() -> Path:
    """Give the app that has shortcuts."""
    return Path(__file__).parents[3] / "docs/manifests/follow-ups.yml"


async def show(chat: Chat, view: Json) -> str:
    """Use the global shortcut and open a modal for it, as the app would; gives its id."""
    before = len(chat.sim.envelopes("interactive"))
    await chat.page.get_by_role("button", name="Shortcuts").click()
    await chat.page.get_by_role("menuitem", name="Ask Clockify").click()
    await chat.sim.wait_for(lambda: len(chat.sim.envelopes("interactive")) > before)
    shortcut = await chat.interaction("shortcut")
    view_id = await chat.bot.open_view(view, shortcut["trigger_id"])
    await expect(chat.modal).to_be_visible()
    return view_id


async def test_every_input_is_filled_in_and_submitted(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open()
        await show(chat, EVERY_INPUT)
        within = chat.modal
        await expect(within).to_have_accessible_name("Settings")
        text = within.get_by_label("Your question")
        await expect(text).to_be_focused()
        await expect(text).to_have_accessible_description("One sentence.")
        await expect(within.get_by_role("radiogroup", name="Mode")).to_be_visible()
        await expect(within.get_by_role("radio", name="Kiosk")).to_be_checked()

        await text.fill("How do I lock?")
        await within.get_by_role("radio", name="Apps").check()
        await within.get_by_role("group", name="Also").get_by_label("Billing").check()
        await within.get_by_label("Folder", exact=True).select_option("Kiosk")
        folders = within.get_by_role("group", name="Folders")
        await folders.get_by_label("Apps").check()
        await folders.get_by_label("Billing").check()
        await within.get_by_label("Channel").select_option("#random")
        await within.get_by_label("Who").select_option("Ada Admin")
        await within.get_by_role("button", name="Save").click()

        await expect(chat.modal).to_have_count(0)
        values = (await chat.interaction("view_submission"))["view"]["state"]["values"]
        chosen = {block: states["in"] for block, states in values.items()}
        assert chosen["text"]["value"] == "How do I lock?"
        assert chosen["mode"]["selected_option"]["value"] == "a"
        assert [it["value"] for it in chosen["also"]["selected_options"]] == ["b"]
        assert chosen["one"]["selected_option"]["value"] == "k"
        assert [it["value"] for it in chosen["many"]["selected_options"]] == ["b", "a"]
        assert chosen["place"]["selected_conversation"] == "C0RND"
        assert chosen["who"]["selected_user"] == "U0ADA"


async def test_what_is_refused_stands_at_its_input_and_what_was_typed_stays(chat: Chat) -> None:
    def refuse_once(envelope: Json) -> Json | None:
        payload = envelope["payload"]
        if payload.get("type") != "view_submission":
            return None
        typed = payload["view"]["state"]["values"]["text"]["in"]["value"]
        wrong = {"response_action": "errors", "errors": {"text": "Too short for a question."}}
        return wrong if typed == "hm" else None

    async with chat.bot.connected(refuse_once):
        await chat.open()
        await show(chat, modal("Ask", field("text", "Your question", "plain_text_input")))
        text = chat.modal.get_by_label("Your question")
        await text.press("Enter")
        await expect(text).to_have_accessible_description("Please complete this required field.")
        await expect(text).to_have_attribute("aria-invalid", "true")
        await expect(text).to_be_focused()

        await text.fill("hm")
        await chat.modal.get_by_role("button", name="Save").click()
        await expect(text).to_have_accessible_description("Too short for a question.")
        await expect(text).to_have_value("hm")
        await text.fill("How do I lock timesheets?")
        await text.press("Enter")
        await expect(chat.modal).to_have_count(0)


async def test_a_click_inside_carries_what_was_typed_and_an_update_keeps_it(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open()
        place: Json = {"type": "section", "block_id": "place", "text": plain("Channel")}
        place["accessory"] = {"type": "conversations_select", "action_id": "in"}
        text = field("text", "Note", "plain_text_input")
        view_id = await show(chat, modal("Channel settings", place, text))
        await chat.modal.get_by_label("Note").fill("half a no")
        await chat.modal.get_by_label("Channel").select_option("#leads")

        click = await chat.interaction("block_actions")
        assert click["actions"][0]["selected_conversation"] == "G0PRV"
        assert click["view"]["state"]["values"]["text"]["in"]["value"] == "half a no"
        await chat.modal.get_by_label("Note").press_sequentially("te")
        folders = field("one", "Folder", "static_select", options=FOLDERS)
        view = modal("Channel settings", place, text, folders)
        await chat.bot.call("views.update", view_id=view_id, view=view)
        await expect(chat.modal.get_by_label("Folder")).to_be_visible()
        await expect(chat.modal.get_by_label("Note")).to_have_value("half a note")
        await expect(chat.modal.get_by_label("Note")).to_be_focused()
        await expect(chat.modal.get_by_label("Channel")).to_have_value("G0PRV")


async def test_an_input_that_dispatches_tells_the_app_at_enter(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open()
        search = field("text", "Search", "plain_text_input", dispatch_action=True)
        await show(chat, modal("Find", search))
        await chat.modal.get_by_label("Search").fill("kiosk")
        await chat.modal.get_by_label("Search").press("Enter")
        assert (await chat.interaction("block_actions"))["actions"][0]["value"] == "kiosk"
        await expect(chat.modal).to_be_visible()


async def test_a_pushed_modal_goes_back_and_escape_tells_the_app(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open()
        more = {"type": "actions", "block_id": "x", "elements": [button("More", "more")]}
        first = modal("First", more, notify_on_close=True, callback_id="first")
        await show(chat, first)
        await chat.modal.get_by_role("button", name="More").click()
        trigger_id = (await chat.interaction("block_actions"))["trigger_id"]
        await chat.bot.open_view(modal("Second"), trigger_id, "views.push")
        await expect(chat.modal).to_have_accessible_name("Second")
        await chat.modal.get_by_role("button", name="Back").click()
        await expect(chat.modal).to_have_accessible_name("First")

        focus = chat.page.locator(":focus")
        inside = chat.page.locator("#modal :focus")
        for _ in range(6):
            await chat.page.keyboard.press("Tab")
            await expect(inside).to_have_count(1)
        await chat.page.keyboard.press("Escape")
        await expect(chat.modal).to_have_count(0)
        assert (await chat.interaction("view_closed"))["view"]["callback_id"] == "first"
        await expect(focus).to_have_accessible_name("Shortcuts")


async def test_a_failure_is_said_above_the_modal_which_stays(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open()
        await show(chat, modal("Ask", field("text", "Your question", "plain_text_input")))
        await chat.modal.get_by_label("Your question").fill("Why?")
    await expect(chat.page.locator("#banner")).to_contain_text("not connected")
    await chat.modal.get_by_role("button", name="Save").click()
    await expect(chat.modal.get_by_role("alert")).to_contain_text("trouble connecting")
    await expect(chat.modal.get_by_label("Your question")).to_have_value("Why?")
    await chat.modal.get_by_role("button", name="Dismiss").click()
    await chat.modal.get_by_role("button", name="Cancel").click()
    await expect(chat.modal).to_have_count(0)


async def test_message_shortcut_is_in_the_menu_of_a_message(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open()
        ts = await chat.sim.post("U0ADA", "C0GEN", "how do kiosks work?")
        await expect(chat.rows).to_have_count(1)
        more = chat.rows.last.get_by_role("button", name="More actions")
        await more.focus()
        await chat.page.keyboard.press("Enter")
        items = chat.page.get_by_role("menuitem")
        await expect(items).to_have_count(1)  # the message is not Ann's to delete
        await expect(items.first).to_be_focused()
        await chat.page.keyboard.press("Escape")
        await expect(more).to_be_focused()
        await more.click()
        await items.first.click()

        shortcut = await chat.interaction("message_action")
        assert shortcut["callback_id"] == "ask_about_message"
        assert shortcut["message"]["ts"] == ts
        await chat.say("mine")
        await chat.rows.last.get_by_role("button", name="More actions").click()
        await chat.page.get_by_role("menuitem", name="Delete message").click()
        await expect(chat.rows).to_have_count(1)


async def test_on_a_phone_a_modal_comes_from_below_and_fits(chat: Chat) -> None:
    await chat.page.set_viewport_size(PHONE)
    async with chat.bot.connected():
        await chat.open()
        await show(chat, EVERY_INPUT)
        box = await chat.modal.bounding_box()
        assert box is not None
        assert (box["x"], box["width"], box["y"] + box["height"]) == (0, 375, 812)
        await expect(chat.modal.get_by_role("button", name="Save")).to_be_in_viewport()
        assert not await chat.page.evaluate("document.documentElement.scrollWidth > innerWidth")
