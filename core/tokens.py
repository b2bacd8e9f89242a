"""Text → estimated tokens: one fixed factor, so that equal questions pack equally."""

from __future__ import annotations

import math

CHARS_PER_TOKEN = 4.0  # usual for English; others are set by the operator, never learned in passing


def estimate_tokens(text: str, chars_per_token: float = CHARS_PER_TOKEN) -> int:
    """Return ceil(characters / chars_per_token).

    >>> estimate_tokens("12345"), estimate_tokens("12345", 2.5)
    (2, 2)
    """
    return math.ceil(len(text) / chars_per_token)
