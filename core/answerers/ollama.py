"""Question + Context → Draft, written by a model on Ollama."""

from __future__ import annotations

import logging

from ..errors import ModelUnavailable
from ..ollama import OllamaClient, OnText
from ..ollama_reply import full_name, missing
from ..prompt import build_messages, estimate_tokens
from ..types import Context, Draft, Question

logger = logging.getLogger(__name__)

NEARLY_FULL = 0.95  # a prompt that fills this much of num_ctx was cut, or left no room to answer


class OllamaAnswerer:
    """Asks one model of one Ollama; the defaults make the same question give the same answer."""

    def __init__(
        self,
        client: OllamaClient,
        model: str,
        *,
        seed: int,
        num_ctx: int,
        num_predict: int,
        temperature: float = 0.0,
        top_p: float = 0.9,
        top_k: int = 40,
        repeat_penalty: float = 1.05,
    ) -> None:
        self._client = client
        self._model = model
        self._num_ctx = num_ctx
        self._thinks: bool | None = None  # whether it may begin with a thought; None: not known
        self._has_thought = False  # in an answer, in spite of "think": false
        # One set of options for every question: another num_ctx would make Ollama reload the model.
        self._options: dict[str, float | int] = {
            "seed": seed,
            "num_ctx": num_ctx,
            "num_predict": num_predict,
            "temperature": temperature,
            "top_p": top_p,
            "top_k": top_k,
            "repeat_penalty": repeat_penalty,
        }

    @property
    def name(self) -> str:
        return "ollama"

    async def answer(
        self,
        question: Question,
        context: Context,
        on_text: OnText = None,
        *,
        seconds: float | None = None,
    ) -> Draft:
        """Return what the model wrote; the log tells when it cannot have read or said it all."""
        messages = build_messages(question, context)
        result = await self._client.chat(
            self._model,
            messages,
            options=self._options,
            on_text=on_text,
            seconds=seconds,
            starts_thinking=on_text is not None and await self._may_think(),
        )
        self._thinks = self._has_thought = self._has_thought or result.has_thought
        estimated = sum(estimate_tokens(message["content"]) for message in messages)
        # Some servers cut an over-long prompt to half of num_ctx, so their count alone hides it.
        if max(result.prompt_tokens, estimated) >= NEARLY_FULL * self._num_ctx:
            logger.warning(
                "The prompt was probably cut: %d tokens read, about %d sent, num_ctx %d. "
                "[hint: reduce CTX_BUDGET or increase NUM_CTX]",
                result.prompt_tokens,
                estimated,
                self._num_ctx,
            )
        if result.done_reason == "length":
            logger.warning(
                "The answer was cut at %s tokens. [hint: increase NUM_PREDICT]",
                self._options["num_predict"],
            )
        return Draft(text=result.text, answerer=self.name, model=self._model)

    async def _may_think(self) -> bool:
        """Tell whether the model may write a thought whose beginning the template has written.

        One that can think may, in spite of "think": false, until an answer has shown otherwise;
        so may one of which the server does not tell.
        """
        if self._thinks is None:
            try:
                capabilities = (await self._client.show(self._model)).capabilities
            except ModelUnavailable:
                return True
            self._thinks = not capabilities or "thinking" in capabilities
        return self._thinks


async def check_ready(client: OllamaClient, model: str) -> str | None:
    """Return why the model cannot be used, in one sentence, or None when it can."""
    try:
        available = await client.models()
    except ModelUnavailable as error:
        return str(error)
    return None if full_name(model) in available else str(missing(model, client.url))
