"""Ask the quality questions of a candidate and of the live generation, and compare."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from .errors import IndexUnusable
from .index import Index
from .protocols import Embedder
from .quality import OnStep, Ranks, judge, known_pages, measure
from .quality_questions import QualityQuestion
from .report import QualityReport
from .store import Opened, Store


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The verdict, and what meta.json keeps of it for the next comparison."""

    report: QualityReport
    recorded: dict[str, Any]


async def evaluate(
    index: Index,
    questions: Sequence[QualityQuestion],
    embedder: Embedder | None,
    store: Store,
    *,
    floor: float,
    on_step: OnStep = lambda: None,
) -> Evaluation:
    """Measure both with the same questions, each embedded once; raises ModelUnavailable.

    on_step is called again and again, so that nobody takes a slow model for a dead one.
    """
    measured = partial(
        measure, questions=questions, embedder=embedder, embedded={}, on_step=on_step
    )
    ranks = await measured(index)
    live = await _live_ranks(ranks, index, measured, store)
    report = judge(ranks, live, questions, known=known_pages(index), floor=floor)
    recorded = {"hits": report.hits, "questions": report.questions, "ranks": ranks}
    return Evaluation(report, recorded)


async def _live_ranks(
    candidate: Ranks,
    index: Index,
    measured: Callable[[Index], Awaitable[Ranks]],
    store: Store,
) -> Ranks | None:
    """Ask the live generation; what was recorded of it serves where its embedder is another.

    A question that was not recorded then counts as found by both or by none.
    """
    try:
        live = store.open()
    except IndexUnusable:
        return None
    if live.index.spec in (None, index.spec):
        return await measured(live.index)
    recorded = _recorded_ranks(live)
    return None if recorded is None else {**candidate, **recorded}


def _recorded_ranks(live: Opened) -> Ranks | None:
    quality = live.meta.get("quality")
    return None if quality is None else quality["ranks"]
