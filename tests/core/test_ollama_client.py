"""The Ollama client against real HTTP on loopback: what it asks and what it gives."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from core.errors import ModelMissing, ModelUnavailable
from core.ollama import EMBED_BATCH, InputRejected

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import (
    CHAT_PATH,
    EMBED_PATH,
    MESSAGES,
    OPTIONS,
    ask,
    client,
    closed_port,
    settled,
)


class TestProbes:
    async def test_tells_version_and_models_with_tags(self) -> None:
        async with (
            ScriptedOllama(models=("b", "a:7b", "team/c")) as ollama,
            client(ollama.url) as asking,
        ):
            assert await asking.version() == "0.9.3"
            assert await asking.models() == ("a:7b", "b:latest", "team/c:latest")

    async def test_shows_a_model(self) -> None:
        async with (
            ScriptedOllama(context_length=512, parameters='stop  "x"\nnum_ctx  256') as ollama,
            client(ollama.url) as asking,
        ):
            shown = await asking.show("nomic-embed-text")
        assert (shown.context_length, shown.num_ctx) == (512, 256)
        assert shown.capabilities == ("embedding",)

    async def test_names_a_missing_model_and_the_cure(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url) as asking:
            with pytest.raises(ModelMissing) as raised:
                await asking.show("phi4")
        assert str(raised.value) == (
            f"Model phi4 is not on this Ollama ({ollama.url}). Run: ollama pull phi4"
        )

    async def test_ignores_proxies_of_the_environment(
        self, ollama: ScriptedOllama, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with client(ollama.url) as asking:
            assert await asking.version() == "0.9.3"

    async def test_another_server_is_not_called_a_missing_model(
        self, ollama: ScriptedOllama
    ) -> None:
        ollama.fail(Fault.NOT_FOUND_PAGE)
        async with client(ollama.url) as asking:
            with pytest.raises(ModelUnavailable, match="does not answer like an Ollama") as raised:
                await asking.show("llama3.2")
        assert not isinstance(raised.value, ModelMissing)
        assert str(raised.value).endswith("[hint: check OLLAMA_URL]")

    async def test_survives_a_restart_of_the_server(self) -> None:
        async with ScriptedOllama() as first:
            asking = client(first.url)
            await asking.version()
        async with asking, ScriptedOllama(port=first.port) as second:
            assert await asking.version() == "0.9.3"
            assert len(second.requests) == 1

    async def test_may_be_used_again_after_closing(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url) as asking:
            await asking.close()
            await asking.version()
            await asking.close()
            assert await asking.version() == "0.9.3"


class TestEmbed:
    async def test_sends_sub_batches_in_order(self, ollama: ScriptedOllama) -> None:
        texts = [f"text {number}" for number in range(2 * EMBED_BATCH + 1)]
        async with client(ollama.url) as asking:
            together = await asking.embed("nomic-embed-text", texts)
            alone = await asking.embed("nomic-embed-text", texts[20:21])
        assert len(together) == len(texts)
        assert together[20] == alone[0]
        sizes = [len(request.payload["input"]) for request in ollama.asked(EMBED_PATH)]
        assert sizes == [EMBED_BATCH, EMBED_BATCH, 1, 1]
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
            with pytest.raises(InputRejected, match=words) as raised:
                await asking.embed("nomic-embed-text", ["a", "b", "c", "d"])
        assert raised.value.index == 0
        assert [len(r.payload["input"]) for r in ollama.requests] == [4, 2, 1]

    @pytest.mark.parametrize(
        ("vector", "words"),
        [
            ([math.nan, 1.0], "zero or not finite"),
            ([math.inf, 1.0], "zero or not finite"),
            ([10**400, 1], "zero or not finite"),
            ([0.0, 0.0], "zero or not finite"),
            ([], "zero or not finite"),
            (["one"], "not a list of numbers"),
        ],
        ids=["nan", "infinite", "huge", "zero", "empty", "words"],
    )
    async def test_refuses_unusable_vectors(
        self, ollama: ScriptedOllama, vector: list[Any], words: str
    ) -> None:
        ollama.bad_vector = vector
        ollama.fail(Fault.BAD_VALUES)
        async with client(ollama.url) as asking:
            with pytest.raises(InputRejected, match=words):
                await asking.embed("nomic-embed-text", ["a"])

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


class TestChat:
    async def test_joins_the_stream(self, ollama: ScriptedOllama) -> None:
        pieces: list[str] = []
        async with client(ollama.url) as asking:
            result = await asking.chat("llama3.2", MESSAGES, options=OPTIONS, on_text=pieces.append)
        assert result.text == "Open Settings [1]. Then save [2]."
        assert "".join(pieces) == result.text
        assert len(pieces) == 6
        assert result.prompt_tokens == 11
        assert result.done_reason == "stop"

    async def test_sends_options_inside_options_and_no_thinking(
        self, ollama: ScriptedOllama
    ) -> None:
        await ask(ollama.url, CHAT_PATH)
        assert ollama.requests[0].payload == {
            "model": "llama3.2",
            "messages": MESSAGES,
            "stream": True,
            "think": False,
            "truncate": False,
            "shift": False,
            "options": OPTIONS,
        }

    async def test_hides_what_the_model_thinks(self, ollama: ScriptedOllama) -> None:
        ollama.script = lambda messages: "<think>hm, a \n\n b</think> Yes [1]. <think>more"
        pieces: list[str] = []
        async with client(ollama.url) as asking:
            result = await asking.chat("llama3.2", MESSAGES, options={}, on_text=pieces.append)
        assert result.text == "Yes [1]."
        assert "".join(pieces).strip() == "Yes [1]."

    @pytest.mark.parametrize("text", ["", "   ", "<think>only this</think>", "<think>and no end"])
    async def test_nothing_written_is_a_failure(self, ollama: ScriptedOllama, text: str) -> None:
        ollama.script = lambda messages: text
        with pytest.raises(ModelUnavailable, match="wrote nothing"):
            await ask(ollama.url, CHAT_PATH)

    @pytest.mark.parametrize(
        ("fault", "words"),
        [
            (Fault.ERROR_LINE, "stopped while answering: llama runner process has terminated"),
            (Fault.NO_DONE, "stopped in the middle of an answer"),
            (Fault.NO_ROOM, "increase NUM_CTX"),
        ],
    )
    async def test_half_an_answer_is_a_failure(
        self, ollama: ScriptedOllama, fault: Fault, words: str
    ) -> None:
        ollama.fail(fault)
        with pytest.raises(ModelUnavailable, match=words):
            await ask(ollama.url, CHAT_PATH)

    async def test_asks_again_without_think_where_it_is_refused(
        self, ollama: ScriptedOllama
    ) -> None:
        ollama.fail(Fault.NO_THINK)
        await ask(ollama.url, CHAT_PATH)
        assert ["think" in request.payload for request in ollama.requests] == [True, False]

    async def test_missing_model(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url) as asking:
            with pytest.raises(ModelMissing, match="Run: ollama pull qwen3:8b"):
                await asking.chat("qwen3:8b", MESSAGES, options=OPTIONS)

    async def test_cap_is_the_callers(self, ollama: ScriptedOllama) -> None:
        ollama.script = lambda messages: "word " * 100
        async with client(ollama.url, max_response_bytes=2000) as asking:
            with pytest.raises(ModelUnavailable, match="more than 2,000 bytes"):
                await asking.chat("llama3.2", MESSAGES, options=OPTIONS)

    async def test_a_cancelled_question_is_cancelled_at_the_server(
        self, ollama: ScriptedOllama
    ) -> None:
        ollama.fail(Fault.STALL)
        started = asyncio.Event()
        async with client(ollama.url) as asking:
            asked = asyncio.create_task(
                asking.chat(
                    "llama3.2", MESSAGES, options=OPTIONS, on_text=lambda piece: started.set()
                )
            )
            await asyncio.wait_for(started.wait(), 5)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            await settled(ollama)
        assert ollama.cancelled == 1
