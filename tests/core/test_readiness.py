"""What keeps a model from being used, said before the first question, with what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.embedders.ollama import OllamaEmbedder
from core.readiness import (
    Readiness,
    embedder_readiness,
    generator_readiness,
    parse_version,
    same_name,
)
from tests.ollama import Fault, ScriptedOllama
from tests.ollama_asking import client, closed_port


@pytest.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    """Start an Ollama with a model that chats and one that embeds."""
    async with ScriptedOllama(context_length=8192) as server:
        yield server


async def generator(url: str, model: str = "llama3.2", *, num_ctx: int = 8192) -> Readiness:
    """Look at a model that is to write."""
    async with client(url, probe_read_seconds=0.6) as asking:
        return await generator_readiness(asking, model, num_ctx=num_ctx)


async def embedder(url: str, model: str = "nomic-embed-text") -> Readiness:
    """Look at a model that is to embed."""
    async with client(url) as asking:
        return await embedder_readiness(asking, model, OllamaEmbedder(asking, model))


async def test_models_that_do_what_they_are_for_have_no_problem(ollama: ScriptedOllama) -> None:
    assert await generator(ollama.url) == Readiness(version="0.9.3")
    ready = await embedder(ollama.url)
    assert (ready.problem, ready.notes, ready.version) == ("", (), "0.9.3")
    assert str(ready.spec) == "ollama:nomic-embed-text (64 dimensions)"
    assert ollama.asked("/api/chat") == []  # nothing is generated


@pytest.mark.parametrize(
    ("configured", "there"),
    [
        ("llama3.2", "llama3.2:latest"),
        ("llama3.2:latest", "llama3.2:latest"),
        ("library/llama3.2", "llama3.2:latest"),
        ("registry.ollama.ai/library/llama3.2", "llama3.2:latest"),
        ("Qwen2.5:32B", "qwen2.5:32b"),
        ("hf.co/team/Model-GGUF:Q4_K_M", "hf.co/team/Model-GGUF:Q4_K_M"),
    ],
)
def test_names_that_mean_one_model(configured: str, there: str) -> None:
    assert same_name(configured) == same_name(there)


@pytest.mark.parametrize(
    ("configured", "other"),
    [
        ("llama3.2:1b", "llama3.2:latest"),
        ("team/llama3.2", "llama3.2"),
        ("hf.co/library/x", "x"),
        ("host:5000/x", "x"),
        ("mylibrary/x", "x"),
    ],
)
def test_names_that_mean_different_models(configured: str, other: str) -> None:
    assert same_name(configured) != same_name(other)


async def test_a_missing_model_ends_in_how_to_get_it_and_names_what_is_near(
    ollama: ScriptedOllama,
) -> None:
    ollama.models.add("qwen2.5:7b")
    far, near = await generator(ollama.url, "mistral"), await generator(ollama.url, "qwen2.5:32b")
    assert far == Readiness(
        f"Model mistral is not on this Ollama ({ollama.url}). "
        "[hint: clockify-bot pull, or on its machine: ollama pull mistral]",
        is_missing=True,
        version="0.9.3",
    )
    assert near.problem == (
        f"Model qwen2.5:32b is not on this Ollama ({ollama.url}), which has qwen2.5:7b. "
        "[hint: set GEN_MODEL=qwen2.5:7b or clockify-bot pull, "
        "or on its machine: ollama pull qwen2.5:32b]"
    )


async def test_a_name_in_other_letters_is_the_servers_to_judge(ollama: ScriptedOllama) -> None:
    ready = await generator(ollama.url, "Llama3.2")  # this server tells letters apart
    assert ready.is_missing
    assert "which has llama3.2:latest. [hint: set GEN_MODEL=llama3.2:latest or " in ready.problem


async def test_a_model_that_cannot_do_it_names_one_that_can(ollama: ScriptedOllama) -> None:
    ollama.fail(Fault.CRASHED, path="/api/embed")
    writes = await generator(ollama.url, "nomic-embed-text")
    embeds = await embedder(ollama.url, "llama3.2")
    assert (writes.problem, embeds.problem) == (
        f"Model nomic-embed-text on {ollama.url} cannot chat. "
        "[hint: set GEN_MODEL=llama3.2:latest]",
        f"Model llama3.2 on {ollama.url} cannot embed. "
        "[hint: set EMB_MODEL=nomic-embed-text:latest]",
    )
    ollama.models.discard("llama3.2:latest")
    alone = await generator(ollama.url, "nomic-embed-text")
    assert alone.problem.endswith(" cannot chat. [hint: set GEN_MODEL to a model that chats]")
    assert (alone.is_missing, alone.is_unreachable) == (False, False)


async def test_vectors_are_believed_whatever_the_lists_of_the_server_say(
    ollama: ScriptedOllama,
) -> None:
    doubted = await embedder(ollama.url, "llama3.2")
    assert (doubted.problem, str(doubted.spec)) == ("", "ollama:llama3.2 (64 dimensions)")
    assert doubted.notes == (
        f"Model llama3.2 on {ollama.url} gives vectors, but Ollama does not list it as an "
        "embedding model: what is found may be poor. "
        "[hint: set EMB_MODEL=nomic-embed-text:latest and build again, unless it is meant]",
    )
    ollama.version = "0.3.3"  # as a proxy may say
    believed = await embedder(ollama.url)
    assert (believed.problem, believed.notes) == ("", ())
    ollama.fail(Fault.NOT_FOUND_PAGE, path="/api/version")
    ollama.fail(Fault.NOT_FOUND_PAGE, path="/api/tags")
    believed = await embedder(ollama.url)
    assert (believed.problem, believed.notes) == ("", ())


async def test_a_server_that_does_not_tell_what_models_can_do_is_believed(
    ollama: ScriptedOllama,
) -> None:
    ollama.capabilities = []
    assert (await generator(ollama.url)).problem == ""
    assert (await embedder(ollama.url)).problem == ""
    ollama.fail(Fault.NOT_FOUND_PAGE, path="/api/show", times=1)
    assert (await generator(ollama.url)).problem == ""
    ollama.fail(Fault.NOT_FOUND_PAGE, path="/api/version", times=1)
    assert await generator(ollama.url) == Readiness()


async def test_a_window_that_is_larger_than_the_models_is_noted(ollama: ScriptedOllama) -> None:
    ready = await generator(ollama.url, num_ctx=32_768)
    assert (ready.problem, ready.notes) == (
        "",
        ("NUM_CTX is 32,768, but llama3.2 reads 8,192 tokens at most. [hint: set NUM_CTX=8192]",),
    )
    ollama.context_length = None
    assert (await generator(ollama.url, num_ctx=32_768)).notes == ()


@pytest.mark.parametrize(
    ("version", "note", "problem"),
    [
        ("0.33.0-rc2", "", ""),
        ("0.0.0", "", ""),  # built from source
        ("unknown", "", ""),
        ("", "", ""),
        ("0.5.7", "Ollama 0.5.7 is older than 0.9, the oldest that was tried.", ""),
        ("0.3.3", "", "has no /api/embed. [hint: update Ollama]"),
    ],
)
async def test_versions(ollama: ScriptedOllama, version: str, note: str, problem: str) -> None:
    ollama.version = version
    if problem:
        ollama.fail(Fault.NOT_FOUND_PAGE, path="/api/embed")
    ready = await embedder(ollama.url)
    assert "".join(ready.notes).startswith(note)
    assert bool(ready.notes) is bool(note)
    assert ready.problem.endswith(problem)
    assert bool(ready.problem) is bool(problem)


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("0.9.3", (0, 9, 3)), ("v1.2", (1, 2)), ("0.33.0-rc2", (0, 33, 0)), ("0.5.7+x", (0, 5, 7))]
    + [(odd, None) for odd in ("0.0.0", "", "main", "0.9.3.4", "9" * 5000, "1.x")],
)
def test_reading_versions(version: str, numbers: tuple[int, ...] | None) -> None:
    assert parse_version(version) == numbers


@pytest.mark.parametrize(
    "fault", [Fault.CLOSED, Fault.HANG, Fault.BUSY, Fault.SILENT, Fault.DRIP, Fault.BAD_GATEWAY]
)
async def test_a_server_that_does_not_answer_now_may_later(
    ollama: ScriptedOllama, fault: Fault
) -> None:
    ollama.fail(fault)
    ready = await generator(ollama.url)
    assert (bool(ready.problem), ready.is_unreachable) == (True, True)
    assert ready.has_server


async def test_nobody_there_is_unreachable_and_says_what_to_change() -> None:
    ready = await generator(f"http://127.0.0.1:{closed_port()}")
    assert (ready.is_unreachable, ready.is_missing, ready.has_server) == (True, False, False)
    assert ready.problem.startswith("Cannot reach Ollama at http://127.0.0.1:")
    assert "[hint: " in ready.problem


@pytest.mark.parametrize("fault", [Fault.NOT_JSON, Fault.NOT_FOUND_PAGE, Fault.REDIRECT])
async def test_something_else_that_answers_will_not_mend_itself(
    ollama: ScriptedOllama, fault: Fault
) -> None:
    ollama.redirect_to = "http://127.0.0.1:1"
    ollama.fail(fault)
    ready = await generator(ollama.url)
    assert (bool(ready.problem), ready.is_unreachable) == (True, False)


async def test_an_embedder_whose_vectors_are_no_numbers_is_a_problem(
    ollama: ScriptedOllama,
) -> None:
    ollama.fail(Fault.BAD_VALUES, path="/api/embed")
    ready = await embedder(ollama.url)
    assert (bool(ready.problem), ready.is_unreachable, ready.spec) == (True, False, None)
