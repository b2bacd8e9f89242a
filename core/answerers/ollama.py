"""Question + Context → Draft, written by a model on Ollama.

A prompt that the server has cut is sent again, shorter: an answer from snippets that the model
never saw would be a guess.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from ..cut_prompts import HALF_BELOW, Window, how_cut
from ..errors import ModelUnavailable
from ..fitting import Fitter, Prompt
from ..ollama import ChatResult, ModelInfo, OllamaClient, OnText
from ..ollama_reply import PromptTooLong
from ..prompt import PROMPT_VERSION
from ..prompt_limits import PromptLimits
from ..token_counts import TokenCounts
from ..tokens import CHARS_PER_TOKEN
from ..types import Context, Draft, Question, Usage
from ..unfinished import without_unfinished_end

logger = logging.getLogger(__name__)

CUT_HINT = "[hint: reduce CTX_BUDGET or increase NUM_CTX]"
SMALL_HINT = "[hint: reduce CTX_BUDGET or use a model with a larger context]"
LENGTH_HINT = "[hint: increase NUM_PREDICT]"


class OllamaAnswerer:
    """Asks one model of one Ollama; the defaults make the same question give the same answer.

    Tokens are estimated by chars_per_token, which never changes by itself; counts keeps what the
    server counted, for doctor to suggest a better one. What is sent fits into num_ctx, and into the
    context of the model where Ollama tells it.
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
        self._limits = PromptLimits(client, model, num_ctx=num_ctx, counts=counts)
        self._fitter = Fitter(seed, chars_per_token, room_tokens=num_ctx - num_predict)
        self._num_predict = num_predict
        self._thinks: bool | None = None  # as answers have shown; None: by what the server tells
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
        facts = await self._limits.facts(seconds)
        window = await self._limits.window(facts)
        fitter = replace(self._fitter, room_tokens=window.tokens - self._num_predict)
        prompt = fitter.fit(question, context)
        remarks = self._fitted(prompt, len(context.snippets), window)
        starts_thinking = on_text is not None and self._may_think(facts)
        shorter_ones = iter((prompt.snippets // 2, 1))  # half of the snippets, then the best alone
        while True:
            result, cut = await self._ask(
                prompt, window, on_text, starts_thinking=starts_thinking, seconds=_left(until)
            )
            if result is not None and not cut:
                await self._limits.keep(prompt, result.prompt_tokens, window)
                return self._draft(prompt, result, remarks)
            snippets = next(shorter_ones, None)
            shorter = snippets is not None and self._fitter.shorter(question, prompt, snippets)
            hint = _hint(window, 0 if result is None else result.prompt_tokens)
            if not shorter:
                raise ModelUnavailable(f"{cut} {hint}")
            logger.warning("%s Asking again with %s. %s", cut, _counted(shorter), hint)
            remarks += (f"the prompt was cut, asked again with {_counted(shorter)}",)
            prompt = shorter
            if result is not None:  # it has been shown pieces of an answer that does not count
                on_text = None

    async def _ask(
        self,
        prompt: Prompt,
        window: Window,
        on_text: OnText,
        *,
        starts_thinking: bool,
        seconds: float | None,
    ) -> tuple[ChatResult | None, str]:
        """Return what the model wrote, and what happened to a prompt that it did not read whole.

        Nothing was written where the server refused the prompt for its length.
        """
        sent = f"about {prompt.estimated_tokens} tokens in {_counted(prompt)} were sent"
        sent += f" ({_size(window)})."
        try:
            result = await self._client.chat(
                self._model,
                prompt.messages,
                options=self._options,
                on_text=on_text,
                starts_thinking=starts_thinking,
                seconds=seconds,
            )
        except PromptTooLong:
            return None, f"{self._model} refused the prompt as too long: {sent}"
        self._thinks = self._has_thought = self._has_thought or result.has_thought
        how = how_cut(prompt.messages, result.prompt_tokens, result.answer_tokens, window)
        if not how:
            return result, ""
        read = f"{result.prompt_tokens} tokens were read, {sent}"
        return result, f"{self._model} did not read the whole prompt: {how}; {read}"

    def _draft(self, prompt: Prompt, result: ChatResult, remarks: tuple[str, ...]) -> Draft:
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

    def _fitted(self, prompt: Prompt, packed: int, window: Window) -> tuple[str, ...]:
        """Say when not all that was packed can be sent."""
        if prompt.snippets == packed:
            return ()
        logger.warning(
            "%d of %d snippets are sent: %s, of which %d are kept for the answer. %s",
            prompt.snippets,
            packed,
            _size(window, " is"),
            self._num_predict,
            _hint(window),
        )
        return (f"{prompt.snippets} of {packed} snippets fit into {window.name}",)

    def _may_think(self, facts: ModelInfo | None) -> bool:
        """Tell whether the model may write a thought whose beginning the template has written.

        One that can think may, in spite of "think": false, until an answer has shown otherwise;
        so may one of which the server does not tell.
        """
        if self._thinks is not None:
            return self._thinks
        return facts is None or not facts.capabilities or "thinking" in facts.capabilities


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())


def _counted(prompt: Prompt) -> str:
    return "1 snippet" if prompt.snippets == 1 else f"{prompt.snippets} snippets"


def _size(window: Window, is_: str = "") -> str:
    """Name the window: what was asked for, or the smaller one that there is."""
    if window.tokens == window.num_ctx:
        return f"num_ctx{is_} {window.num_ctx}"
    return f"{window.name}{is_} {window.tokens}"


def _hint(window: Window, prompt_tokens: int = 0) -> str:
    """Say what to do: where less than half of num_ctx was read, a larger one would not help."""
    is_small = window.tokens < window.num_ctx
    is_small |= 0 < prompt_tokens < window.num_ctx // 2 - HALF_BELOW
    return SMALL_HINT if is_small else CUT_HINT
