"""What the server's count of a prompt tells: each way of cutting, and what only looks like one."""

from __future__ import annotations

import pytest

from core.cut_prompts import how_cut, most_tokens

FULL, PUSHED, HALF, FEW = (
    "it fills num_ctx",
    "the answer pushed it out of num_ctx",
    "it fills half of num_ctx",
    "fewer tokens than its text must have",
)


def told(
    characters: int, read: int, *, answer: int = 60, num_ctx: int = 8192, of: str = "x"
) -> str:
    """Tell of a prompt with a system message of 1,000 characters and so many others."""
    messages = [{"content": "s" * 1000}, {"content": of * characters}]
    return how_cut(messages, read, answer, num_ctx=num_ctx)


@pytest.mark.parametrize("read", [8176, 8191, 8192, 9000])
def test_a_prompt_that_fills_the_context_was_cut(read: int) -> None:
    assert told(30_000, read) == FULL


def test_one_that_leaves_room_was_not() -> None:
    assert told(30_000, 8175, answer=10) == ""


def test_an_answer_that_goes_beyond_the_context_has_pushed_the_prompt_out() -> None:
    assert told(30_000, 8000, answer=193) == PUSHED
    assert told(30_000, 8000, answer=192) == ""


@pytest.mark.parametrize("read", [4080, 4096, 4099, 4128])
def test_half_of_the_context_is_a_cut_where_the_text_may_have_been_longer(read: int) -> None:
    """Chinese takes a token for about each character, twice what a factor of 4 would have it."""
    assert told(9000, read, of="好") == HALF
    assert told(30_000, read) == HALF


@pytest.mark.parametrize("read", [4079, 4129])
def test_a_count_beside_half_of_the_context_is_none(read: int) -> None:
    assert told(9000, read, of="好") == ""


def test_half_of_the_context_is_what_a_prompt_of_that_size_takes() -> None:
    assert told(16_000, 4099) == ""
    assert told(3500, 4099, of="好") == ""


@pytest.mark.parametrize(("characters", "read"), [(12_000, 1499), (40_000, 2048), (2049, 256)])
def test_no_tokenizer_packs_more_than_eight_characters_into_a_token(
    characters: int, read: int
) -> None:
    assert told(characters, read, num_ctx=32_768) == FEW


@pytest.mark.parametrize("read", [1500, 2000, 3000, 4000])
def test_three_to_eight_characters_a_token_are_what_english_takes(read: int) -> None:
    assert told(12_000, read) == ""


@pytest.mark.parametrize("read", [0, 1, 20, 255])
def test_a_count_of_what_was_not_cached_tells_nothing(read: int) -> None:
    assert told(12_000, read) == ""


def test_nor_does_one_without_the_cached_system_message() -> None:
    assert told(4000, 520) == ""


def test_a_server_that_does_not_count_tells_nothing() -> None:
    assert told(100_000, 0, answer=9000) == ""


def test_the_most_tokens() -> None:
    assert most_tokens([{"content": "a" * 250}, {"content": "好" * 10}]) == 120
