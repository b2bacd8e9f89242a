"""`clockify-bot ask` and `clockify-bot chat`: the options, and the one question of `ask`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from core.config import STATE_DIR
from core.types import Question

from .json_errors import json_errors
from .options import ASK_OPTIONS, HELP, log_option, read_config, setting_options
from .signals import heed_interrupts
from .typed import readable

if TYPE_CHECKING:
    from core.assembly import Assembled

F = TypeVar("F", bound=Callable[..., Any])

PARALLEL = 4  # questions at once with --parallel alone
MOST_PARALLEL = 32


def rerank_option(command: F) -> F:
    """Add --rerank and --no-rerank, which win over RERANK."""
    add = click.option("--rerank/--no-rerank", default=None, help=f"{HELP['RERANK']} [RERANK]")
    return add(command)


@click.command()
@click.argument("question", required=False)
@setting_options(ASK_OPTIONS)
@rerank_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--debug", is_flag=True, help="Show what was found, packed and counted, with scores and times."
)
@click.option(
    "--batch",
    type=click.Path(path_type=Path),
    help='Ask every line {"id", "query"} of this JSON lines file.',
)
@click.option("--output", type=click.Path(path_type=Path), help="Where --batch writes its replies.")
@log_option("WARNING")
def ask(
    question: str | None,
    as_json: bool,
    debug: bool,
    batch: Path | None,
    output: Path | None,
    log_level: str,
    **given: Any,
) -> None:
    """Ask one QUESTION, or a file of them with --batch IN --output OUT.

    In a terminal the answer is shown while it is written.
    """
    from core.assembly import open_pipeline
    from core.embedder_checks import START_SECONDS

    from .batch import open_batch, run_batch

    _start_logging(log_level)
    if (question is None) == (batch is None):
        raise click.UsageError("Give a QUESTION, or --batch IN.jsonl --output OUT.jsonl.")
    if (batch is None) != (output is None):
        raise click.UsageError("--batch and --output go together.")
    config = read_config(given)
    lines = open_batch(batch, output) if batch is not None and output is not None else None

    async def work() -> None:
        seconds = START_SECONDS if lines is None else None
        async with open_pipeline(config, embedder_seconds=seconds) as assembled:
            _print_notes(assembled)
            if lines is None:
                await _ask_one(assembled, question or "", debug=debug, as_json=as_json)
                return
            summary = await run_batch(assembled.pipeline, lines)
            click.echo(f"{output}: {summary}", err=True)

    heed_interrupts()
    asyncio.run(work())


async def _ask_one(assembled: Assembled, text: str, *, debug: bool, as_json: bool) -> None:
    from .output import turn_to_json, turn_to_text
    from .question_log import question_logged
    from .terminal_stream import TerminalStream, streams_to_terminal

    pipeline, question = assembled.pipeline, Question(readable(text), id="1")
    with (
        TerminalStream(is_on=streams_to_terminal(as_json=as_json)) as stream,
        question_logged("1", surface="ask", generation=pipeline.generation) as record,
    ):
        turn = await pipeline.ask(question, stream.draft if stream.is_on else None)
        record.ended(turn)
        if not as_json:
            stream.finish(turn_to_text(turn, debug=debug))
    if as_json:
        click.echo(json.dumps(turn_to_json(turn, id="1"), ensure_ascii=False))


@click.command()
@setting_options(ASK_OPTIONS)
@rerank_option
@click.option("--json", "as_json", is_flag=True, help="Print each reply as one JSON object.")
@click.option(
    "--debug", is_flag=True, help="Show what was found, packed and counted, with scores and times."
)
@click.option(
    "--det-check",
    is_flag=True,
    help="Ask some questions twice instead, and end with 1 when an answer differs.",
)
@click.option(
    "--prompts",
    type=click.Path(path_type=Path),
    help="For --det-check: a file with more questions, one a line.",
)
@click.option(
    "--parallel",
    is_flag=False,
    flag_value=PARALLEL,
    default=0,
    type=click.IntRange(0, MOST_PARALLEL),
    help=f"For --det-check: ask so many at once ({PARALLEL} without a number).",
)
@log_option("WARNING")
def chat(
    as_json: bool,
    debug: bool,
    det_check: bool,
    prompts: Path | None,
    parallel: int,
    log_level: str,
    **given: Any,
) -> None:
    """Ask in a terminal, one question after the other; answers are shown while they are written."""
    _start_logging(log_level)
    if (prompts is not None or parallel) and not det_check:
        raise click.UsageError("--prompts and --parallel go with --det-check.")
    config = read_config(given)
    if det_check:
        from .det_check import run_det_check

        with json_errors(as_json):
            sys.exit(run_det_check(config, prompts=prompts, parallel=parallel, as_json=as_json))

    from core.assembly import open_pipeline

    from .chat import chat as converse
    from .following import Follower

    async def work() -> None:
        async with open_pipeline(config, quotes_on_failure=True) as assembled:
            _print_notes(assembled)
            await converse(
                assembled.pipeline,
                before_asking=Follower(assembled.pipeline, assembled.store).look,
                debug=debug,
                as_json=as_json,
                history_file=STATE_DIR / "chat_history",
            )

    heed_interrupts()
    asyncio.run(work())


def _print_notes(assembled: Assembled) -> None:
    for note in assembled.notes:
        click.echo(note, err=True)


def _start_logging(level: str) -> None:
    from .logs import set_up_logging

    set_up_logging(level.upper())
