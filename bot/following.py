"""Follows the index on disk: what anybody publishes or rolls back to is soon answered from.

The generation in memory is whole, so nothing less takes its place: a damaged one on disk, an older
one that the store would fall back to and one whose vectors questions could not be compared with are
named once in the log, and looked at again a minute later or when CURRENT changes.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from core.assembly import Assembled
from core.errors import BotError, IndexUnusable
from core.index import Index
from core.pipeline import Pipeline
from core.store import Store

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0  # promised: 5 from publication to answers, opening included
RETRY_SECONDS = 60.0


class Follower:
    """Swaps the index of a pipeline for the one that CURRENT names."""

    def __init__(
        self,
        pipeline: Pipeline,
        store: Store,
        *,
        poll_seconds: float = POLL_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        """Take a pipeline that answers from a generation of the store."""
        self._pipeline = pipeline
        self._store = store
        self._poll_seconds = poll_seconds
        self._retry_seconds = retry_seconds
        self._looking = asyncio.Lock()
        current = store.current()
        is_served = current is None or current.partition(" ")[0] == pipeline.generation
        self._served = current if is_served else ""  # CURRENT when what is served was live
        self._failed: str | None = ""  # CURRENT when the last try failed
        self._problem = ""
        self._retry_at = math.inf

    async def follow(self) -> None:
        """Look again and again, until cancelled; whatever a look stumbles over."""
        while True:
            await self.look()
            await asyncio.sleep(self._poll_seconds)

    async def look(self) -> str:
        """Follow CURRENT now; say why the pipeline cannot, "" when it answers from what is live."""
        async with self._looking:
            current = await asyncio.to_thread(self._store.current)
            if current == self._served:
                self._problem = ""
            elif current != self._failed or not self._problem or time.monotonic() >= self._retry_at:
                await self._try(current)
            return self._problem

    async def _try(self, current: str | None) -> None:
        try:
            index = await self._open()
        except (BotError, OSError) as error:
            self._note(current, str(error))
        except Exception:  # nothing may end the following; this is the outermost frame of its task
            logger.exception("following the index failed; it goes on in %g s", self._retry_seconds)
            self._note(current, "an unexpected error, which the log has")
        else:
            self._pipeline.swap(index)
            self._served, self._problem = current, ""
            logger.info("generation %s is live", index.generation)

    async def _open(self) -> Index:
        opened = await asyncio.to_thread(self._store.open)
        if opened.damaged:
            raise IndexUnusable("; ".join(opened.damaged))
        await self._pipeline.require_usable(opened.index)
        return opened.index

    def _note(self, current: str | None, problem: str) -> None:
        is_news = (current, problem) != (self._failed, self._problem)
        self._failed, self._problem = current, problem
        self._retry_at = time.monotonic() + self._retry_seconds
        logger.log(
            logging.WARNING if is_news else logging.DEBUG,
            "generation %s keeps answering; the one on disk cannot take its place: %s",
            self._pipeline.generation,
            problem,
        )


@asynccontextmanager
async def following(assembled: Assembled) -> AsyncIterator[Follower]:
    """Follow the index in the background while the block runs."""
    follower = Follower(assembled.pipeline, assembled.store)
    task = asyncio.create_task(follower.follow(), name="following the index")
    try:
        yield follower
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
