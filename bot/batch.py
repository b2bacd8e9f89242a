"""`ask --batch`: questions in JSON lines → replies in JSON lines, in order, resumable."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from core.errors import BotError, SettingsError
from core.pipeline import Pipeline
from core.prompt import PROMPT_VERSION
from core.types import Question

from .output import error_to_json, turn_to_json
from .question_log import question_logged
from .typed import readable

MAX_INPUT_MB = 64
OTHER_NAME = "give --output another name."
MADE_OTHERWISE = "other knowledge, embedder, answerer, model or prompt"
OUR_START = b'{"id": "'  # how each line of a target begins


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One question of the input; line counts from 1."""

    line: int
    id: str
    query: str

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the question of an earlier run."""
        return self.id, self.query


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """How a batch ended."""

    asked: int
    outdated: int  # of the asked: their replies were made otherwise
    kept: int  # taken over from an earlier run
    others: int  # replies of questions that are not in the input
    errors: int
    bad_lines: int

    def __str__(self) -> str:
        parts = [f"{self.asked} asked"]
        if self.outdated:
            parts.append(f"{self.outdated} of them again ({MADE_OTHERWISE})")
        parts += [f"{self.kept} kept from before"] if self.kept else []
        if self.others:
            parts.append(f"{self.others} replies of questions not in the input kept at the end")
        parts += [f"{self.errors} errors"] if self.errors else []
        parts += [f"{self.bad_lines} bad lines skipped"] if self.bad_lines else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is asked, and what is answered already in target."""

    questions: tuple[BatchLine, ...]
    bad_lines: int
    target: Path  # links followed
    replies: dict[tuple[str, str], dict[str, Any]]

    @property
    def others(self) -> list[dict[str, Any]]:
        """The replies of questions that are not in the input."""
        keys = {question.key for question in self.questions}
        return [reply for key, reply in self.replies.items() if key not in keys]

    def missing(self, pipeline: Pipeline) -> list[BatchLine]:
        """Give the questions without a reply that this pipeline would make, each once."""
        due = [q for q in self.questions if not _fits(self.replies.get(q.key), pipeline)]
        return list({q.key: q for q in due}.values())


def open_batch(source: Path, target: Path) -> Batch:
    """Read the questions and the replies of an earlier run, which are kept, and mend their file.

    Errors and a torn last line are not kept. Raises SettingsError for unusable files.
    """
    questions, bad = read_questions(source)
    with _doing("written", target):
        place = _resolved(target)
        if place.exists() and place.samefile(source):
            raise SettingsError(f"{target} is the input; {OTHER_NAME}")
        if place.exists() and not place.is_file():
            raise SettingsError(f"{target} is not a regular file; {OTHER_NAME}")
    replies = _read_replies(target)
    if replies and not any(question.key in replies for question in questions):
        raise SettingsError(f"{target} answers other questions; {OTHER_NAME}")
    batch = Batch(tuple(questions), bad, place, replies)
    with _doing("written", target):
        _write_in_order(batch)
    return batch


async def run_batch(pipeline: Pipeline, batch: Batch) -> BatchSummary:
    """Ask what is missing; raises SettingsError when target cannot be written.

    Each reply is on disk before the next question is asked; target is in order at the end.
    """
    missing, errors = batch.missing(pipeline), 0
    outdated = sum(question.key in batch.replies for question in missing)
    with _doing("written", batch.target):
        with batch.target.open("a", encoding="utf-8") as out:
            for question in _bar(missing):
                reply = batch.replies[question.key] = await _ask(pipeline, question)
                errors += reply["status"] == "error"
                out.write(_line(reply))
                out.flush()
        _write_in_order(batch)
    kept, others = len(batch.questions) - len(missing), len(batch.others)
    return BatchSummary(len(missing), outdated, kept, others, errors, batch.bad_lines)


def read_questions(source: Path) -> tuple[list[BatchLine], int]:
    """Read the input; a bad line is named on standard error and left out."""
    questions, bad = [], 0
    for number, raw in enumerate(_read_input(source).split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            questions.append(_question(number, json.loads(raw)))
        except (ValueError, RecursionError) as error:  # of JSON, of UTF-8, of the fields
            bad += 1
            click.echo(f"{source}:{number}: skipped, {error}", err=True)
    return questions, bad


def _read_input(source: Path) -> bytes:
    with _doing("read", source):
        mode = source.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise SettingsError(f"{source} is neither a regular file nor a pipe.")
        with source.open("rb") as file:
            content = file.read(MAX_INPUT_MB * 2**20 + 1)
    if len(content) > MAX_INPUT_MB * 2**20:
        raise SettingsError(f"{source} is larger than {MAX_INPUT_MB} MiB; split it.")
    return content


def _question(number: int, row: Any) -> BatchLine:
    if not isinstance(row, dict) or not isinstance(row.get("query"), str):
        raise ValueError('a line must be an object like {"id": "1", "query": "how do I …"}')
    id = row.get("id")
    return BatchLine(number, readable(str(number if id is None else id)), readable(row["query"]))


async def _ask(pipeline: Pipeline, question: BatchLine) -> dict[str, Any]:
    reference, generation = f"line:{question.line}", pipeline.generation  # an id may hold anything
    try:
        with question_logged(reference, surface="batch", generation=generation) as record:
            turn = await pipeline.ask(Question(question.query, id=question.id))
            record.ended(turn)
    except BotError as error:
        return error_to_json(str(error), id=question.id, query=question.query)
    return turn_to_json(turn, id=question.id)


def _fits(reply: dict[str, Any] | None, pipeline: Pipeline) -> bool:
    """Say whether this pipeline would make such a reply; a refusal may have needed no answerer."""
    if reply is None:
        return False
    found_with = reply.get("generation"), reply.get("embedder")
    if found_with != (pipeline.generation, pipeline.embedder):
        return False
    model = pipeline.language_model
    written_with = pipeline.answerer, model, PROMPT_VERSION if model else ""
    told = reply.get("answerer"), reply.get("model", ""), reply.get("prompt_version", "")
    return told in (("", "", ""), written_with)


def _resolved(target: Path) -> Path:
    try:
        return target.resolve()
    except RuntimeError as error:  # Python 3.11 and 3.12 for links that lead in a circle
        raise SettingsError(f"{target} is a link that leads nowhere; {OTHER_NAME}") from error


def _read_replies(target: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Read the replies of an earlier run; a file of anything else is refused, not overwritten."""
    replies: dict[tuple[str, str], dict[str, Any]] = {}
    if not target.exists():
        return replies
    with _doing("read", target):
        *lines, torn = target.read_bytes().split(b"\n")
    for number, raw in enumerate(lines, start=1):
        try:
            row = json.loads(raw)
            if row["status"] != "error":
                replies[str(row["id"]), row["query"]] = row
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise SettingsError(
                f"{target}:{number} is no reply of an earlier run; move the file away or "
                f"{OTHER_NAME}"
            ) from error
    if torn and not lines and torn[: len(OUR_START)] != OUR_START[: len(torn)]:
        raise SettingsError(f"{target} holds something else; {OTHER_NAME}")
    return replies


@contextmanager
def _doing(done: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise SettingsError(f"{path} cannot be {done}: {reason}.") from error


def _write_in_order(batch: Batch) -> None:
    """Replace target by the replies that there are, in the order of the questions, others last."""
    beside = batch.target.with_name(f".{batch.target.name}.tmp")
    replies = [batch.replies.get(question.key) for question in batch.questions]
    try:
        with beside.open("w", encoding="utf-8") as out:
            out.writelines(_line(reply) for reply in replies if reply is not None)
            out.writelines(_line(reply) for reply in batch.others)
        os.replace(beside, batch.target)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


def _line(reply: dict[str, Any]) -> str:
    return json.dumps(reply, ensure_ascii=False) + "\n"


def _bar(questions: list[BatchLine]) -> Iterator[BatchLine]:
    console = Console(stderr=True)
    yield from track(questions, "asking", console=console, disable=not console.is_terminal)
