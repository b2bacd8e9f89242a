"""Tell from the server's own count whether it read the whole prompt.

Ollama cuts a prompt that is longer than its context without a word: to all of the context, or to
half of it where the model shifts it (0.32 and later). That context may be smaller than the num_ctx
that was asked for. The one trace is prompt_eval_count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FULL_SLACK = 16  # tokens; a prompt this near the window was cut, or has left no room to answer
HALF_BELOW, HALF_ABOVE = 16, 32  # tokens round half of it: 16,387 of 32,768 were seen

# Bounds on tokens, wide enough for the tokenizers in use: 3 to 6 characters a token in English, 1
# to 2 in Chinese, and half of one where an alphabet is taken apart into bytes. Prompts average
# over much text, so that no bound depends on CHARS_PER_TOKEN being well chosen.
MOST_CHARS_PER_TOKEN = 8.0
MOST_DENSE_PER_TOKEN = 3.0  # Chinese, Japanese, Korean
FEWEST_ASCII_PER_TOKEN = 2.5
MOST_TOKENS_PER_OTHER = 2.0
DENSE = "\u2e80"  # where their characters begin
RUN = re.compile(r"([^\w]|_)\1+")  # a line of dashes is few tokens

# A count that stands at the size of a context says more: few prompts end there by chance, and few
# have so many characters a token.
NEAR_BELOW, NEAR_ABOVE = 2, 4  # tokens round a size
LEAST_SIZE = 512
UNUSUAL_CHARS_PER_TOKEN = 5.0

# What a model has counted before says how few tokens a text can have: nine tenths of the fewest at
# the size of a context, three fifths elsewhere. Counts of a script with short tokens say nothing
# about English.
SHARE_AT_SIZE, SHARE_ELSEWHERE = 0.9, 0.6
LEAST_TELLING = 3.0  # characters per token

# Old servers count only what they had not cached: all but the system message, or, of a repeated
# prompt, next to nothing. No context is smaller than this, so a lower count is no trace of a cut.
LEAST_CONTEXT = 256

Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Window:
    """What prompt and answer may take together, tokens, and what is known of the model's."""

    num_ctx: int  # as asked for
    context_length: int | None = None  # what the model reads at most; None: not told
    most_chars_per_token: float | None = None  # of the prompts that it has counted; None: too few

    @property
    def tokens(self) -> int:
        """Give what there really is."""
        return min(self.num_ctx, self.context_length or self.num_ctx)

    @property
    def name(self) -> str:
        """Give the name of what bounds it, for operators."""
        return "num_ctx" if self.tokens == self.num_ctx else "the context of the model"


def how_cut(messages: Messages, prompt_tokens: int, answer_tokens: int, window: Window) -> str:
    """Return how a prompt was cut, in words for operators, or "" when nothing tells so.

    A server that does not count (0 tokens) tells nothing.
    """
    size, half = window.tokens, window.tokens // 2
    if prompt_tokens >= size - FULL_SLACK:
        return f"it fills {window.name}"
    if prompt_tokens > 0 and prompt_tokens + answer_tokens > size:
        return f"the answer pushed it out of {window.name}"
    if half - HALF_BELOW <= prompt_tokens <= half + HALF_ABOVE and most_tokens(messages) > size:
        return f"it fills half of {window.name}"
    written_last = messages[-1:]  # what is never cached in part
    if prompt_tokens >= LEAST_CONTEXT and prompt_tokens < _least(
        written_last, prompt_tokens, window
    ):
        return "fewer tokens than its text must have"
    return ""


def is_at_a_size(prompt_tokens: int, window: Window) -> bool:
    """Tell whether a count is what a prompt that was cut to the size of some context has."""
    power = 1 << max(0, prompt_tokens + NEAR_BELOW).bit_length() - 1
    shares = {window.num_ctx // 2, window.num_ctx // 4, window.tokens // 2}
    sizes = (size for size in {power, *shares} if size >= LEAST_SIZE)
    return any(size - NEAR_BELOW <= prompt_tokens <= size + NEAR_ABOVE for size in sizes)


def most_tokens(messages: Messages) -> float:
    """Return what messages may take with the least apt tokenizer."""
    text = "".join(message["content"] for message in messages)
    others = sum(not character.isascii() for character in text)
    return (len(text) - others) / FEWEST_ASCII_PER_TOKEN + others * MOST_TOKENS_PER_OTHER


def least_tokens(messages: Messages, chars_per_token: float) -> float:
    """Return what messages take at least when a token has no more than so many characters.

    >>> least_tokens([{"content": "a" * 80 + "-" * 99}], 8.0)
    10.125
    """
    text = RUN.sub(r"\1", "".join(message["content"] for message in messages))
    dense = sum(character >= DENSE for character in text)
    return (len(text) - dense) / chars_per_token + dense / MOST_DENSE_PER_TOKEN


def _least(messages: Messages, prompt_tokens: int, window: Window) -> float:
    """Return the fewest tokens that messages can have taken, in view of the count."""
    at_size = is_at_a_size(prompt_tokens, window)
    chars_per_token = UNUSUAL_CHARS_PER_TOKEN if at_size else MOST_CHARS_PER_TOKEN
    seen = window.most_chars_per_token
    if seen is not None and seen >= LEAST_TELLING:
        share = SHARE_AT_SIZE if at_size else SHARE_ELSEWHERE
        chars_per_token = min(chars_per_token, seen / share)
    return least_tokens(messages, chars_per_token)
