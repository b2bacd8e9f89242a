"""Reranking that fails: the hits stay as they were, with a reason in the earlier tool's words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from core.ollama import OllamaClient
from core.rerank import Reranker, Reranking

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import client, closed_port, settled
from .reranking import HITS, OPTIONS, QUESTION, script, sorted_by, word_counting


@pytest_asyncio.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama() as server:
        yield server


@pytest_asyncio.fixture
async def asking(ollama: ScriptedOllama) -> AsyncIterator[OllamaClient]:
    async with client(ollama.url) as asking:
        yield asking


class TestFallbacks:
    """Each leaves the order as it was and says why, in the words of the earlier tool."""

    @pytest.mark.parametrize(
        ("reply", "reason"),
        [
            ("", "empty"),
            (" \n\t ", "empty"),
            ("<think>1 is best</think>", "empty"),
            ("[]", "empty"),
            ("{}", "empty"),
            ("Passage 2, I think.", "bad JSON"),
            ('[{"id": 2, "score": 9}, {"id":', "bad JSON"),
            ('{"scores": [{"id": 2, "score": 9}, {"id":', "bad JSON"),
            ('{"id": 4, "score": 3}', "bad JSON"),
            ('[{"id": 99, "score": 9}]', "bad JSON"),
            ("[3, 1, 2]", "bad JSON"),
            ('{"a": [{"id": 3, "score": 9}], "b": []}', "bad JSON"),
            ("[" * 100_000, "bad JSON"),
        ],
    )
    async def test_nothing_to_use(
        self, ollama: ScriptedOllama, asking: OllamaClient, reply: str, reason: str
    ) -> None:
        ollama.script = script(reply)
        assert await sorted_by(asking) == Reranking(HITS, reason)

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            (Fault.BUSY, "http"),
            (Fault.RATE_LIMITED, "http"),
            (Fault.ECHO, "http"),
            (Fault.NOT_FOUND_PAGE, "http"),
            (Fault.REDIRECT, "http"),
            (Fault.NO_ROOM, "no room in NUM_CTX"),
            (Fault.CLOSED, "connection"),
            (Fault.ERROR_LINE, "stream broken"),
            (Fault.NO_DONE, "stream broken"),
            (Fault.NOT_JSON, "stream broken"),
            (Fault.HANG, "timeout"),
            (Fault.STALL, "timeout"),
            (Fault.DRIP, "timeout"),
        ],
    )
    async def test_a_failing_model(
        self,
        ollama: ScriptedOllama,
        asking: OllamaClient,
        caplog: pytest.LogCaptureFixture,
        fault: Fault,
        reason: str,
    ) -> None:
        ollama.script = word_counting
        ollama.redirect_to = "http://127.0.0.1:9"
        ollama.fail(fault, path="/api/chat")
        caplog.set_level(logging.INFO)
        seconds = 0.4 if reason == "timeout" else 5.0
        assert await sorted_by(asking, seconds=seconds) == Reranking(HITS, reason)
        assert f"hits are not reranked: {reason}" in caplog.messages
        shown = " ".join(caplog.messages)
        assert "timesheets" not in shown
        await settled(ollama)

    async def test_no_time_left(self, ollama: ScriptedOllama, asking: OllamaClient) -> None:
        assert await sorted_by(asking, seconds=0.0) == Reranking(HITS, "timeout")
        assert ollama.requests == []

    async def test_a_stop_from_outside_is_no_fallback(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.fail(Fault.HANG, path="/api/chat")
        sorting = asyncio.create_task(sorted_by(asking))
        async with asyncio.timeout(5):
            while not ollama.in_flight:
                await asyncio.sleep(0.01)
        sorting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sorting
        await settled(ollama)
        assert ollama.cancelled == 1

    async def test_nobody_there(self) -> None:
        async with client(f"http://127.0.0.1:{closed_port()}") as asking:
            assert await sorted_by(asking) == Reranking(HITS, "connection")

    async def test_a_model_that_is_not_there(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url) as asking:
            reranker = Reranker(asking, "mistral", options=OPTIONS)
            reranking = await reranker.rerank(QUESTION, HITS, seconds=5)
        assert reranking == Reranking(HITS, "model missing")

    async def test_while_ollama_is_left_alone(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        asking.pause("Cannot reach Ollama.")
        assert await sorted_by(asking) == Reranking(HITS, "paused")
        assert ollama.asked("/api/chat") == []

    async def test_a_window_too_small_for_the_passages(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        reranker = Reranker(asking, "llama3.2", options={**OPTIONS, "num_ctx": 512})
        reranking = await reranker.rerank(QUESTION, HITS, seconds=5)
        assert reranking == Reranking(HITS, "no room in NUM_CTX")
        assert ollama.requests == []

    async def test_nothing_to_sort(self, ollama: ScriptedOllama, asking: OllamaClient) -> None:
        reranker = Reranker(asking, "llama3.2", options=OPTIONS)
        one = await reranker.rerank(QUESTION, HITS[:1], seconds=5)
        none = await reranker.rerank(QUESTION, (), seconds=5)
        assert (one, none) == (Reranking(HITS[:1], "one hit"), Reranking((), "no hits"))
        assert ollama.requests == []
