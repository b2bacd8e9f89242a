"""The Ollama answerer: what it asks, what it gives, what it does about a prompt that was cut."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from core.answerers.ollama import OllamaAnswerer
from core.errors import ModelMissing, ModelPaused, ModelTimeout, ModelUnavailable
from core.fitting import Fitter
from core.ollama import OllamaClient
from core.prompt import PROMPT_VERSION, SYSTEM_PROMPT, build_messages
from core.token_counts import TokenCounts
from core.types import (
    REFUSAL_TEXT,
    Chunk,
    Context,
    Draft,
    Exchange,
    Question,
    Snippet,
    Usage,
)

from ..ollama import Fault, ScriptedOllama, Written
from ..ollama_asking import client

QUESTION = Question("How do I lock my timesheets?")
ANSWER = "Admins lock timesheets in Settings. [1]"
CUT_HINT = "[hint: reduce CTX_BUDGET or increase NUM_CTX]"
SMALL_HINT = "[hint: reduce CTX_BUDGET or use a model with a larger context]"


def context(*texts: str) -> Context:
    snippets = []
    for number, text in enumerate(texts, 1):
        chunk = Chunk(f"c{number}", "a", f"Title {number}", (), text, None, 0, len(text))
        snippets.append(Snippet(number, chunk, text))
    return Context(tuple(snippets), 0)


LOCKING = context("Admins lock timesheets in Settings. It is a paid feature.", "Other.")
LONG = context(*(f"Snippet {n} says so. {'Many more words. ' * 36}" for n in range(1, 7)))


def answerer(
    asking: OllamaClient,
    *,
    num_ctx: int = 4096,
    num_predict: int = 512,
    chars_per_token: float = 4.0,
    counts: TokenCounts | None = None,
) -> OllamaAnswerer:
    return OllamaAnswerer(
        asking,
        "llama3.2",
        seed=42,
        num_ctx=num_ctx,
        num_predict=num_predict,
        chars_per_token=chars_per_token,
        counts=counts,
    )


def estimated(given: Context, *, chars_per_token: float = 4.0) -> int:
    """Estimate the tokens of a prompt with the question."""
    return Fitter(42, chars_per_token, 0).render(QUESTION, given).estimated_tokens


def sent_snippets(ollama: ScriptedOllama) -> list[list[int]]:
    """Give the numbers of the snippets of each request."""
    texts = [request.payload["messages"][1]["content"] for request in ollama.asked("/api/chat")]
    return [[int(n) for n in re.findall(r"^\[(\d+) \|", text, re.MULTILINE)] for text in texts]


@pytest_asyncio.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama() as server:
        yield server


@pytest_asyncio.fixture
async def asking(ollama: ScriptedOllama) -> AsyncIterator[OllamaClient]:
    async with client(ollama.url) as opened:
        yield opened


async def test_answers_from_the_context(
    asking: OllamaClient, caplog: pytest.LogCaptureFixture
) -> None:
    writer = answerer(asking)
    draft = await writer.answer(QUESTION, LOCKING)
    prompt = Fitter(42, 4.0, 4096).render(QUESTION, LOCKING)
    assert writer.name == "ollama"
    assert draft == Draft(
        ANSWER,
        "ollama",
        model="llama3.2",
        prompt_version=PROMPT_VERSION,
        usage=Usage(
            prompt_tokens=-(-prompt.characters // 4),
            estimated_tokens=prompt.estimated_tokens,
            answer_tokens=6,
            snippets=2,
            prompt_digest=prompt.digest,
        ),
    )
    assert caplog.messages == []


async def test_sends_rules_and_options(ollama: ScriptedOllama, asking: OllamaClient) -> None:
    writer = answerer(asking)
    await writer.answer(QUESTION, LOCKING)
    payload = ollama.asked("/api/chat")[0].payload
    assert payload["messages"][0] == {"role": "system", "content": SYSTEM_PROMPT}
    assert payload["messages"] == build_messages(QUESTION, LOCKING, seed=42)
    assert payload["options"] == writer.options
    assert writer.options == {
        "seed": 42,
        "num_ctx": 4096,
        "num_predict": 512,
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 40,
        "repeat_penalty": 1.05,
    }


async def test_same_question_same_request(ollama: ScriptedOllama, asking: OllamaClient) -> None:
    drafts = [await answerer(asking).answer(QUESTION, LOCKING) for _ in range(2)]
    assert drafts[0] == drafts[1]
    first, second = ollama.asked("/api/chat")
    assert first.payload == second.payload


class TestPieces:
    """A template may write the beginning of a thought itself: only its end is in the text."""

    THINKING = "The user asks [1]. I look. </think>Open Settings [1]."

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

    async def test_the_model_is_looked_at_once_and_not_after_somebody_else_did(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        for writer in (answerer(asking), answerer(asking)):
            await writer.answer(QUESTION, LOCKING)
            await self.pieces(writer)
        assert [request.path for request in ollama.requests] == ["/api/show", *["/api/chat"] * 4]


async def test_refuses_without_snippets(asking: OllamaClient) -> None:
    assert (await answerer(asking).answer(QUESTION, context())).text == REFUSAL_TEXT


class TestFitting:
    """What would not leave room to answer is not sent."""

    async def test_the_last_snippets_stay_away(
        self, ollama: ScriptedOllama, asking: OllamaClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        num_ctx = 512 + estimated(replace(LONG, snippets=LONG.snippets[:3]))
        draft = await answerer(asking, num_ctx=num_ctx).answer(QUESTION, LONG)
        assert sent_snippets(ollama) == [[1, 2, 3]]
        assert draft.usage.snippets == 3
        assert draft.usage.estimated_tokens + 512 == num_ctx
        assert draft.remarks == ("3 of 6 snippets fit into num_ctx",)
        assert caplog.messages == [
            f"3 of 6 snippets are sent: num_ctx is {num_ctx}, of which 512 are kept for the "
            f"answer. {CUT_HINT}"
        ]

    async def test_history_goes_first(
        self, ollama: ScriptedOllama, asking: OllamaClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        question = Question("And then?", (Exchange("What is a lock? " * 18, "A lock. " * 60),))
        await answerer(asking, num_ctx=512 + estimated(LONG) + 20).answer(question, LONG)
        (request,) = ollama.asked("/api/chat")
        assert sent_snippets(ollama) == [[1, 2, 3, 4, 5, 6]]
        assert "<<earlier" not in request.payload["messages"][1]["content"]
        assert caplog.messages == []
        await answerer(asking, num_ctx=4096).answer(question, LONG)
        assert "<<earlier" in ollama.asked("/api/chat")[1].payload["messages"][1]["content"]

    async def test_the_first_snippet_is_always_sent(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        writer = answerer(asking, num_ctx=600, num_predict=500)
        assert (await writer.answer(QUESTION, LOCKING)).text == ANSWER
        assert sent_snippets(ollama) == [[1]]


class TestModelContext:
    """Ollama lowers num_ctx silently to what the model reads."""

    async def test_what_is_sent_fits_into_it_and_num_ctx_stays(
        self, ollama: ScriptedOllama, asking: OllamaClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        ollama.context_length = 512 + estimated(replace(LONG, snippets=LONG.snippets[:3]))
        writer = answerer(asking, num_ctx=8192)
        drafts = [await writer.answer(QUESTION, LONG) for _ in range(2)]
        assert drafts[0] == drafts[1]
        assert sent_snippets(ollama) == [[1, 2, 3]] * 2
        payloads = [request.payload for request in ollama.asked("/api/chat")]
        assert [payload["options"]["num_ctx"] for payload in payloads] == [8192, 8192]
        assert drafts[0].remarks == ("3 of 6 snippets fit into the context of the model",)
        assert caplog.messages[0] == (
            f"3 of 6 snippets are sent: the context of the model is {ollama.context_length}, of "
            f"which 512 are kept for the answer. {SMALL_HINT}"
        )

    async def test_a_larger_one_changes_nothing(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        for length in (None, 8192, 131_072):
            ollama.context_length = length
            async with client(ollama.url) as another:
                await answerer(another, num_ctx=8192).answer(QUESTION, LONG)
        assert sent_snippets(ollama) == [[1, 2, 3, 4, 5, 6]] * 3

    async def test_one_that_is_not_told_is_found_by_the_count(
        self,
        ollama: ScriptedOllama,
        asking: OllamaClient,
        caplog: pytest.LogCaptureFixture,
        tmp_path: Path,
    ) -> None:
        ollama.hidden_context, ollama.script = 2048, lambda _: "Yes [1]."
        texts = [f"Snippet {n}. {'Many more words. ' * 110}" for n in range(1, 7)]
        counts = TokenCounts(tmp_path / "counts.json")
        writer = answerer(asking, num_ctx=8192, counts=counts)
        draft = await writer.answer(QUESTION, context(*texts))
        assert sent_snippets(ollama) == [[1, 2, 3, 4, 5, 6], [1, 2, 3]]
        assert draft.remarks == ("the prompt was cut, asked again with 3 snippets",)
        assert re.fullmatch(
            r"llama3\.2 did not read the whole prompt: fewer tokens than its text must have; 2048 "
            r"tokens were read, about 3\d\d\d tokens in 6 snippets were sent \(num_ctx 8192\)\. "
            r"Asking again with 3 snippets\. " + re.escape(SMALL_HINT),
            caplog.messages[0],
        )
        (kept,) = json.loads((tmp_path / "counts.json").read_text()).values()
        assert [tokens for _, tokens in kept] == [draft.usage.prompt_tokens]

    @pytest.mark.parametrize(("ratio", "tries"), [(4.0, 2), (4.4, 1), (None, 1)])
    async def test_earlier_counts_of_the_model_tell_more(
        self,
        ollama: ScriptedOllama,
        asking: OllamaClient,
        tmp_path: Path,
        ratio: float | None,
        tries: int,
    ) -> None:
        """2,048 tokens of a message of 9,900 characters: 4.8 each."""
        counts = TokenCounts(tmp_path / "counts.json")
        for _ in range(5 if ratio else 0):
            characters = round(1000 * (ratio or 0))
            counts.record("llama3.2", PROMPT_VERSION, characters=characters, prompt_tokens=1000)
        read = iter([2048, 900])
        ollama.script = lambda _: Written("Yes [1].", prompt_tokens=next(read))
        given = context(*["x" * 1520] * 6)
        await answerer(asking, num_ctx=8192, counts=counts).answer(QUESTION, given)
        assert len(ollama.asked("/api/chat")) == tries


class TestCut:
    """A factor of 8 takes six snippets for half as many tokens as the server does."""

    def writer(self, asking: OllamaClient, num_ctx: int = 1024) -> OllamaAnswerer:
        return answerer(asking, num_ctx=num_ctx, num_predict=64, chars_per_token=8.0)

    @pytest.mark.parametrize(
        ("version", "ignores", "told"),
        [
            (
                "0.9.3",
                False,
                "did not read the whole prompt: it fills num_ctx; 1024 tokens were read, "
                "about {sent} tokens in 6 snippets were sent (num_ctx 1024).",
            ),
            (
                "0.32.0",
                True,
                "did not read the whole prompt: it fills half of num_ctx; 515 tokens were read, "
                "about {sent} tokens in 6 snippets were sent (num_ctx 1024).",
            ),
            (
                "0.33.0",
                False,
                "refused the prompt as too long: about {sent} tokens in 6 snippets were sent "
                "(num_ctx 1024).",
            ),
        ],
    )
    async def test_is_told_and_asked_again_with_half_of_the_snippets(
        self,
        ollama: ScriptedOllama,
        asking: OllamaClient,
        caplog: pytest.LogCaptureFixture,
        version: str,
        ignores: bool,
        told: str,
    ) -> None:
        ollama.version, ollama.ignores_truncate = version, ignores
        draft = await self.writer(asking).answer(QUESTION, LONG)
        assert sent_snippets(ollama) == [[1, 2, 3, 4, 5, 6], [1, 2, 3]]
        assert draft.text == "Snippet 1 says so. [1]"
        assert draft.usage.snippets == 3
        half = replace(LONG, snippets=LONG.snippets[:3])
        assert draft.usage.estimated_tokens == estimated(half, chars_per_token=8.0)
        assert draft.remarks == ("the prompt was cut, asked again with 3 snippets",)
        sent = estimated(LONG, chars_per_token=8.0)
        told = told.format(sent=sent)
        assert caplog.messages == [f"llama3.2 {told} Asking again with 3 snippets. {CUT_HINT}"]
        assert caplog.records[0].levelno == logging.WARNING
        assert "lock" not in caplog.text

    async def test_the_best_snippet_alone_is_the_last_that_is_tried(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        read = iter([1024, 1010, 900])
        ollama.script = lambda _: Written("Yes [1].", prompt_tokens=next(read))
        draft = await self.writer(asking).answer(QUESTION, LONG)
        assert sent_snippets(ollama) == [[1, 2, 3, 4, 5, 6], [1, 2, 3], [1]]
        assert draft.usage.snippets == 1
        assert draft.remarks == (
            "the prompt was cut, asked again with 3 snippets",
            "the prompt was cut, asked again with 1 snippet",
        )

    @pytest.mark.parametrize(
        ("packed", "tries"), [(6, [6, 3, 1]), (3, [3, 1]), (2, [2, 1]), (1, [1])]
    )
    async def test_one_that_is_cut_even_so_is_a_failure(
        self, ollama: ScriptedOllama, asking: OllamaClient, packed: int, tries: list[int]
    ) -> None:
        ollama.prompt_tokens = 1024
        with pytest.raises(ModelUnavailable) as failure:
            await self.writer(asking).answer(QUESTION, context(*["A lock."] * packed))
        assert list(map(len, sent_snippets(ollama))) == tries
        assert re.fullmatch(
            r"llama3\.2 did not read the whole prompt: it fills num_ctx; 1024 tokens were read, "
            r"about \d+ tokens in 1 snippet were sent \(num_ctx 1024\)\. " + re.escape(CUT_HINT),
            str(failure.value),
        )

    async def test_one_that_is_refused_even_so_is_a_failure(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.fail(Fault.NO_ROOM)
        with pytest.raises(ModelUnavailable, match="refused the prompt as too long") as failure:
            await self.writer(asking).answer(QUESTION, LONG)
        assert list(map(len, sent_snippets(ollama))) == [6, 3, 1]
        assert str(failure.value).endswith(CUT_HINT)

    async def test_history_goes_before_the_only_snippet_is_given_up(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        read = iter([1024, 500])
        ollama.script = lambda _: Written("Yes [1].", prompt_tokens=next(read))
        question = Question("And then?", (Exchange("What?", "That."),))
        draft = await self.writer(asking).answer(question, context("A lock."))
        texts = [r.payload["messages"][1]["content"] for r in ollama.asked("/api/chat")]
        assert ["<<earlier" in text for text in texts] == [True, False]
        assert draft.usage.snippets == 1

    @pytest.mark.parametrize("read", [0, 1, 200, 700])
    async def test_a_count_without_what_was_cached_changes_nothing(
        self, ollama: ScriptedOllama, asking: OllamaClient, read: int
    ) -> None:
        ollama.script = lambda _: Written("Yes [1].", prompt_tokens=read)
        await answerer(asking, num_ctx=8192).answer(QUESTION, LONG)
        assert len(ollama.asked("/api/chat")) == 1

    async def test_far_fewer_tokens_than_the_text_must_have_are_a_cut(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        """A model whose own context is smaller than num_ctx."""
        read = iter([450, 450])
        ollama.script = lambda _: Written("Yes [1].", prompt_tokens=next(read))
        draft = await answerer(asking, num_ctx=8192).answer(QUESTION, LONG)
        assert draft.usage.snippets == 3

    async def test_an_answer_that_pushes_the_prompt_out_is_written_again(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ends = iter([(1000, 25), (600, 25)])

        def script(_: object) -> Written:
            read, written = next(ends)
            return Written("Yes [1].", prompt_tokens=read, eval_count=written)

        ollama.script = script
        draft = await self.writer(asking).answer(QUESTION, LONG)
        assert (draft.usage.prompt_tokens, draft.usage.answer_tokens) == (600, 25)

    async def test_pieces_of_a_second_try_are_not_mixed_with_those_of_the_first(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        texts = iter([("First [1].", 1024), ("Second [1].", 600)])

        def script(_: object) -> Written:
            text, read = next(texts)
            return Written(text, prompt_tokens=read)

        ollama.script = script
        pieces: list[str] = []
        draft = await self.writer(asking).answer(QUESTION, LONG, pieces.append)
        assert "".join(pieces) == "First [1]."
        assert draft.text == "Second [1]."

    async def test_after_a_refusal_there_was_nothing_to_mix(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.version = "0.33.0"
        pieces: list[str] = []
        draft = await self.writer(asking).answer(QUESTION, LONG, pieces.append)
        assert "".join(pieces) == draft.text == "Snippet 1 says so. [1]"
        assert len(sent_snippets(ollama)) == 2

    async def test_all_tries_together_have_the_seconds_of_one(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        """The second try stalls."""

        def script(_: object) -> Written:
            if len(ollama.asked("/api/chat")) == 2:
                ollama.pause_after = 1
            return Written("Yes it is [1].", prompt_tokens=1024)

        ollama.script, ollama.latency_seconds = script, 0.3
        started = time.monotonic()
        with pytest.raises(ModelTimeout):
            await self.writer(asking).answer(QUESTION, LONG, seconds=0.9)
        assert time.monotonic() - started < 4  # of the 5 that a stream may stand still
        assert len(ollama.asked("/api/chat")) == 2


class TestUnfinished:
    """num_predict was used up: what is whole is kept."""

    async def test_the_unfinished_sentence_is_left_out(
        self, ollama: ScriptedOllama, asking: OllamaClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        ollama.script = lambda _: "1. Open Settings [1].\n2. Choose Lock [1].\n3. Then cli"
        ollama.done_reason = "length"
        draft = await answerer(asking).answer(QUESTION, LOCKING)
        assert draft.text == "1. Open Settings [1].\n2. Choose Lock [1]."
        assert draft.remarks == ("the answer was cut after 11 tokens",)
        assert caplog.messages == [
            "llama3.2: the answer was cut after 11 tokens; its unfinished end is left out. "
            "[hint: increase NUM_PREDICT]"
        ]

    async def test_an_answer_of_which_nothing_is_whole_is_a_failure(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.script = lambda _: "Admins lock timesheets in Settings when they want to lock"
        with pytest.raises(ModelUnavailable) as failure:
            await answerer(asking, num_predict=4).answer(QUESTION, LOCKING)
        assert str(failure.value) == (
            "llama3.2 finished no sentence: the answer was cut after 4 tokens. "
            "[hint: increase NUM_PREDICT]"
        )

    async def test_an_answer_that_stopped_by_itself_is_left_alone(
        self, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.script = lambda _: "Open Settings [1]. And no full stop"
        draft = await answerer(asking).answer(QUESTION, LOCKING)
        assert draft.text == "Open Settings [1]. And no full stop"
        assert draft.remarks == ()


class TestCounts:
    """What the server counted is kept for doctor, and changes nothing else."""

    async def test_characters_and_tokens_are_kept(
        self, ollama: ScriptedOllama, asking: OllamaClient, tmp_path: Path
    ) -> None:
        counts = TokenCounts(tmp_path / "counts.json")
        drafts = [await answerer(asking, counts=counts).answer(QUESTION, LOCKING) for _ in range(6)]
        assert len({draft.usage.prompt_digest for draft in drafts}) == 1
        characters = Fitter(42, 4.0, 4096).render(QUESTION, LOCKING).characters
        kept = json.loads((tmp_path / "counts.json").read_text())
        assert kept == {f"llama3.2 {PROMPT_VERSION}": [[characters, -(-characters // 4)]] * 6}
        assert counts.suggested("llama3.2", PROMPT_VERSION) == 3.9

    async def test_that_of_a_cut_prompt_is_not(
        self, ollama: ScriptedOllama, asking: OllamaClient, tmp_path: Path
    ) -> None:
        counts = TokenCounts(tmp_path / "counts.json")
        ollama.prompt_tokens = 4096
        with pytest.raises(ModelUnavailable):
            await answerer(asking, counts=counts).answer(QUESTION, LOCKING)
        assert list(tmp_path.iterdir()) == []

    async def test_nor_is_one_at_the_size_of_a_context(
        self, ollama: ScriptedOllama, asking: OllamaClient, tmp_path: Path
    ) -> None:
        counts = TokenCounts(tmp_path / "counts.json")
        ollama.prompt_tokens = 512
        await answerer(asking, counts=counts).answer(QUESTION, LOCKING)
        assert list(tmp_path.iterdir()) == []

    async def test_they_are_read_once_so_that_equal_prompts_are_judged_alike(
        self, ollama: ScriptedOllama, asking: OllamaClient, tmp_path: Path
    ) -> None:
        counts = TokenCounts(tmp_path / "counts.json")
        writer = answerer(asking, num_ctx=8192, counts=counts)
        await writer.answer(QUESTION, LOCKING)
        for _ in range(5):
            counts.record("llama3.2", PROMPT_VERSION, characters=3000, prompt_tokens=1000)
        ollama.prompt_tokens = 600  # of 3,000 characters would be a cut, by these counts
        await writer.answer(QUESTION, LONG)
        assert len(ollama.asked("/api/chat")) == 2

    async def test_a_place_that_cannot_be_written_is_no_obstacle(
        self, asking: OllamaClient, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        counts = TokenCounts(tmp_path / "file" / "counts.json")
        draft = await answerer(asking, counts=counts).answer(QUESTION, LOCKING)
        assert draft.text == ANSWER


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


@pytest.mark.parametrize("path", ["/api/chat", "/api/show"])
async def test_a_server_that_hangs_costs_the_seconds_and_no_more(
    ollama: ScriptedOllama, asking: OllamaClient, path: str
) -> None:
    ollama.fail(Fault.HANG, path=path)
    pieces: list[str] = []
    if path == "/api/show":
        draft = await answerer(asking).answer(QUESTION, LOCKING, pieces.append, seconds=0.5)
        assert draft.text == ANSWER
    else:
        with pytest.raises(ModelTimeout):
            await answerer(asking).answer(QUESTION, LOCKING, pieces.append, seconds=0.5)


async def test_a_model_that_is_left_alone_is_not_looked_at_either(
    ollama: ScriptedOllama, asking: OllamaClient
) -> None:
    asking.pause("it failed")
    pieces: list[str] = []
    with pytest.raises(ModelPaused):
        await answerer(asking).answer(QUESTION, LOCKING, pieces.append)
    assert ollama.asked("/api/show") == ollama.asked("/api/chat") == []


async def test_missing_model(asking: OllamaClient) -> None:
    writer = OllamaAnswerer(asking, "phi4", seed=1, num_ctx=512, num_predict=16)
    with pytest.raises(ModelMissing, match="ollama pull phi4"):
        await writer.answer(QUESTION, LOCKING)
