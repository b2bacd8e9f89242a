"""The writer: the model within its time, or quotes that say so. Nothing else, and never silence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import pytest

from core.answerers.extractive import ExtractiveAnswerer
from core.deadline import Deadline
from core.errors import ModelPaused, ModelTimeout, ModelUnavailable
from core.protocols import EmbedderSpec
from core.types import (
    Answer,
    Chunk,
    Context,
    Draft,
    Question,
    Refusal,
    RefusalReason,
    Role,
    Snippet,
    Vectors,
)
from core.writing import FALLBACK_FOOTNOTE, Writer

TEXT = "Admins lock timesheets in the workspace settings under Lock."
CHUNK = Chunk("lock#.0", "lock", "Lock timesheets", (), TEXT, "https://docs.example/lock", 0, 60)
CONTEXT = Context((Snippet(1, CHUNK, TEXT),), 30)
QUESTION = Question("How do admins lock timesheets?")


class Told:
    """Writes what it was told to write, or fails as it was told to."""

    name = "told"

    def __init__(self, *outcomes: str | Exception, takes_seconds: float = 0) -> None:
        self._outcomes = list(outcomes)
        self._takes_seconds = takes_seconds
        self.given_seconds: list[float | None] = []

    async def answer(
        self,
        question: Question,
        context: Context,
        on_text: Callable[[str], None] | None = None,
        *,
        seconds: float | None = None,
    ) -> Draft:
        self.given_seconds.append(seconds)
        await asyncio.sleep(self._takes_seconds)
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return Draft(outcome, self.name, model="m", remarks=("asked twice",))


class HangingEmbedder:
    """Knows what it is, but never embeds."""

    async def spec(self) -> EmbedderSpec:
        return EmbedderSpec("ollama", "nomic-embed-text", 8, "", "", 512)

    async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        await asyncio.Event().wait()
        raise AssertionError

    def count_tokens(self, text: str) -> int:
        return len(text)


async def test_what_the_model_wrote_is_checked_and_unmarked() -> None:
    writer = Writer(Told(f"{TEXT} [1]"), ExtractiveAnswerer())
    written = await writer.write(QUESTION, CONTEXT, None, Deadline(10))
    assert isinstance(written.reply, Answer)
    assert written.reply.text == f"{TEXT} [1]"
    assert (written.draft.model, written.footnotes) == ("m", ())
    assert written.remarks == ("asked twice",)
    assert (writer.problem, writer.problem_since) == ("", None)


async def test_a_model_that_fails_is_replaced_by_marked_quotes() -> None:
    writer = Writer(Told(ModelUnavailable("Ollama is gone.")), ExtractiveAnswerer())
    written = await writer.write(QUESTION, CONTEXT, None, Deadline(10))
    assert isinstance(written.reply, Answer)
    assert written.draft.answerer == "extractive"
    assert written.footnotes == (FALLBACK_FOOTNOTE,)
    assert "answered without the language model" in FALLBACK_FOOTNOTE.lower()
    assert written.remarks == ("no language model: Ollama is gone.",)
    assert writer.problem == "Ollama is gone."
    assert writer.problem_since is not None


async def test_without_quotes_to_fall_back_to_the_error_is_told() -> None:
    with pytest.raises(ModelTimeout, match="too slow"):
        await Writer(Told(ModelTimeout("too slow")), None).write(
            QUESTION, CONTEXT, None, Deadline(10)
        )


async def test_the_answerer_gets_what_is_left_and_quotes_keep_their_reserve() -> None:
    told = Told(f"{TEXT} [1]")
    await Writer(told, None).write(QUESTION, CONTEXT, None, Deadline(100))
    (seconds,) = told.given_seconds
    assert seconds is not None
    assert 97 < seconds <= 98


async def test_an_answerer_that_overstays_its_time_is_ended() -> None:
    writer = Writer(Told("late", takes_seconds=60), ExtractiveAnswerer())
    async with asyncio.timeout(10):
        written = await writer.write(QUESTION, CONTEXT, None, Deadline(0.5))
    assert written.footnotes == (FALLBACK_FOOTNOTE,)


async def test_claims_are_compared_by_words_when_their_vectors_do_not_come() -> None:
    writer = Writer(Told(f"{TEXT} [1]"), ExtractiveAnswerer(), embedder=HangingEmbedder())
    async with asyncio.timeout(10):
        written = await writer.write(QUESTION, CONTEXT, None, Deadline(2))
    assert (written.draft.answerer, written.footnotes) == ("told", ())
    assert isinstance(written.reply, Answer)


async def test_a_refusal_of_the_model_is_no_failure() -> None:
    writer = Writer(Told("I don't know based on the MD."), ExtractiveAnswerer())
    written = await writer.write(QUESTION, CONTEXT, None, Deadline(10))
    assert written.reply == Refusal(RefusalReason.UNSUPPORTED)
    assert written.footnotes == ()


class TestExpectation:
    async def test_quotes_are_unmarked_where_no_model_was_ever_expected(self) -> None:
        told = Told(ModelPaused("never seen"), f"{TEXT} [1]", ModelPaused("gone again"))
        writer = Writer(told, ExtractiveAnswerer(), problem="never seen", expects_model=False)
        first = await writer.write(QUESTION, CONTEXT, None, Deadline(10))
        assert (first.draft.answerer, first.footnotes) == ("extractive", ())
        second = await writer.write(QUESTION, CONTEXT, None, Deadline(10))
        assert (second.draft.answerer, second.footnotes) == ("told", ())
        third = await writer.write(QUESTION, CONTEXT, None, Deadline(10))
        assert (third.draft.answerer, third.footnotes) == ("extractive", (FALLBACK_FOOTNOTE,))

    async def test_the_problem_is_told_since_it_began_until_the_model_answers(self) -> None:
        told = Told(ModelUnavailable("a"), ModelPaused("b"), f"{TEXT} [1]")
        writer = Writer(told, ExtractiveAnswerer())
        await writer.write(QUESTION, CONTEXT, None, Deadline(10))
        since = writer.problem_since
        await writer.write(QUESTION, CONTEXT, None, Deadline(10))
        assert (writer.problem, writer.problem_since) == ("b", since)
        await writer.write(QUESTION, CONTEXT, None, Deadline(10))
        assert (writer.problem, writer.problem_since) == ("", None)

    async def test_a_pause_is_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        told = Told(ModelUnavailable("a"), ModelPaused("b"), ModelPaused("c"))
        writer = Writer(told, ExtractiveAnswerer())
        for _ in range(3):
            await writer.write(QUESTION, CONTEXT, None, Deadline(10))
        warned = [r for r in caplog.records if r.levelno >= logging.WARNING]
        assert [r.getMessage() for r in warned] == ["told did not answer: a"]


class TestDeadline:
    def test_a_reserve_is_kept_and_steps_get_a_part_of_the_rest(self) -> None:
        now = [0.0]
        deadline = Deadline(100, clock=lambda: now[0])
        assert (deadline.reserve_seconds, deadline.left_seconds) == (2.0, 98.0)
        assert deadline.part(0.5, at_most=60) == 49.0
        assert deadline.part(0.5, at_most=10) == 10
        now[0] = 97.0
        assert deadline.left_seconds == 1.0
        now[0] = 200.0
        assert deadline.left_seconds == 0.05

    def test_the_reserve_of_a_short_one_is_a_fifth(self) -> None:
        assert Deadline(4, clock=lambda: 0.0).reserve_seconds == 0.8
