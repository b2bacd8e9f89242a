"""Both real knowledge bases: counts, and the noise that must be gone."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from core.articles import Knowledge, read_knowledge

DATA = Path(__file__).parents[3] / "shared" / "data"
NOISE = re.compile(
    r"In this article|\d min read|Was this article helpful|could not be scraped"
    r"|!\[|\[\\#\]|^#{1,6} .*[^CF]#$|^#{1,6}$|\]\(https?://|theSTART|ClickSave|\u00a0",
    re.MULTILINE,
)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def read(name: str) -> Knowledge:
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is not on this machine")
    return read_knowledge(DATA / name)


@pytest.fixture(scope="module")
def merged() -> Knowledge:
    return read("knowledge_helpcenter.md")


@pytest.fixture(scope="module")
def folder() -> Knowledge:
    return read("helpcenter")


def test_merged_file_has_250_articles(merged: Knowledge) -> None:
    assert len(merged.articles) == 250
    assert len({article.id for article in merged.articles}) == 250
    assert all(article.url for article in merged.articles)
    assert [warning.reason.rpartition(": ")[2] for warning in merged.warnings] == [
        "words longer than 200 characters split"
    ] * 2


def test_folder_has_282_articles_and_eleven_stubs(folder: Knowledge) -> None:
    assert (len(folder.files), len(folder.articles)) == (293, 282)
    assert sum(warning.skipped for warning in folder.warnings) == 11
    assert {article.id: len(article.body) > 100_000 for article in folder.articles}["whats-new"]
    assert {"de", "es", "fr", "pt"} <= {article.id for article in folder.articles}


@pytest.mark.parametrize("name", ["merged", "folder"])
def test_no_noise_is_left(name: str, request: pytest.FixtureRequest) -> None:
    knowledge: Knowledge = request.getfixturevalue(name)
    left = [
        (article.source, found.group())
        for article in knowledge.articles
        for found in NOISE.finditer(FENCED.sub("", article.body))
    ]
    assert left == []


def test_cleaning_keeps_the_text(merged: Knowledge) -> None:
    """Of a million characters, the lists of contents are what goes."""
    assert 880_000 < sum(len(article.body) for article in merged.articles) < 1_000_000


def test_starter_knowledge_is_clean() -> None:
    folder = Path(__file__).parents[2] / "knowledge"
    if not any(folder.glob("**/*.md")):
        pytest.skip("the starter knowledge is not written yet")
    knowledge = read_knowledge(folder)
    assert [str(warning) for warning in knowledge.warnings] == []
    assert len(knowledge.articles) == len(knowledge.files)


def test_merged_file_is_read_fast(merged: Knowledge) -> None:
    """Takes about 0.5 s; processor time, so that a busy machine does no harm."""
    started = time.process_time()
    read("knowledge_helpcenter.md")
    assert time.process_time() - started < 2
