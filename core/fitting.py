"""Question + context → the prompt that leaves a model room to answer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from .prompt import SEPARATOR, build_messages
from .tokens import estimate_tokens
from .types import Context, Question


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages, and what of the context they hold."""

    messages: tuple[dict[str, str], ...]
    context: Context
    estimated_tokens: int

    @property
    def snippets(self) -> int:
        """Count the snippets that are sent."""
        return len(self.context.snippets)

    @property
    def characters(self) -> int:
        """Count the characters of all messages, roles left out."""
        return sum(len(message["content"]) for message in self.messages)

    @property
    def digest(self) -> str:
        """Give the SHA-256 of the messages: equal prompts, equal digests."""
        return hashlib.sha256(json.dumps(self.messages, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Fitter:
    """Renders prompts; what is the same for all questions."""

    seed: int
    chars_per_token: float
    room_tokens: int  # for the whole prompt, by estimate

    def fit(self, question: Question, context: Context) -> Prompt:
        """Render what fits: history gives way first, then the last snippets; one always stays."""
        prompt = self.render(question, context)
        if prompt.estimated_tokens <= self.room_tokens:
            return prompt
        prompt = self.render(question, replace(context, history_tokens=0))
        gap = estimate_tokens(SEPARATOR, self.chars_per_token)
        left = self.room_tokens - prompt.estimated_tokens - gap
        if left >= 0:
            return self.render(question, replace(context, history_tokens=left))
        while prompt.estimated_tokens > self.room_tokens and prompt.snippets > 1:
            fewer = replace(prompt.context, snippets=prompt.context.snippets[:-1])
            prompt = self.render(question, fewer)
        return prompt

    def shorter(self, question: Question, prompt: Prompt, snippets: int) -> Prompt | None:
        """Render again without history and with fewer snippets; None when that is the same."""
        first = prompt.context.snippets[: max(1, snippets)]
        shorter = self.render(question, replace(prompt.context, snippets=first, history_tokens=0))
        return None if shorter.messages == prompt.messages else shorter

    def render(self, question: Question, context: Context) -> Prompt:
        """Render all of a context."""
        messages = tuple(
            build_messages(question, context, seed=self.seed, chars_per_token=self.chars_per_token)
        )
        tokens = sum(estimate_tokens(m["content"], self.chars_per_token) for m in messages)
        return Prompt(messages, context, tokens)
