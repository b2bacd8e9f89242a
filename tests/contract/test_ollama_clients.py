"""Our own client, embedder and answerer, and the official Python client, against both servers."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import ollama
import pytest
from ollama import AsyncClient, ResponseError

from core.answerers.ollama import OllamaAnswerer
from core.embedders.ollama import OllamaEmbedder
from core.errors import ModelMissing, ModelUnavailable
from core.ollama import InputRejected, OllamaClient
from core.types import Chunk, Context, Question, Role, Snippet

from ..ollama_asking import client
from .asking import CHAT_MODEL, EMBEDDING_MODEL, NUM_CTX, OPTIONS, SECONDS, SHORT, Served

pytestmark = pytest.mark.timeout(300)

FEW = {**OPTIONS, "num_predict": 4}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "enum": [1, 2]}}}
LONG = "word " * 600


def asking(served: Served) -> OllamaClient:
    return client(served.url, read_seconds=SECONDS, probe_read_seconds=30.0)


def official_client(served: Served) -> AsyncClient:
    return AsyncClient(host=served.url, trust_env=False, timeout=SECONDS)


class TestOwnClient:
    async def test_probes(self, served: Served) -> None:
        async with asking(served) as own:
            assert await own.version() == "0.9.3"
            assert await own.models() == ("all-minilm:latest", CHAT_MODEL)
            shown = await own.show(EMBEDDING_MODEL)
            assert (shown.context_length, shown.capabilities) == (512, ("embedding",))
            assert (await own.show(CHAT_MODEL)).capabilities == ("completion",)
            with pytest.raises(ModelMissing, match="ollama pull nope"):
                await own.show("nope")

    async def test_embeds_in_order(self, served: Served) -> None:
        texts = [f"text number {number}" for number in range(10)]
        async with asking(served) as own:
            together = await own.embed(EMBEDDING_MODEL, texts)
            alone = await own.embed(EMBEDDING_MODEL, texts[7:8])
        assert together[7] == alone[0]
        assert len({tuple(vector) for vector in together}) == len(texts)

    async def test_finds_the_text_that_is_too_long(self, served: Served) -> None:
        async with asking(served) as own:
            with pytest.raises(InputRejected) as raised:
                await own.embed(EMBEDDING_MODEL, ["short", LONG, "short again"])
        assert (raised.value.index, raised.value.is_too_long) == (1, True)

    async def test_chats_and_streams(self, served: Served) -> None:
        pieces: list[str] = []
        async with asking(served) as own:
            result = await own.chat(CHAT_MODEL, SHORT, options=FEW, on_text=pieces.append)
        assert "".join(pieces).strip() == result.text
        assert len(pieces) == 4
        assert (result.done_reason, result.answer_tokens) == ("length", 4)
        assert 0 < result.prompt_tokens < 40

    async def test_loads(self, served: Served) -> None:
        async with asking(served) as own:
            await own.load(CHAT_MODEL, options=FEW)

    async def test_gets_json_by_a_schema(self, served: Served) -> None:
        messages = [{"role": "user", "content": 'Answer {"n": 1} in JSON.'}]
        options = {**OPTIONS, "num_predict": 16}
        async with asking(served) as own:
            result = await own.chat(CHAT_MODEL, messages, options=options, format=SCHEMA)
        assert json.loads(result.text)["n"] in (1, 2)

    async def test_a_wrong_model_is_a_clear_failure(self, served: Served) -> None:
        async with asking(served) as own:
            with pytest.raises(ModelMissing):
                await own.chat("nope", SHORT, options=FEW)
            with pytest.raises(ModelUnavailable, match="does not support chat"):
                await own.chat(EMBEDDING_MODEL, SHORT, options=FEW)

    async def test_a_pull_that_fails_says_why(self, served: Served) -> None:
        async with asking(served) as own:
            steps = own.pull("localhost:1/nobody/nothing")
            assert (await anext(steps)).status == "pulling manifest"
            with pytest.raises(ModelUnavailable, match="pull model manifest"):
                await anext(steps)

    async def test_a_question_that_is_given_up_leaves_the_server_able_to_answer(
        self, served: Served
    ) -> None:
        async with asking(served) as own:
            first = asyncio.Event()
            options = {**OPTIONS, "num_predict": 200}
            told = [{"role": "user", "content": "Count from one to one hundred in words."}]
            writing = asyncio.create_task(
                own.chat(CHAT_MODEL, told, options=options, on_text=lambda _: first.set())
            )
            await asyncio.wait_for(first.wait(), SECONDS)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            assert (await own.chat(CHAT_MODEL, SHORT, options=FEW)).text


class TestOwnEngines:
    async def test_the_embedder(self, served: Served) -> None:
        async with asking(served) as own:
            embedder = OllamaEmbedder(own, EMBEDDING_MODEL)
            spec = await embedder.spec()
            rows = await embedder.embed(["lock timesheets", "send an invoice"], role=Role.DOCUMENT)
            (row,) = await embedder.embed(["lock timesheets"], role=Role.QUERY)
        assert spec.dimension == 384
        assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
        assert float(rows[0] @ row) == pytest.approx(1.0, abs=1e-5)  # no prefixes for this model

    async def test_the_embedder_takes_a_text_that_is_too_long(self, served: Served) -> None:
        async with asking(served) as own:
            embedder = OllamaEmbedder(own, EMBEDDING_MODEL)
            rows = await embedder.embed(["lock " * 300 + "send " * 300], role=Role.DOCUMENT)
        assert rows.shape == (1, 384)
        assert float(np.linalg.norm(rows[0])) == pytest.approx(1.0, abs=1e-5)

    async def test_the_answerer(self, served: Served) -> None:
        text = "Admins lock timesheets in Settings."
        chunk = Chunk("c1", "a", "Locking", (), text, None, 0, len(text))
        context = Context((Snippet(1, chunk, text),), 0)
        pieces: list[str] = []
        async with asking(served) as own:
            answerer = OllamaAnswerer(own, CHAT_MODEL, seed=7, num_ctx=1024, num_predict=48)
            question = Question("Who locks timesheets?")
            draft = await answerer.answer(question, context, pieces.append)
        assert (draft.answerer, draft.model) == ("ollama", CHAT_MODEL)
        assert draft.text
        assert draft.usage is not None
        assert draft.usage.prompt_tokens > 50
        assert draft.usage.snippets == 1


class TestOfficialClient:
    async def test_lists_and_shows(self, served: Served) -> None:
        async with official_client(served) as official:
            listed = await official.list()
            assert {model.model for model in listed.models} == {"all-minilm:latest", CHAT_MODEL}
            shown = await official.show(EMBEDDING_MODEL)
            assert shown.capabilities == ["embedding"]
            assert shown.modelinfo is not None
            assert CHAT_MODEL not in shown.modelinfo
            await official.ps()

    async def test_embeds(self, served: Served) -> None:
        async with official_client(served) as official:
            found = await official.embed(model=EMBEDDING_MODEL, input=["one", "two"])
            assert [len(vector) for vector in found.embeddings] == [384, 384]

    async def test_chats_whole_and_streamed_the_same(self, served: Served) -> None:
        async with official_client(served) as official:
            whole = await official.chat(CHAT_MODEL, SHORT, options=FEW, think=False)
            streamed = [
                part
                async for part in await official.chat(CHAT_MODEL, SHORT, options=FEW, stream=True)
            ]
            assert whole.message.content
            assert whole.message.content == "".join(part.message.content or "" for part in streamed)
            assert streamed[-1].done
            assert streamed[-1].eval_count == 4

    async def test_gets_json_by_a_schema(self, served: Served) -> None:
        async with official_client(served) as official:
            messages = [{"role": "user", "content": 'Answer {"n": 1} in JSON.'}]
            options = {**OPTIONS, "num_predict": 16}
            said = await official.chat(CHAT_MODEL, messages, options=options, format=SCHEMA)
            assert json.loads(said.message.content or "")["n"] in (1, 2)

    async def test_raises_what_it_raises_for_ollama(self, served: Served) -> None:
        async with official_client(served) as official:
            with pytest.raises(ResponseError, match="not found") as missing:
                await official.chat("nope", SHORT)
            assert missing.value.status_code == 404
            with pytest.raises(ResponseError, match="does not support chat") as refused:
                await official.chat(EMBEDDING_MODEL, SHORT)
            assert refused.value.status_code == 400
            steps = await official.pull("localhost:1/nobody/nothing", stream=True)
            assert (await anext(steps)).status == "pulling manifest"
            with pytest.raises(ResponseError, match="pull model manifest"):
                await anext(steps)

    async def test_a_window_of_this_size_is_loaded(self, served: Served) -> None:
        async with official_client(served) as official:
            options = ollama.Options(num_ctx=NUM_CTX)
            assert (await official.chat(CHAT_MODEL, [], options=options)).done_reason == "load"
