"""The quality gate: questions are asked as a reader would, and a worse candidate is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from core.chunking import ChunkSizes, split_article
from core.errors import EmbedderMismatch, ModelUnavailable
from core.index import Index, build_index
from core.quality import BATCH, FIRST, Ranks, judge, known_pages, measure
from core.quality_questions import QualityQuestion
from core.report import QualityReport
from core.types import Article, Role

from .fakes import ARTICLES, HashingEmbedder

HELP = "https://docs.example/help"
SIZES = ChunkSizes(target=30, most=60)


async def make(
    pages: dict[str, str] = ARTICLES,
    *,
    embedder: HashingEmbedder | None = None,
    with_urls: bool = True,
) -> Index:
    """Build an index of pages under their URLs; without an embedder, of words alone."""
    counter = HashingEmbedder()
    chunks = [
        chunk
        for name, body in pages.items()
        for chunk in split_article(
            Article(name, name, f"{HELP}/{name}" if with_urls else None, body, "", name),
            sizes=SIZES,
            count_tokens=counter.count_tokens,
        )
    ]
    if embedder is None:
        return build_index("1", chunks, None, None)
    texts = [chunk.indexed_text for chunk in chunks]
    vectors = await embedder.embed(texts, role=Role.DOCUMENT)
    embedder.texts.clear()
    embedder.roles.clear()
    return build_index("1", chunks, vectors, await embedder.spec())


def asked(query: str, *urls: str) -> QualityQuestion:
    return QualityQuestion(query, urls or (f"{HELP}/{query.split()[0]}",), 1)


LOCK = asked("who may lock timesheets", f"{HELP}/lock-timesheets")


@pytest.mark.parametrize("with_vectors", [True, False], ids=["vectors", "words"])
async def test_the_rank_of_the_first_right_article_is_measured(with_vectors: bool) -> None:
    embedder = HashingEmbedder() if with_vectors else None
    index = await make(embedder=embedder)
    questions = [
        LOCK,
        asked("clock in at a kiosk with a code", "http://Docs.example/help/kiosk/?utm_source=x#a"),
        asked("export a report", "nothing", "reports"),
        asked("export a report as a document", "nothing"),
    ]
    assert await measure(index, questions, embedder) == {
        "who may lock timesheets": 1,
        "clock in at a kiosk with a code": 1,
        "export a report": 1,
        "export a report as a document": None,
    }


async def test_articles_count_and_not_their_chunks() -> None:
    """All three chunks of the first article are better than the only one of the second."""
    section = "\n\n## Step {n}\n\nLock timesheets: lock timesheets, lock all timesheets."
    many = "Lock timesheets." + "".join(section.format(n=n) for n in range(3))
    one = "People lock many things, seldom timesheets, on a rainy day at the end of the week."
    index = await make({"many": many, "one": one})
    found = await measure(index, [asked("lock timesheets", f"{HELP}/one")], None)
    assert sum(chunk.article_id == "many" for chunk in index.chunks) > 3
    assert found == {"lock timesheets": 2}


async def test_an_article_behind_the_fifth_is_not_found() -> None:
    pages = {
        f"page-{n}": f"Kiosk {'kiosk ' * (9 - n)}and {'other ' * n} words here." for n in range(8)
    }
    index = await make(pages)
    places = [
        (await measure(index, [asked("kiosk", f"{HELP}/page-{n}")], None))["kiosk"]
        for n in range(8)
    ]
    assert places == [1, 2, 3, 4, 5, None, None, None]
    assert places.count(None) == 8 - FIRST


async def test_a_misspelt_question_is_corrected_first() -> None:
    pages = {**ARTICLES, "other": "A tablet, a tablet, and a timshet that no one knows."}
    index = await make({**pages, "more": "Timesheets again: timesheets."})
    found = await measure(index, [asked("timeshets", f"{HELP}/more")], None)
    assert found == {"timeshets": 1}


async def test_an_id_stands_for_an_article_without_url() -> None:
    index = await make(with_urls=False)
    assert known_pages(index) == set(ARTICLES)
    assert await measure(index, [asked("kiosk code", "kiosk")], None) == {"kiosk code": 1}


async def test_known_pages_are_all_urls_and_ids() -> None:
    assert known_pages(await make({"kiosk": "Clock in."})) == {"kiosk", "docs.example/help/kiosk"}


async def test_questions_are_embedded_as_questions_and_in_batches() -> None:
    embedder = HashingEmbedder()
    sizes: list[int] = []
    index = await make(embedder=embedder)
    embedder.on_embed = lambda texts: sizes.append(len(texts))
    questions = [asked(f"kiosk {n}", "kiosk") for n in range(2 * BATCH + 3)]
    ranks = await measure(index, questions, embedder)
    assert [*ranks] == [question.query for question in questions]
    assert sizes == [16, 16, 3]  # BATCH
    assert embedder.roles == [Role.QUERY] * 3


async def test_a_second_index_needs_no_new_vectors() -> None:
    embedder = HashingEmbedder()
    first, second = [await make(embedder=embedder) for _ in range(2)]
    embedded: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = {}
    before = await measure(first, [LOCK], embedder, embedded=embedded)
    texts = [*embedder.texts]
    assert await measure(second, [LOCK], embedder, embedded=embedded) == before
    assert (embedder.texts, texts) == ([LOCK.query], [LOCK.query])


async def test_vectors_are_what_a_reader_would_search_with() -> None:
    """The question and its article share no word, only their vectors."""
    embedder = HashingEmbedder()
    index = await make(embedder=embedder)
    assert index.spec is not None
    row = next(n for n, c in enumerate(index.chunks) if c.article_id == "kiosk")
    embedded = {"zebra giraffe": index.vectors.vectors[row] if index.vectors else None}
    vector = embedded["zebra giraffe"]
    assert vector is not None
    question = asked("zebra giraffe", "kiosk")
    found = await measure(index, [question], embedder, embedded={"zebra giraffe": vector})
    assert found == {"zebra giraffe": 1}
    assert await measure(index, [question], None) == {"zebra giraffe": None}


async def test_a_model_that_is_down_is_an_error() -> None:
    embedder = HashingEmbedder()
    index = await make(embedder=embedder)
    embedder.down = True
    with pytest.raises(ModelUnavailable, match="is down"):
        await measure(index, [LOCK], embedder)
    assert await measure(index, [LOCK], None) == {LOCK.query: 1}


async def test_another_embedder_is_an_error() -> None:
    index = await make(embedder=HashingEmbedder())
    with pytest.raises(EmbedderMismatch, match=r"made with hashing:hashed-words .*hashing:other"):
        await measure(index, [LOCK], HashingEmbedder(model="other"))


async def test_no_question_asks_nothing() -> None:
    embedder = HashingEmbedder()
    assert await measure(await make(embedder=embedder), [], embedder) == {}
    assert embedder.texts == []


def questions(count: int) -> tuple[QualityQuestion, ...]:
    return tuple(asked(f"q{n}", f"a{n}") for n in range(count))


def known(count: int) -> frozenset[str]:
    return frozenset(f"a{n}" for n in range(count))


def ranks(count: int, *missed: int) -> Ranks:
    return {f"q{n}": None if n in missed else 1 + n % FIRST for n in range(count)}


def judged(
    candidate: Sequence[int], live: Sequence[int] | None, *, of: int, floor: float = 0.0
) -> QualityReport:
    """Judge by the numbers of the missed questions."""
    before = None if live is None else ranks(of, *live)
    return judge(ranks(of, *candidate), before, questions(of), known=known(of), floor=floor)


def test_a_candidate_that_finds_all_is_published() -> None:
    report = judged([], [], of=10)
    assert report == QualityReport(questions=10, hits=10, live_hits=10)
    assert report.hit_rate == 1.0


def test_worse_and_better_are_named() -> None:
    report = judged([1, 2], [2, 5], of=300)
    assert (report.hits, report.live_hits) == (298, 298)
    assert (report.worse, report.better, report.refusal) == (("q1",), ("q5",), "")


@pytest.mark.parametrize(
    ("missed", "missed_live", "of", "is_refused"),
    [
        ([0], [], 3, False),  # one question, whatever share it is
        ([0, 1], [], 3, True),
        ([0, 1], [], 99, True),
        ([0, 1], [], 100, False),  # exactly 2 points
        ([0, 1, 2], [], 149, True),
        ([0, 1, 2], [], 150, False),
        ([0, 1, 2], [3], 50, True),  # two more lost than won
        ([0, 1, 2], [3, 4], 20, False),  # one more lost than won
        ([0, 1], [2, 3], 20, False),
        ([], [0, 1, 2], 20, False),
    ],
)
def test_two_questions_and_more_than_two_points_are_too_many(
    missed: list[int], missed_live: list[int], of: int, is_refused: bool
) -> None:
    assert bool(judged(missed, missed_live, of=of).refusal) is is_refused


def test_a_refusal_says_what_got_worse() -> None:
    assert judged([1, 2, 4], [2], of=10).refusal == (
        "Only 7 of 10 quality questions are found (70.0%), but 9 (90.0%) in the live generation. "
        'No longer found: "q1"; "q4". '
        "Nothing is published: mend these articles, or the questions that ask too much."
    )


def test_a_refusal_names_ten_questions_and_counts_the_others() -> None:
    refusal = judged(range(13), [], of=20).refusal
    assert '"q8"; "q9"; and 3 more. Nothing' in refusal
    assert '"q10"' not in refusal


def test_a_long_question_is_cut_in_a_refusal() -> None:
    long = asked("x" * 500, "a")
    report = judge({long.query: None}, None, [long], known={"a"}, floor=1.0)
    assert f'"{"x" * 100}".' in report.refusal


@pytest.mark.parametrize(
    ("missed", "of", "floor", "is_refused"),
    [
        ([0], 10, 0.9, False),
        ([0, 1], 10, 0.9, True),
        ([0, 1, 2], 10, 0.7, False),
        ([0], 10, 1.0, True),
        ([], 10, 1.0, False),
        (range(10), 10, 0.0, False),
    ],
)
@pytest.mark.parametrize("has_live", [True, False], ids=["live", "first"])
def test_fewer_than_the_floor_are_refused_even_without_a_live_generation(
    missed: Sequence[int], of: int, floor: float, is_refused: bool, has_live: bool
) -> None:
    report = judged(missed, missed if has_live else None, of=of, floor=floor)
    assert bool(report.refusal) is is_refused
    assert report.live_hits == (of - len(missed) if has_live else None)


def test_the_floor_names_what_is_not_found() -> None:
    assert judged([3, 7], None, of=10, floor=0.85).refusal == (
        "Only 8 of 10 quality questions are found (80.0%), less than QUALITY_FLOOR=0.85. "
        'Not found: "q3"; "q7". '
        "Nothing is published: mend these articles, or the questions that ask too much."
    )


def test_without_a_live_generation_nothing_is_better_or_worse() -> None:
    assert judged([3], None, of=5) == QualityReport(questions=5, hits=4)


def test_questions_whose_articles_are_gone_are_reported_and_not_counted() -> None:
    """Ten of twenty articles were removed: nothing that is left got worse."""
    missed = ranks(20, *range(10, 20))
    report = judge(missed, ranks(20), questions(20), known=known(10), floor=1.0)
    assert (report.questions, report.hits, report.live_hits) == (10, 10, 10)
    assert (report.worse, report.refusal) == ((), "")
    assert report.gone == tuple(f"q{n}" for n in range(10, 20))


def test_a_question_counts_while_one_of_its_articles_is_there() -> None:
    question = asked("q", "gone", "https://x.y/here/?utm_source=z")
    report = judge({"q": None}, {"q": 1}, [question], known={"x.y/here"})
    assert (report.questions, report.worse, report.gone) == (1, ("q",), ())


def test_a_floor_is_no_reason_when_no_question_counts() -> None:
    report = judge(ranks(3, 0, 1, 2), None, questions(3), known=(), floor=1.0)
    assert report == QualityReport(questions=0, hits=0, gone=("q0", "q1", "q2"))
    assert replace(report).hit_rate == 1.0
