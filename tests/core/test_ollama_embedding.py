"""Embeddings by the Ollama client: batches, bad texts, broken models, and questions in a hurry."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from core.embedders.ollama import OllamaEmbedder
from core.errors import ModelMissing, ModelPaused, ModelTimeout, ModelUnavailable
from core.ollama import InputRejected
from core.ollama_embed import EMBED_BATCH
from core.types import Role

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import EMBED_PATH, client, settled


class TestEmbed:
    async def test_sends_sub_batches_in_order(self, ollama: ScriptedOllama) -> None:
        texts = [f"text {number}" for number in range(2 * EMBED_BATCH + 1)]
        async with client(ollama.url) as asking:
            together = await asking.embed("nomic-embed-text", texts)
            alone = await asking.embed("nomic-embed-text", texts[12:13])
        assert len(together) == len(texts)
        assert together[12] == alone[0]
        sizes = [len(request.payload["input"]) for request in ollama.asked(EMBED_PATH)]
        assert sorted(sizes[:-1]) == [1, EMBED_BATCH, EMBED_BATCH]
        assert all(request.payload["truncate"] is False for request in ollama.requests)

    async def test_nothing_to_embed_asks_nothing(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url) as asking:
            assert await asking.embed("nomic-embed-text", []) == []
        assert ollama.requests == []

    async def test_finds_the_text_that_fails(self, ollama: ScriptedOllama) -> None:
        texts = ["fine"] * 40
        texts[21] = "poison pill"
        ollama.bad_input = "poison"
        async with client(ollama.url) as asking:
            with pytest.raises(InputRejected, match="NaN or Inf") as raised:
                await asking.embed("nomic-embed-text", texts)
        assert raised.value.index == 21
        assert raised.value.is_too_long is False
        assert "text number 22 (11 characters)" in str(raised.value)
        assert "poison" not in str(raised.value)

    async def test_tells_a_text_that_is_too_long(self, ollama: ScriptedOllama) -> None:
        ollama.context_length = 3
        async with client(ollama.url) as asking:
            with pytest.raises(InputRejected) as raised:
                await asking.embed("nomic-embed-text", ["short", "one two three four"])
            assert (raised.value.index, raised.value.is_too_long) == (1, True)
            assert len(await asking.embed("nomic-embed-text", ["a b c d"], truncate=True)) == 1

    @pytest.mark.parametrize(
        ("fault", "words"),
        [(Fault.NAN, "HTTP 500"), (Fault.WRONG_COUNT, "0 embeddings for 1 texts")],
    )
    async def test_a_batch_that_always_fails(
        self, ollama: ScriptedOllama, fault: Fault, words: str
    ) -> None:
        ollama.fail(fault)
        async with client(ollama.url) as asking:
            with pytest.raises(ModelUnavailable, match=f"cannot embed anything.*{words}") as raised:
                await asking.embed("nomic-embed-text", ["a", "b", "c", "d"])
        assert not isinstance(raised.value, InputRejected)  # no text is to blame
        assert [r.payload["input"] for r in ollama.requests[2:]] == [["a"], ["word"]]

    @pytest.mark.parametrize(
        ("vector", "words"),
        [
            ([math.nan, 1.0], "zero or not finite"),
            ([math.inf, 1.0], "zero or not finite"),
            ([10**400, 1], "zero or not finite"),
            ([0.0, 0.0], "zero or not finite"),
            ([], "zero or not finite"),
            ([3e-30, 0.0], "zero or not finite"),
            ([9e-7, 1e-8], "zero or not finite"),
            ([True, False], "not a list of numbers"),
            (["one"], "not a list of numbers"),
        ],
        ids=["nan", "infinite", "huge", "zero", "empty", "tiny", "small", "booleans", "words"],
    )
    async def test_refuses_unusable_vectors(
        self, ollama: ScriptedOllama, vector: list[Any], words: str
    ) -> None:
        ollama.bad_vector = vector
        ollama.fail(Fault.BAD_VALUES, times=1)
        async with client(ollama.url) as asking:
            with pytest.raises(InputRejected, match=words):
                await asking.embed("nomic-embed-text", ["a"])

    async def test_one_bad_text_costs_one_text(self, ollama: ScriptedOllama) -> None:
        texts = [f"text {number}" for number in range(20)]
        texts[3] = texts[18] = "poison"
        ollama.bad_input = "poison"
        async with client(ollama.url) as asking:
            outcomes = await asking.embed_each("nomic-embed-text", texts)
            alone = await asking.embed("nomic-embed-text", ["text 19"])
        rejected = [found for found in outcomes if isinstance(found, InputRejected)]
        assert [found.index for found in rejected] == [3, 18]
        assert outcomes[19] == alone[0]
        assert len([text for text in ollama.texts_embedded if text == "word"]) == 1

    async def test_sends_two_requests_at_a_time(self, ollama: ScriptedOllama) -> None:
        ollama.latency_seconds = 0.02
        texts = [f"text {number}" for number in range(5 * EMBED_BATCH)]
        async with client(ollama.url) as asking:
            one, other = await asyncio.gather(
                asking.embed("nomic-embed-text", texts),
                asking.embed("nomic-embed-text", texts[::-1]),
            )
        assert one == other[::-1]
        assert ollama.most_in_flight == 2

    async def test_a_failure_ends_the_other_requests(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.BUSY, times=1)
        ollama.fail(Fault.HANG)
        async with client(ollama.url) as asking, asyncio.timeout(5):
            with pytest.raises(ModelUnavailable, match="busy"):
                await asking.embed("nomic-embed-text", ["a"] * 2 * EMBED_BATCH)
            await settled(ollama)
        assert ollama.cancelled == len(ollama.requests) - 1

    async def test_refuses_vectors_of_two_dimensions(self, ollama: ScriptedOllama) -> None:
        ollama.bad_vector = [1.0, 2.0, 3.0]
        ollama.fail(Fault.BAD_VALUES)
        async with client(ollama.url) as asking:
            with pytest.raises(ModelUnavailable, match=r"different dimensions: \[3, 64\]"):
                await asking.embed("nomic-embed-text", ["a", "b"])

    async def test_missing_model_is_not_searched_for_in_the_batch(
        self, ollama: ScriptedOllama
    ) -> None:
        async with client(ollama.url) as asking:
            with pytest.raises(ModelMissing, match="ollama pull bge-m3"):
                await asking.embed("bge-m3", ["a", "b"])
        assert len(ollama.requests) == 1


class TestQuestions:
    @pytest.mark.parametrize("path", ["/api/show", "/api/embed"])
    async def test_do_not_wait_for_a_hung_server(self, ollama: ScriptedOllama, path: str) -> None:
        ollama.fail(Fault.HANG, path=path)
        async with client(ollama.url, read_seconds=60) as asking, asyncio.timeout(5):
            embedder = OllamaEmbedder(asking, "nomic-embed-text", query_seconds=0.3)
            for _ in range(5):
                with pytest.raises(ModelTimeout, match="was not done after the"):
                    await embedder.embed(["x"], role=Role.QUERY)
            with pytest.raises(ModelPaused):
                await embedder.spec()
            await settled(ollama)
        hung = len(ollama.asked(path))  # a busy machine may end one before it was sent
        assert ollama.cancelled == hung >= 1

    async def test_do_not_wait_for_a_hung_embedding(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url, read_seconds=60) as asking, asyncio.timeout(5):
            embedder = OllamaEmbedder(asking, "nomic-embed-text", query_seconds=0.3)
            await embedder.spec()
            ollama.fail(Fault.HANG)
            with pytest.raises(ModelTimeout):
                await embedder.embed(["x"], role=Role.QUERY)

    async def test_documents_may_take_longer(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url) as asking:
            embedder = OllamaEmbedder(asking, "nomic-embed-text", query_seconds=0.3)
            await embedder.spec()
            ollama.latency_seconds = 0.5
            rows = await embedder.embed(["x"], role=Role.DOCUMENT)
        assert rows.shape == (1, 64)
