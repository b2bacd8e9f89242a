"""Claims against the units of snippets: cosines above those that unrelated texts have.

What cannot be embedded in time is compared by its words (core/nearness.py); None stands for that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import numpy as np

from .errors import ModelUnavailable
from .nearness import Similar
from .passages import Passages
from .protocols import Embedder
from .types import Role, Vector, Vectors

logger = logging.getLogger(__name__)

EMBED_SECONDS = 10.0  # that claims wait for vectors; then they are compared by their words
MAX_CLAIM_CHARACTERS = 2_000
MAX_CLAIMS = 200  # whose meaning is compared; what comes after is compared by words
UNRELATED = (
    "The ship left the harbour before sunrise.",
    "She painted the kitchen chairs green last summer.",
    "Whales sing in patterns that change over the years.",
    "Bread needs flour, water, salt and a warm place to rise.",
)


class Similarity:
    """Compares claims with the snippets of one context; remembers what it embedded."""

    def __init__(self, embedder: Embedder | None, *, embed_seconds: float = EMBED_SECONDS) -> None:
        self.problem = ""  # why there are no vectors, where there should be
        self._embedder = embedder
        self._embed_seconds = embed_seconds
        self._snippets: dict[int, Vectors] = {}
        self._claims: dict[str, Vector | None] = {}
        self._floor: float | None = None

    async def of(self, claim: str, number: int, passages: Passages) -> Similar | None:
        """Compare a claim with each unit of the snippet of this number."""
        vector = await self._claim_vector(claim)
        rows = await self._snippet_vectors(number, passages) if vector is not None else None
        if vector is None or rows is None:
            return None
        count = len(rows) // 2
        floor = self._floor or 0.0
        best = np.maximum(rows[:count] @ vector, rows[count:] @ vector)
        return Similar((best - floor) / (1 - floor), rows[:count], vector, floor)

    async def _claim_vector(self, claim: str) -> Vector | None:
        plain = claim.replace("**", "").replace("`", "")
        if plain not in self._claims:
            rows = await self._embed([plain]) if len(self._claims) < MAX_CLAIMS else None
            self._claims[plain] = None if rows is None else rows[0]
        return self._claims[plain]

    async def _snippet_vectors(self, number: int, passages: Passages) -> Vectors | None:
        if number not in self._snippets:
            texts = [
                text[:MAX_CLAIM_CHARACTERS].replace("**", "") for text in passages.embedded_texts()
            ]
            more = UNRELATED if self._floor is None else ()
            rows = await self._embed([*texts, *more])
            if rows is None:
                return None
            if more:
                foreign = rows[-len(more) :] @ rows[: len(texts)].T
                self._floor = min(max(float(foreign.mean()), 0.0), 0.95)
            self._snippets[number] = rows[: len(texts)]
        return self._snippets[number]

    async def _embed(self, texts: Sequence[str]) -> Vectors | None:
        if self._embedder is None:
            return None
        try:
            async with asyncio.timeout(self._embed_seconds):
                return await self._embedder.embed(texts, role=Role.DOCUMENT)
        except (ModelUnavailable, TimeoutError) as error:
            self.problem = str(error) or "no vectors in time"
            logger.debug("claims are compared by their words: %s", self.problem)
            self._embedder = None
            return None
