"""Example questions: natural, spread over the knowledge, repeatable, and each one answered."""

from __future__ import annotations

import doctest
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from core import phrasing
from core.answerers.extractive import ExtractiveAnswerer
from core.examples import MAX_CHARACTERS, MOST_ASKED, examples
from core.index import Index
from core.phrasing import question_about, question_of
from core.pipeline import AnswerRules, Pipeline
from core.protocols import Answerer
from core.rebuild import rebuild
from core.store import Store
from core.types import Answer, Question
from core.writing import Writer

from ..ollama import ScriptedOllama
from ..ollama_asking import client
from .fakes import HashingEmbedder, request, write_knowledge
from .test_pipeline import generator

PAGES = {
    "lock/timesheets": "# Lock your timesheets\n\nAdmins lock your timesheets in the settings.\n",
    "lock/approval": "# Approve timesheets\n\nManagers approve timesheets each week.\n",
    "time/tracking": "# Tracking time\n\nPress start to track time on a project.\n",
    "reports/export": "# Reports\n\n## How to export a report\n\nExport a report from its page.\n",
    "kiosk/kiosk": "# Kiosk\n\nA kiosk is one shared tablet on which people clock in.\n",
    "prices/prices": "# Prices\n\n## Overview\n\nEverything is free for now.\n",
}


async def build(folder: Path, pages: Mapping[str, str]) -> Index:
    for name in pages:
        (folder / "kb" / name).parent.mkdir(parents=True, exist_ok=True)
    await rebuild(request(write_knowledge(folder / "kb", pages), folder / "index"))
    return Store(folder / "index").open().index


def pipeline(
    index: Index,
    *,
    embedder: HashingEmbedder | None = None,
    answerer: Answerer | None = None,
    fallback: Answerer | None = None,
    threshold: float = 0.4,
) -> Pipeline:
    return Pipeline(
        index,
        Writer(answerer or ExtractiveAnswerer(), fallback or ExtractiveAnswerer()),
        embedder=embedder or HashingEmbedder(),
        matcher=None,
        rules=AnswerRules(threshold=threshold),
    )


@pytest.fixture
async def index(tmp_path: Path) -> Index:
    return await build(tmp_path, PAGES)


async def test_one_of_each_folder_then_more(index: Index) -> None:
    found = await examples(pipeline(index), most=5)
    assert set(found[:4]) - {"How do I lock my timesheets?", "How do I approve timesheets?"} == {
        "How do I track time?",
        "How do I export a report?",
        "What is a kiosk?",
    }
    assert len(set(found)) == len(found) == 5
    assert len(await examples(pipeline(index))) == 4
    assert await examples(pipeline(index), most=0) == ()


async def test_the_answer_to_each_cites_its_article_first(index: Index) -> None:
    articles = {
        "How do I lock my timesheets?": "lock/timesheets",
        "How do I approve timesheets?": "lock/approval",
        "How do I track time?": "time/tracking",
        "How do I export a report?": "reports/export",
        "What is a kiosk?": "kiosk/kiosk",
    }
    asked = pipeline(index)
    for question in await examples(asked, most=5):
        reply = (await asked.ask(Question(question))).reply
        assert isinstance(reply, Answer)
        assert reply.sources[0].chunk_id.partition("#")[0] == articles[question]


async def test_the_same_generation_gives_the_same(index: Index) -> None:
    drawn = {
        number: await examples(pipeline(replace(index, generation=f"{number:08}")), most=2)
        for number in (1, 2, 3, 4, 5, 1)
    }
    assert await examples(pipeline(replace(index, generation="00000001")), most=2) == drawn[1]
    assert len(set(drawn.values())) > 1


async def test_what_is_not_answered_is_no_example(index: Index) -> None:
    assert await examples(pipeline(index, threshold=1.0)) == ()


async def test_what_another_article_answers_is_no_example(tmp_path: Path) -> None:
    steps = "To lock timesheets:\n\n1. Lock timesheets.\n2. Lock timesheets, lock timesheets."
    pages = {
        "a/guide": f"# Guide\n\n## Overview\n\n{steps}\n",
        "b/locking": "# Lock timesheets\n\nSomething else stands here about nothing at all.\n",
    }
    index = await build(tmp_path, pages)
    reply = (await pipeline(index).ask(Question("How do I lock timesheets?"))).reply
    assert isinstance(reply, Answer)
    assert reply.sources[0].chunk_id.startswith("a/guide#")
    assert await examples(pipeline(index)) == ()


async def test_no_language_model_is_asked(index: Index) -> None:
    async with ScriptedOllama() as ollama, client(ollama.url) as asking:
        assert len(await examples(pipeline(index, answerer=generator(asking)))) == 4
        assert ollama.requests == []


async def test_without_quotes_to_fall_back_to_there_are_none(index: Index) -> None:
    async with ScriptedOllama() as ollama, client(ollama.url) as asking:
        alone = Pipeline(
            index,
            Writer(generator(asking), None),
            embedder=HashingEmbedder(),
            matcher=None,
            rules=AnswerRules(),
        )
        assert await examples(alone) == ()
        assert ollama.requests == []


async def test_few_are_asked_however_many_there_are(tmp_path: Path) -> None:
    pages = {f"f{n}/page": f"# Lock item{n}\n\nA page about {n}.\n" for n in range(MOST_ASKED + 9)}
    index = await build(tmp_path, pages)
    embedder = HashingEmbedder()
    assert await examples(pipeline(index, embedder=embedder, threshold=1.0)) == ()
    assert len(embedder.texts) == MOST_ASKED


async def test_a_question_that_a_button_cannot_hold_is_left_out(tmp_path: Path) -> None:
    long = f"Lock timesheets {'of a team ' * 6}now"
    assert len(question_of(long)) > MAX_CHARACTERS
    index = await build(tmp_path, {"a/a": f"# {long}\n\nAdmins lock timesheets of a team now.\n"})
    assert await examples(pipeline(index)) == ()


async def test_a_knowledge_without_questions_gives_none(tmp_path: Path) -> None:
    pages = {"a/a": "# Preise\n\nAlles ist frei.\n", "b/b": "# Tarife\n\n## Monate\n\nZwölf.\n"}
    assert await examples(pipeline(await build(tmp_path, pages))) == ()


def test_the_examples_in_the_documentation() -> None:
    assert doctest.testmod(phrasing).failed == 0


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("How to lock a timesheet", "How do I lock a timesheet?"),
        ("How to lock a timesheet?", "How do I lock a timesheet?"),
        ("Who can lock timesheets", "Who can lock timesheets?"),
        ("can I merge workspaces?", "Can I merge workspaces?"),
        ("Setting your rates", "How do I set my rates?"),
        ("Using tags", "How do I use tags?"),
        ("Create & edit invoices", "How do I create and edit invoices?"),
        ("Upload files.", "How do I upload files?"),
    ],
)
def test_questions_and_orders(name: str, question: str) -> None:
    assert question_of(name) == question


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Overview",
        "Prices",
        "Locking",
        "Export",
        "Export and retention",
        "Submit button missing",
        "Send fails",
        "What a user can do",
        "Why the zone matters",
        "Owner or admin?",
        "Use it",
        "Create the first one",
        "Step 2 create a tag",
        "2. Create a tag",
        "Create a tag (web)",
        "Create `tags`",
        "Notify <!channel>",
        "Zeit erfassen",
        "Morning routines",
    ],
)
def test_what_is_neither_makes_none(name: str) -> None:
    assert question_of(name) == ""


def test_capitals_are_the_articles_own() -> None:
    text = "Connect Clockify with a calendar. See clockify.me/help and add-on."
    assert question_of("Connect Clockify With Calendar", text) == (
        "How do I connect Clockify with calendar?"
    )


@pytest.mark.parametrize(
    ("title", "text", "question"),
    [
        ("Kiosk", "Hello. A kiosk is one tablet.", "What is a kiosk?"),
        ("Force timer", "Force timer is a setting.", "What is Force timer?"),
        ("Kiosk", "The tablet in a kiosk is small.", ""),
        ("Kiosk", "A kiosk is not free.", ""),
        ("Kiosks", "Kiosks is a word.", ""),
        ("Kiosk (web)", "Kiosk (web) is a page.", ""),
        ("", "A is a.", ""),
    ],
)
def test_what_a_thing_is(title: str, text: str, question: str) -> None:
    assert question_about(title, text) == question
