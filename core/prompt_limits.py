"""One model of one Ollama → what its prompts may take; learnt once, so that equal ones fit alike.

What the server counts of whole prompts is kept for doctor, and for the next process.
"""

from __future__ import annotations

import asyncio

from .cut_prompts import Window, is_at_a_size
from .errors import ModelUnavailable
from .fitting import Prompt
from .ollama import ModelInfo, OllamaClient
from .prompt import PROMPT_VERSION
from .token_counts import TokenCounts

SHOW_SECONDS = 2.0  # to learn what a model is; it is asked again as long as nobody says


class PromptLimits:
    """Asks what a model is when nobody has asked yet, and what it counted in earlier processes."""

    def __init__(
        self, client: OllamaClient, model: str, *, num_ctx: int, counts: TokenCounts | None
    ) -> None:
        self._client = client
        self._model = model
        self._num_ctx = num_ctx
        self._counts = counts
        self._has_looked = False  # into the counts
        self._most_chars_per_token: float | None = None

    async def facts(self, seconds: float | None) -> ModelInfo | None:
        """Return what the server tells of the model; None when it cannot be asked now."""
        if self._client.is_paused:
            return None
        limit = SHOW_SECONDS if seconds is None else min(SHOW_SECONDS, seconds / 2)
        try:
            return await self._client.facts(self._model, seconds=limit)
        except ModelUnavailable:
            return None

    async def window(self, facts: ModelInfo | None) -> Window:
        """Return what a prompt and its answer may take, and what is known of the model's tokens.

        New counts do not change it: that would judge equal prompts differently.
        """
        if not self._has_looked and self._counts is not None:
            self._most_chars_per_token = await asyncio.to_thread(
                self._counts.most_chars_per_token, self._model, PROMPT_VERSION
            )
        self._has_looked = True
        length = None if facts is None else facts.context_length
        return Window(self._num_ctx, length, self._most_chars_per_token)

    async def keep(self, prompt: Prompt, prompt_tokens: int, window: Window) -> None:
        """Keep what the server counted of a prompt, unless it may have cut it all the same."""
        if self._counts is not None and not is_at_a_size(prompt_tokens, window):
            await asyncio.to_thread(
                self._counts.record,
                self._model,
                PROMPT_VERSION,
                characters=prompt.characters,
                prompt_tokens=prompt_tokens,
            )
