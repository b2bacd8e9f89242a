"""One Chromium for the whole folder; a simulator, a bot and a fresh page for each test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    ViewportSize,
    async_playwright,
)

from bot.simulator.server import Simulator

from .chat import Bot, Chat

MANIFEST = Path(__file__).parents[3] / "manifest.yml"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = ViewportSize(width=1280, height=800)
TIMEOUT_MS = 5_000


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"There is no browser: none of {', '.join(BROWSERS)} is installed.")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        await chromium.close()


@pytest.fixture
def manifest() -> Path:
    """Give the app that is installed."""
    return MANIFEST


@pytest_asyncio.fixture(loop_scope="session")
async def sim(manifest: Path) -> AsyncIterator[Simulator]:
    async with await Simulator.start(manifest) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="session")
async def bot(sim: Simulator) -> AsyncIterator[Bot]:
    async with aiohttp.ClientSession() as session:
        yield Bot(sim, session)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def window(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    yield page
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(window: Page, sim: Simulator) -> AsyncIterator[Page]:
    """The window at desktop size, emptied before the simulator stops; no script or policy error."""
    faults: list[str] = []

    def note_console(message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            faults.append(message.text)

    def note_error(error: Error) -> None:
        faults.append(str(error))

    await window.set_viewport_size(DESKTOP)
    window.on("console", note_console)
    window.on("pageerror", note_error)
    yield window
    await window.goto("about:blank")
    window.remove_listener("console", note_console)
    window.remove_listener("pageerror", note_error)
    assert faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def chat(page: Page, sim: Simulator, bot: Bot) -> Chat:
    return Chat(page, sim, bot)
