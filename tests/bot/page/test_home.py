"""The App Home: shown, used, and published again while somebody looks at it."""

from __future__ import annotations

import pytest
from playwright.async_api import Route, expect

from bot.simulator.model import Json

from .blocks import button, option, plain
from .chat import Chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def home(*blocks: Json) -> Json:
    """Make a Home."""
    return {"type": "home", "blocks": list(blocks)}


async def test_home_tab_shows_the_published_view_and_its_buttons_work(chat: Chat) -> None:
    async with chat.bot.connected():
        await chat.open(channel="D0ANN")
        tab = chat.page.get_by_role("tab", name="Home")
        await tab.click()
        await expect(chat.page.get_by_text("has not published a Home view yet")).to_be_visible()
        title = {"type": "plain_text", "text": "Knowledge :books:"}
        blocks = [
            {"type": "header", "text": title},
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "*Built* today"},
                "accessory": button("Rebuild", "rebuild", value="now"),
            },
        ]
        view = {"type": "home", "blocks": blocks}
        await chat.bot.call("views.publish", user_id="U0ANN", view=view)

        await expect(chat.page.get_by_role("heading", name="Knowledge 📚")).to_be_visible()
        await chat.page.get_by_role("button", name="Rebuild").click()
        assert (await chat.action())["value"] == "now"
        await tab.press("ArrowLeft")
        await expect(chat.page.get_by_role("tab", name="Messages")).to_be_focused()
        await expect(chat.field).to_be_visible()


async def test_menus_of_the_home_work_and_a_new_version_keeps_focus_and_choice(chat: Chat) -> None:
    options = [option("Off", "off"), option("Mentions only", "mentions")]
    select = {"type": "static_select", "action_id": "mode", "options": options}
    channel: Json = {"type": "section", "block_id": "C0GEN", "text": plain("#support")}
    channel["accessory"] = select
    more: Json = {"type": "section", "block_id": "more", "text": plain("Kiosk question")}
    more["accessory"] = {"type": "overflow", "action_id": "more", "options": options}
    async with chat.bot.connected():
        await chat.open(channel="D0ANN")
        await chat.page.get_by_role("tab", name="Home").click()
        await chat.bot.call("views.publish", user_id="U0ANN", view=home(channel, more))
        mode = chat.page.get_by_role("combobox", name="#support")
        await mode.select_option("Mentions only")
        click = await chat.interaction("block_actions")
        assert click["actions"][0]["selected_option"]["value"] == "mentions"
        assert click["view"]["type"] == "home"

        await mode.focus()
        divider = {"type": "divider"}
        await chat.bot.call("views.publish", user_id="U0ANN", view=home(channel, divider, more))
        await expect(chat.page.locator("#home hr")).to_be_visible()
        await expect(mode).to_have_value("mentions")
        await expect(mode).to_be_focused()

        await chat.page.get_by_role("button", name="More options").click()
        await chat.page.keyboard.press("ArrowDown")
        await chat.page.keyboard.press("Enter")
        await chat.sim.wait_for(lambda: len(chat.sim.envelopes("interactive")) == 2)
        assert (await chat.action())["selected_option"]["value"] == "mentions"
        await chat.page.get_by_label("Act as").select_option("U0ADA")
        await expect(chat.page.locator("#channel-title")).to_have_text("#support")
        await expect(chat.page.locator("#home")).to_be_hidden()


async def test_an_answer_that_is_older_than_what_is_shown_does_not_replace_it(chat: Chat) -> None:
    asked = 0

    async def publish_meanwhile(route: Route) -> None:
        nonlocal asked
        asked += 1
        response = await route.fetch()
        if asked == 1:
            view = home({"type": "header", "text": plain("Newest")})
            await chat.bot.call("views.publish", user_id="U0ANN", view=view)
            await expect(chat.page.get_by_role("heading", name="Newest")).to_be_visible()
        await route.fulfill(response=response)

    await chat.open(channel="D0ANN")
    await chat.page.route("**/sim/view*", publish_meanwhile)
    async with chat.page.expect_response(lambda _: asked == 2):  # it asks once more
        await chat.page.get_by_role("tab", name="Home").click()
    await expect(chat.page.get_by_role("heading", name="Newest")).to_be_visible()
    await chat.page.unroute("**/sim/view*")
