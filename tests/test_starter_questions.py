"""The questions that ship with the starter knowledge: each names articles that are there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from core.articles import read_knowledge
from core.quality_questions import QualityQuestion, find_questions, page_key, read_questions
from core.types import Article

KNOWLEDGE = Path(__file__).parents[1] / "knowledge"


@pytest.fixture(scope="module")
def articles() -> dict[str, Article]:
    """Give the starter articles by the keys of their URLs."""
    return {page_key(a.url or a.id): a for a in read_knowledge(KNOWLEDGE).articles}


@pytest.fixture(scope="module")
def questions() -> tuple[QualityQuestion, ...]:
    path = find_questions(KNOWLEDGE, None)
    assert path is not None
    read, warnings = read_questions(path)
    assert warnings == ()  # no bad line, no query twice
    return read


def test_every_question_names_articles_that_are_there(
    questions: tuple[QualityQuestion, ...], articles: dict[str, Article]
) -> None:
    assert len(questions) >= 60
    assert [q.query for q in questions if not q.pages <= articles.keys()] == []


def test_every_folder_has_questions(
    questions: tuple[QualityQuestion, ...], articles: dict[str, Article]
) -> None:
    asked = Counter(
        articles[page].source.partition("/")[0] for question in questions for page in question.pages
    )
    folders = {entry.name for entry in KNOWLEDGE.iterdir() if entry.is_dir()}
    assert {folder for folder in folders if asked[folder] < 2} == set()


def test_questions_are_not_the_titles(
    questions: tuple[QualityQuestion, ...], articles: dict[str, Article]
) -> None:
    """People do not know what an article is called."""
    titles = {article.title.casefold() for article in articles.values()}
    assert [q.query for q in questions if q.query.casefold() in titles] == []
