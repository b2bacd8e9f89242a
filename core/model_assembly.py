"""Config → the client of Ollama and what asks its models; part of assembly, which names them.

A surface that runs long begins with quotes when Ollama does not answer, and goes over to the model
by itself once it does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .answerers.extractive import ExtractiveAnswerer
from .answerers.ollama import OllamaAnswerer
from .config import STATE_DIR, Config
from .embedder_checks import opened_embedder
from .embedders.embedded import EmbeddedEmbedder
from .embedders.ollama import OllamaEmbedder
from .errors import ModelUnavailable
from .ollama import OllamaClient, Timeouts
from .protocols import Embedder
from .readiness import Readiness, generator_readiness
from .rerank import Reranker
from .rewriting import Rewriter
from .token_counts import TokenCounts
from .writing import Writer

logger = logging.getLogger(__name__)

QUERY_SHARE = 0.25  # of a question's time that an embedding of it may take
TOKEN_COUNTS = "token-counts.json"


@dataclass(frozen=True, slots=True)
class Models:
    """What writes the answers and prepares them, and what to tell the operator about it."""

    writer: Writer
    rewriter: Rewriter | None = None
    reranker: Reranker | None = None
    notes: tuple[str, ...] = ()


@asynccontextmanager
async def open_ollama(config: Config) -> AsyncIterator[OllamaClient]:
    """Open the client for Ollama; nothing is sent until something is asked of it."""
    client = OllamaClient(
        config.ollama_url,
        embed_timeouts=Timeouts(config.emb_connect_timeout, config.emb_read_timeout),
        chat_timeouts=Timeouts(config.chat_connect_timeout, config.chat_read_timeout),
        retries=config.retries,
        api_key=config.ollama_api_key,
    )
    async with client:
        yield client


def make_embedder(
    config: Config, client: OllamaClient, *, is_for_answers: bool = False
) -> Embedder:
    """Give the embedder that the settings name; its model is opened on first use.

    Only where it is for answers a question's deadline bounds it; a build has no such hurry.
    """
    if config.embedder == "ollama":
        query_seconds = QUERY_SHARE * config.question_deadline if is_for_answers else None
        return OllamaEmbedder(client, config.emb_model, query_seconds=query_seconds)
    return EmbeddedEmbedder()


@asynccontextmanager
async def opened_for_answers(
    config: Config, client: OllamaClient, embedder: Embedder, *, seconds: float | None
) -> AsyncIterator[Readiness]:
    """Open the embedder of make_embedder, and wait so long; None: as long as a question does.

    Who waited for it here in vain does not wait again with the question that follows.
    """
    async with opened_embedder(embedder, client, config.emb_model, seconds=seconds) as ready:
        if ready.is_unreachable:
            client.pause_embeddings(ready.problem)
        yield ready


@asynccontextmanager
async def open_models(
    config: Config, client: OllamaClient, embedder: Embedder, *, runs_long: bool
) -> AsyncIterator[Models]:
    """Look whether the language model can be used; where it runs long, load it ahead of questions.

    Raises ModelUnavailable for an explicit ANSWERER=ollama that cannot be used now; where it runs
    long, only for what would not mend itself.
    """
    if config.answerer == "extractive":
        yield Models(_quotes(runs_long=runs_long))
        return
    ready = await generator_readiness(client, config.gen_model, num_ctx=config.num_ctx)
    if ready.problem and not (runs_long and (ready.is_unreachable or config.answerer == "auto")):
        if config.answerer == "ollama":
            raise ready.failure()
        writer = _quotes(runs_long=True, stands_in=_is_expected(config, ready))
        yield Models(writer, notes=(_quoting(ready),))
        return
    if ready.problem:
        client.pause(ready.problem)
    answerer = _answerer(config, client)
    models = _models(config, client, answerer, embedder, ready, runs_long=runs_long)
    if ready.problem or not runs_long:
        yield models
        return
    loading = asyncio.create_task(_load(client, config.gen_model, answerer.options))
    try:
        yield models
    finally:
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)


def _quotes(*, runs_long: bool, stands_in: bool = False) -> Writer:
    fallback = ExtractiveAnswerer() if runs_long else None
    return Writer(ExtractiveAnswerer(), fallback, stands_in=stands_in)


def _answerer(config: Config, client: OllamaClient) -> OllamaAnswerer:
    return OllamaAnswerer(
        client,
        config.gen_model,
        seed=config.seed,
        num_ctx=config.num_ctx,
        num_predict=config.num_predict,
        chars_per_token=config.chars_per_token,
        counts=TokenCounts(STATE_DIR / TOKEN_COUNTS),
    )


def _models(
    config: Config,
    client: OllamaClient,
    answerer: OllamaAnswerer,
    embedder: Embedder,
    ready: Readiness,
    *,
    runs_long: bool,
) -> Models:
    model, options = config.gen_model, answerer.options
    falls_back = runs_long or config.answerer == "auto"
    writer = Writer(
        answerer,
        ExtractiveAnswerer() if falls_back else None,
        embedder=embedder,
        model=model,
        problem=ready.problem,
        expects_model=_is_expected(config, ready),
    )
    note = _quoting(ready) if ready.problem else _writing(model, client)
    return Models(
        writer,
        rewriter=Rewriter(client, model, options=options) if config.follow_ups == "model" else None,
        reranker=Reranker(client, model, options=options) if config.rerank else None,
        notes=(note, *ready.notes),
    )


def _is_expected(config: Config, ready: Readiness) -> bool:
    """Say whether somebody counts on a model, so that its absence is worth a mark.

    Whoever names one does, or runs a server; or has had answers of this model, as after a reboot
    that brings the bot up before its Ollama.
    """
    if config.names_model or config.answerer == "ollama" or ready.has_server:
        return True
    return TokenCounts(STATE_DIR / TOKEN_COUNTS).has_counted(config.gen_model)


def _writing(model: str, client: OllamaClient) -> str:
    return f"Answers are written by {model} on {client.url}."


def _quoting(ready: Readiness) -> str:
    return f"Answers are quotes from the knowledge: {ready.problem}"


async def _load(client: OllamaClient, model: str, options: Mapping[str, float | int]) -> None:
    try:
        await client.load(model, options=options)
    except ModelUnavailable as error:
        logger.warning("%s could not be loaded ahead of the first question: %s", model, error)
