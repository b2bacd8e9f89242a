"""`clockify-bot chat --det-check`: does the same question get the same answer?

Asks as a user would be answered, retrieval and checks included, and compares what was sent to the
model, what it wrote, and what is left of that for the user. Quotes of the fallback prove nothing,
so there is none.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from core.assembly import open_pipeline
from core.config import Config
from core.errors import ModelUnavailable, SettingsError
from core.types import Answer, Question, Refusal, Turn

from .asking import Asker
from .det_prompts import DET_PROMPTS, read_prompts
from .det_report import report_json, report_text

TIMES = 2  # that each question is asked, one after the other


@dataclass(frozen=True, slots=True)
class Run:
    """What one question came to, as SHA-256; "" throughout when the model was not asked."""

    messages: str = ""  # exactly what was sent
    draft: str = ""  # what the model wrote, runs of white space as one space
    reply: str = ""  # what a user would have got

    @property
    def asked_model(self) -> bool:
        return bool(self.messages)


@dataclass(frozen=True, slots=True)
class Checked:
    """All runs of one question."""

    query: str
    runs: tuple[Run, ...]

    @property
    def asked_model(self) -> bool:
        return any(run.asked_model for run in self.runs)

    @property
    def is_same(self) -> bool:
        return len(set(self.runs)) == 1

    @property
    def differing(self) -> tuple[str, ...]:
        """Name what differs, in the order in which it comes about."""
        names = (field.name for field in dataclasses.fields(Run))
        return tuple(name for name in names if len({getattr(r, name) for r in self.runs}) > 1)


@dataclass(frozen=True, slots=True)
class DetReport:
    """What was compared, and with what; parallel is 0 when one was asked after the other."""

    model: str
    seed: int
    generation: str
    prompt_version: str
    parallel: int
    checked: tuple[Checked, ...]

    @property
    def asked(self) -> int:
        """Count the questions that reached the model."""
        return sum(checked.asked_model for checked in self.checked)

    @property
    def exit_code(self) -> int:
        """0 the same, 1 a difference, 4 the model was asked nothing, so that nothing is proved."""
        if not all(checked.is_same for checked in self.checked):
            return 1
        return 0 if self.asked else ModelUnavailable.exit_code


def run_det_check(
    config: Config, *, prompts: Path | None = None, parallel: int = 0, as_json: bool = False
) -> int:
    """Check, print what came of it and return the exit status.

    Raises SettingsError for a bad file of prompts and ModelUnavailable when the model cannot write
    every answer itself.
    """
    if parallel == 1:
        raise SettingsError("--parallel is 1; at least 2 questions at once can be compared.")
    queries = (*DET_PROMPTS, *(read_prompts(prompts) if prompts is not None else ()))
    report = asyncio.run(_check(config, tuple(dict.fromkeys(queries)), parallel))
    click.echo(json.dumps(report_json(report)) if as_json else report_text(report))
    return report.exit_code


async def _check(config: Config, queries: Sequence[str], parallel: int) -> DetReport:
    if config.answerer == "extractive":
        raise ModelUnavailable(
            "ANSWERER is extractive: quotes are always the same and prove nothing of a model. "
            "Set ANSWERER=ollama."
        )
    config = dataclasses.replace(config, answerer="ollama")  # auto would fall back to quotes
    try:
        async with open_pipeline(config, embedder_seconds=None) as assembled:
            pipeline = assembled.pipeline
            turns = await det_check(pipeline, queries, parallel=parallel)
    except ModelUnavailable as error:
        raise ModelUnavailable(
            f"Nothing was proved, for the model did not write every answer: {error}"
        ) from error
    versions = (turn.prompt_version for of_query in turns for turn in of_query)
    return DetReport(
        model=config.gen_model,
        seed=config.seed,
        generation=pipeline.generation,
        prompt_version=next(filter(None, versions), ""),
        parallel=parallel,
        checked=tuple(
            Checked(query, tuple(map(_run, of_query)))
            for query, of_query in zip(queries, turns, strict=True)
        ),
    )


async def det_check(
    asker: Asker, queries: Sequence[str], *, parallel: int = 0
) -> list[tuple[Turn, ...]]:
    """Ask each question twice one after the other, or, with parallel, so many times at once.

    The second round goes backwards: so the last question is repeated at once, from the model's
    cache, and the first one after others have taken its place there.
    """
    if parallel:
        return [await _at_once(asker, query, parallel) for query in queries]
    first = [await asker.ask(Question(query)) for query in queries]
    second = [await asker.ask(Question(query)) for query in reversed(queries)]
    return list(zip(first, reversed(second), strict=True))


async def _at_once(asker: Asker, query: str, count: int) -> tuple[Turn, ...]:
    """Ask so many times at once, wait for all, and raise the first failure."""
    asking = (asker.ask(Question(query)) for _ in range(count))
    ended = await asyncio.gather(*asking, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, BaseException):
            raise outcome
    return tuple(outcome for outcome in ended if isinstance(outcome, Turn))


def _run(turn: Turn) -> Run:
    if not turn.usage.prompt_digest:
        return Run()
    return Run(turn.usage.prompt_digest, _sha256(turn.draft), _sha256(_reply(turn)))


def _reply(turn: Turn) -> str:
    match turn.reply:
        case Answer(text, sources):
            return " ".join((text, *(source.chunk_id for source in sources)))
        case Refusal(reason):
            return f"refused: {reason}"
        case notice:
            return notice.text


def _sha256(text: str) -> str:
    plain = " ".join(text.split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
