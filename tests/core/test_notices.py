"""Small talk gets a notice; whatever asks something is a question."""

from __future__ import annotations

import pytest

from core.notices import TEXTS, notice_for
from core.types import NoticeKind


def kind(text: str, *, max_chars: int = 2000) -> NoticeKind | None:
    notice = notice_for(text, max_chars=max_chars)
    return None if notice is None else notice.kind


@pytest.mark.parametrize(
    "text",
    [
        "hi",
        "Hello!",
        "HEY there",
        "  hello,\n bot :wave  ".replace(":wave", ""),
        "Good morning everyone",
        "hi 👋",
        "hello hello",
    ],
)
def test_greetings(text: str) -> None:
    assert kind(text) is NoticeKind.GREETING


@pytest.mark.parametrize(
    "text",
    ["thanks", "Thank you so much!", "thx 🙏", "Cheers", "hi and thanks", "thanks for your help"],
)
def test_thanks(text: str) -> None:
    assert kind(text) is NoticeKind.THANKS


@pytest.mark.parametrize(
    "text", ["help", "Help!", "help me", "help please", "?", "???", "What can you do?"]
)
def test_help(text: str) -> None:
    assert kind(text) is NoticeKind.HELP


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\t ", "👋", "🎉🎉 🙌", "...", "—", "!!", "_", "\u200b", "👩‍👩‍👧", "❤️"],
)
def test_nothing_said(text: str) -> None:
    assert kind(text) is NoticeKind.EMPTY


@pytest.mark.parametrize(
    "text",
    [
        "hi, how do I lock timesheets?",
        "Hello, what is a kiosk?",
        "help with timesheets",
        "help me lock timesheets",
        "thanks, but how do I undo it?",
        "thank you, and the invoices?",
        "how do you work with QuickBooks?",
        "timesheets",
        "kiosk 👍",
        "what can you do about a wrong entry?",
        "日本語",
        "hi hi hi hi hi hi hi",  # too long for small talk: let the knowledge decide
        "42",
    ],
)
def test_questions(text: str) -> None:
    assert kind(text) is None


class TestLength:
    def test_the_limit_itself_is_allowed(self) -> None:
        assert kind("a" * 100, max_chars=100) is None
        assert kind("a" * 101, max_chars=100) is NoticeKind.TOO_LONG

    def test_spaces_around_do_not_count(self) -> None:
        assert kind(f"\n {'a' * 100}  ", max_chars=100) is None

    def test_characters_count_not_bytes(self) -> None:
        assert kind("日" * 100, max_chars=100) is None

    def test_it_tells_both_numbers(self) -> None:
        notice = notice_for("a" * 12_345, max_chars=2000)
        assert notice is not None
        assert notice.text.startswith("That question has 12,345 characters; I read up to 2,000.")

    def test_it_goes_before_everything_else(self) -> None:
        assert kind("hi " * 100, max_chars=100) is NoticeKind.TOO_LONG
        assert kind("?" * 101, max_chars=100) is NoticeKind.TOO_LONG


def test_each_kind_has_its_text() -> None:
    for text, wanted in [("", NoticeKind.EMPTY), ("hi", NoticeKind.GREETING)]:
        notice = notice_for(text, max_chars=100)
        assert notice is not None
        assert notice.text == TEXTS[wanted]
    assert len(set(TEXTS.values())) == len(NoticeKind) - 1  # the length has a text of its own
