"""`clockify-bot pull`: what the settings need, with progress, and every way not to get it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from click.testing import CliRunner

from bot.pull import pull
from tests.ollama import Fault, ScriptedOllama
from tests.ollama_asking import settled

from .screen import screen
from .terminal import NOWHERE, Terminal


@pytest.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    """Start an Ollama that has nothing and could fetch two models."""
    async with ScriptedOllama(models=["other"]) as server:
        server.pullable = {"llama3.2", "nomic-embed-text"}
        server.layer_bytes = 3 * 2**20
        yield server


@pytest.fixture
def pulling(terminal: Terminal, ollama: ScriptedOllama) -> Terminal:
    """Give a command line with that Ollama, whose settings name both models."""
    return terminal.having(OLLAMA_URL=ollama.url, GEN_MODEL="llama3.2", EMBEDDER="ollama")


async def test_both_models_are_fetched_and_then_left_alone(
    pulling: Terminal, ollama: ScriptedOllama
) -> None:
    first, second = await pulling.run("pull"), await pulling.run("pull")
    assert (first.code, second.code) == (0, 0)
    ready = [f"{model}: ready on {ollama.url}" for model in ("llama3.2", "nomic-embed-text")]
    assert first.out.splitlines() == ready
    lines = [line for line in first.err.splitlines() if line.startswith("llama3.2: ")]
    assert lines[0] == "llama3.2: pulling manifest"
    shown = [re.sub(r"[0-9a-f]{12}", "DIGEST", line) for line in lines[1:6]]
    assert shown == [f"llama3.2: DIGEST {at} % of 3 MiB" for at in (0, 20, 50, 70, 100)]
    assert lines[-1] == "llama3.2: success"
    assert second.out == "llama3.2: already there\nnomic-embed-text: already there\n"
    assert second.err == ""
    assert len(ollama.asked("/api/pull")) == 2


@pytest.mark.proof
@pytest.mark.beside
async def test_only_what_the_settings_ask_of_ollama_is_fetched(
    pulling: Terminal, ollama: ScriptedOllama
) -> None:
    runs = await asyncio.gather(
        pulling.having(ANSWERER="extractive", EMBEDDER="embedded").run("pull"),
        pulling.having(ANSWERER="extractive").run("pull"),
        pulling.having(EMBEDDER="embedded").run("pull"),
        pulling.having(EMBEDDER="embedded").run("pull", "other", "--gen-model", "big"),
    )
    nothing, embeds, writes, named = runs
    assert [each.code for each in runs] == [0, 0, 0, 0]
    assert nothing.out.startswith("Nothing to fetch: ANSWERER=extractive and EMBEDDER=embedded ")
    assert embeds.out == f"nomic-embed-text: ready on {ollama.url}\n"
    assert writes.out == f"llama3.2: ready on {ollama.url}\n"
    assert named.out == "other: already there\n"


@pytest.mark.proof
@pytest.mark.beside
async def test_names_that_mean_the_same_are_there_and_update_asks_all_the_same(
    pulling: Terminal, ollama: ScriptedOllama
) -> None:
    ollama.models.add("llama3.2:latest")
    there = await pulling.run("pull", "library/llama3.2:latest", "llama3.2")
    assert there.out == "library/llama3.2:latest: already there\nllama3.2: already there\n"
    updated = await pulling.run("pull", "--update", "llama3.2")
    assert updated.out == f"llama3.2: ready on {ollama.url}\n"
    assert [request.payload["model"] for request in ollama.asked("/api/pull")] == ["llama3.2"]


async def test_a_name_that_does_not_exist_is_exit_4_and_the_others_are_fetched(
    pulling: Terminal, ollama: ScriptedOllama
) -> None:
    ended = await pulling.run("pull", "lama3", "llama3.2")
    assert (ended.code, ended.out) == (4, f"llama3.2: ready on {ollama.url}\n")
    (said,) = [line for line in ended.err.splitlines() if line.startswith("clockify-bot: ")]
    assert said.startswith("clockify-bot: lama3 was not fetched: ")
    assert "file does not exist" in said
    assert said.endswith("]")
    assert "Traceback" not in ended.err


@pytest.mark.proof
@pytest.mark.beside
async def test_offline_and_a_torn_download_say_what_to_do(
    pulling: Terminal, ollama: ScriptedOllama
) -> None:
    ollama.is_offline = True
    offline = await pulling.run("pull", "llama3.2")
    ollama.is_offline = False
    ollama.fail(Fault.ERROR_LINE, path="/api/pull", times=1)
    torn = await pulling.run("pull", "llama3.2")
    ollama.fail(Fault.NO_DONE, path="/api/pull", times=1)
    unfinished = await pulling.run("pull", "llama3.2")
    for ended, told in ((offline, "no such host"), (torn, "unexpected EOF"), (unfinished, "")):
        assert (ended.code, ended.out, "Traceback" in ended.err) == (4, "", False)
        last = ended.err.splitlines()[-1]
        assert last.startswith("clockify-bot: llama3.2 was not fetched: ")
        assert told in last
        assert "[hint: " in last


@pytest.mark.parametrize("names", [[""], ["llama3.2", "  "]])
def test_an_empty_name_is_a_usage_error_before_anything_is_asked(
    names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_URL", NOWHERE)
    ended = CliRunner().invoke(pull, names)
    assert ended.exit_code == 2  # 4 would tell that nobody answered
    assert "A name of a model is empty" in ended.output


async def test_no_server_is_one_sentence_and_exit_4(terminal: Terminal) -> None:
    code, said = (await terminal.run("pull")).failure
    assert code == 4
    assert said.startswith(f"clockify-bot: Cannot reach Ollama at {NOWHERE}")
    assert "[hint: " in said


async def test_a_terminal_gets_a_bar_and_ctrl_c_leaves_with_130(
    pulling: Terminal, ollama: ScriptedOllama
) -> None:
    with screen(pulling, "pull", "nomic-embed-text") as shown:
        assert await asyncio.to_thread(shown.ended) == 0
    assert f"nomic-embed-text: ready on {ollama.url}\n" in shown.everything

    ollama.piece_seconds = 60
    with screen(pulling, "pull", "llama3.2") as shown:
        await asyncio.to_thread(shown.wait, "pulling manifest")
        async with asyncio.timeout(30):
            while not ollama.asked("/api/pull")[1:]:
                await asyncio.sleep(0.01)
        shown.interrupt()
        assert await asyncio.to_thread(shown.ended) == 130
    await settled(ollama)
    assert ollama.cancelled == 1
    assert "llama3.2: interrupted; what is fetched already is kept" in shown.everything
    assert "Traceback" not in shown.everything
