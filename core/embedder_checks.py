"""An embedder → can it be used? Asked at a start, which waits little, and before a build.

One that is late finds its way into later questions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from .embedders.ollama import OllamaEmbedder
from .errors import ModelUnavailable
from .ollama import OllamaClient
from .protocols import Embedder, EmbedderSpec
from .readiness import Readiness, embedder_readiness
from .types import Role, Vectors

# A loaded model embeds a word in tenths of a second; while this is waited for nobody is served.
START_SECONDS = 5.0


@asynccontextmanager
async def opened_embedder(
    embedder: Embedder, client: OllamaClient, model: str, *, seconds: float | None
) -> AsyncIterator[Readiness]:
    """Open the model and say whether it embeds; Ollama has so many seconds to show it.

    None: as long as the embedder itself waits. A look that takes longer goes on within the block,
    for Ollama gives up loading a model when nobody waits for it. What runs in this process is
    opened however long it takes.
    """
    if not isinstance(embedder, OllamaEmbedder):
        yield await _opened(embedder)
        return
    looking = asyncio.create_task(embedder_readiness(client, model, embedder))
    try:
        await asyncio.wait({looking}, timeout=seconds)
        yield looking.result() if looking.done() else _late(model, client.url, seconds or 0.0)
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


class CheckedEmbedder:
    """Embeds for a build; says before the first text what Ollama has against its model."""

    def __init__(self, embedder: Embedder, client: OllamaClient, model: str) -> None:
        self.notes: tuple[str, ...] = ()  # known with the spec
        self._embedder = embedder
        self._client = client
        self._model = model
        self._spec: EmbedderSpec | None = None

    async def spec(self) -> EmbedderSpec:
        """Give what the model is; a ModelUnavailable tells what the server knows of the reason."""
        if self._spec is None:
            ready = await embedder_readiness(self._client, self._model, self._embedder)
            if ready.spec is None:
                raise ready.failure()
            self.notes, self._spec = ready.notes, ready.spec
        return self._spec

    async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        """Embed as the model does."""
        return await self._embedder.embed(texts, role=role)

    def count_tokens(self, text: str) -> int:
        """Count as the model does."""
        return self._embedder.count_tokens(text)


async def _opened(embedder: Embedder) -> Readiness:
    try:
        return Readiness(spec=await embedder.spec())
    except ModelUnavailable as error:
        return Readiness(str(error), raised=str(error))


def _late(model: str, url: str, seconds: float) -> Readiness:
    problem = (
        f"Model {model} on {url} gave no vector within {seconds:g} s. [hint: it may be loading, "
        "and is asked again with later questions; if this stays, look at the log of Ollama]"
    )
    return Readiness(problem, is_unreachable=True)
