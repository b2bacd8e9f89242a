"""The Ollama answerer: what it asks, what it gives, and what it tells the log."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from core.answerers.ollama import OllamaAnswerer, check_ready
from core.errors import ModelMissing, ModelTimeout, ModelUnavailable
from core.grounding import check
from core.ollama import OllamaClient
from core.prompt import SYSTEM_PROMPT
from core.types import REFUSAL_TEXT, Answer, Chunk, Context, Draft, Question, Snippet

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import client, closed_port

QUESTION = Question("How do I lock my timesheets?")


def context(*texts: str) -> Context:
    snippets = []
    for number, text in enumerate(texts, 1):
        chunk = Chunk(f"c{number}", "a", f"Title {number}", (), text, None, 0, len(text))
        snippets.append(Snippet(number, chunk, text))
    return Context(tuple(snippets), 0)


LOCKING = context("Admins lock timesheets in Settings. It is a paid feature.", "Other.")


def answerer(asking: OllamaClient, *, num_ctx: int = 4096) -> OllamaAnswerer:
    return OllamaAnswerer(asking, "llama3.2", seed=42, num_ctx=num_ctx, num_predict=512)


@pytest_asyncio.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama() as server:
        yield server


async def test_answers_from_the_context(
    ollama: ScriptedOllama, caplog: pytest.LogCaptureFixture
) -> None:
    async with client(ollama.url) as asking:
        writer = answerer(asking)
        draft = await writer.answer(QUESTION, LOCKING)
    assert writer.name == "ollama"
    assert draft == Draft("Admins lock timesheets in Settings. [1]", answerer="ollama")
    assert caplog.messages == []
    reply = check(draft, LOCKING)
    assert isinstance(reply, Answer)
    assert [source.chunk_id for source in reply.sources] == ["c1"]


async def test_sends_rules_and_options(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        await answerer(asking).answer(QUESTION, LOCKING)
    payload = ollama.requests[0].payload
    assert payload["messages"][0] == {"role": "system", "content": SYSTEM_PROMPT}
    assert payload["options"] == {
        "seed": 42,
        "num_ctx": 4096,
        "num_predict": 512,
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 40,
        "repeat_penalty": 1.05,
    }


async def test_same_question_same_request(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        drafts = [await answerer(asking).answer(QUESTION, LOCKING) for _ in range(2)]
    assert drafts[0] == drafts[1]
    assert ollama.requests[0].payload == ollama.requests[1].payload


class TestPieces:
    """A template may write the beginning of a thought itself: only its end is in the text."""

    THINKING = "The user asks [1]. I look. </think>Open Settings [1]."

    @pytest.fixture
    async def asking(self, ollama: ScriptedOllama) -> AsyncIterator[OllamaClient]:
        async with client(ollama.url) as asking:
            yield asking

    async def pieces(self, writer: OllamaAnswerer) -> str:
        pieces: list[str] = []
        await writer.answer(QUESTION, LOCKING, pieces.append)
        return "".join(pieces)

    async def test_a_model_that_cannot_think_is_shown_from_the_beginning(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        writer = answerer(asking)
        for _ in range(2):
            assert await self.pieces(writer) == "Admins lock timesheets in Settings. [1]"
        assert len(ollama.asked("/api/show")) == 1

    @pytest.mark.parametrize("capabilities", [["completion", "thinking"], []])
    async def test_one_that_may_think_is_shown_from_the_end_of_its_thought(
        self, ollama: ScriptedOllama, asking: OllamaClient, capabilities: list[str]
    ) -> None:
        ollama.capabilities = capabilities
        ollama.script = lambda _: self.THINKING
        writer = answerer(asking)
        for _ in range(2):
            assert await self.pieces(writer) == "Open Settings [1]."

    async def test_one_that_did_not_think_is_shown_the_next_time(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.capabilities = ["completion", "thinking"]
        ollama.script = lambda _: "Open Settings [1]."
        writer = answerer(asking)
        assert await self.pieces(writer) == ""
        assert await self.pieces(writer) == "Open Settings [1]."

    async def test_one_that_once_thought_is_waited_for_ever_after(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        texts = iter(["<think>hm</think>Yes [1].", "Yes [1].", self.THINKING])
        ollama.script = lambda _: next(texts)
        writer = answerer(asking)
        shown = [await self.pieces(writer) for _ in range(3)]
        assert shown == ["Yes [1].", "", "Open Settings [1]."]

    async def test_a_server_that_does_not_say_is_asked_again(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.fail(Fault.BUSY, path="/api/show", times=1)
        writer = answerer(asking)
        assert await self.pieces(writer) == ""
        assert await self.pieces(writer) == "Admins lock timesheets in Settings. [1]"

    async def test_nobody_who_looks_costs_no_request(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        await answerer(asking).answer(QUESTION, LOCKING)
        assert [request.path for request in ollama.requests] == ["/api/chat"]


async def test_refuses_without_snippets(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        draft = await answerer(asking).answer(QUESTION, context())
    assert draft.text == REFUSAL_TEXT


@pytest.mark.parametrize("reported", [None, 200], ids=["all of num_ctx", "half, by new servers"])
async def test_warns_of_a_prompt_that_was_cut(
    ollama: ScriptedOllama, caplog: pytest.LogCaptureFixture, reported: int | None
) -> None:
    ollama.prompt_tokens = reported
    async with client(ollama.url) as asking:
        await answerer(asking, num_ctx=512).answer(QUESTION, context("A lock. " * 300))
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("The prompt was probably cut: ")
    assert caplog.messages[0].endswith("[hint: reduce CTX_BUDGET or increase NUM_CTX]")
    assert "lock" not in caplog.text


async def test_warns_when_the_server_counts_more_than_we_do(
    ollama: ScriptedOllama, caplog: pytest.LogCaptureFixture
) -> None:
    ollama.prompt_tokens = 4000
    async with client(ollama.url) as asking:
        await answerer(asking).answer(QUESTION, LOCKING)
    assert len(caplog.messages) == 1


async def test_warns_of_an_answer_that_was_cut(
    ollama: ScriptedOllama, caplog: pytest.LogCaptureFixture
) -> None:
    ollama.done_reason = "length"
    async with client(ollama.url) as asking:
        await answerer(asking).answer(QUESTION, LOCKING)
    assert caplog.messages == ["The answer was cut at 512 tokens. [hint: increase NUM_PREDICT]"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.BUSY, ModelUnavailable),
        (Fault.NO_DONE, ModelUnavailable),
        (Fault.HANG, ModelTimeout),
    ],
)
async def test_an_outage_is_not_a_refusal(
    ollama: ScriptedOllama, fault: Fault, kind: type[ModelUnavailable]
) -> None:
    ollama.fail(fault)
    async with client(ollama.url, read_seconds=0.2, connect_seconds=0.2) as asking:
        with pytest.raises(kind):
            await answerer(asking).answer(QUESTION, LOCKING)


async def test_missing_model(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        writer = OllamaAnswerer(asking, "phi4", seed=1, num_ctx=512, num_predict=16)
        with pytest.raises(ModelMissing, match="Run: ollama pull phi4"):
            await writer.answer(QUESTION, LOCKING)


async def test_check_ready(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        assert await check_ready(asking, "llama3.2") is None
        assert await check_ready(asking, "llama3.2:latest") is None
        assert await check_ready(asking, "llama3.2:1b") == (
            f"Model llama3.2:1b is not on this Ollama ({ollama.url}). Run: ollama pull llama3.2:1b"
        )
    url = f"http://127.0.0.1:{closed_port()}"
    async with client(url) as asking:
        reason = await check_ready(asking, "llama3.2")
    assert reason is not None
    assert reason.startswith(f"Cannot reach Ollama at {url}")
