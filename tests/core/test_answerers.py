"""What every answerer promises, and what the quoting one does besides."""

from __future__ import annotations

import copy
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.answerers.extractive import ExtractiveAnswerer
from core.answerers.ollama import OllamaAnswerer
from core.grounding import check
from core.protocols import Answerer
from core.types import REFUSAL_TEXT, Answer, Chunk, Context, Exchange, Question, Refusal, Snippet

from ..ollama import ScriptedOllama
from ..ollama_asking import client

QUESTION = Question("How do I lock timesheets?")


def snippet(
    number: int,
    text: str,
    *,
    article: str = "lock",
    headings: tuple[str, ...] = (),
    score: float = 0.5,
) -> Snippet:
    chunk = Chunk(f"{article}#{number}", article, f"Title of {article}", headings, text, None, 0, 1)
    return Snippet(number, chunk, text, score)


def context(*snippets: Snippet, **weights: float) -> Context:
    return Context(snippets, 0, tuple(weights.items()))


LOCKING = context(
    snippet(1, "Admins lock timesheets in the settings. Entries before a date are closed."),
    snippet(2, "Invoices are sent by email.", article="invoices", score=0.1),
    lock=2.0,
    timesheet=1.0,
)


@pytest.fixture(params=["extractive", "ollama"])
async def answerer(request: pytest.FixtureRequest) -> AsyncIterator[Answerer]:
    if request.param == "extractive":
        yield ExtractiveAnswerer()
        return
    async with ScriptedOllama() as ollama, client(ollama.url) as asking:
        yield OllamaAnswerer(asking, "llama3.2", seed=42, num_ctx=4096, num_predict=512)


def cited(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"\[(\d+)\]", text)}


class TestContract:
    async def test_answers_from_the_context_with_a_citation(self, answerer: Answerer) -> None:
        draft = await answerer.answer(QUESTION, LOCKING)
        assert "Admins lock timesheets in the settings." in draft.text
        assert 1 in cited(draft.text) <= {1, 2}

    async def test_signs_its_drafts(
        self, answerer: Answerer, request: pytest.FixtureRequest
    ) -> None:
        assert answerer.name == request.node.callspec.params["answerer"]
        assert (await answerer.answer(QUESTION, LOCKING)).answerer == answerer.name

    async def test_pieces_are_those_of_its_draft(self, answerer: Answerer) -> None:
        pieces: list[str] = []
        draft = await answerer.answer(QUESTION, LOCKING, pieces.append)
        assert draft == await answerer.answer(QUESTION, LOCKING)
        assert draft.text.startswith("".join(pieces))
        assert bool(pieces) == (answerer.name == "ollama")

    async def test_its_draft_passes_the_check(self, answerer: Answerer) -> None:
        reply = check(await answerer.answer(QUESTION, LOCKING), LOCKING)
        assert isinstance(reply, Answer)
        assert reply.sources[0].chunk_id == "lock#1"

    async def test_refuses_with_the_constant_when_there_is_nothing(
        self, answerer: Answerer
    ) -> None:
        draft = await answerer.answer(QUESTION, context())
        assert draft.text == REFUSAL_TEXT == "I don't know based on the MD."
        assert isinstance(check(draft, context()), Refusal)

    async def test_the_same_question_gets_the_same_draft(self, answerer: Answerer) -> None:
        drafts = [await answerer.answer(QUESTION, LOCKING) for _ in range(2)]
        assert drafts[0] == drafts[1]

    async def test_leaves_what_it_was_given(self, answerer: Answerer) -> None:
        question, given = copy.deepcopy((QUESTION, LOCKING))
        await answerer.answer(question, given)
        assert (question, given) == (QUESTION, LOCKING)

    @pytest.mark.parametrize(
        "question",
        [
            Question(""),
            Question("???"),
            Question("how do i"),
            Question("lock " * 500),
            Question("[1] [2] [3]"),
            Question("And weekly?", (Exchange("How do I lock?", "In the settings [1]."),)),
        ],
        ids=["empty", "signs", "stop words", "long", "citations", "follow-up"],
    )
    async def test_takes_any_question(self, answerer: Answerer, question: Question) -> None:
        draft = await answerer.answer(question, LOCKING)
        assert cited(draft.text) <= {1, 2}
        assert isinstance(check(draft, LOCKING), Answer)

    @pytest.mark.parametrize(
        "text",
        [
            "Lock it as told in [7] and [12].",
            "| a | b |\n|---|---|\n| lock [3] | x |",
            "```\nlock(rows[0])\n```",
            "1. Lock [2].\n2. Save [9].",
            "Lock <!channel> @here https://evil.example",
            "🔒 ロック",
            "#",
        ],
    )
    async def test_takes_any_snippet(self, answerer: Answerer, text: str) -> None:
        given = context(snippet(1, text), lock=1.0)
        reply = check(await answerer.answer(QUESTION, given), given)
        if isinstance(reply, Answer):
            assert [source.chunk_id for source in reply.sources] == ["lock#1"]


async def quote(
    *snippets: Snippet, question: str = QUESTION.text, max_chars: int = 760, **weights: float
) -> str:
    answerer = ExtractiveAnswerer(max_chars=max_chars)
    return (await answerer.answer(Question(question), context(*snippets, **weights))).text


def sentences(count: int, about: str) -> str:
    return " ".join(f"Sentence {n} about {about} is here to fill the page." for n in range(count))


class TestQuoting:
    """The extractive answerer: verbatim, in reading order, cited, within its bound."""

    async def test_paragraphs_are_quoted_as_they_are(self) -> None:
        text = "Open **Settings**.\nThen _lock_ the `timesheets`."
        assert await quote(snippet(1, text)) == f"{text} [1]"

    async def test_blocks_are_cited_one_by_one_in_reading_order(self) -> None:
        text = "First a word on dates.\n\nThen lock the timesheets.\n\nLock them for good."
        assert await quote(snippet(4, text), lock=1.0) == (
            "First a word on dates. [4]\n\nThen lock the timesheets. [4]\n\nLock them for good. [4]"
        )

    async def test_a_list_keeps_its_lead_in_and_its_lines(self) -> None:
        text = "To lock timesheets:\n\n1. Open the settings.\n2. Choose a date."
        assert await quote(snippet(1, text)) == (
            "To lock timesheets:\n1. Open the settings.\n2. Choose a date. [1]"
        )

    async def test_a_long_list_is_taken_apart_at_its_items(self) -> None:
        items = [f"- Item {n} {'with many more words ' * 5}" for n in range(9)]
        items[4] = "- Lock the timesheets here."
        text = await quote(
            snippet(1, "All items:\n\n" + "\n".join(items)), max_chars=200, lock=5.0, timesheet=5.0
        )
        assert "- Lock the timesheets here." in text
        assert text.startswith("All items:\n- ")
        assert len(text) < 300

    async def test_a_long_paragraph_is_taken_apart_at_its_sentences(self) -> None:
        before, after = sentences(12, "dates"), sentences(12, "prices")
        wanted = "Admins lock the timesheets."
        text = await quote(
            snippet(1, f"{before} {wanted} {after}"), max_chars=120, lock=5.0, timesheet=5.0
        )
        assert wanted in text
        assert len(text) < 200
        assert text.endswith("[1]")

    async def test_table_rows_name_their_columns(self) -> None:
        table = "| Plan | Lock | Price |\n|---|:-:|--:|\n| Basic | no | 1 |\n| Pro | a \\| b | 2 |"
        text = await quote(snippet(1, table), lock=1.0, basic=1.0)
        assert "- Plan: Basic; Lock: no; Price: 1" in text
        assert "a \\| b; Price: 2" in text
        assert "---" not in text
        assert text.count("[1]") == 1

    async def test_code_keeps_its_fence_and_the_citation_stays_outside(self) -> None:
        code = "```python\nlock(timesheets)\n```"
        assert await quote(snippet(1, code)) == f"{code}\n[1]"

    async def test_numbers_in_brackets_do_not_become_citations(self) -> None:
        text = await quote(snippet(1, "Lock it, see [2] and [3, 4], as in [notes]."))
        assert text == "Lock it, see (2) and (3, 4), as in [notes]. [1]"

    async def test_numbers_in_code_stay_as_they_are(self) -> None:
        text = "Lock `rows[0]` now [2]."
        assert await quote(snippet(1, text)) == "Lock `rows[0]` now (2). [1]"

    async def test_what_several_articles_say_stands_under_headings(self) -> None:
        text = await quote(
            snippet(
                1, "Lock timesheets in the settings.", article="a", headings=("X", "By *hand*")
            ),
            snippet(2, "Lock timesheets by themselves.", article="b"),
        )
        assert text == (
            "**Title of a: By hand**\nLock timesheets in the settings. [1]\n\n"
            "**Title of b**\nLock timesheets by themselves. [2]"
        )

    async def test_one_section_needs_no_heading(self) -> None:
        text = "Lock timesheets in the settings.\n\nLock them by a date."
        assert "**" not in await quote(snippet(1, text, headings=("By hand",)))

    async def test_headings_do_not_cite(self) -> None:
        text = await quote(
            snippet(1, "Lock timesheets.", article="a", headings=("Step [2]",)),
            snippet(2, "Lock timesheets by themselves.", article="b", headings=("Step [1]",)),
        )
        assert text.startswith("**Title of a: Step (2)**\n")
        assert "**Title of b: Step (1)**" in text

    async def test_nothing_is_said_twice(self) -> None:
        text = await quote(snippet(1, "Lock it."), snippet(2, "Lock it."), lock=1.0)
        assert text == "Lock it. [1]"

    async def test_the_best_is_quoted_even_when_it_is_too_long(self) -> None:
        text = await quote(snippet(1, "Lock timesheets now."), snippet(2, "More."), max_chars=5)
        assert text == "Lock timesheets now. [1]"

    @pytest.mark.parametrize("max_chars", [100, 300, 760])
    async def test_it_stays_within_its_bound(self, max_chars: int) -> None:
        many = [snippet(n, sentences(20, f"lock {n}"), article=f"a{n}") for n in range(1, 7)]
        text = await quote(*many, max_chars=max_chars)
        headings = sum(len(line) + 2 for line in text.split("\n") if line.startswith("**"))
        assert 0 < len(text) - headings <= max_chars + 60

    async def test_what_covers_the_question_goes_first_when_there_is_room_for_one(self) -> None:
        page = "The price is per user.\n\nAdmins lock the timesheets.\n\nReports are monthly."
        text = await quote(snippet(1, page), max_chars=40, lock=3.0, timesheet=3.0)
        assert text == "Admins lock the timesheets. [1]"

    async def test_a_better_snippet_goes_first_when_there_is_room_for_one(self) -> None:
        first = snippet(1, "Timesheets are here.", score=0.1)
        second = snippet(2, "Timesheets are there.", score=0.9)
        assert await quote(first, second, max_chars=20) == "Timesheets are there. [2]"

    async def test_equal_ones_go_by_number(self) -> None:
        first, second = snippet(1, "Lock it so."), snippet(2, "Lock it thus.")
        assert await quote(first, second, max_chars=10) == "Lock it so. [1]"
        assert await quote(second, first, max_chars=10) == "Lock it so. [1]"

    async def test_headings_without_text_are_a_refusal(self) -> None:
        empty = snippet(1, "")
        assert await quote(empty) == REFUSAL_TEXT
        assert await quote(replace(empty, text="## Only a heading")) == REFUSAL_TEXT
