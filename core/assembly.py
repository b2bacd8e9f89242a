"""Config → Pipeline and BuildRequest; model_assembly is the part of it that names the models."""

from __future__ import annotations

import errno
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .articles import Limits
from .config import Config
from .embedder_checks import START_SECONDS, CheckedEmbedder
from .embedders.embedded import EmbeddedEmbedder
from .errors import SettingsError
from .model_assembly import make_embedder, open_models, open_ollama, opened_for_answers
from .ollama import OllamaClient
from .pipeline import AnswerRules, Pipeline, require_same
from .protocols import Embedder
from .rebuild import BuildRequest
from .retrieval import RetrievalRules
from .store import Opened, Store

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
LEXICAL_NOTE = "The index was built --lexical-only: questions are matched by words."
OTHER_INDEX = "Set INDEX (--index) to a folder with room that you may read and write."


@dataclass(frozen=True, slots=True)
class Assembled:
    """A pipeline ready to answer, and what to tell the operator about it."""

    pipeline: Pipeline
    embedder: Embedder
    store: Store
    opened: Opened
    notes: tuple[str, ...]  # "Answers are quotes …: Cannot reach Ollama at …"


@asynccontextmanager
async def open_pipeline(
    config: Config,
    *,
    quotes_on_failure: bool = False,
    embedder_seconds: float | None = START_SECONDS,
) -> AsyncIterator[Assembled]:
    """Open the live generation and the models; quotes_on_failure is for surfaces that run long.

    embedder_seconds bounds how long an Ollama is waited for to embed; None: as long as by one
    question, for many in a row, of which the first shall not be matched otherwise than the last.
    Raises IndexUnusable, EmbedderMismatch, SettingsError for a bad INDEX, and ModelUnavailable for
    an explicit ANSWERER=ollama that cannot be used.
    """
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_ollama(config))
        store = Store(config.index_dir)
        opened = open_index(store)
        embedder = make_embedder(config, client, is_for_answers=True)
        notes, told_problem = list(opened.damaged), ""
        if opened.index.spec is None:
            notes.append(LEXICAL_NOTE)
        else:
            ready = await stack.enter_async_context(
                opened_for_answers(config, client, embedder, seconds=embedder_seconds)
            )
            if ready.spec is not None:
                require_same(opened.index.spec, ready.spec)
            if ready.problem:
                notes.append(f"Questions are matched by words only: {ready.problem}")
            notes += ready.notes
            told_problem = ready.raised or ready.problem
        models = await stack.enter_async_context(
            open_models(config, client, embedder, runs_long=quotes_on_failure)
        )
        pipeline = Pipeline(
            opened.index,
            models.writer,
            embedder=embedder,
            matcher=embedder if isinstance(embedder, EmbeddedEmbedder) else None,
            rules=answer_rules(config),
            rewriter=models.rewriter,
            reranker=models.reranker,
            told_problem=told_problem,
        )
        told = tuple(dict.fromkeys((*notes, *models.notes)))  # one Ollama, one note of its version
        yield Assembled(pipeline, embedder, store, opened, told)


def check_index_place(folder: Path) -> None:
    """Raise SettingsError for a place where no folder is and none could be made."""
    try:
        above = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        is_folder = above.is_dir()
    except OSError as error:
        raise SettingsError(_bad_place(folder, "read", error)) from error
    if not is_folder:
        raise SettingsError(f"INDEX is {folder}, but {above} is not a folder. {OTHER_INDEX}")


def open_index(store: Store) -> Opened:
    """Open the live generation; raises IndexUnusable, and SettingsError for a bad INDEX."""
    with index_read(store.folder):
        return store.open()


@contextmanager
def index_read(folder: Path) -> Iterator[None]:
    """Check the place, and say what the disk did not give, as SettingsError."""
    check_index_place(folder)
    try:
        yield
    except OSError as error:
        raise SettingsError(_bad_place(folder, "read", error)) from error


@contextmanager
def index_written(folder: Path) -> Iterator[None]:
    """Check the place, and say what the disk did not do, as SettingsError."""
    check_index_place(folder)
    try:
        yield
    except OSError as error:
        raise SettingsError(_bad_place(folder, "written", error)) from error


def _bad_place(folder: Path, done: str, error: OSError) -> str:
    advice = OTHER_INDEX
    if error.errno in DISK_FULL:
        advice = f"[hint: free {_megabytes_to_free(folder, error)} MB under {folder}]"
    return f"INDEX is {folder}, which cannot be {done}: {error.strerror or error}. {advice}"


def _megabytes_to_free(folder: Path, error: OSError) -> int:
    """Say how much a build lacks; all that it needs where the free room is not what it may use."""
    free = 0
    with suppress(OSError):
        needed = Store(folder).bytes_needed()
        if error.errno == errno.ENOSPC:
            free = shutil.disk_usage(folder).free
        lacking = needed - free if needed > free else needed
        return -(-lacking // 10**6)
    return 1


def answer_rules(config: Config) -> AnswerRules:
    """Give the limits of questions and contexts."""
    return AnswerRules(
        retrieval=RetrievalRules(
            top_k=config.top_k, pack=config.pack, mmr_lambda=config.mmr_lambda
        ),
        threshold=config.threshold,
        budget_tokens=config.ctx_budget,
        chars_per_token=config.chars_per_token,
        max_question_chars=config.max_question_chars,
        deadline_seconds=config.question_deadline,
    )


def build_request(
    config: Config,
    client: OllamaClient,
    *,
    purpose: str,
    lexical_only: bool = False,
    force: bool = False,
    started_by: str = "",
    is_wanted: Callable[[], bool] = lambda: True,
) -> BuildRequest:
    """Give the request that builds the configured knowledge into the configured index.

    started_by is a Slack user id; is_wanted is asked right before publishing.
    """
    embedder = None if lexical_only else make_embedder(config, client)
    if embedder is not None and config.embedder == "ollama":
        embedder = CheckedEmbedder(embedder, client, config.emb_model)
    return BuildRequest(
        knowledge=config.knowledge,
        folder=config.index_dir,
        embedder=embedder,
        limits=Limits(config.max_file_mb * 2**20, config.max_article_kb * 2**10),
        lock_timeout_seconds=config.build_lock_timeout,
        purpose=purpose,
        started_by=started_by,
        force=force,
        quality_questions=config.quality_questions,
        quality_floor=config.quality_floor,
        cache_max_bytes=config.cache_max_mb * 2**20,
        is_wanted=is_wanted,
    )
