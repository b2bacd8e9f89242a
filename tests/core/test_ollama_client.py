"""The Ollama client against real HTTP on loopback: what it asks and what it gives."""

from __future__ import annotations

import asyncio

import pytest

from core.errors import ModelMissing, ModelUnavailable
from core.ollama import PromptTooLong, WroteNothing

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import (
    CHAT_PATH,
    MESSAGES,
    OPTIONS,
    ask,
    client,
    closed_port,
    settled,
)
from ..ollama_conduct import Written


class TestProbes:
    async def test_tells_version_and_models_with_tags(self) -> None:
        async with (
            ScriptedOllama(models=("b", "a:7b", "team/c")) as ollama,
            client(ollama.url) as asking,
        ):
            assert await asking.version() == "0.9.3"
            assert await asking.models() == ("a:7b", "b:latest", "team/c:latest")

    @pytest.mark.parametrize(
        ("models", "names"),
        [
            (
                [{"model": "llama3.2:latest"}, {"name": "b", "model": "c"}],
                ("b:latest", "llama3.2:l"),
            ),
            ([{"model": 7}, {"name": "", "model": "a"}, "odd", {}], ("a:latest",)),
            ([], ()),
            (None, ()),
        ],
    )
    async def test_reads_names_however_they_are_told(
        self, models: object, names: tuple[str, ...], ollama: ScriptedOllama
    ) -> None:
        ollama.tags = {"models": models}
        async with client(ollama.url) as asking:
            assert tuple(name[:10] for name in await asking.models()) == names

    @pytest.mark.parametrize(
        "tags", [{}, {"models": "llama3.2"}, {"models": [{"id": "x"}]}, {"models": {"a": 1}}]
    )
    async def test_names_that_cannot_be_read_are_one_sentence(
        self, tags: dict[str, object], ollama: ScriptedOllama
    ) -> None:
        ollama.tags = tags
        async with client(ollama.url) as asking:
            with pytest.raises(ModelUnavailable) as raised:
                await asking.models()
        assert str(raised.value) == (
            f"Ollama at {ollama.url} lists its models in a form that is not known. "
            "[hint: check OLLAMA_URL, or update Ollama]"
        )

    @pytest.mark.parametrize("digits", ["²", "9" * 5000, "9" * 13])
    async def test_odd_parameters_are_no_obstacle(
        self, ollama: ScriptedOllama, digits: str
    ) -> None:
        ollama.parameters = f"num_ctx {digits}"
        async with client(ollama.url) as asking:
            shown = await asking.show("nomic-embed-text")
        assert shown.num_ctx == (None if digits == "²" else 10**12 - 1)

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
            f"Model phi4 is not on this Ollama ({ollama.url}). [hint: ollama pull phi4]"
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


class TestChat:
    async def test_joins_the_stream(self, ollama: ScriptedOllama) -> None:
        pieces: list[str] = []
        async with client(ollama.url) as asking:
            result = await asking.chat("llama3.2", MESSAGES, options=OPTIONS, on_text=pieces.append)
        assert result.text == "Open Settings [1]. Then save [2]."
        assert "".join(pieces) == result.text
        assert len(pieces) == 6
        assert result.prompt_tokens == 11
        assert result.answer_tokens == 6
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

    async def test_passes_a_schema_on(self, ollama: ScriptedOllama) -> None:
        schema: dict[str, object] = {"type": "object", "properties": {"a": {"type": "string"}}}
        async with client(ollama.url) as asking:
            await asking.chat("llama3.2", MESSAGES, options=OPTIONS, format=schema)
            ollama.script = lambda messages: "  "
            with pytest.raises(WroteNothing):
                await asking.chat("llama3.2", MESSAGES, options=OPTIONS, format=schema)
        assert [request.payload["format"] for request in ollama.requests] == [schema, schema]

    async def test_thoughts_alone_are_a_failure(self, ollama: ScriptedOllama) -> None:
        ollama.script = lambda messages: Written("", thought="Let me see", done_reason="length")
        with pytest.raises(WroteNothing, match=r"increase NUM_PREDICT") as raised:
            await ask(ollama.url, CHAT_PATH)
        assert raised.value.__cause__ is None

    async def test_loads_a_model_with_its_options(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url) as asking:
            await asking.load("llama3.2", options=OPTIONS)
            with pytest.raises(ModelMissing):
                await asking.load("phi4", options=OPTIONS)
        loading = ollama.requests[0].payload
        assert (loading["messages"], loading["options"]) == ([], OPTIONS)

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
        ],
    )
    async def test_half_an_answer_is_a_failure(
        self, ollama: ScriptedOllama, fault: Fault, words: str
    ) -> None:
        ollama.fail(fault)
        with pytest.raises(ModelUnavailable, match=words):
            await ask(ollama.url, CHAT_PATH)

    async def test_a_prompt_without_room_is_told_apart(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.NO_ROOM)
        with pytest.raises(PromptTooLong, match=r"\[hint: .* increase NUM_CTX\]$"):
            await ask(ollama.url, CHAT_PATH)

    async def test_asks_again_without_think_where_it_is_refused(
        self, ollama: ScriptedOllama
    ) -> None:
        ollama.fail(Fault.NO_THINK)
        await ask(ollama.url, CHAT_PATH)
        assert ["think" in request.payload for request in ollama.requests] == [True, False]

    async def test_missing_model(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url) as asking:
            with pytest.raises(ModelMissing, match=r"\[hint: ollama pull qwen3:8b\]$"):
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
