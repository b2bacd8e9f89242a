"""Config → Pipeline and BuildRequest: the only module that names concrete implementations."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from .answerers.extractive import ExtractiveAnswerer
from .answerers.ollama import OllamaAnswerer, check_ready
from .articles import Limits
from .config import Config
from .embedders.embedded import EmbeddedEmbedder
from .embedders.ollama import OllamaEmbedder
from .errors import ModelMissing, ModelUnavailable
from .ollama import OllamaClient, Timeouts
from .pipeline import AnswerRules, Pipeline, require_same
from .protocols import Answerer, Embedder
from .rebuild import BuildRequest
from .retrieval import RetrievalRules
from .store import Opened, Store

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A pipeline ready to answer, and what to tell the operator about it."""

    pipeline: Pipeline
    embedder: Embedder
    store: Store
    opened: Opened
    notes: tuple[str, ...]  # "Answers are quotes: Ollama does not answer at …"


@asynccontextmanager
async def open_ollama(config: Config) -> AsyncIterator[OllamaClient]:
    """Open the client for Ollama; nothing is sent until something is asked of it."""
    client = OllamaClient(
        config.ollama_url,
        embed_timeouts=Timeouts(config.emb_connect_timeout, config.emb_read_timeout),
        chat_timeouts=Timeouts(config.chat_connect_timeout, config.chat_read_timeout),
        retries=config.retries,
    )
    async with client:
        yield client


@asynccontextmanager
async def open_pipeline(config: Config) -> AsyncIterator[Assembled]:
    """Open the live generation and the models.

    Raises IndexUnusable, EmbedderMismatch, and ModelUnavailable for an explicit ANSWERER=ollama
    that cannot be used.
    """
    async with open_ollama(config) as client:
        store = Store(config.index_dir)
        opened = store.open()
        embedder = make_embedder(config, client)
        notes = list(opened.damaged)
        if opened.index.spec is None:
            notes.append("The index was built --lexical-only: questions are matched by words.")
        else:
            notes += await _check_embedder(opened, embedder)
        answerer, note = await _choose_answerer(config, client)
        pipeline = Pipeline(
            opened.index,
            embedder=embedder,
            matcher=embedder if isinstance(embedder, EmbeddedEmbedder) else None,
            answerer=answerer,
            fallback=ExtractiveAnswerer() if config.answerer == "auto" else None,
            rules=answer_rules(config),
        )
        yield Assembled(pipeline, embedder, store, opened, (*notes, *note))


def with_fallback(config: Config) -> Config:
    """Let a long-running surface quote the knowledge when Ollama fails later."""
    return replace(config, answerer="auto") if config.answerer == "ollama" else config


def answer_rules(config: Config) -> AnswerRules:
    """Give the limits of questions and contexts."""
    return AnswerRules(
        retrieval=RetrievalRules(
            top_k=config.top_k, pack=config.pack, mmr_lambda=config.mmr_lambda
        ),
        threshold=config.threshold,
        budget_tokens=config.ctx_budget,
        max_question_chars=config.max_question_chars,
    )


def make_embedder(config: Config, client: OllamaClient) -> Embedder:
    """Give the embedder that the settings name; its model is opened on first use."""
    if config.embedder == "ollama":
        return OllamaEmbedder(client, config.emb_model)
    return EmbeddedEmbedder()


def build_request(
    config: Config,
    client: OllamaClient,
    *,
    purpose: str,
    lexical_only: bool = False,
    force: bool = False,
) -> BuildRequest:
    """Give the request that builds the configured knowledge into the configured index."""
    return BuildRequest(
        knowledge=config.knowledge,
        folder=config.index_dir,
        embedder=None if lexical_only else make_embedder(config, client),
        limits=Limits(config.max_file_mb * 2**20, config.max_article_kb * 2**10),
        lock_timeout_seconds=config.build_lock_timeout,
        purpose=purpose,
        force=force,
    )


async def _check_embedder(opened: Opened, embedder: Embedder) -> list[str]:
    """Open the model now; a missing one leaves word matches, another one is an error."""
    try:
        require_same(opened.index.spec, await embedder.spec())
    except ModelUnavailable as error:
        logger.warning("the embedder cannot be used: %s", error)
        return [f"Questions are matched by words only: {error}"]
    return []


async def _choose_answerer(
    config: Config, client: OllamaClient
) -> tuple[Answerer, tuple[str, ...]]:
    extractive = ExtractiveAnswerer()
    if config.answerer == "extractive":
        return extractive, ()
    problem = await check_ready(client, config.gen_model)
    if problem is None:
        generator = OllamaAnswerer(
            client,
            config.gen_model,
            seed=config.seed,
            num_ctx=config.num_ctx,
            num_predict=config.num_predict,
        )
        return generator, (f"Answers are written by {config.gen_model} on {client.url}.",)
    if config.answerer == "ollama":
        missing = problem.endswith(f"ollama pull {config.gen_model}")
        raise (ModelMissing if missing else ModelUnavailable)(problem)
    return extractive, (f"Answers are quotes from the knowledge: {problem}",)
