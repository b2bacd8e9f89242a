"""Text that attacks the page stays text, wherever Slack lets someone put text."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from playwright.async_api import expect

from bot.simulator.model import Json

from .blocks import field, modal, option
from .chat import Chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ATTACK = (
    "<script>window.hit=1</script><img src=x onerror=window.hit=1>"
    "<svg/onload=window.hit=1><iframe srcdoc='<script>parent.hit=1</script>'>"
    " <javascript:window.hit=1|a> [b](javascript:window.hit=1) [c](data:text/html,x)"
    " [d](jAvAsCrIpT:window.hit=1) ![e](javascript:window.hit=1) <data:text/html,x|f>"
)
PLAIN = {"type": "plain_text", "text": ATTACK[:70]}
MARKED = {"type": "mrkdwn", "text": ATTACK}
RICH = [
    {"type": "text", "text": ATTACK},
    {"type": "link", "url": "javascript:window.hit=1", "text": "g"},
]
BLOCKS: dict[str, list[dict[str, Any]]] = {  # one message each
    "section": [{"type": "section", "text": MARKED, "fields": [MARKED, PLAIN]}],
    "markdown": [{"type": "markdown", "text": ATTACK}],
    "context": [{"type": "context", "elements": [MARKED, PLAIN]}],
    "header": [{"type": "header", "text": PLAIN}],
    "rich text": [
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": RICH}]}
    ],
    "table": [{"type": "table", "rows": [[{"type": "raw_text", "text": ATTACK}]]}],
    "button": [
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": "a",
                    "text": PLAIN,
                    "url": "javascript:window.hit=1",
                }
            ],
        }
    ],
    "image": [{"type": "image", "image_url": "https://a.de/x", "alt_text": ATTACK}],
}
DANGERS = "script, img, svg[onload], iframe, object, embed, [onerror], [onload], [style*=url]"


async def assert_inert(chat: Chat, within: str = ".message-body") -> None:
    """Check that no message made an element that acts, and that every link is a safe one."""
    body = chat.page.locator(within)
    await expect(body.locator(DANGERS)).to_have_count(0)
    links = body.locator("[href]")
    for number in range(await links.count()):
        href = await links.nth(number).get_attribute("href") or ""
        assert href.startswith(("https://", "http://"))
        assert await links.nth(number).get_attribute("rel") == "noopener noreferrer"
    assert await chat.page.evaluate("window.hit") is None


async def test_hostile_blocks_are_inert(chat: Chat) -> None:
    await chat.open()
    for number, blocks in enumerate(BLOCKS.values(), start=1):
        await chat.bot.post("fallback", blocks=blocks)
        await expect(chat.rows).to_have_count(number)
        await expect(chat.rows.last).to_contain_text("<script>window.hit=1</script>")
    await assert_inert(chat)


async def test_hostile_text_typed_by_a_person_is_inert(chat: Chat) -> None:
    await chat.open()
    await chat.field.fill(ATTACK)
    await chat.field.press("Enter")
    await expect(chat.rows.last).to_contain_text("<img src=x onerror=window.hit=1>")
    await assert_inert(chat)


async def test_hostile_views_are_inert(chat: Chat) -> None:
    options = [option(ATTACK[:70], ATTACK[:140]), option("b", "b")]
    hint = {"type": "plain_text", "text": ATTACK}
    inputs = [
        field("a", ATTACK, "static_select", options=options, hint=hint),
        field("b", ATTACK, "checkboxes", options=options, initial_options=options[:1]),
        field("c", ATTACK, "plain_text_input", initial_value=ATTACK, placeholder=PLAIN),
        field("d", ATTACK, "multi_static_select", options=options),
    ]
    menu: Json = {"type": "overflow", "action_id": "o", "options": options}
    menu["options"][1]["url"] = "javascript:window.hit=1"
    home = [{"type": "section", "text": MARKED, "accessory": menu}]
    async with chat.bot.connected():
        await chat.open(channel="D0ANN")
        await chat.page.get_by_role("tab", name="Home").click()
        view = {"type": "home", "blocks": home}
        await chat.bot.call("views.publish", user_id="U0ANN", view=view)
        await chat.page.get_by_role("button", name="More options").click()
        await expect(chat.page.get_by_role("menuitem").first).to_contain_text("<script>")
        await assert_inert(chat, ".menu-popup")
        await chat.page.get_by_role("menuitem").last.click()
        await assert_inert(chat, ".home-view")

        trigger_id = (await chat.interaction("block_actions"))["trigger_id"]
        await chat.bot.open_view(modal(ATTACK[:20], *inputs), trigger_id)
        await expect(chat.modal).to_contain_text("<script>window.hit=1</script>")
        await chat.modal.get_by_role("button", name="Save").click()
        await expect(chat.modal.locator(".input-error")).to_have_count(2)
        await assert_inert(chat, "#modal")
        assert len(chat.page.context.pages) == 1


async def test_hostile_names_of_emoji_and_objects_are_inert(chat: Chat) -> None:
    await chat.open()
    await chat.bot.post(":constructor: :__proto__: :toString: <@U0constructor> <#C__proto__>")
    body = chat.rows.last.locator(".message-body")
    await expect(body).to_contain_text(":constructor: :__proto__: :toString:")
    await assert_inert(chat)


async def test_the_page_forbids_scripts_from_elsewhere(chat: Chat) -> None:
    async with aiohttp.ClientSession() as session, session.get(chat.sim.url) as response:
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        page = await response.text()
    assert "<script>" not in page
    assert "style=" not in page
    assert "://" not in page
