"""A twin of the bot that breaks the promise: no fallback at all, or one without its footnote.

It shows that the judge of the proofs can fail.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

from bot.app import serve
from bot.asking import OnDraft
from bot.config import SlackConfig
from bot.signals import serve_until_stopped
from core.assembly import open_pipeline
from core.config import Config
from core.pipeline import Pipeline
from core.types import Question, Turn

from ..bot.stand_ins import ArticleAsker, CountingRebuilder


class Unmarked:
    """A pipeline whose readers are not told that nobody wrote the answer."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    @property
    def generation(self) -> str:
        """Name the generation."""
        return self._pipeline.generation

    async def ask(self, question: Question, on_draft: OnDraft | None = None) -> Turn:
        """Answer without the small print."""
        return replace(await self._pipeline.ask(question, on_draft), footnotes=())


async def work(stop: asyncio.Event, is_serving: asyncio.Event) -> None:
    """Serve until told to stop."""
    config, slack = Config.from_env(os.environ), SlackConfig.from_env(os.environ)
    has_fallback = os.environ["TWIN"] != "without a fallback"
    async with open_pipeline(config, quotes_on_failure=has_fallback) as assembled:
        await serve(
            slack,
            Unmarked(assembled.pipeline),
            CountingRebuilder(ArticleAsker()),
            stop,
            on_ready=lambda _: is_serving.set(),
        )


if __name__ == "__main__":
    import logging

    logging.basicConfig(level=logging.INFO)
    serve_until_stopped(work)
