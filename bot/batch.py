"""`ask --batch`: questions in JSON lines → replies in JSON lines, in order, resumable."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from core.errors import BotError, SettingsError
from core.types import Question

from .desk import Asker
from .output import error_to_json, log_turn, turn_to_json
from .typed import readable

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
    kept: int  # taken over from an earlier run
    errors: int
    bad_lines: int

    def __str__(self) -> str:
        parts = [f"{self.asked} asked"]
        parts += [f"{self.kept} kept from before"] if self.kept else []
        parts += [f"{self.errors} errors"] if self.errors else []
        parts += [f"{self.bad_lines} bad lines skipped"] if self.bad_lines else []
        return ", ".join(parts)


async def run_batch(asker: Asker, source: Path, target: Path) -> BatchSummary:
    """Answer every question of source into target; raises SettingsError for unusable files.

    What target holds already is kept, except errors and a torn last line. Each reply is on disk
    before the next question is asked; the order of source is complete at the end.
    """
    questions, bad = read_questions(source)
    if target.exists() and target.samefile(source):
        raise SettingsError(f"{target} is the input; give --output another name.")
    replies = _read_replies(target)
    missing = list({q.key: q for q in questions if q.key not in replies}.values())
    if replies and len(missing) == len({q.key for q in questions}):
        raise SettingsError(f"{target} answers other questions; give --output another name.")
    errors = 0
    try:
        _write_in_order(target, questions, replies)
        with target.open("a", encoding="utf-8") as out:
            for question in _bar(missing):
                reply = replies[question.key] = await _ask(asker, question)
                errors += reply["status"] == "error"
                out.write(_line(reply))
                out.flush()
        _write_in_order(target, questions, replies)
    except OSError as error:
        raise SettingsError(f"{target} cannot be written: {error}.") from error
    return BatchSummary(len(missing), len(questions) - len(missing), errors, bad)


def read_questions(source: Path) -> tuple[list[BatchLine], int]:
    """Read the input; a bad line is named on standard error and left out."""
    try:
        lines = source.read_bytes().split(b"\n")
    except OSError as error:
        raise SettingsError(f"{source} cannot be read: {error}.") from error
    questions, bad = [], 0
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        try:
            questions.append(_question(number, json.loads(raw)))
        except (ValueError, RecursionError) as error:  # of JSON, of UTF-8, of the fields
            bad += 1
            click.echo(f"{source}:{number}: skipped, {error}", err=True)
    return questions, bad


def _question(number: int, row: Any) -> BatchLine:
    if not isinstance(row, dict) or not isinstance(row.get("query"), str):
        raise ValueError('a line must be an object like {"id": "1", "query": "how do I …"}')
    id = row.get("id")
    return BatchLine(number, readable(str(number if id is None else id)), readable(row["query"]))


async def _ask(asker: Asker, question: BatchLine) -> dict[str, Any]:
    try:
        turn = await asker.ask(Question(question.query, id=question.id))
    except BotError as error:
        return error_to_json(str(error), id=question.id, query=question.query)
    log_turn(turn, id=question.id, surface="batch")
    return turn_to_json(turn, id=question.id)


def _read_replies(target: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Read the replies of an earlier run; a file of anything else is refused, not overwritten."""
    replies: dict[tuple[str, str], dict[str, Any]] = {}
    if not target.exists():
        return replies
    try:
        *lines, torn = target.read_bytes().split(b"\n")
    except OSError as error:
        raise SettingsError(f"{target} cannot be read: {error}.") from error
    for number, raw in enumerate(lines, start=1):
        try:
            row = json.loads(raw)
            if row["status"] != "error":
                replies[str(row["id"]), row["query"]] = row
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise SettingsError(
                f"{target}:{number} is no reply of an earlier run; "
                "move the file away or give --output another name."
            ) from error
    if torn and not lines and torn[: len(OUR_START)] != OUR_START[: len(torn)]:
        raise SettingsError(f"{target} holds something else; give --output another name.")
    return replies


def _write_in_order(
    target: Path, questions: list[BatchLine], replies: dict[tuple[str, str], dict[str, Any]]
) -> None:
    """Replace target by the replies that there are, in the order of their questions."""
    beside = target.with_name(f".{target.name}.tmp")
    try:
        with beside.open("w", encoding="utf-8") as out:
            out.writelines(_line(replies[q.key]) for q in questions if q.key in replies)
        os.replace(beside, target)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


def _line(reply: dict[str, Any]) -> str:
    return json.dumps(reply, ensure_ascii=False) + "\n"


def _bar(questions: list[BatchLine]) -> Iterator[BatchLine]:
    console = Console(stderr=True)
    yield from track(questions, "asking", console=console, disable=not console.is_terminal)
