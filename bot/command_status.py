"""What `/clockify status` shows: knowledge, language model, connection, what is in hand, kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import form_texts
from .blocks import plain_message
from .health import Health
from .markup import escape
from .message import Message
from .model_state import ModelState
from .status_blocks import age_seconds

MAX_REASON_CHARS = 400


@dataclass(frozen=True, slots=True)
class Status:
    """One moment of the bot; None for what is not known."""

    generation: str
    age_seconds: float | None
    articles: int | None
    connected_seconds: float | None
    reconnects: int
    waiting: int
    retention_days: int
    model: ModelState | None = None


@dataclass(frozen=True, slots=True)
class StatusSource:
    """Where the facts come from; live_meta is meta.json of the live generation."""

    generation: Callable[[], str]
    live_meta: Callable[[], Mapping[str, Any] | None]
    health: Callable[[], Health]
    waiting: Callable[[], Awaitable[int]]
    retention_days: int
    model: Callable[[], ModelState | None] = lambda: None
    clock: Callable[[], float] = time.time

    async def status(self) -> Status:
        """Look at all of it; raises StorageError when the inbox cannot be read."""
        generation, health = self.generation(), self.health()
        meta = await asyncio.to_thread(self.live_meta) or {}
        if meta.get("generation") != generation:
            meta = {}
        since = health.connected_since if health.is_connected else None
        return Status(
            generation=generation,
            age_seconds=age_seconds(str(meta.get("created") or "")),
            articles=_articles(meta),
            connected_seconds=None if since is None else max(0.0, self.clock() - since),
            reconnects=health.reconnects,
            waiting=await self.waiting(),
            retention_days=self.retention_days,
            model=self.model(),
        )


def status_message(status: Status) -> Message:
    """Say it, one line each."""
    knowledge = form_texts.STATUS_NO_KNOWLEDGE
    if status.generation:
        knowledge = form_texts.knowledge_line(
            escape(status.generation), status.age_seconds, status.articles
        )
    lines = (
        knowledge,
        *model_lines(status.model),
        form_texts.connected_line(status.connected_seconds, status.reconnects),
        form_texts.queue_line(status.waiting),
        form_texts.kept_line(status.retention_days),
    )
    return plain_message("\n".join(lines))


def model_lines(model: ModelState | None, *, for_admins: bool = False) -> tuple[str, ...]:
    """Say how the language model is doing, and to admins why, if there is anything to say.

    What it failed with may name a server of the operator's: that is not for everybody.
    """
    if model is None:
        return ()
    if not model.name:
        return (form_texts.MODEL_NONE,)
    name = escape(model.name)
    if not model.problem:
        return (form_texts.model_writes(name),)
    lines = (form_texts.model_fails(name, model.failing_seconds),)
    reason = " ".join(model.problem.split())[:MAX_REASON_CHARS]
    return (*lines, form_texts.model_problem(escape(reason))) if for_admins else lines


def _articles(meta: Mapping[str, Any]) -> int | None:
    counts = meta.get("counts")
    articles = counts.get("articles") if isinstance(counts, Mapping) else None
    return articles if isinstance(articles, int) else None
