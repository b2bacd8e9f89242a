"""blocks: everything stays under Slack's limits, as the local Slack checks them."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blocks import cut, home_view, split, turn_message
from bot.message import Message
from bot.simulator.blocks import check_blocks
from core.types import (
    REFUSAL_TEXT,
    Answer,
    Hit,
    Notice,
    NoticeKind,
    Question,
    Refusal,
    RefusalReason,
    Source,
    Turn,
)

from .stand_ins import ARTICLES, chunk_of


def shown(message: Message) -> list[str]:
    """Check the blocks against Slack's rules and give the texts of the sections."""
    checked = check_blocks(list(message.blocks))
    assert len(json.dumps(message.blocks)) <= 13_200
    return [block["text"]["text"] for block in checked if block["type"] == "section"]


def answered(text: str, sources: tuple[Source, ...] = (), notes: tuple[str, ...] = ()) -> Message:
    """Show an answer."""
    turn = Turn(Question("?", id="q1"), Answer(text, sources), generation="7", footnotes=notes)
    return turn_message(turn, surface="mention")


def source(number: int, title: str = "Title", url: str | None = None) -> Source:
    """Make a source of the help center."""
    url = f"https://clockify.me/help/{number}" if url is None else url
    return Source(number, title, url, ("Top", "Steps"), f"a{number}#.0")


def test_an_answer_with_two_sources() -> None:
    message = answered("**A** [1], b [2]", (source(1), source(2, url="file:///etc/passwd")))
    assert shown(message) == [
        "*A* <https://clockify.me/help/1|[1]>, b [2]",
        "*Sources*\n1. <https://clockify.me/help/1|Title> › Steps\n2. Title › Steps",
    ]
    assert message.text == "\n\n".join(shown(message))
    buttons = message.blocks[-1]["elements"][0]
    assert buttons["positive_button"]["value"] == "q1:up"
    assert buttons["negative_button"]["value"] == "q1:down"
    assert message.blocks[-1]["block_id"] == "feedback:mention:7:q1"


def test_a_refusal_stands_alone_and_names_each_nearest_article_once() -> None:
    hits = tuple(Hit(chunk_of(article), 1.0, None, None) for article in [*ARTICLES, *ARTICLES])
    turn = Turn(Question("?", id="q1"), Refusal(RefusalReason.WEAK_EVIDENCE, (hits[0], *hits)))
    texts = shown(turn_message(turn, surface="mention"))
    assert texts[0] == REFUSAL_TEXT
    titles = re.findall(r"\|([^>]*)>", texts[1])
    assert titles == ["Lock timesheets", "Track time", "Send invoices"]


def test_a_refusal_without_articles() -> None:
    turn = Turn(Question("?", id="q1"), Refusal(RefusalReason.NOTHING_FOUND))
    assert shown(turn_message(turn, surface="mention")) == [REFUSAL_TEXT]


def test_a_notice_has_no_buttons() -> None:
    turn = Turn(Question("?"), Notice(NoticeKind.HELP, "Ask **me**."))
    assert [block["type"] for block in turn_message(turn, surface="direct").blocks] == ["section"]


@pytest.mark.parametrize(
    "text",
    [
        "word " * 4_000,
        "x" * 20_000,
        "1. step [1]\n" * 1_500,
        "```\n" + "code & more\n" * 1_200 + "```",
        "<&>" * 6_000,
        "ü" * 15_000,
        "[1]" * 5_000,
    ],
    ids=["words", "one word", "steps", "code", "entities", "umlauts", "citations"],
)
def test_long_answers_are_shortened_and_say_so(text: str) -> None:
    sources = tuple(source(n, "T" * 500) for n in range(1, 30))
    message = answered(text, sources, notes=("note " * 200,) * 20)
    shown(message)
    assert len(message.blocks) <= 50
    assert len(message.text) <= 4_000
    assert "was shortened" in str(message.blocks)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="a b\n`<&>*", max_size=400), st.integers(40, 90))
def test_split_keeps_to_the_limit_and_loses_nothing(text: str, limit: int) -> None:
    plain = text.replace("`", "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "")
    parts = split(plain, limit)
    assert all(len(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(plain.split())
    assert not any("&" in re.sub("&(amp|lt);", "", part) for part in parts)


def test_split_never_cuts_a_link() -> None:
    line = "word " * 12 + "<https://clockify.me/help/a-long-address|a label with blanks> end"
    parts = split(line, 100)
    assert [part.count("<") == part.count(">") for part in parts] == [True] * len(parts)
    assert any("<https://clockify.me/help/a-long-address|a label with blanks>" in p for p in parts)


def test_split_closes_and_opens_code() -> None:
    parts = split("a\n```\n" + "x\n" * 10 + "```\nb", 30)
    assert parts == ["a\n```\n" + "x\n" * 8 + "```", "```\nx\nx\n```\nb"]


def test_cut_tells_that_it_cut() -> None:
    assert cut("short", 10) == "short"
    assert cut("one two three four five", 20) == "one two …"


@pytest.mark.parametrize("generation", ["", "00000002"])
def test_the_home_view_is_valid(generation: str) -> None:
    check_blocks(home_view(generation)["blocks"], most=100)
