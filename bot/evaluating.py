"""`clockify-bot eval`: ask the live generation the quality questions and say what was not found."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from core.assembly import open_index
from core.config import Config
from core.errors import SettingsError
from core.model_assembly import make_embedder, open_ollama
from core.quality import (
    FIRST,
    QualityQuestion,
    find_questions,
    first_articles,
    known_pages,
    rank,
    read_questions,
)
from core.quality_questions import EXAMPLE, FILE_NAME
from core.store import Store
from core.types import Chunk

from .options import BUILD_OPTIONS, log_option, read_config, setting_options


@click.command(name="eval")
@click.argument("questions", required=False, type=click.Path(path_type=Path))
@setting_options(BUILD_OPTIONS)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@log_option("WARNING")
def eval_command(questions: Path | None, as_json: bool, log_level: str, **given: Any) -> None:
    """Ask the live index the quality questions; say how many it finds, and which it does not.

    QUESTIONS is a file with one {"query": "...", "urls": ["..."]} a line; without it, the one that
    QUALITY_QUESTIONS names, or questions.jsonl beside the articles. Ends with 1 when fewer are
    found than QUALITY_FLOOR asks for.
    """
    from .logs import set_up_logging

    set_up_logging(log_level.upper())
    config = read_config({**given, "quality_questions": questions})
    evaluation = asyncio.run(evaluate(config))
    for warning in evaluation.warnings:
        click.echo(f"warning: {warning}", err=True)
    if as_json:
        click.echo(json.dumps(evaluation_to_json(evaluation), ensure_ascii=False))
    else:
        click.echo(evaluation_to_text(evaluation))
    if evaluation.hit_rate(FIRST) < config.quality_floor:
        click.echo(f"Fewer than QUALITY_FLOOR={config.quality_floor:g} are found.", err=True)
        sys.exit(1)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a generation found; gone questions name no article that it has, and do not count."""

    file: str
    generation: str
    questions: tuple[QualityQuestion, ...]  # that count
    gone: tuple[QualityQuestion, ...]
    found: dict[str, tuple[Chunk, ...]]  # the first articles by query, best first
    warnings: tuple[str, ...]

    @property
    def ranks(self) -> dict[str, int | None]:
        """The place of the first article of each question that counts, by query."""
        return {q.query: rank(q, self.found[q.query]) for q in self.questions}

    @property
    def missed(self) -> tuple[QualityQuestion, ...]:
        """The questions whose articles are not among the first ones."""
        ranks = self.ranks
        return tuple(question for question in self.questions if ranks[question.query] is None)

    def hit_rate(self, at: int) -> float:
        """Give the share of questions with an article among the first so many; 1 without any."""
        places = [place for place in self.ranks.values() if place is not None and place <= at]
        return len(places) / len(self.questions) if self.questions else 1.0

    @property
    def reciprocal_rank(self) -> float:
        """The mean of 1/place; a question that is not found adds 0."""
        places = [1 / place for place in self.ranks.values() if place is not None]
        return sum(places) / len(self.questions) if self.questions else 1.0


async def evaluate(config: Config) -> Evaluation:
    """Ask every question as a reader would.

    Raises SettingsError without questions, IndexUnusable, EmbedderMismatch, ModelUnavailable.
    """
    file = find_questions(config.knowledge, config.quality_questions)
    if file is None:
        raise SettingsError(
            f"There is no {FILE_NAME} with {config.knowledge}. Write lines like {EXAMPLE} into one "
            "beside the articles, or name another file: clockify-bot eval FILE"
        )
    questions, warnings = read_questions(file)
    if not questions:
        raise SettingsError(f"No question can be asked: {warnings[0]}")
    opened = open_index(Store(config.index_dir))
    known = known_pages(opened.index)
    counted = tuple(q for q in questions if not q.pages.isdisjoint(known))
    async with open_ollama(config) as client:
        found = await first_articles(opened.index, counted, make_embedder(config, client))
    return Evaluation(
        file=str(file),
        generation=opened.index.generation,
        questions=counted,
        gone=tuple(q for q in questions if q.pages.isdisjoint(known)),
        found=found,
        warnings=(*opened.damaged, *warnings),
    )


def evaluation_to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Give the object that `eval --json` prints."""
    return {
        "questions_file": evaluation.file,
        "generation": evaluation.generation,
        "questions": len(evaluation.questions),
        "hit@1": round(evaluation.hit_rate(1), 4),
        f"hit@{FIRST}": round(evaluation.hit_rate(FIRST), 4),
        "mrr": round(evaluation.reciprocal_rank, 4),
        "not_found": [
            {
                "query": question.query,
                "urls": list(question.urls),
                "found": [
                    {"title": chunk.title, "url": chunk.url}
                    for chunk in evaluation.found[question.query]
                ],
            }
            for question in evaluation.missed
        ],
        "gone": [question.query for question in evaluation.gone],
        "warnings": list(evaluation.warnings),
    }


def evaluation_to_text(evaluation: Evaluation) -> str:
    """Give the numbers, then each question that was not found with what was found instead."""
    lines = [
        f"{evaluation.file}: {len(evaluation.questions)} questions asked of generation "
        f"{evaluation.generation}",
        f"hit@1 {evaluation.hit_rate(1):.1%}, hit@{FIRST} {evaluation.hit_rate(FIRST):.1%}, "
        f"MRR {evaluation.reciprocal_rank:.3f}",
    ]
    if evaluation.missed:
        lines += ["", f"Not among the first {FIRST} articles:"]
    for question in evaluation.missed:
        lines += [f'  "{question.query}"', f"      wanted  {' or '.join(question.urls)}"]
        titles = [chunk.title for chunk in evaluation.found[question.query]]
        lines += [f"      found   {title}" for title in titles or ["nothing"]]
    if evaluation.gone:
        lines += ["", "Not counted, for none of their articles is in the index:"]
        lines += [f'  "{q.query}"  {" or ".join(q.urls)}' for q in evaluation.gone]
    return "\n".join(lines)
