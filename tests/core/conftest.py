"""What several suites of core share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.ollama import ScriptedOllama


@pytest_asyncio.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    def script(_: object) -> str:
        return "Open Settings [1]. Then save [2]."

    async with ScriptedOllama(script=script) as server:
        yield server
