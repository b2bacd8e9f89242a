"""Hits as a context: exactly as many tokens as will be sent, and the headroom of the first."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.index import Index, make_index
from core.lexical import build_lexical
from core.packing import HEADROOM_FACTOR, pack
from core.prompt import build_messages
from core.types import Chunk, ChunkKind, Context, Hit, Question, Snippet

CHARACTERS_ROUND_A_TEXT = len(
    "<<snippet 0123456789abcdef>>\n[1 | A | H]\n\n<<end 0123456789abcdef>>"
)


def chunk(name: str, tokens: int, *, headings: tuple[str, ...] = ("H",)) -> Chunk:
    """Make a chunk that takes so many tokens as the first snippet."""
    text = "x" * (tokens * 4 - CHARACTERS_ROUND_A_TEXT)
    return Chunk(name, name[0], name[0], headings, text, None, 0, len(text))


def summary(article: str) -> Chunk:
    return Chunk(f"{article}#s", article, article, (), "", None, 0, 0, ChunkKind.SUMMARY)


def index_of(*chunks: Chunk) -> Index:
    """Make an index of body chunks; each article's summary comes at the end."""
    articles = dict.fromkeys(chunk.article_id for chunk in chunks)
    everything = (*chunks, *(summary(article) for article in articles))
    return make_index("1", everything, build_lexical([[] for _ in everything]), None, None)


def hits(index: Index, *rows: int) -> list[Hit]:
    return [Hit(index.chunks[row], 1 / (1 + row), None, None, row) for row in rows]


def packed(budget_tokens: int, *chunks: Chunk) -> list[str]:
    """Pack the chunks as hits in their order, each of an article of its own."""
    index = index_of(*chunks)
    context = pack(index, hits(index, *range(len(chunks))), budget_tokens=budget_tokens)
    assert context.tokens == sent_tokens(context)
    return [snippet.chunk.id for snippet in context.snippets]


def sent_tokens(context: Context) -> int:
    """Count what the model is sent of the snippets: everything above the question."""
    content = build_messages(Question("Why?"), context)[1]["content"]
    above, marker, _ = content.partition("<<question ")
    assert marker
    return math.ceil(len(above.removesuffix("\n\n")) / 4)


def test_the_factor() -> None:
    assert HEADROOM_FACTOR == 1.10


@pytest.mark.parametrize("budget", [50, 100, 110, 190, 2800])
def test_the_first_snippet_may_exceed_the_budget_by_a_tenth(budget: int) -> None:
    allowed = budget * 11 // 10
    assert packed(budget, chunk("a", allowed)) == ["a"]
    assert packed(budget, chunk("a", allowed + 1)) == []


def test_the_second_snippet_may_not() -> None:
    first, second = chunk("a", 60), chunk("b", 40)
    together = sent_tokens(
        Context((Snippet(1, first, first.text), Snippet(2, second, second.text)), 0)
    )
    assert packed(together, first, second) == ["a", "b"]
    assert packed(together - 1, first, second) == ["a"]


def test_nothing_is_added_to_a_first_snippet_above_the_budget() -> None:
    assert packed(100, chunk("a", 110), chunk("b", 20)) == ["a"]


def test_a_hit_too_long_is_left_out_and_the_next_ones_are_tried() -> None:
    assert packed(100, chunk("a", 111), chunk("b", 105), chunk("c", 20)) == ["b"]
    assert packed(100, chunk("a", 50), chunk("b", 60), chunk("c", 40)) == ["a", "c"]


def test_snippets_are_numbered_in_the_order_of_the_hits() -> None:
    index = index_of(chunk("a", 30), chunk("b", 30), chunk("c", 500), chunk("d", 30))
    context = pack(index, hits(index, 3, 2, 0), budget_tokens=100)
    assert [(s.number, s.chunk.id, s.score) for s in context.snippets] == [
        (1, "d", 0.25),
        (2, "a", 1.0),
    ]


def test_no_hits() -> None:
    assert pack(index_of(chunk("a", 30)), [], budget_tokens=100) == Context((), 0)


def continued(budget: int, *chunks: Chunk, rows: tuple[int, ...] = (0,)) -> Context:
    index = index_of(*chunks)
    return pack(index, hits(index, *rows), budget_tokens=budget)


def test_a_continuation_comes_along_if_it_fits() -> None:
    first, second = chunk("a1", 60), chunk("a2", 40)
    text = f"{first.text}\n\n{second.text}"
    whole = sent_tokens(Context((Snippet(1, first, text),), 0))
    assert continued(whole, first, second) == Context((Snippet(1, first, text, 1.0),), whole)
    assert continued(whole - 1, first, second) == Context((Snippet(1, first, first.text, 1.0),), 60)


def test_a_continuation_has_no_headroom() -> None:
    first, second = chunk("a1", 90), chunk("a2", 30)
    (snippet,) = continued(100, first, second).snippets
    assert snippet.text == first.text


def test_hits_come_before_continuations() -> None:
    a1, a2, b = chunk("a1", 40), chunk("a2", 50), chunk("b", 50)
    context = continued(100, a1, a2, b, rows=(0, 2))
    assert [s.text for s in context.snippets] == [a1.text, b.text]


def test_only_what_continues_the_section_comes_along() -> None:
    a1, other, b = chunk("a1", 30), chunk("a2", 30, headings=("Other",)), chunk("b1", 30)
    assert [s.text for s in continued(500, a1, other).snippets] == [a1.text]
    assert [s.text for s in continued(500, a1, b).snippets] == [a1.text]
    intro = chunk("a1", 30, headings=())
    assert [s.text for s in continued(500, intro).snippets] == [intro.text]  # no summary


@pytest.mark.parametrize(("factor", "kept"), [(4.0, 3), (3.0, 2), (2.0, 1), (1.0, 0), (8.0, 3)])
def test_tokens_are_counted_by_the_factor_of_the_model(factor: float, kept: int) -> None:
    index = index_of(chunk("a", 30), chunk("b", 30), chunk("c", 30))
    context = pack(index, hits(index, 0, 1, 2), budget_tokens=91, chars_per_token=factor)
    assert len(context.snippets) == kept
    sent = build_messages(Question("Why?"), context)[1]["content"].partition("\n\n<<question ")[0]
    assert context.tokens == (math.ceil(len(sent) / factor) if kept else 0)


def test_nothing_is_quoted_twice() -> None:
    a1, a2, a3 = chunk("a1", 30), chunk("a2", 31), chunk("a3", 32)
    context = continued(500, a1, a2, a3, rows=(0, 1))
    assert [s.text for s in context.snippets] == [a1.text, f"{a2.text}\n\n{a3.text}"]
    context = continued(500, a1, a2, a3, rows=(1, 0))
    assert [s.text for s in context.snippets] == [f"{a2.text}\n\n{a3.text}", a1.text]


def test_a_continuation_of_the_last_row() -> None:
    only = chunk("a1", 30)
    index = make_index("1", (summary("a"), only), build_lexical([[], []]), None, None)
    assert np.array_equal(index.summary_rows, [0, 0])
    assert index.next_row(1) is None
    assert len(pack(index, hits(index, 1), budget_tokens=100).snippets) == 1
