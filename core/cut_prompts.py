"""Tell from the server's own count whether it read the whole prompt.

Ollama cuts a prompt that is longer than its context without a word: to num_ctx tokens, or to half
of that where the model shifts its context (0.32 and later). The one trace is prompt_eval_count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FULL_SLACK = 16  # tokens; a prompt this near num_ctx was cut, or has left no room to answer
HALF_BELOW, HALF_ABOVE = 16, 32  # tokens round num_ctx / 2: 16,387 of 32,768 were seen

# Bounds on tokens, wide enough for the tokenizers in use: 3 to 6 characters a token in English, 1
# to 2 in Chinese, and half of one where an alphabet is taken apart into bytes. Prompts average
# over much text, so that no bound depends on CHARS_PER_TOKEN being well chosen.
MOST_CHARS_PER_TOKEN = 8.0
FEWEST_ASCII_PER_TOKEN = 2.5
MOST_TOKENS_PER_OTHER = 2.0

# Old servers count only what they had not cached: all but the system message, or, of a repeated
# prompt, next to nothing. No context is smaller than this, so a lower count is no trace of a cut.
LEAST_CONTEXT = 256


def how_cut(
    messages: Sequence[Mapping[str, str]], prompt_tokens: int, answer_tokens: int, *, num_ctx: int
) -> str:
    """Return how a prompt was cut, in words for operators, or "" when nothing tells so.

    A server that does not count (0 tokens) tells nothing.
    """
    half = num_ctx // 2
    if prompt_tokens >= num_ctx - FULL_SLACK:
        return "it fills num_ctx"
    if prompt_tokens > 0 and prompt_tokens + answer_tokens > num_ctx:
        return "the answer pushed it out of num_ctx"
    if half - HALF_BELOW <= prompt_tokens <= half + HALF_ABOVE and most_tokens(messages) > num_ctx:
        return "it fills half of num_ctx"
    written_last = len(messages[-1]["content"]) if messages else 0  # what is never cached in part
    if prompt_tokens >= LEAST_CONTEXT and written_last > MOST_CHARS_PER_TOKEN * prompt_tokens:
        return "fewer tokens than its text must have"
    return ""


def most_tokens(messages: Sequence[Mapping[str, str]]) -> float:
    """Return what messages may take with the least apt tokenizer."""
    text = "".join(message["content"] for message in messages)
    others = sum(not character.isascii() for character in text)
    return (len(text) - others) / FEWEST_ASCII_PER_TOKEN + others * MOST_TOKENS_PER_OTHER
