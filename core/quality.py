"""Ask an index the questions that it must find, and judge a candidate against the live one.

Takes indexes and questions; gives the place of each question's first article, and a QualityReport.
A question is hit when one of its articles is among the first five found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from .embedding import embed_what_can
from .errors import EmbedderMismatch
from .index import Index
from .protocols import Embedder
from .quality_questions import QualityQuestion, find_questions, page_key, read_questions
from .report import QualityReport
from .retrieval import RetrievalRules, search
from .types import Chunk, Role, Vector

__all__ = [
    "QualityQuestion",
    "find_questions",
    "first_articles",
    "judge",
    "known_pages",
    "measure",
    "rank",
    "read_questions",
]

FIRST = 5  # articles found that count: hit@5
WORSE_BY_POINTS = 2  # of hit@5 in percent: more than this
WORSE_BY_QUESTIONS = 2  # and at least so many lost, won ones set off
NAMED = 10  # questions that a refusal names
BATCH = 16  # texts embedded at a time

OnStep = Callable[[], None]
WHAT_TO_DO = "Nothing is published: mend these articles, or the questions that ask too much."

Ranks = Mapping[str, int | None]  # query → place of its first article, from 1; None: not in FIRST


def known_pages(index: Index) -> frozenset[str]:
    """Give the keys of all articles of an index."""
    return frozenset().union(*map(_pages, index.chunks))


def _pages(chunk: Chunk) -> set[str]:
    return {page_key(name) for name in (chunk.article_id, chunk.url) if name}


async def measure(
    index: Index,
    questions: Sequence[QualityQuestion],
    embedder: Embedder | None,
    *,
    embedded: dict[str, Vector] | None = None,
    on_step: OnStep = lambda: None,
) -> dict[str, int | None]:
    """Ask every question as a reader would; give the place of its first article by query.

    embedded keeps the vectors of the questions, so that a second index needs no new ones; on_step
    is called after each batch of vectors and each question. Raises
    ModelUnavailable, and EmbedderMismatch when another embedder made the index.
    """
    found = await first_articles(index, questions, embedder, embedded=embedded, on_step=on_step)
    return {question.query: rank(question, found[question.query]) for question in questions}


async def first_articles(
    index: Index,
    questions: Sequence[QualityQuestion],
    embedder: Embedder | None,
    *,
    embedded: dict[str, Vector] | None = None,
    on_step: OnStep = lambda: None,
) -> dict[str, tuple[Chunk, ...]]:
    """Give the best chunk of each of the first articles found, best first, by query."""
    texts = [index.spelling.correct(question.query) for question in questions]
    vectors = {} if embedded is None else embedded
    await _embed(index, texts, embedder, vectors, on_step)
    found = {}
    for question, text in zip(questions, texts, strict=True):
        query = vectors.get(text) if embedder is not None else None
        hits = search(index, text, query, RetrievalRules()).hits[:FIRST]
        found[question.query] = tuple(hit.chunk for hit in hits)
        on_step()
    return found


def rank(question: QualityQuestion, found: Sequence[Chunk]) -> int | None:
    """Give the place, from 1, of the first chunk whose article answers the question."""
    pages = question.pages
    return next((at for at, chunk in enumerate(found, start=1) if pages & _pages(chunk)), None)


async def _embed(
    index: Index,
    texts: Sequence[str],
    embedder: Embedder | None,
    embedded: dict[str, Vector],
    on_step: OnStep,
) -> None:
    """Put the vectors in that are missing; none are when only words are searched."""
    if index.vectors is None or embedder is None:
        return
    spec = await embedder.spec()
    if index.spec != spec:
        raise EmbedderMismatch(
            f"The index was made with {index.spec}, but its questions would be embedded with "
            f"{spec}. Run: clockify-bot build (or set EMBEDDER and EMB_MODEL back)."
        )
    missing = sorted(set(texts) - embedded.keys())
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        embedded.update(await embed_what_can(batch, embedder, role=Role.QUERY))
        on_step()


def judge(
    candidate: Ranks,
    live: Ranks | None,
    questions: Sequence[QualityQuestion],
    *,
    known: Collection[str],
    floor: float = 0.0,
) -> QualityReport:
    """Compare the candidate with the live generation and say whether it may be published.

    known holds the keys of the candidate's articles: a question that has none there is gone, and
    not counted. Refused are a hit@5 below floor, and one that is worse than that of the live
    generation by more than 2 points and by 2 questions or more.
    """
    counted = [question for question in questions if not question.pages.isdisjoint(known)]
    hits = {question.query for question in counted if candidate[question.query]}
    live_hits = {
        question.query for question in counted if live is not None and live[question.query]
    }
    report = QualityReport(
        questions=len(counted),
        hits=len(hits),
        live_hits=None if live is None else len(live_hits),
        worse=tuple(q.query for q in counted if q.query in live_hits - hits),
        better=tuple(q.query for q in counted if live is not None and q.query in hits - live_hits),
        gone=tuple(q.query for q in questions if q.pages.isdisjoint(known)),
    )
    missed = tuple(q.query for q in counted if q.query not in hits)
    return replace(report, refusal=_refusal(report, missed, floor))


def _refusal(report: QualityReport, missed: tuple[str, ...], floor: float) -> str:
    found = f"{report.hits} of {report.questions} quality questions are found"
    lost = (report.live_hits or 0) - report.hits
    if lost >= WORSE_BY_QUESTIONS and 100 * lost > WORSE_BY_POINTS * report.questions:
        return (
            f"Only {found} ({report.hit_rate:.1%}), but {report.live_hits} "
            f"({(report.live_hits or 0) / report.questions:.1%}) in the live generation. "
            f"No longer found: {_named(report.worse)}. {WHAT_TO_DO}"
        )
    if report.questions and report.hit_rate < floor:
        return (
            f"Only {found} ({report.hit_rate:.1%}), less than QUALITY_FLOOR={floor:g}. "
            f"Not found: {_named(report.worse or missed)}. {WHAT_TO_DO}"
        )
    return ""


def _named(queries: Sequence[str]) -> str:
    named = "; ".join(f'"{query:.100}"' for query in queries[:NAMED])
    more = len(queries) - NAMED
    return f"{named}; and {more} more" if more > 0 else named
