"""The estimate of tokens: one factor, rounded up."""

from __future__ import annotations

import pytest

from core.config import Config
from core.tokens import CHARS_PER_TOKEN, estimate_tokens


def test_four_characters_a_token_unless_told_otherwise() -> None:
    assert [estimate_tokens(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]
    assert CHARS_PER_TOKEN == Config().chars_per_token == 4.0


@pytest.mark.parametrize(
    ("factor", "tokens"), [(8.0, 2), (4.0, 3), (3.5, 3), (2.5, 4), (1.0, 10), (0.5, 20)]
)
def test_another_factor(factor: float, tokens: int) -> None:
    assert estimate_tokens("ten chars.", factor) == tokens
