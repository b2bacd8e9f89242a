"""The two servers of the contract: scripted, and a real Ollama 0.9.3 where it is set up."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from ..ollama import ScriptedOllama
from ..real_ollama.place import home, is_complete, why_not_here
from ..real_ollama.server import RealOllama
from .asking import CHAT_MODEL, EMBEDDING_MODEL, Served


@pytest.fixture(scope="session")
def real_ollama() -> Iterator[str]:
    """Give the address of a real Ollama; without a set-up skip, or fail where it is required."""
    if not is_complete(home()):
        reason = why_not_here() or "no real Ollama: run python -m tests.real_ollama (1 GB, minutes)"
        if os.environ.get("REQUIRE_REAL_OLLAMA"):
            pytest.fail(f"REQUIRE_REAL_OLLAMA is set, but {reason}")
        pytest.skip(reason)
    with RealOllama(home()) as server:
        yield server.url


@pytest_asyncio.fixture(
    params=["scripted", pytest.param("real", marks=[pytest.mark.proof, pytest.mark.beside])]
)
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    """Give one of the two servers, with an embedding model and one that chats."""
    if request.param == "real":
        yield Served(request.getfixturevalue("real_ollama"))
        return
    models = (EMBEDDING_MODEL, CHAT_MODEL)
    async with ScriptedOllama(models=models, dimension=384, context_length=512) as scripted:
        scripted.is_offline = True
        scripted.piece_seconds = 0.01  # long enough to leave in the middle
        yield Served(scripted.url)
