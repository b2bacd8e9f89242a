"""An embedder is looked at: for a start in little time, for a build before the first text."""

from __future__ import annotations

import asyncio

import pytest

from core.embedder_checks import CheckedEmbedder, opened_embedder
from core.embedders.ollama import OllamaEmbedder
from core.errors import ModelMissing, ModelUnavailable
from core.types import Role
from tests.ollama import Fault, ScriptedOllama
from tests.ollama_asking import client, settled

MODEL = "nomic-embed-text"


async def test_a_model_that_is_being_loaded_goes_on_loading_for_later_questions(
    ollama: ScriptedOllama,
) -> None:
    ollama.load_seconds = 0.3
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, MODEL)
        async with opened_embedder(embedder, asking, MODEL, seconds=0.05) as ready:
            assert (ready.spec, ready.is_unreachable) == (None, True)
            assert ready.problem == (
                f"Model {MODEL} on {ollama.url} gave no vector within 0.05 s. [hint: it may be "
                "loading, and is asked again with later questions; if this stays, look at the log "
                "of Ollama]"
            )
            async with asyncio.timeout(5):
                while not ollama.loads:
                    await asyncio.sleep(0.01)
            await settled(ollama)
            await embedder.embed(["a question"], role=Role.QUERY)
        assert (ollama.cancelled, len(ollama.loads)) == (0, 1)
        assert ollama.texts_embedded[-1] == "search_query: a question"


async def test_what_is_still_waited_for_ends_with_the_block(ollama: ScriptedOllama) -> None:
    ollama.fail(Fault.HANG, path="/api/embed")
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, MODEL)
        async with opened_embedder(embedder, asking, MODEL, seconds=0.05) as ready:
            assert ready.problem
            async with asyncio.timeout(5):
                while not ollama.embed_calls:
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(2):  # less than the read time-out
            await settled(ollama)
    assert (ollama.cancelled, ollama.embed_calls) == (1, 1)


async def test_one_that_is_ready_is_asked_for_one_word(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, MODEL)
        async with opened_embedder(embedder, asking, MODEL, seconds=None) as ready:
            assert (ready.problem, ready.notes) == ("", ())
            assert ready.spec == await embedder.spec()
    assert ollama.embed_calls == 1


class TestBuilds:
    async def checked(self, ollama: ScriptedOllama, model: str = MODEL) -> CheckedEmbedder:
        """Give an embedder whose model has been looked at."""
        async with client(ollama.url) as asking:
            embedder = CheckedEmbedder(OllamaEmbedder(asking, model), asking, model)
            await embedder.spec()
            await embedder.spec()
            return embedder

    async def test_a_good_model_is_asked_once_and_nothing_is_noted(
        self, ollama: ScriptedOllama
    ) -> None:
        assert (await self.checked(ollama)).notes == ()
        assert ollama.embed_calls == 1

    async def test_a_model_that_is_not_there_ends_in_how_to_get_it(
        self, ollama: ScriptedOllama
    ) -> None:
        with pytest.raises(ModelMissing, match=r"\[hint: clockify-bot pull, or on its machine: "):
            await self.checked(ollama, "mxbai-embed-large")
        assert ollama.embed_calls == 0

    async def test_an_ollama_without_embeddings_is_to_be_updated(
        self, ollama: ScriptedOllama
    ) -> None:
        ollama.version = "0.3.3"
        ollama.fail(Fault.NOT_FOUND_PAGE, path="/api/embed")
        with pytest.raises(ModelUnavailable, match=r"has no /api/embed\. \[hint: update Ollama\]"):
            await self.checked(ollama)

    async def test_vectors_of_a_model_that_is_not_listed_for_them_are_taken_with_a_note(
        self, ollama: ScriptedOllama
    ) -> None:
        (note,) = (await self.checked(ollama, "llama3.2")).notes
        assert note.startswith(f"Model llama3.2 on {ollama.url} gives vectors, but ")

    async def test_a_server_that_hangs_is_told_of_as_such(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.HANG, path="/api/embed")
        async with client(ollama.url, read_seconds=0.2) as asking:
            embedder = CheckedEmbedder(OllamaEmbedder(asking, MODEL), asking, MODEL)
            async with asyncio.timeout(5):
                with pytest.raises(ModelUnavailable, match="EMB_READ_TIMEOUT"):
                    await embedder.spec()
