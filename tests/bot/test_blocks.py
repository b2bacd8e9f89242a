"""blocks: everything stays under Slack's limits, as the local Slack checks them, and is inert."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blocks import cut, split, turn_message
from bot.listing import readable_title
from bot.message import Message
from bot.simulator.blocks import check_blocks
from bot.tasks import Surface
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

from .hostile import TURNS, allowed_for
from .inert import Allowed, check_inert
from .stand_ins import ARTICLES, chunk_of

HELP = "https://clockify.me/help/"


def checked(message: Message) -> Message:
    """Check a message against Slack's rules."""
    check_blocks(list(message.blocks))
    assert len(json.dumps(message.blocks)) <= 13_200
    assert len(message.blocks) <= 50
    assert len(message.text) <= 4_000
    return message


def texts_of(message: Message, kind: str) -> list[str]:
    """Give the texts of the sections or of the context blocks."""
    blocks = [block for block in checked(message).blocks if block["type"] == kind]
    parts = [block["elements"] if kind == "context" else [block["text"]] for block in blocks]
    return [element["text"] for elements in parts for element in elements]


def actions_of(message: Message) -> dict[str, str]:
    """Give the labels of the buttons by action_id."""
    elements = [e for b in message.blocks if b["type"] == "actions" for e in b["elements"]]
    assert {element["value"] for element in elements} <= {"q1"}
    return {element["action_id"]: element["text"]["text"] for element in elements}


def answered(text: str, sources: tuple[Source, ...] = (), notes: tuple[str, ...] = ()) -> Message:
    """Show an answer."""
    turn = Turn(Question("?", id="q1"), Answer(text, sources), generation="7", footnotes=notes)
    return turn_message(turn, surface=Surface.MENTION)


def refused(*hits: Hit) -> Turn:
    """Make a refusal."""
    return Turn(Question("?", id="q1"), Refusal(RefusalReason.WEAK_EVIDENCE, hits))


def source(number: int, title: str = "Title", url: str | None = None) -> Source:
    """Make a source of the help center."""
    url = f"{HELP}{number}" if url is None else url
    return Source(number, title, url, ("Top", "Steps"), f"a{number}#.0")


def test_an_answer_with_two_sources() -> None:
    message = answered("**A** [1], b [2]", (source(1), source(2, url="file:///etc/passwd")))
    assert texts_of(message, "section") == [f"*A* <{HELP}1|[1]>, b [2]"]
    assert texts_of(message, "context") == [
        f"*Sources*\n1. <{HELP}1|Title> › Steps\n2. Title › Steps"
    ]
    assert message.text == "\n\n".join(
        [*texts_of(message, "section"), *texts_of(message, "context")]
    )
    assert [block["type"] for block in message.blocks] == ["section", "context", "context_actions"]
    buttons = message.blocks[-1]["elements"][0]
    assert buttons["positive_button"]["value"] == "q1:up"
    assert buttons["negative_button"]["value"] == "q1:down"
    assert message.blocks[-1]["block_id"] == "feedback:mention:7:q1"


def test_a_section_that_repeats_the_title_is_left_out() -> None:
    message = answered("A [1]", (replace(source(1), headings=("Title",)),))
    assert texts_of(message, "context") == [f"*Sources*\n1. <{HELP}1|Title>"]


def test_a_refusal_stands_alone_and_names_each_nearest_article_once() -> None:
    hits = tuple(Hit(chunk_of(article), 1.0, None, None) for article in [*ARTICLES, *ARTICLES])
    message = turn_message(refused(hits[0], *hits), surface=Surface.MENTION)
    assert texts_of(message, "section") == [REFUSAL_TEXT]
    titles = re.findall(r"\|([^>]*)>", texts_of(message, "context")[0])
    assert titles == ["Lock timesheets", "Track time", "Send invoices"]


def test_a_refusal_without_articles() -> None:
    message = turn_message(refused(), surface=Surface.MENTION)
    assert (texts_of(message, "section"), texts_of(message, "context")) == ([REFUSAL_TEXT], [])


def test_a_notice_has_no_buttons() -> None:
    turn = Turn(Question("?"), Notice(NoticeKind.HELP, "Ask **me**."))
    blocks = turn_message(turn, surface=Surface.COMMAND, can_escalate=True).blocks
    assert [block["type"] for block in blocks] == ["section"]


@pytest.mark.parametrize(
    ("surface", "is_private", "answer", "refusal"),
    [
        (Surface.MENTION, False, ["human"], ["rephrase", "human"]),
        (Surface.FORM, False, ["human"], ["rephrase", "human"]),
        (
            Surface.COMMAND,
            False,
            ["share", "follow_up", "human", "dismiss"],
            ["rephrase", "human", "dismiss"],
        ),
        (
            Surface.SHORTCUT,
            False,
            ["share", "follow_up", "human", "dismiss"],
            ["rephrase", "human", "dismiss"],
        ),
        (
            Surface.AUTO,
            True,
            ["share", "follow_up", "human", "dismiss"],
            ["rephrase", "human", "dismiss"],
        ),
    ],
)
def test_buttons_depend_on_who_sees_it(
    surface: Surface, is_private: bool, answer: list[str], refusal: list[str]
) -> None:
    turn = Turn(Question("?", id="q1"), Answer("A [1]", (source(1),)))
    for shown, names in ((turn, answer), (refused(), refusal)):
        message = turn_message(shown, surface=surface, can_escalate=True, is_private=is_private)
        assert list(actions_of(checked(message))) == [f"answer_{name}" for name in names]
        without = turn_message(shown, surface=surface, is_private=is_private)
        assert "answer_human" not in actions_of(without)
        assert without.blocks[-1]["type"] == "context_actions"


def test_the_footer_says_what_there_is_to_say() -> None:
    turn = Turn(Question("?", id="q1"), Answer("A", ()), footnotes=("Ollama <!here>", " "))
    message = turn_message(turn, surface=Surface.MENTION, notes=("Shared by <@U0ANN>",))
    assert texts_of(message, "context") == ["Shared by <@U0ANN>", "Ollama &lt;!here&gt;"]


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
        "`" + "a.bc " * 3_000 + "`",
    ],
    ids=["words", "one word", "steps", "code", "entities", "umlauts", "citations", "inline"],
)
@pytest.mark.parametrize("title", ["T" * 500, "Ж" * 500], ids=["latin", "cyrillic"])
def test_long_answers_are_shortened_and_say_so(text: str, title: str) -> None:
    sources = tuple(source(n, title, f"{HELP}{n}{'a' * 1_500}") for n in range(1, 30))
    message = answered(text, sources, notes=("note " * 200, "ж" * 900) * 10)
    assert re.search(r"the last \d+ % is left out", "".join(texts_of(message, "context")))
    assert re.search(r"and \d+ more", "".join(texts_of(message, "context")))
    assert len(json.dumps(message.blocks)) > 9_500, "more would have fit"


def test_as_much_of_a_long_answer_is_kept_as_fits() -> None:
    paragraphs = [f"Paragraph {n}. " + "word " * 40 for n in range(100)]
    message = answered("\n\n".join(paragraphs), (source(1),))
    sections = texts_of(message, "section")
    shown = "\n".join(sections)
    count = len(re.findall(r"Paragraph", shown))
    assert shown.count("word") == 40 * count, "cut between paragraphs"
    assert len(json.dumps(message.blocks)) > 12_000
    percent = re.search(r"last (\d+) %", "".join(texts_of(message, "context")))
    assert percent
    assert abs(int(percent[1]) - (100 - count)) <= 1


def test_what_was_never_read_counts_as_left_out() -> None:
    text = "word [x](https://evil.com/" + "y" * 1_500 + ")\n\n"
    shown = str(answered(text * 16, (source(1),)).blocks)
    assert re.search(r"the last 5\d % is left out", shown)


def test_an_answer_of_eleven_thousand_characters_is_whole() -> None:
    text = "\n\n".join(f"Paragraph {n}. " + "word " * 40 for n in range(51))
    assert len(text) > 10_900
    message = answered(text, (source(1),))
    assert "left out" not in str(message.blocks)
    assert "".join("".join(texts_of(message, "section")).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("title", "url", "name"),
    [
        ("Lock time", f"{HELP}x", "Lock time"),
        (f"{HELP}lock-timesheets", f"{HELP}lock-timesheets", "Lock timesheets"),
        (f"{HELP}track_time.html/", None, "Track time"),
        (f"{HELP}articles/123", f"{HELP}articles/123", "Articles"),
        ("Clockify.me", f"{HELP}%C3%BCber%20uns", "Über uns"),
        ("https://clockify.me", "https://clockify.me", "https://clockify.me"),
        ("https://clockify.me", None, "https://clockify.me"),
        ("https://clockify.me", "https://[", "https://clockify.me"),
    ],
)
def test_a_title_that_is_an_address_becomes_readable(title: str, url: str, name: str) -> None:
    assert readable_title(title, url) == name


@settings(max_examples=300, deadline=None)
@given(TURNS, st.sampled_from(Surface))
def test_no_text_whatever_makes_slack_do_anything(turn: Turn, surface: Surface) -> None:
    message = turn_message(turn, surface=surface, can_escalate=True)
    check_inert(checked(message), allowed_for(turn))


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


def test_split_prefers_paragraphs_then_items_then_sentences() -> None:
    text = "First one. Second one.\n\n1. An item\n2. Another item"
    assert split(text, 45) == ["First one. Second one.", "1. An item\n2. Another item"]
    assert split("1. One item here.\n2. Other\n    and more", 38) == [
        "1. One item here.",
        "2. Other\n    and more",
    ]
    assert split("One sentence. And two <https://a.test/|[1]> And three is a long one", 62) == [
        "One sentence. And two <https://a.test/|[1]>",
        "And three is a long one",
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("word", " ", "\n", "\n\n", ". ", "&amp;", " `a.bc d` ", " `" + "x" * 60 + "` "),
                *(
                    "<https://a.test/|[1]>",
                    "<https://a.test/|a b c d>",
                    "\n```\na.bc &lt;\n\nx\n```\n",
                    "• ",
                    "&gt; ",
                ),
            ]
        ),
        max_size=30,
    ).map("".join),
    st.integers(40, 90),
)
def test_split_keeps_links_entities_and_code_whole(text: str, limit: int) -> None:
    for part in split(text, limit):
        assert len(part) <= limit
        check_inert(Message(part), Allowed(frozenset({"https://a.test/"})))


def test_split_fills_parts_and_cuts_code_between_entities() -> None:
    assert split("Hi.\n\n" + "word " * 20, 60)[0] == "Hi.\n\n" + "word " * 8 + "word"
    parts = split("`" + "&amp;" * 40 + "`", 44)
    assert "".join(part.strip("`") for part in parts) == "&amp;" * 40
    assert all(part.count("&amp;") * 5 + 2 == len(part) for part in parts)


def test_of_a_link_longer_than_a_part_the_label_is_left() -> None:
    assert split(f"<{HELP}{'a' * 80}|the label> and more", 50) == ["the label and more"]


def test_split_closes_and_opens_code() -> None:
    parts = split("a\n```\n" + "x\n" * 10 + "```\nb", 30)
    assert parts == ["a\n```\n" + "x\n" * 8 + "```", "```\nx\nx\n```\nb"]


def test_cut_tells_that_it_cut() -> None:
    assert cut("short", 10) == "short"
    assert cut("one two three four five", 20) == "one two …"
