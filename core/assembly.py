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
from .embedders.embedded import EmbeddedEmbedder
from .errors import ModelUnavailable, SettingsError
from .model_assembly import make_embedder, open_models, open_ollama
from .ollama import OllamaClient
from .ollama_reply import is_unreachable
from .pipeline import AnswerRules, Pipeline, require_same
from .protocols import Embedder
from .rebuild import BuildRequest
from .retrieval import RetrievalRules
from .store import Opened, Store

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
OTHER_INDEX = "Set INDEX (--index) to a folder with room that you may read and write."


@dataclass(frozen=True, slots=True)
class Assembled:
    """A pipeline ready to answer, and what to tell the operator about it."""

    pipeline: Pipeline
    embedder: Embedder
    store: Store
    opened: Opened
    notes: tuple[str, ...]  # "Answers are quotes …, because Ollama does not answer at …"


@asynccontextmanager
async def open_pipeline(
    config: Config, *, quotes_on_failure: bool = False
) -> AsyncIterator[Assembled]:
    """Open the live generation and the models; quotes_on_failure is for surfaces that run long.

    Raises IndexUnusable, EmbedderMismatch, SettingsError for a bad INDEX, and ModelUnavailable for
    an explicit ANSWERER=ollama that cannot be used.
    """
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_ollama(config))
        store = Store(config.index_dir)
        opened = open_index(store)
        embedder = make_embedder(config, client, is_for_answers=True)
        problem = await _embedder_problem(opened, embedder, client)
        notes = list(opened.damaged)
        if opened.index.spec is None:
            notes.append("The index was built --lexical-only: questions are matched by words.")
        elif problem:
            notes.append(f"Questions are matched by words only: {problem}")
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
            told_problem=problem,
        )
        yield Assembled(pipeline, embedder, store, opened, (*notes, *models.notes))


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
    return BuildRequest(
        knowledge=config.knowledge,
        folder=config.index_dir,
        embedder=None if lexical_only else make_embedder(config, client),
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


async def _embedder_problem(opened: Opened, embedder: Embedder, client: OllamaClient) -> str:
    """Open the model now; a missing one leaves word matches, another one is an error.

    Who waited for it here in vain does not wait again with the question that follows.
    """
    if opened.index.spec is None:
        return ""
    try:
        require_same(opened.index.spec, await embedder.spec())
    except ModelUnavailable as error:
        if is_unreachable(error):
            client.pause_embeddings(str(error))
        return str(error)
    return ""
