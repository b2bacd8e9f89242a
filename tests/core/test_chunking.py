"""Articles as chunks: nothing too long, nothing lost, lists and tables that can be understood."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.articles import read_knowledge
from core.chunking import MAX_CHARS_PER_TOKEN, ChunkSizes, slugify, split_article
from core.embedders.embedded import EmbeddedEmbedder
from core.outline import outline
from core.tokens import estimate_tokens
from core.types import Article, Chunk, ChunkKind

ROOT = Path(__file__).parents[2]
SIZES = ChunkSizes(target=60, most=80)
LEAD = "Follow these steps:"


def article(body: str, *, title: str = "Locking", name: str = "help/locking") -> Article:
    return Article(name, title, "https://clockify.me/help/locking", body, "digest", "locking.md")


def count_words(text: str) -> int:
    return len(text.split())


def split(body: str, *, sizes: ChunkSizes = SIZES, title: str = "Locking") -> tuple[Chunk, ...]:
    return split_article(article(body, title=title), sizes=sizes, count_tokens=count_words)


def bodies(body: str, *, sizes: ChunkSizes = SIZES) -> list[Chunk]:
    return [chunk for chunk in split(body, sizes=sizes) if chunk.kind is ChunkKind.BODY]


def sentences(number: int, mark: str = "s") -> str:
    """Make sentences of ten words each."""
    return " ".join(
        f"Here {mark}{n} is one more plain sentence about the timesheets." for n in range(number)
    )


@pytest.fixture(scope="module")
def embedder() -> EmbeddedEmbedder:
    return EmbeddedEmbedder()


# Random Markdown with numbered words, so that a lost or moved word shows.

LENGTHS = st.integers(1, 60)
BLOCKS = st.one_of(
    st.tuples(st.just("heading"), st.integers(1, 6), st.lists(st.integers(1, 6), max_size=1)),
    st.tuples(st.just("paragraph"), st.integers(1, 12), st.lists(LENGTHS, min_size=1, max_size=6)),
    st.tuples(st.just("list"), st.integers(0, 12), st.lists(LENGTHS, min_size=1, max_size=9)),
    st.tuples(st.just("table"), st.integers(1, 9), st.lists(LENGTHS, min_size=1, max_size=9)),
    st.tuples(st.just("code"), st.integers(1, 12), st.lists(LENGTHS, min_size=1, max_size=9)),
)


def render(blocks: list[tuple[str, int, list[int]]]) -> str:
    """Write blocks as Markdown whose words are w0, w1, … in reading order."""
    numbers = count()
    return "\n\n".join(
        _rendered(kind, size, lengths, lambda n: " ".join(f"w{next(numbers)}" for _ in range(n)))
        for kind, size, lengths in blocks
    )


def _rendered(kind: str, size: int, lengths: list[int], some: Callable[[int], str]) -> str:
    match kind:
        case "heading":
            return f"{'#' * size} {some(sum(lengths) or 1)}"
        case "paragraph":
            return " ".join(f"{some(length).capitalize()}." for length in lengths)
        case "list":
            lead = f"{some(size)}:\n\n" if size else ""
            return lead + "\n".join(f"{n}. {some(k)}" for n, k in enumerate(lengths, 1))
        case "table":
            header = f"| {some(size)} | {some(1)} |\n| --- | --- |"
            return "\n".join((header, *(f"| {some(k)} | {some(1)} |" for k in lengths)))
        case _:
            return "\n".join(("```", *(some(length) for length in lengths), "```"))


def numbered(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\bw(\d+)\b", text, re.IGNORECASE)]


@settings(max_examples=150, deadline=None)
@given(st.lists(BLOCKS, max_size=8), st.integers(24, 90), st.integers(20, 90))
def test_nothing_is_too_long_and_nothing_is_lost(
    blocks: list[tuple[str, int, list[int]]], most: int, target: int
) -> None:
    body = render(blocks)
    chunks = split(body, sizes=ChunkSizes(target=min(target, most), most=most))
    assert max(count_words(chunk.indexed_text) for chunk in chunks) <= most
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    assert [chunk.kind for chunk in chunks].index(ChunkKind.SUMMARY) == len(chunks) - 1
    text = [
        n for section in outline(body) for block in section.blocks for n in numbered(block.text)
    ]
    found = [number for chunk in chunks[:-1] for number in numbered(chunk.text)]
    assert list(dict.fromkeys(found)) == text


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=600), st.text(max_size=80), st.sampled_from([count_words, estimate_tokens]))
def test_any_text_fits(body: str, title: str, count_tokens: Callable[[str], int]) -> None:
    sizes = ChunkSizes(target=16, most=24)
    chunks = split_article(article(body, title=title), sizes=sizes, count_tokens=count_tokens)
    for chunk in chunks:
        assert count_tokens(chunk.indexed_text) <= sizes.most
        assert 0 <= chunk.start <= chunk.end <= len(body)


def test_real_articles_fit_the_real_tokenizer(embedder: EmbeddedEmbedder) -> None:
    articles = read_knowledge(ROOT / "knowledge").articles[::4]
    assert len(articles) >= 20
    sizes = ChunkSizes(target=120, most=160)
    for read in articles:
        chunks = split_article(read, sizes=sizes, count_tokens=embedder.count_tokens)
        assert max(embedder.count_tokens(chunk.indexed_text) for chunk in chunks) <= sizes.most
        told = " ".join(chunk.text for chunk in chunks[:-1])
        text = " ".join(block.text for section in outline(read.body) for block in section.blocks)
        assert Counter(text.split()) - Counter(told.split()) == Counter()


@pytest.mark.parametrize(
    "piece",
    ["跟踪时间", "| a | b | c | - |", "x" * 90 + " ", "Überstunden; ", "🎉", "a\u0301", "1,2.3-4 "],
    ids=["Chinese", "bars", "long words", "umlauts", "emoji", "accents", "numbers"],
)
@pytest.mark.parametrize(
    "shape", ["{}", "Steps:\n\n- {}\n- {}", "| {} | x |\n| --- | --- |\n| {} | y |"]
)
def test_odd_text_fits_the_real_tokenizer(
    embedder: EmbeddedEmbedder, piece: str, shape: str
) -> None:
    sizes = ChunkSizes(target=60, most=80)
    many = 2_000 // len(piece)
    odd = shape.format(piece * many, piece * (many + 9)).replace("||", "|")
    chunks = split_article(article(odd), sizes=sizes, count_tokens=embedder.count_tokens)
    assert len(chunks) > 2
    assert max(embedder.count_tokens(chunk.indexed_text) for chunk in chunks) <= sizes.most


def test_an_article_in_its_chunks() -> None:
    chunks = split("Intro.\n\n## Who can lock\n\nAdmins.\n\n### On the web\n\nOpen Settings.")
    url = "https://clockify.me/help/locking"
    assert chunks == (
        Chunk("help/locking#intro.1", "help/locking", "Locking", (), "Intro.", url, 0, 6),
        Chunk(
            "help/locking#who-can-lock.1",
            "help/locking",
            "Locking",
            ("Who can lock",),
            "Admins.",
            url,
            25,
            32,
        ),
        Chunk(
            "help/locking#on-the-web.1",
            "help/locking",
            "Locking",
            ("Who can lock", "On the web"),
            "Open Settings.",
            url,
            50,
            64,
        ),
        Chunk(
            "help/locking#summary.0",
            "help/locking",
            "Locking",
            (),
            "Who can lock; On the web",
            url,
            0,
            0,
            ChunkKind.SUMMARY,
        ),
    )
    assert chunks[2].indexed_text == "Locking > Who can lock > On the web\nOpen Settings."


def test_paragraphs_fill_chunks_up_to_the_target() -> None:
    body = "\n\n".join(sentences(1, mark) for mark in "abcdefgh")
    first, second = bodies(body)
    assert first.text == "\n\n".join(sentences(1, mark) for mark in "abcde")
    assert second.text == "\n\n".join(sentences(1, mark) for mark in "fgh")
    assert body[first.start : first.end] == first.text
    assert body[second.start : second.end] == second.text


def test_a_long_paragraph_is_cut_at_sentences() -> None:
    chunks = bodies(sentences(20))
    assert [chunk.text.count("sentence") for chunk in chunks] == [5, 5, 5, 5]
    assert " ".join(chunk.text for chunk in chunks) == sentences(20)
    assert [sentences(20)[chunk.start : chunk.end] for chunk in chunks] == [c.text for c in chunks]


@pytest.mark.parametrize("gap", [" ", "   "], ids=["one blank", "three blanks"])
def test_a_sentence_without_end_is_cut_at_words(gap: str) -> None:
    words = [f"word{n}" for n in range(400)]
    endless = gap.join(words)
    chunks = bodies(endless)
    assert [word for chunk in chunks for word in chunk.text.split()] == words
    for chunk in chunks:
        there = endless[chunk.start : chunk.end]
        assert there == there.strip()
        assert there.split() == chunk.text.split()


def test_a_list_item_is_cut_between_its_lines() -> None:
    words = [f"identifier_{n}" for n in range(400)]
    chunks = bodies("- " + "\n".join(words))
    assert [word for chunk in chunks for word in chunk.text.split()] == ["-", *words]


def test_a_word_of_300_000_characters_is_split(embedder: EmbeddedEmbedder) -> None:
    """It is one unknown token to the tokenizer, and one word to a counter of words."""
    for count_tokens in (count_words, embedder.count_tokens):
        word = "".join(f"{n:06x}" for n in range(50_000))
        chunks = split_article(article(f"Key: {word}"), sizes=SIZES, count_tokens=count_tokens)
        assert max(len(chunk.indexed_text) for chunk in chunks) <= SIZES.most * MAX_CHARS_PER_TOKEN
        assert "".join(chunk.text for chunk in chunks[:-1]).replace(" ", "") == f"Key:{word}"


@pytest.mark.parametrize("items", [4, 9, 40], ids=["nearly whole", "split", "long"])
@pytest.mark.parametrize("above", [0, 3, 5], ids=["first", "below text", "below a full chunk"])
def test_a_list_keeps_its_lead_in(items: int, above: int) -> None:
    steps = "\n".join(f"{n}. {sentences(2, f'n{n}x')}" for n in range(1, items + 1))
    chunks = bodies("\n\n".join(filter(None, (sentences(above), LEAD, steps))))
    listed = [chunk for chunk in chunks if re.search(r"^\d+\. ", chunk.text, re.MULTILINE)]
    assert len(listed) > 1
    for chunk in listed:
        assert re.search(rf"{LEAD}\s+\d+\. ", chunk.text)
        assert chunk.text.count(LEAD) == 1
    numbers = [n for chunk in listed for n in re.findall(r"^(\d+)\. ", chunk.text, re.MULTILINE)]
    assert numbers == [str(n) for n in range(1, items + 1)]


def test_a_list_that_fits_only_without_its_lead_in_is_split() -> None:
    lead = "To lock all of the timesheets of a team, do the following things in order:"
    steps = "\n".join(f"- {sentences(1, f'n{n}x')}" for n in range(6))
    assert count_words(steps) <= SIZES.most - 2 < count_words(f"{lead} {steps}")
    first, second = bodies(f"{lead}\n\n{steps}")
    assert first.text.startswith(f"{lead}\n\n- ")
    assert second.text.startswith(f"{lead}\n- ")


def test_a_lead_in_moves_on_with_its_list() -> None:
    steps = f"- {sentences(1, 'a')}\n- {sentences(1, 'b')}"
    first, second = bodies(f"{sentences(4)}\n\n{LEAD}\n\n{steps}")
    assert first.text == sentences(4)
    assert second.text == f"{LEAD}\n\n{steps}"


def test_a_lead_in_stays_with_an_item_above_the_target() -> None:
    body = f"{LEAD}\n\n- {sentences(7)}"
    assert SIZES.target < count_words(body) < SIZES.most
    assert [chunk.text for chunk in bodies(body)] == [body]


def test_a_long_paragraph_is_no_lead_in() -> None:
    steps = "\n".join(f"- {sentences(1, f'n{n}x')}" for n in range(12))
    long = " ".join(f"extraordinary{n}" for n in range(20))
    for paragraph, is_repeated in ((long, False), (long[:200], True)):
        _, *later = bodies(f"{paragraph}\n\n{steps}")
        assert later
        assert all(chunk.text.startswith(f"{paragraph}\n- ") == is_repeated for chunk in later)


def test_table_rows_keep_the_header() -> None:
    header = "| Row | Price | Note |\n| --- | --- | --- |"
    rows = [f"| R{n} | {n * 3} | for teams |" for n in range(500)]
    chunks = bodies("Prices:\n\n" + "\n".join((header, *rows)))
    (chunk,) = (chunk for chunk in chunks if "| R437 |" in chunk.text)
    assert chunk.text.startswith(f"{header}\n| R")
    assert "| R437 | 1311 | for teams |" in chunk.text.split("\n")
    assert all(chunk.text.count(header) == 1 for chunk in chunks)
    found = [line for chunk in chunks for line in chunk.text.split("\n") if line.startswith("| R")]
    assert [line for line in found if line != header.split("\n")[0]] == rows


def test_code_stays_whole_where_it_fits() -> None:
    code = "```\n" + "\n".join(f"call {n} # a comment of words" for n in range(9)) + "\n```"
    assert SIZES.target < count_words(code) + 1 <= SIZES.most
    chunks = bodies(f"{sentences(2)}\n\n{LEAD}\n\n{code}\n\n{sentences(2)}")
    assert [chunk for chunk in chunks if code in chunk.text]


def test_code_that_fits_only_without_its_lead_in_stays_whole() -> None:
    code = "```\n" + "\n".join("call it" for _ in range(38)) + "\n```"
    assert count_words(code) == SIZES.most - 2
    above, alone = bodies(f"{sentences(2)}\n\n{LEAD}\n\n{code}")
    assert above.text == f"{sentences(2)}\n\n{LEAD}"
    assert alone.text == code


def test_a_table_that_fits_stays_whole() -> None:
    rows = "\n".join(f"| R{n} | {n} |" for n in range(13))
    table = f"| Row | Price |\n| --- | --- |\n{rows}"
    assert count_words(table) <= SIZES.most - 2 < count_words(table) + 10
    assert [chunk.text for chunk in bodies(table)] == [table]


def test_code_that_does_not_fit_is_cut_at_lines() -> None:
    lines = [f"    call {n} # a comment of words" for n in range(60)]
    code = "\n".join(("```", *lines, "```"))
    chunks = bodies(f"{LEAD}\n\n{code}")
    assert all(chunk.text.startswith(LEAD) for chunk in chunks)
    found = [line for chunk in chunks for line in chunk.text.split("\n") if "call" in line]
    assert found == lines


def ids_and_texts(chunks: tuple[Chunk, ...]) -> dict[str, str]:
    return {chunk.id: chunk.text for chunk in chunks if chunk.kind is ChunkKind.BODY}


def test_ids_stay_when_a_section_is_added() -> None:
    one, two = f"## One\n\n{sentences(12)}\n\n", "## Two\n\nText.\n\n"
    before = ids_and_texts(split(one + two))
    assert list(before) == [
        "help/locking#one.1",
        "help/locking#one.2",
        "help/locking#one.3",
        "help/locking#two.1",
    ]
    after = ids_and_texts(split(f"## New\n\nAdded.\n\n{one}## Between\n\nAdded.\n\n{two}"))
    assert {key: text for key, text in after.items() if key in before} == before
    assert len(after) == 6


def test_ids_of_another_article_are_others() -> None:
    here = split(sentences(9))
    there = split_article(
        article(sentences(9), name="help/other"), sizes=SIZES, count_tokens=count_words
    )
    assert not {chunk.id for chunk in here} & {chunk.id for chunk in there}
    assert {chunk.article_id for chunk in there} == {"help/other"}


def test_ids_are_unique_whatever_the_headings_are() -> None:
    long = "x" * 70
    names = ["Steps", "steps!", "Summary", "Intro", "🎉", "section", long, long + "y", "Steps.1"]
    chunks = split("Text.\n\n" + "\n\n".join(f"## {name}\n\nText." for name in names))
    assert len({chunk.id for chunk in chunks}) == len(chunks) == len(names) + 2
    assert chunks[2].id == "help/locking#steps.2"


@pytest.mark.parametrize(
    ("heading", "slug"),
    [
        ("Cancel a plan?", "cancel-a-plan"),
        ("Überstunden & 时间", "überstunden-时间"),
        ("🎉", "section"),
        ("a" * 90, "a" * 60),
    ],
)
def test_slugs(heading: str, slug: str) -> None:
    assert slugify(heading) == slug


def test_sections_that_are_not_split_are_where_the_offsets_say() -> None:
    body = f"One.\n\n\n\nTwo.\n\n## List\n\n{LEAD}\n- a\n- b\n\n## Quote\n\n> c"
    for chunk in bodies(body):
        lines = [line for line in chunk.text.split("\n") if line]
        assert [line for line in body[chunk.start : chunk.end].split("\n") if line] == lines


def test_the_heading_of_the_title_is_not_repeated() -> None:
    (chunk, summary) = split("# Locking\n\nText.")
    assert (chunk.id, chunk.indexed_text) == ("help/locking#intro.1", "Locking\nText.")
    assert summary.indexed_text == "Locking"


def test_the_path_has_the_three_nearest_headings() -> None:
    (chunk,) = bodies("# A\n\n## B\n\n### C\n\n#### D\n\nText.")
    assert chunk.headings == ("B", "C", "D")


def test_a_path_too_long_gives_way_to_the_text() -> None:
    title = " ".join(f"title{n}" for n in range(60))
    heading = " ".join(f"h{n}" for n in range(20))
    chunks = split(f"## {heading}\n\n{sentences(9)}", title=title)
    assert max(count_words(chunk.indexed_text) for chunk in chunks) <= SIZES.most
    assert title.startswith(chunks[0].title)
    assert chunks[0].headings == ()
    assert chunks[0].id == f"help/locking#{'-'.join(heading.split())[:60]}.1"
    assert sum(chunk.text.count("sentence") for chunk in chunks) == 9


def test_the_summary_holds_as_many_headings_as_fit() -> None:
    headings = [f"Heading number {n} of them" for n in range(40)]
    summary = split("\n\n".join(f"## {h}\n\nText." for h in [*headings, headings[0]]))[-1]
    assert summary.kind is ChunkKind.SUMMARY
    assert summary.text == "; ".join(headings[:15])
    assert SIZES.most - 5 < count_words(summary.indexed_text) <= SIZES.most


def test_an_article_of_headings_only_has_its_summary() -> None:
    (summary,) = split("## One\n\n## Two\n\n## One")
    assert (summary.id, summary.text) == ("help/locking#summary.0", "One; Two")


def test_a_long_path_leaves_room_for_several_paragraphs() -> None:
    """The target counts the path too, but a chunk takes a minimum of text."""
    title = " ".join(f"title{n}" for n in range(30))
    body = "\n\n".join(sentences(1, mark) for mark in "abc")
    (chunk, _) = split(body, title=title)
    assert chunk.text == body
