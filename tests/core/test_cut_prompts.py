"""What the server's count of a prompt tells: each way of cutting, and what only looks like one."""

from __future__ import annotations

import pytest

from core.cut_prompts import Window, how_cut, is_at_a_size, least_tokens, most_tokens

FULL, PUSHED, HALF, FEW = (
    "it fills num_ctx",
    "the answer pushed it out of num_ctx",
    "it fills half of num_ctx",
    "fewer tokens than its text must have",
)


def told(
    characters: int,
    read: int,
    *,
    answer: int = 60,
    num_ctx: int = 8192,
    context: int | None = None,
    seen: float | None = None,
    of: str = "x",
) -> str:
    """Tell of a prompt with a system message of 1,000 characters and so many others."""
    messages = [{"content": "s" * 1000}, {"content": of * characters}]
    return how_cut(messages, read, answer, Window(num_ctx, context, seen))


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


class TestSmallerContext:
    """One that is smaller than num_ctx: told by /api/show, or known from nothing but the count."""

    @pytest.mark.parametrize("read", [2032, 2048, 2049])
    def test_a_prompt_that_fills_it_was_cut(self, read: int) -> None:
        assert told(9000, read, context=2048) == "it fills the context of the model"
        assert told(9000, read) == ""

    def test_so_was_one_that_the_answer_pushed_out_or_that_fills_half(self) -> None:
        pushed = "the answer pushed it out of the context of the model"
        assert told(9000, 2000, answer=49, context=2048) == pushed
        assert told(9000, 1027, context=2048) == "it fills half of the context of the model"

    def test_a_larger_one_changes_nothing(self) -> None:
        assert told(30_000, 8192, context=131_072) == FULL
        assert told(30_000, 8175, answer=10, context=131_072) == ""

    @pytest.mark.parametrize(
        ("characters", "read"),
        [(11_700, 2048), (11_700, 2051), (10_241, 2048), (6000, 1024), (23_000, 4096)],
    )
    def test_a_count_at_a_power_of_two_needs_only_five_characters_a_token(
        self, characters: int, read: int
    ) -> None:
        assert told(characters, read, num_ctx=20_000) == FEW

    @pytest.mark.parametrize(
        ("characters", "read"),
        [(10_240, 2048), (8800, 2048), (4000, 1024), (11_700, 2045), (11_700, 2053), (2500, 500)],
    )
    def test_one_beside_it_or_of_usual_tokens_is_none(self, characters: int, read: int) -> None:
        assert told(characters, read, num_ctx=20_000) == ""

    def test_so_does_one_at_a_quarter_of_num_ctx(self) -> None:
        assert told(8000, 1503, num_ctx=6000) == FEW
        assert told(8000, 1505, num_ctx=6000) == ""

    @pytest.mark.parametrize("read", [2048, 1024, 1500, 700])
    def test_chinese_takes_a_token_for_three_characters_at_least(self, read: int) -> None:
        assert told(3 * read + 3, read, of="好") == FEW
        assert told(3 * read, read, of="好") == ""

    def test_lines_of_dashes_are_no_text(self) -> None:
        assert told(6000, 1024, of="| - |\n") == FEW
        assert told(1000, 1024, of="-" * 12) == ""


class TestSeen:
    """What the model has counted before: so many characters a token at most."""

    def test_a_count_at_a_size_may_be_a_tenth_below(self) -> None:
        assert told(9800, 2048, seen=4.3) == FEW
        assert told(9700, 2048, seen=4.3) == ""
        assert told(9800, 2048) == ""

    def test_any_other_two_fifths(self) -> None:
        assert told(10_800, 1500, seen=4.3) == FEW
        assert told(10_700, 1500, seen=4.3) == ""
        assert told(10_800, 1500) == ""

    def test_counts_of_a_dense_script_say_nothing_about_english(self) -> None:
        assert told(10_000, 2400, seen=1.6) == ""
        assert told(8000, 2400, seen=2.9) == ""

    def test_nor_do_counts_without_the_cached_part(self) -> None:
        assert told(11_000, 1500, seen=8.0) == ""


@pytest.mark.parametrize(
    ("count", "is_size"),
    [
        *[(count, True) for count in (510, 516, 1499, 2046, 2052, 3000)],
        *[(count, False) for count in (0, 258, 509, 517, 2053, 3005)],
    ],
)
def test_the_sizes_of_contexts(count: int, is_size: bool) -> None:
    assert is_at_a_size(count, Window(6000)) is is_size


def test_the_most_and_the_least_tokens() -> None:
    messages = [{"content": "a" * 250}, {"content": "好" * 10}]
    assert most_tokens(messages) == 120
    assert least_tokens([{"content": "ab" * 40 + "好坏好" + "-" * 99 + "__"}], 8.0) == 11.25
