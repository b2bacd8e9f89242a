"""Whether quotes are marked: they are wherever somebody counts on a language model."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config import STATE_DIR, Config
from core.deadline import Deadline
from core.embedders.embedded import EmbeddedEmbedder
from core.model_assembly import TOKEN_COUNTS, open_models
from core.ollama import BreakerRules
from core.token_counts import TokenCounts
from core.writing import FALLBACK_FOOTNOTE, Writer
from tests.ollama import Fault, ScriptedOllama
from tests.ollama_asking import client, closed_port

from .test_writing import CONTEXT, QUESTION

MARKED, UNMARKED = (FALLBACK_FOOTNOTE,), ()
DEFAULT = Config()  # the client alone decides where the Ollama of these settings is


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the counts of tokens in a folder of the test."""
    monkeypatch.chdir(tmp_path)


async def footnotes(writer: Writer) -> tuple[str, ...]:
    """Give what stands below a reply."""
    return (await writer.write(QUESTION, CONTEXT, None, Deadline(10))).footnotes


async def marks(url: str, config: Config = DEFAULT, *, runs_long: bool) -> tuple[str, ...]:
    """Give what stands below the first reply of a start."""
    async with (
        client(url, probe_read_seconds=0.5) as asking,
        open_models(config, asking, EmbeddedEmbedder(), runs_long=runs_long) as models,
    ):
        assert models.notes[0].startswith("Answers are quotes from the knowledge: ")
        return await footnotes(models.writer)


@pytest.mark.parametrize("runs_long", [True, False], ids=["bot", "ask"])
@pytest.mark.parametrize(
    "fault",
    [None, Fault.BUSY, Fault.UNAUTHORIZED, Fault.CLOSED, Fault.HANG],
    ids=lambda fault: fault.name if fault else "MODEL_MISSING",
)
async def test_a_server_that_is_there_makes_quotes_marked(
    fault: Fault | None, runs_long: bool
) -> None:
    async with ScriptedOllama() as ollama:
        if fault is not None:
            ollama.fail(fault)
        assert await marks(ollama.url, runs_long=runs_long) == MARKED


@pytest.mark.parametrize("runs_long", [True, False], ids=["bot", "ask"])
async def test_where_nobody_is_quotes_are_marked_for_who_names_a_model_or_had_one(
    runs_long: bool,
) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    assert await marks(url, runs_long=runs_long) == UNMARKED
    named = (
        {"OLLAMA_API_KEY": "k"},
        {"OLLAMA_URL": url},
        {"GEN_MODEL": "phi4"},
        {"OLLAMA_URL": DEFAULT.ollama_url},  # the default, but somebody wrote it down
    )
    for environ in named:
        config = Config.from_env(environ)
        assert await marks(url, config, runs_long=runs_long) == MARKED
    counts = TokenCounts(STATE_DIR / TOKEN_COUNTS)
    counts.record("another", "1", characters=400, prompt_tokens=100)
    assert await marks(url, runs_long=runs_long) == UNMARKED
    counts.record(DEFAULT.gen_model, "1", characters=400, prompt_tokens=100)
    assert await marks(url, runs_long=runs_long) == MARKED


@pytest.mark.parametrize("answerer", ["auto", "ollama"])
async def test_a_bot_goes_over_to_a_model_that_comes_later(answerer: str) -> None:
    port = closed_port()
    config = Config.from_env({"ANSWERER": answerer, "GEN_MODEL": "llama3.2"})
    async with (
        client(f"http://127.0.0.1:{port}", breaker=BreakerRules(open_seconds=0)) as asking,
        open_models(config, asking, EmbeddedEmbedder(), runs_long=True) as models,
    ):
        assert await footnotes(models.writer) == MARKED
        assert models.writer.problem.startswith("Cannot reach Ollama at ")
        async with ScriptedOllama(port=port) as ollama:
            assert await footnotes(models.writer) == UNMARKED
            assert models.writer.problem == ""
            assert len(ollama.asked("/api/chat")) == 1


async def test_a_server_that_comes_later_without_the_model_makes_quotes_marked() -> None:
    port = closed_port()
    rules = BreakerRules(open_seconds=0)
    async with (
        client(f"http://127.0.0.1:{port}", breaker=rules) as asking,
        open_models(DEFAULT, asking, EmbeddedEmbedder(), runs_long=True) as models,
    ):
        assert await footnotes(models.writer) == UNMARKED
        async with ScriptedOllama(port=port):
            assert await footnotes(models.writer) == MARKED
        assert await footnotes(models.writer) == MARKED


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.BUSY, " is busy (HTTP 503: "),
        (Fault.RATE_LIMITED, " is busy (HTTP 429: "),
        (Fault.UNAUTHORIZED, " (HTTP 401: unauthorized). "),
        (Fault.CLOSED, " closed the connection before it was done. [hint: "),
        (Fault.HANG, " did not answer within 0.5 s. [hint: "),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
async def test_a_start_tells_what_is_the_matter(fault: Fault, told: str) -> None:
    async with ScriptedOllama() as ollama, client(ollama.url, probe_read_seconds=0.5) as asking:
        ollama.fail(fault)
        async with open_models(DEFAULT, asking, EmbeddedEmbedder(), runs_long=True) as models:
            (note,) = models.notes
    assert note.startswith("Answers are quotes from the knowledge: ")
    assert told in note
