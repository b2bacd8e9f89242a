"""Settings → a pipeline that answers, or an error that says what to do; with the packaged model."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.articles import Limits
from core.assembly import Assembled, answer_rules, build_request, open_pipeline
from core.config import Config
from core.embedders.embedded import EmbeddedEmbedder
from core.embedders.ollama import OllamaEmbedder
from core.errors import (
    EmbedderMismatch,
    IndexUnusable,
    ModelMissing,
    ModelTimeout,
    ModelUnavailable,
)
from core.model_assembly import make_embedder, open_ollama
from core.pipeline import LEXICAL_FOOTNOTE, AnswerRules
from core.rebuild import rebuild
from core.report import BuildReport
from core.retrieval import RetrievalRules
from core.types import Answer, Question, Refusal, Role, Turn
from core.writing import FALLBACK_FOOTNOTE

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import closed_port
from .fakes import write_knowledge

QUESTION = Question("How do I lock timesheets?")


async def build(config: Config, *, lexical_only: bool = False) -> BuildReport:
    async with open_ollama(config) as client:
        return await rebuild(
            build_request(config, client, purpose="a test", lexical_only=lexical_only)
        )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the pages with the packaged model once."""
    folder = tmp_path_factory.mktemp("built")
    write_knowledge(folder / "kb")
    report = asyncio.run(build(configured(folder)))
    assert report.embedder == "embedded:all-MiniLM-L6-v2-int8"
    return folder


def configured(folder: Path, **environ: str) -> Config:
    """Read settings that name the folder and an Ollama that is not there."""
    defaults = {
        "KNOWLEDGE": str(folder / "kb"),
        "INDEX": str(folder / "index"),
        "OLLAMA_URL": f"http://127.0.0.1:{closed_port()}",
        "GEN_MODEL": "llama3.2",
    }
    return Config.from_env({**defaults, **environ})


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the counts of tokens, which lie beside .env, out of the checkout."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama() as server:
        yield server


async def ask(config: Config, question: Question = QUESTION) -> tuple[Assembled, Turn]:
    async with open_pipeline(config) as assembled:
        return assembled, await assembled.pipeline.ask(question)


class TestAnswerers:
    async def test_extractive_asks_no_ollama(self, built: Path, ollama: ScriptedOllama) -> None:
        assembled, turn = await ask(configured(built, ANSWERER="extractive", OLLAMA_URL=ollama.url))
        assert assembled.notes == ()
        assert assembled.pipeline.answerer == turn.answerer == "extractive"
        assert isinstance(turn.reply, Answer)
        assert turn.reply.sources[0].title == "Lock timesheets"
        assert turn.embedder == "embedded:all-MiniLM-L6-v2-int8"
        assert turn.footnotes == ()
        assert ollama.requests == []

    async def test_a_stranger_is_refused(self, built: Path) -> None:
        question = Question("Who won the match between Spain and Brazil yesterday?")
        _, turn = await ask(configured(built, ANSWERER="extractive"), question)
        assert isinstance(turn.reply, Refusal)

    async def test_auto_takes_ollama_when_it_is_ready(
        self, built: Path, ollama: ScriptedOllama
    ) -> None:
        ollama.context_length = 32_768
        assembled, turn = await ask(configured(built, OLLAMA_URL=ollama.url, SEED="7"))
        assert assembled.notes == (f"Answers are written by llama3.2 on {ollama.url}.",)
        assert assembled.pipeline.answerer == turn.answerer == "ollama"
        assert isinstance(turn.reply, Answer)
        options = ollama.asked("/api/chat")[0].payload["options"]
        assert (options["seed"], options["num_ctx"], options["num_predict"]) == (7, 8192, 512)

    async def test_auto_without_a_server_quotes_and_says_why(self, built: Path) -> None:
        config = configured(built)
        assembled, turn = await ask(config)
        (note,) = assembled.notes
        unreachable = f"Cannot reach Ollama at {config.ollama_url}: "
        assert note.startswith(f"Answers are quotes from the knowledge: {unreachable}")
        assert note.endswith(" CHAT_CONNECT_TIMEOUT]")
        assert turn.answerer == "extractive"
        assert turn.footnotes == (FALLBACK_FOOTNOTE,)

    async def test_auto_without_the_model_quotes_and_says_why(
        self, built: Path, ollama: ScriptedOllama
    ) -> None:
        config = configured(built, OLLAMA_URL=ollama.url, GEN_MODEL="phi4")
        assembled, turn = await ask(config)
        assert assembled.notes == (
            f"Answers are quotes from the knowledge: Model phi4 is not on this Ollama "
            f"({ollama.url}). [hint: clockify-bot pull, or on its machine: ollama pull phi4]",
        )
        assert turn.answerer == "extractive"

    async def test_auto_falls_back_when_ollama_fails_later(
        self, built: Path, ollama: ScriptedOllama
    ) -> None:
        async with open_pipeline(configured(built, OLLAMA_URL=ollama.url)) as assembled:
            ollama.fail(Fault.BUSY)
            turn = await assembled.pipeline.ask(QUESTION)
        assert isinstance(turn.reply, Answer)
        assert (turn.answerer, turn.footnotes) == ("extractive", (FALLBACK_FOOTNOTE,))

    async def test_ollama_asked_for_but_not_there(self, built: Path) -> None:
        config = configured(built, ANSWERER="ollama")
        with pytest.raises(ModelUnavailable, match="Cannot reach Ollama at") as missing:
            await ask(config)
        assert not isinstance(missing.value, ModelMissing)
        assert config.ollama_url in str(missing.value)
        assert missing.value.exit_code == 4

    async def test_ollama_asked_for_without_the_model(
        self, built: Path, ollama: ScriptedOllama
    ) -> None:
        config = configured(built, ANSWERER="ollama", OLLAMA_URL=ollama.url, GEN_MODEL="phi4")
        with pytest.raises(ModelMissing, match=r"ollama pull phi4\]$") as missing:
            await ask(config)
        assert missing.value.exit_code == 4

    async def test_an_address_that_holds_the_word_pull_is_no_missing_model(
        self, built: Path
    ) -> None:
        url = f"http://127.0.0.1:{closed_port()}/pull"
        with pytest.raises(ModelUnavailable) as missing:
            await ask(configured(built, ANSWERER="ollama", OLLAMA_URL=url))
        assert not isinstance(missing.value, ModelMissing)

    async def test_ollama_asked_for_has_no_fallback_but_a_bot_gets_one(
        self, built: Path, ollama: ScriptedOllama
    ) -> None:
        config = configured(built, ANSWERER="ollama", OLLAMA_URL=ollama.url)
        async with open_pipeline(config) as assembled:
            ollama.fail(Fault.BUSY)
            with pytest.raises(ModelUnavailable):
                await assembled.pipeline.ask(QUESTION)
        ollama.recover()
        async with open_pipeline(config, quotes_on_failure=True) as assembled:
            ollama.fail(Fault.BUSY)
            turn = await assembled.pipeline.ask(QUESTION)
        assert isinstance(turn.reply, Answer)
        assert (turn.answerer, turn.footnotes) == ("extractive", (FALLBACK_FOOTNOTE,))

    @pytest.mark.proof  # it sits out a pause; test_model_assembly.py has it without
    @pytest.mark.parametrize("answerer", ["ollama", "auto"])
    async def test_a_bot_starts_without_its_ollama_and_goes_over_to_it(
        self, built: Path, answerer: str
    ) -> None:
        port = closed_port()
        config = configured(built, ANSWERER=answerer, OLLAMA_URL=f"http://127.0.0.1:{port}")
        async with open_pipeline(config, quotes_on_failure=True) as assembled:
            pipeline = assembled.pipeline
            (note,) = assembled.notes
            assert note.startswith("Answers are quotes from the knowledge: Cannot reach Ollama at ")
            assert (pipeline.language_model, pipeline.answerer) == ("llama3.2", "ollama")
            assert pipeline.model_problem.startswith("Cannot reach Ollama at")
            turn = await pipeline.ask(QUESTION)
            assert (turn.answerer, turn.footnotes) == ("extractive", (FALLBACK_FOOTNOTE,))
            async with ScriptedOllama(port=port) as ollama:
                async with asyncio.timeout(30):
                    while turn.answerer != "ollama":
                        assert turn.footnotes == (FALLBACK_FOOTNOTE,)
                        await asyncio.sleep(0.5)
                        turn = await pipeline.ask(QUESTION)
                assert turn.footnotes == ()
                assert pipeline.model_problem == ""
                assert len(ollama.asked("/api/chat")) == 1

    async def test_a_bot_that_was_told_to_use_ollama_does_not_start_without_its_model(
        self, built: Path, ollama: ScriptedOllama
    ) -> None:
        config = configured(built, ANSWERER="ollama", OLLAMA_URL=ollama.url, GEN_MODEL="phi4")
        with pytest.raises(ModelMissing):
            async with open_pipeline(config, quotes_on_failure=True):
                pytest.fail("opened")

    async def test_quotes_are_unmarked_where_nobody_asked_for_a_model(self, built: Path) -> None:
        plain = {"OLLAMA_URL": "", "GEN_MODEL": ""}
        assembled, turn = await ask(configured(built, **plain))
        if not assembled.notes[0].startswith("Answers are quotes from the knowledge: Cannot reach"):
            pytest.skip("an Ollama runs on this machine")
        assert (turn.answerer, turn.footnotes) == ("extractive", ())
        async with open_pipeline(configured(built, **plain), quotes_on_failure=True) as assembled:
            turn = await assembled.pipeline.ask(QUESTION)
        assert (turn.answerer, turn.footnotes) == ("extractive", ())

    async def test_the_model_is_loaded_ahead_of_the_first_question(
        self, built: Path, ollama: ScriptedOllama
    ) -> None:
        config = configured(built, OLLAMA_URL=ollama.url)
        async with open_pipeline(config, quotes_on_failure=True):
            async with asyncio.timeout(10):
                while not ollama.asked("/api/chat"):
                    await asyncio.sleep(0.01)
        (loading,) = ollama.asked("/api/chat")
        assert loading.payload["messages"] == []
        assert loading.payload["options"]["num_ctx"] == 8192


class TestIndexes:
    async def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(IndexUnusable, match="Run: clockify-bot build") as missing:
            await ask(configured(tmp_path))
        assert missing.value.exit_code == 3
        assert not (tmp_path / "index").exists()

    async def test_damaged_generations_are_told_first(self, built: Path, tmp_path: Path) -> None:
        shutil.copytree(built, tmp_path / "copy")
        config = configured(tmp_path / "copy")
        (tmp_path / "copy" / "kb" / "kiosk.md").unlink()
        assert (await build(config)).generation == "00000002"
        (config.index_dir / "generations" / "00000002" / "vectors.npy").unlink()
        assembled, turn = await ask(config)
        assert assembled.notes[0].startswith("generation 00000002: vectors.npy cannot be read")
        assert len(assembled.notes) == 2
        assert turn.generation == assembled.pipeline.generation == "00000001"
        assert assembled.opened.damaged == assembled.notes[:1]

    async def test_lexical_only_is_told(self, built: Path, tmp_path: Path) -> None:
        config = configured(built, INDEX=str(tmp_path / "lexical"), ANSWERER="extractive")
        assert (await build(config, lexical_only=True)).embedder == "lexical only"
        assembled, turn = await ask(config)
        assert assembled.notes == (
            "The index was built --lexical-only: questions are matched by words.",
        )
        assert isinstance(turn.reply, Answer)
        assert (turn.embedder, turn.footnotes) == ("lexical only", ())

    async def test_another_embedder(self, built: Path, ollama: ScriptedOllama) -> None:
        config = configured(built, EMBEDDER="ollama", OLLAMA_URL=ollama.url)
        with pytest.raises(EmbedderMismatch) as mismatch:
            async with open_pipeline(config):
                pytest.fail("opened")
        message = str(mismatch.value)
        assert "embedded:all-MiniLM-L6-v2-int8 (384 dimensions)" in message
        assert "ollama:nomic-embed-text (64 dimensions)" in message
        assert mismatch.value.exit_code == 3

    async def test_embeddings_of_ollama(
        self,
        built: Path,
        tmp_path: Path,
        ollama: ScriptedOllama,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        environ = {"EMBEDDER": "ollama", "INDEX": str(tmp_path / "i"), "ANSWERER": "extractive"}
        config = configured(built, OLLAMA_URL=ollama.url, **environ)
        assert (await build(config)).embedder == "ollama:nomic-embed-text"
        assembled, turn = await ask(config)
        assert assembled.notes == ()
        assert isinstance(turn.reply, Answer)
        assert (turn.embedder, turn.footnotes) == ("ollama:nomic-embed-text", ())
        assert ollama.texts_embedded[-1] == f"search_query: {QUESTION.text}"
        gone = configured(built, **environ)
        assembled, turn = await ask(gone)
        (note,) = assembled.notes
        assert note.startswith("Questions are matched by words only: Cannot reach Ollama at")
        assert isinstance(turn.reply, Answer)
        assert turn.footnotes == (LEXICAL_FOOTNOTE,)
        assert "Cannot reach" not in caplog.text  # the note said it
        ollama.models.discard("nomic-embed-text:latest")
        ollama.models.add("nomic-embed-text:v1.5")
        assembled, turn = await ask(config)
        assert "which has nomic-embed-text:v1.5. [hint: set EMB_MODEL=" in assembled.notes[0]
        assert turn.footnotes == (LEXICAL_FOOTNOTE,)
        ollama.models.add("nomic-embed-text:latest")
        assert "is not on this Ollama" not in caplog.text  # the note said it, and more
        async with open_pipeline(config) as assembled:
            for fault in (Fault.CLOSED, Fault.CLOSED, Fault.BUSY, None, Fault.BUSY):
                ollama.recover()
                if fault is not None:
                    ollama.fail(fault, path="/api/embed")
                await assembled.pipeline.ask(QUESTION)
        told = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
        assert ["closed the" in line for line in told] == [True, False, False]  # each news once


class TestWiring:
    async def test_rules(self) -> None:
        config = Config(
            top_k=9, pack=4, mmr_lambda=0.5, threshold=0.6, ctx_budget=900, max_question_chars=300
        )
        assert answer_rules(config) == AnswerRules(
            retrieval=RetrievalRules(top_k=9, pack=4, mmr_lambda=0.5),
            threshold=0.6,
            budget_tokens=900,
            max_question_chars=300,
        )
        assert answer_rules(Config()) == AnswerRules()

    async def test_requests(self, tmp_path: Path) -> None:
        config = configured(tmp_path, MAX_FILE_MB="2", MAX_ARTICLE_KB="3", BUILD_LOCK_TIMEOUT="4")
        async with open_ollama(config) as client:
            wanted = build_request(config, client, purpose="why", force=True)
            lexical = build_request(config, client, purpose="why", lexical_only=True)
        assert wanted.knowledge == tmp_path / "kb"
        assert wanted.folder == tmp_path / "index"
        assert wanted.limits == Limits(2 * 2**20, 3 * 2**10)
        assert (wanted.lock_timeout_seconds, wanted.purpose, wanted.force) == (4.0, "why", True)
        assert isinstance(wanted.embedder, EmbeddedEmbedder)
        assert lexical.embedder is None
        assert not lexical.force

    async def test_embedders(self) -> None:
        async with open_ollama(Config()) as client:
            assert isinstance(make_embedder(Config(), client), EmbeddedEmbedder)
            assert isinstance(make_embedder(Config(embedder="ollama"), client), OllamaEmbedder)

    async def test_a_build_has_no_deadline_of_questions(
        self, tmp_path: Path, ollama: ScriptedOllama
    ) -> None:
        ollama.latency_seconds = 0.2
        config = configured(
            tmp_path, EMBEDDER="ollama", OLLAMA_URL=ollama.url, QUESTION_DEADLINE_SECONDS="1"
        )
        async with open_ollama(config) as client:
            embedder = build_request(config, client, purpose="a test").embedder
            assert embedder is not None
            assert (await embedder.embed(["a question"], role=Role.QUERY)).shape == (1, 64)

    async def test_what_an_embedding_ran_into_is_named(
        self, tmp_path: Path, ollama: ScriptedOllama
    ) -> None:
        ollama.fail(Fault.HANG, path="/api/embed")
        config = configured(
            tmp_path, EMBEDDER="ollama", OLLAMA_URL=ollama.url, EMB_READ_TIMEOUT="0.3"
        )
        async with open_ollama(config) as client:
            with pytest.raises(ModelTimeout, match=r"\[hint: increase EMB_READ_TIMEOUT or"):
                await make_embedder(config, client, is_for_answers=True).spec()

    async def test_an_embedding_that_hangs_is_waited_for_once(
        self, tmp_path: Path, ollama: ScriptedOllama, caplog: pytest.LogCaptureFixture
    ) -> None:
        write_knowledge(tmp_path / "kb")
        config = configured(tmp_path, EMBEDDER="ollama", OLLAMA_URL=ollama.url)
        await build(config)
        before = ollama.embed_calls
        ollama.fail(Fault.HANG, path="/api/embed")
        assembled, turn = await ask(replace(config, emb_read_timeout=0.3))
        assert turn.footnotes == (LEXICAL_FOOTNOTE,)
        assert "EMB_READ_TIMEOUT" in assembled.notes[0]
        assert ollama.embed_calls == before + 1
        assert "EMB_READ_TIMEOUT" not in caplog.text  # the note said it

    async def test_a_start_waits_little_for_an_embedding_that_hangs(
        self, tmp_path: Path, ollama: ScriptedOllama
    ) -> None:
        write_knowledge(tmp_path / "kb")
        config = configured(
            tmp_path, EMBEDDER="ollama", OLLAMA_URL=ollama.url, ANSWERER="extractive"
        )
        await build(config)
        ollama.fail(Fault.HANG, path="/api/embed")
        async with asyncio.timeout(10), open_pipeline(config, embedder_seconds=0.05) as assembled:
            (note,) = assembled.notes
            assert note.startswith("Questions are matched by words only: Model nomic-embed-text on")
            assert " gave no vector within 0.05 s. [hint: " in note
            turn = await assembled.pipeline.ask(QUESTION)
        assert turn.footnotes == (LEXICAL_FOOTNOTE,)
        patient = replace(config, question_deadline=1.0)
        async with asyncio.timeout(10), open_pipeline(patient, embedder_seconds=None) as assembled:
            assert "0.25 s it had" in assembled.notes[0]

    async def test_timeouts_and_retries_reach_the_client(
        self, built: Path, ollama: ScriptedOllama
    ) -> None:
        ollama.fail(Fault.BUSY, path="/api/chat", times=1)
        config = configured(built, OLLAMA_URL=ollama.url, RETRIES="1")
        _, turn = await ask(config)
        assert turn.footnotes == ()
        assert len(ollama.asked("/api/chat")) == 2
        ollama.fail(Fault.HANG, path="/api/chat")
        _, turn = await ask(configured(built, OLLAMA_URL=ollama.url, CHAT_READ_TIMEOUT="0.2"))
        assert turn.footnotes == (FALLBACK_FOOTNOTE,)

    async def test_opening_the_client_sends_nothing(self, ollama: ScriptedOllama) -> None:
        async with open_ollama(Config(ollama_url=ollama.url)) as client:
            assert client.url == ollama.url
        assert ollama.requests == []
