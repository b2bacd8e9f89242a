"""Texts → one vector or one InputRejected each: small requests, two at a time, halved on failure.

Ollama fails a whole request for one bad text, and gains nothing from many texts in one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from .errors import ModelUnavailable
from .ollama_reply import InputRejected, Rejected

T = TypeVar("T")

EMBED_BATCH = 8
CONTROL = "word"  # a text that every embedding model can embed

Outcome = list[float] | InputRejected
Send = Callable[[Sequence[str]], Awaitable[list[list[float]]]]


class Batches:
    """Embeds texts with one model; send gives a vector for each text of one request."""

    def __init__(self, model: str, send: Send, *, is_sane: bool = False) -> None:
        """Take what sends; is_sane: the model is known to embed, so that a text is to blame."""
        self._model = model
        self._send = send
        self._checking = asyncio.Lock()
        self._is_sane = is_sane

    async def each(self, inputs: Sequence[str]) -> list[Outcome]:
        """Return the outcome of each text, in order; raises ModelUnavailable when all is lost."""
        starts = range(0, len(inputs), EMBED_BATCH)
        batches = [self._batch(inputs[at : at + EMBED_BATCH], first=at) for at in starts]
        outcomes = [outcome for found in await _together(batches) for outcome in found]
        dimensions = sorted({len(found) for found in outcomes if isinstance(found, list)})
        if len(dimensions) > 1:
            raise ModelUnavailable(
                f"Model {self._model} gave vectors of different dimensions: {dimensions}. "
                "[hint: use another EMB_MODEL]"
            )
        return outcomes

    async def _batch(self, batch: Sequence[str], *, first: int) -> list[Outcome]:
        try:
            return list(await self._send(batch))
        except Rejected as error:
            if error.status not in (200, 400, 500):
                raise
            if len(batch) == 1:
                return [await self._rejected(batch[0], first, error)]
        middle = len(batch) // 2
        left = await self._batch(batch[:middle], first=first)
        return left + await self._batch(batch[middle:], first=first + middle)

    async def _rejected(self, text: str, index: int, error: Rejected) -> InputRejected:
        is_too_long = error.status == 400 and " length" in error.detail
        if not is_too_long:
            await self._check_model()
        rejected = InputRejected(
            f"Model {self._model} cannot embed text number {index + 1} "
            f"({len(text):,} characters): {error}",
            index=index,
            is_too_long=is_too_long,
        )
        rejected.__cause__ = error
        return rejected

    async def _check_model(self) -> None:
        """Raise Rejected when the model cannot even embed a word: then no text is to blame."""
        async with self._checking:
            if self._is_sane:
                return
            try:
                await self._send([CONTROL])
            except Rejected as error:
                raise Rejected(
                    f"Model {self._model} cannot embed anything: {error}",
                    status=error.status,
                    detail=error.detail,
                ) from error
            self._is_sane = True


async def _together(jobs: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results in order; when one fails, the others have ended before this does."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
