"""The whole bot in the page: a person asks in the browser, a process answers from real articles."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import ViewportSize, expect

from bot.simulator.server import Simulator

from ..articles import HELP, write_article
from ..terminal import REFUSAL, moved_in
from .chat import Chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PHONE = ViewportSize(width=390, height=844)
WAIT_MS = 15_000


@pytest_asyncio.fixture(loop_scope="session")
async def folder(sim: Simulator, tmp_path: Path, library: Path) -> AsyncIterator[Path]:
    """Start `clockify-bot run` on embedded defaults; gives the folder with its articles."""
    terminal = moved_in(tmp_path, library).on(sim, BUILD_NICE="0")  # whatever else is busy
    running = await terminal.start("run")
    try:
        await sim.wait_connected(20)
        yield tmp_path
    finally:
        await running.kill()


async def test_a_mention_opens_a_thread_with_a_sourced_answer(chat: Chat, folder: Path) -> None:
    await chat.open()
    await chat.say("@clockify-bot how do I lock timesheets?")
    answer = chat.thread.get_by_role("article").last
    await expect(answer).to_contain_text("Switch on Lock entries", timeout=WAIT_MS)
    await expect(answer.locator("strong", has_text="Lock entries")).to_be_visible()
    link = answer.get_by_role("link", name="Lock timesheets").first
    await expect(link).to_have_attribute("href", f"{HELP}lock-timesheets")
    await expect(answer.get_by_role("button", name="Helpful", exact=True)).to_be_visible()
    await expect(chat.page.locator(".status").first).to_have_text("")
    await chat.page.screenshot(path=folder / "answer-desktop.png")

    await answer.get_by_role("button", name="Helpful", exact=True).click()
    await expect(chat.thread).to_contain_text("Thank you, glad it helped.")
    await chat.page.set_viewport_size(PHONE)
    await chat.page.locator("#thread-input").fill("@clockify-bot automatically?")
    await chat.page.locator("#thread-input").press("Enter")
    answer = chat.thread.get_by_role("article").last
    await expect(answer).to_contain_text("moves on by itself")
    await expect(answer.get_by_role("button", name="Not helpful")).to_be_in_viewport()
    assert not await chat.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    await chat.page.screenshot(path=folder / "answer-phone.png")


async def test_what_the_articles_lack_is_refused_with_the_exact_words(
    chat: Chat, folder: Path
) -> None:
    await chat.open()
    await chat.say("@clockify-bot which wine goes with a roasted goose at Christmas?")
    refusal = chat.thread.get_by_role("article").last
    await expect(refusal.locator(".message-body")).to_contain_text(REFUSAL, timeout=WAIT_MS)
    text = await refusal.locator(".message-body").inner_text()
    assert text.splitlines()[0] == REFUSAL
    assert "These articles may help:" in text
    assert await refusal.get_by_role("link").count() in (1, 2, 3)
    await chat.page.screenshot(path=folder / "refusal-desktop.png")


async def test_a_command_is_answered_for_one_person_only(chat: Chat, folder: Path) -> None:
    await chat.open()
    await chat.field.fill("/clockify how do I clock in at a kiosk")
    await chat.field.press("Enter")
    row = chat.rows.filter(has_text="four-digit PIN")
    await expect(row).to_be_visible(timeout=WAIT_MS)
    await expect(row.locator(".privacy")).to_have_text("Only visible to you")
    await expect(row.get_by_role("link", name="Kiosk").first).to_have_attribute(
        "href", f"{HELP}kiosk"
    )
    await expect(chat.rows).to_have_count(2)  # Slack, too, keeps the searching line
    await row.get_by_role("button", name="Ask a follow-up").click()
    await chat.modal.get_by_label("Your question").fill("and without a PIN?")
    await chat.page.screenshot(path=folder / "follow-up-desktop.png")
    await chat.page.keyboard.press("Escape")
    await row.get_by_role("button", name="Not helpful").click()
    await chat.modal.get_by_role("radio", name="Unclear").check()
    await chat.modal.get_by_role("button", name="Send").click()
    await expect(chat.modal).to_have_count(0)
    await row.get_by_role("button", name="Share in channel").click()
    shared = chat.page.locator("#messages .message:not(.ephemeral)", has_text="four-digit PIN")
    await expect(shared).to_have_count(1)
    await expect(row).to_have_count(1)  # the private answer gave way to it
    await chat.field.fill("/clockify how do I lock timesheets")
    await chat.field.press("Enter")
    dismiss = chat.page.get_by_role("button", name="Dismiss")
    await dismiss.click()
    await expect(dismiss).to_have_count(0)
    await chat.page.screenshot(path=folder / "command-desktop.png")
    await chat.page.set_viewport_size(PHONE)
    await chat.page.screenshot(path=folder / "command-phone.png")
    await chat.page.set_viewport_size(ViewportSize(width=1280, height=800))
    await chat.page.get_by_label("Act as").select_option("U0ADA")
    await expect(chat.page.locator(".ephemeral")).to_have_count(0)
    await expect(chat.rows).to_have_count(1)


@pytest.mark.proof
async def test_an_admin_rebuilds_and_the_page_answers_from_the_new_text(
    chat: Chat, folder: Path
) -> None:
    write_article(folder / "knowledge", "kiosk", "Clock in at a kiosk by whistling twice.\n")
    await chat.open(actor="U0ADA")
    await chat.field.fill("/clockify-rebuild")
    await chat.field.press("Enter")
    row = chat.rows.filter(has_text="I keep you posted in our direct message.")
    await expect(row.locator(".privacy")).to_have_text("Only visible to you")
    await chat.page.get_by_role("button", name=re.compile("^clockify-bot")).click()
    report = chat.rows.filter(has_text="Generation 00000002 is live.")
    await expect(report).to_be_visible(timeout=WAIT_MS)
    await expect(report).to_contain_text(re.compile("Changed: 1.*kiosk", re.S))
    await expect(chat.rows).to_have_count(1)
    await chat.page.screenshot(path=folder / "rebuild-desktop.png")
    await chat.page.get_by_role("button", name=re.compile("^support")).click()
    await chat.say("@clockify-bot how do I clock in at a kiosk?")
    await expect(chat.thread.get_by_role("article").last).to_contain_text("whistling twice")
