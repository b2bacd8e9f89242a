"""Question + Context → Draft, written by a model on Ollama.

A prompt that the server has cut is sent again, shorter: an answer from snippets that the model
never saw would be a guess.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from types import MappingProxyType

from ..cut_prompts import how_cut
from ..errors import ModelUnavailable
from ..fitting import Fitter, Prompt
from ..ollama import ChatResult, OllamaClient, OnText
from ..ollama_reply import PromptTooLong
from ..prompt import PROMPT_VERSION
from ..token_counts import TokenCounts
from ..tokens import CHARS_PER_TOKEN
from ..types import Context, Draft, Question, Usage
from ..unfinished import without_unfinished_end

logger = logging.getLogger(__name__)

SHOW_SECONDS = 2.0  # to learn whether a model thinks; it is taken to, when nobody says
CUT_HINT = "[hint: reduce CTX_BUDGET or increase NUM_CTX]"
LENGTH_HINT = "[hint: increase NUM_PREDICT]"


class OllamaAnswerer:
    """Asks one model of one Ollama; the defaults make the same question give the same answer.

    Tokens are estimated by chars_per_token, which never changes by itself; counts keeps what the
    server counted, for doctor to suggest a better one.
    """

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
        chars_per_token: float = CHARS_PER_TOKEN,
        counts: TokenCounts | None = None,
    ) -> None:
        self._client = client
        self._model = model
        self._num_ctx = num_ctx
        self._counts = counts
        self._fitter = Fitter(seed, chars_per_token, room_tokens=num_ctx - num_predict)
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

    @property
    def options(self) -> Mapping[str, float | int]:
        """Give the options that every request of this model must share."""
        return MappingProxyType(self._options)

    async def answer(
        self,
        question: Question,
        context: Context,
        on_text: OnText = None,
        *,
        seconds: float | None = None,
    ) -> Draft:
        """Return what the model wrote from a prompt that it read whole.

        When a first prompt was cut, on_text has had the pieces of the answer to it and gets no
        others: the draft is the authority. Raises ModelUnavailable when even the best snippet
        alone is cut, and when no sentence was finished within num_predict.
        """
        until = None if seconds is None else time.monotonic() + seconds
        prompt = self._fitter.fit(question, context)
        remarks = self._fitted(prompt, len(context.snippets))
        shorter_ones = iter((prompt.snippets // 2, 1))  # half of the snippets, then the best alone
        while True:
            result, cut = await self._ask(prompt, on_text, _left(until))
            if result is not None and not cut:
                return await self._draft(prompt, result, remarks)
            snippets = next(shorter_ones, None)
            shorter = snippets is not None and self._fitter.shorter(question, prompt, snippets)
            if not shorter:
                raise ModelUnavailable(f"{cut} {CUT_HINT}")
            logger.warning("%s Asking again with %s. %s", cut, _counted(shorter), CUT_HINT)
            remarks += (f"the prompt was cut, asked again with {_counted(shorter)}",)
            prompt = shorter
            if result is not None:  # it has been shown pieces of an answer that does not count
                on_text = None

    async def _ask(
        self, prompt: Prompt, on_text: OnText, seconds: float | None
    ) -> tuple[ChatResult | None, str]:
        """Return what the model wrote, and what happened to a prompt that it did not read whole.

        Nothing was written where the server refused the prompt for its length.
        """
        sent = f"about {prompt.estimated_tokens} tokens in {_counted(prompt)} were sent"
        sent += f" (num_ctx {self._num_ctx})."
        started = time.monotonic()
        starts_thinking = on_text is not None and await self._may_think(seconds)
        try:
            result = await self._client.chat(
                self._model,
                prompt.messages,
                options=self._options,
                on_text=on_text,
                starts_thinking=starts_thinking,
                seconds=None if seconds is None else seconds - (time.monotonic() - started),
            )
        except PromptTooLong:
            return None, f"{self._model} refused the prompt as too long: {sent}"
        self._thinks = self._has_thought = self._has_thought or result.has_thought
        how = how_cut(
            prompt.messages, result.prompt_tokens, result.answer_tokens, num_ctx=self._num_ctx
        )
        if not how:
            return result, ""
        read = f"{result.prompt_tokens} tokens were read, {sent}"
        return result, f"{self._model} did not read the whole prompt: {how}; {read}"

    async def _draft(self, prompt: Prompt, result: ChatResult, remarks: tuple[str, ...]) -> Draft:
        await self._count(prompt, result)
        text = result.text
        if result.done_reason == "length":
            text = without_unfinished_end(text)
            cut = f"the answer was cut after {result.answer_tokens} tokens"
            if not text:
                raise ModelUnavailable(f"{self._model} finished no sentence: {cut}. {LENGTH_HINT}")
            logger.warning(
                "%s: %s; its unfinished end is left out. %s", self._model, cut, LENGTH_HINT
            )
            remarks += (cut,)
        usage = Usage(
            prompt_tokens=result.prompt_tokens,
            estimated_tokens=prompt.estimated_tokens,
            answer_tokens=result.answer_tokens,
            snippets=prompt.snippets,
            prompt_digest=prompt.digest,
        )
        return Draft(
            text,
            self.name,
            model=self._model,
            prompt_version=PROMPT_VERSION,
            usage=usage,
            remarks=remarks,
        )

    async def _count(self, prompt: Prompt, result: ChatResult) -> None:
        """Keep what the server counted of a prompt that it read whole."""
        if self._counts is not None:
            await asyncio.to_thread(
                self._counts.record,
                self._model,
                PROMPT_VERSION,
                characters=prompt.characters,
                prompt_tokens=result.prompt_tokens,
            )

    def _fitted(self, prompt: Prompt, packed: int) -> tuple[str, ...]:
        """Say when not all that was packed can be sent."""
        if prompt.snippets == packed:
            return ()
        logger.warning(
            "%d of %d snippets are sent: num_ctx is %d, of which %d are kept for the answer. %s",
            prompt.snippets,
            packed,
            self._num_ctx,
            self._options["num_predict"],
            CUT_HINT,
        )
        return (f"{prompt.snippets} of {packed} snippets fit into num_ctx",)

    async def _may_think(self, seconds: float | None) -> bool:
        """Tell whether the model may write a thought whose beginning the template has written.

        One that can think may, in spite of "think": false, until an answer has shown otherwise;
        so may one of which the server does not tell.
        """
        if self._thinks is None:
            if self._client.is_paused:
                return True
            limit = SHOW_SECONDS if seconds is None else min(SHOW_SECONDS, seconds / 2)
            try:
                capabilities = (await self._client.show(self._model, seconds=limit)).capabilities
            except ModelUnavailable:
                return True
            self._thinks = not capabilities or "thinking" in capabilities
        return self._thinks


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())


def _counted(prompt: Prompt) -> str:
    return "1 snippet" if prompt.snippets == 1 else f"{prompt.snippets} snippets"
