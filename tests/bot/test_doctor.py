"""What `clockify-bot doctor` finds out, in this process; test_cli_doctor.py runs the command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.building import build_for_people
from bot.doctor import Waits, examine
from bot.findings import Finding, Verdict
from core.assembly import LEXICAL_NOTE, open_pipeline
from core.config import STATE_DIR, Config
from core.model_assembly import TOKEN_COUNTS
from core.prompt import PROMPT_VERSION
from core.report import BuildReport
from core.token_counts import ENOUGH_COUNTS, TokenCounts
from tests.ollama import Fault, ScriptedOllama

from .articles import write_articles


@pytest.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    """Start an Ollama with a model that chats and one that embeds."""
    async with ScriptedOllama(context_length=8192) as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ollama: ScriptedOllama) -> Config:
    """Give settings with one article, no index and an Ollama that embeds."""
    monkeypatch.chdir(tmp_path)
    write_articles(tmp_path / "knowledge", "tags")
    return configured(ollama)


def configured(ollama: ScriptedOllama, **environ: str) -> Config:
    """Read settings that name an Ollama."""
    plain = {"EMBEDDER": "ollama", "ANSWERER": "extractive", "OLLAMA_URL": ollama.url}
    return Config.from_env({**plain, "INDEX": "index", **environ})


async def build(config: Config, *, lexical_only: bool = False) -> BuildReport:
    """Build without a word."""
    return await build_for_people(config, purpose="a test", quiet=True, lexical_only=lexical_only)


async def findings(config: Config, **waits: float) -> dict[str, Finding]:
    """Give what is found, by subject; Slack is not set up."""
    return {found.subject: found async for found in examine(config, {}, Waits(**waits))}


async def test_build_start_and_doctor_say_the_same_of_a_model_that_is_not_listed_to_embed(
    config: Config, ollama: ScriptedOllama
) -> None:
    odd = configured(ollama, EMB_MODEL="llama3.2")
    report = await build(odd)
    async with open_pipeline(odd) as assembled:
        notes = assembled.notes
    found = (await findings(odd))["embedder"]
    assert report.notes == notes
    assert notes[0].startswith(f"Model llama3.2 on {ollama.url} gives vectors, but Ollama does not")
    assert found.verdict is Verdict.NOTE
    assert found.detail == f"ollama:llama3.2 (64 dimensions): {notes[0]}"


async def test_an_embedding_that_hangs_is_asked_for_once_and_the_wait_is_told(
    config: Config, ollama: ScriptedOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    await build(config)
    asked = ollama.embed_calls
    ollama.fail(Fault.HANG, path="/api/embed")
    async with asyncio.timeout(10):
        found = await findings(config, embedder=0.1, silence=0.05)
    assert capsys.readouterr().err == "Waiting up to 0.1 s for nomic-embed-text to embed a word …\n"
    assert ollama.embed_calls == asked + 1
    assert found["embedder"].verdict is Verdict.NOTE
    assert found["embedder"].detail.startswith(
        "questions are matched by words, because: Model nomic-embed-text on "
    )
    assert found["index"].verdict is Verdict.OK


async def test_an_embedding_that_takes_longer_than_a_start_waits_is_noted(
    config: Config, ollama: ScriptedOllama
) -> None:
    ollama.load_seconds = 0.1
    found = (await findings(config, start=0.05))["embedder"]
    assert found.verdict is Verdict.NOTE
    assert "ollama:nomic-embed-text (64 dimensions): It took 0 s, and a start waits" in found.detail


async def test_an_index_without_vectors_is_told_of_as_ask_does(config: Config) -> None:
    await build(config, lexical_only=True)
    found = (await findings(config))["index"]
    assert found.verdict is Verdict.NOTE
    assert found.detail.endswith(f" chunks, in index. {LEXICAL_NOTE}")


@pytest.mark.parametrize(
    ("characters", "verdict", "told"),
    [
        (300, Verdict.NOTE, " takes prompts for shorter than they are: "),
        (400, Verdict.OK, " suggest 4"),
        (450, Verdict.OK, " suggest 4.5"),
        (500, Verdict.OK, ", so that more fits [hint: set CHARS_PER_TOKEN=5]"),
    ],
)
async def test_a_model_that_counts_otherwise_than_the_one_before_is_noticed(
    config: Config, ollama: ScriptedOllama, characters: int, verdict: Verdict, told: str
) -> None:
    counts = TokenCounts(STATE_DIR / TOKEN_COUNTS)
    for _ in range(ENOUGH_COUNTS):
        counts.record("before", PROMPT_VERSION, characters=400, prompt_tokens=100)
        counts.record("llama3.2", PROMPT_VERSION, characters=characters, prompt_tokens=100)
    answering = configured(ollama, ANSWERER="auto", GEN_MODEL="llama3.2")
    found = (await findings(answering))["tokens"]
    assert (found.verdict, told in found.detail) == (verdict, True)
    assert ("[hint: " in found.detail) is (characters in (300, 500))
