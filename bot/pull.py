"""`clockify-bot pull`: have Ollama fetch the models that the settings name."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from core.errors import ModelUnavailable

from .options import EMBEDDING_OPTIONS, log_option, read_config, setting_options
from .signals import heed_interrupts

if TYPE_CHECKING:
    from core.config import Config
    from core.ollama import OllamaClient
    from core.ollama_pull import PullProgress

PULL_OPTIONS = {**EMBEDDING_OPTIONS, "--gen-model": "GEN_MODEL"}
STEP_PERCENT = 10  # of a download: how often a line tells of it where there is no terminal
NOTHING = (
    "Nothing to fetch: ANSWERER=extractive and EMBEDDER=embedded ask no Ollama. "
    "Name a model: clockify-bot pull llama3.2"
)
ADVICE = (
    "[hint: Ollama itself fetches models: check the name, that its machine reaches the internet "
    "and has room; what is fetched already is kept]"
)

OnStep = Callable[["PullProgress"], None]


@click.command()
@click.argument("models", nargs=-1)
@setting_options(PULL_OPTIONS)
@click.option("--update", is_flag=True, help="Look for newer versions of models that are there.")
@log_option("WARNING")
def pull(models: tuple[str, ...], update: bool, log_level: str, **given: Any) -> None:
    """Have Ollama fetch MODELS: by default GEN_MODEL, and EMB_MODEL when EMBEDDER=ollama.

    A model that is there already is left as it is. Ends with 4 when one cannot be fetched.
    """
    from .logs import set_up_logging

    if not all(model.strip() for model in models):
        raise click.UsageError("A name of a model is empty; give one, as in: pull llama3.2")
    set_up_logging(log_level.upper())
    config = read_config(given)
    wanted = tuple(dict.fromkeys(models)) or configured(config)
    if not wanted:
        click.echo(NOTHING)
        return
    heed_interrupts()
    sys.exit(asyncio.run(pull_all(config, wanted, update=update)))


def configured(config: Config) -> tuple[str, ...]:
    """Name the models that the settings need."""
    answers = (config.gen_model,) if config.answerer != "extractive" else ()
    embeds = (config.emb_model,) if config.embedder == "ollama" else ()
    return tuple(dict.fromkeys((*answers, *embeds)))


async def pull_all(config: Config, wanted: Sequence[str], *, update: bool) -> int:
    """Fetch one after the other; give the exit status. Raises ModelUnavailable without a server."""
    from core.model_assembly import open_ollama
    from core.readiness import same_name

    code = 0
    async with open_ollama(config) as client:
        present = {same_name(model) for model in await client.models()}
        for model in wanted:
            if same_name(model) in present and not update:
                click.echo(f"{model}: already there")
                continue
            try:
                await pull_one(client, model)
            except ModelUnavailable as error:
                click.echo(f"clockify-bot: {failure(model, error)}", err=True)
                code = error.exit_code
            except asyncio.CancelledError:
                click.echo(f"{model}: interrupted; what is fetched already is kept", err=True)
                raise
            else:
                click.echo(f"{model}: ready on {client.url}")
    return code


async def pull_one(client: OllamaClient, model: str) -> None:
    """Fetch a model and show how far it is; raises ModelUnavailable."""
    with _progress(model) as show:
        async with aclosing(client.pull(model)) as steps:
            async for step in steps:
                show(step)


def failure(model: str, error: ModelUnavailable) -> str:
    """Say what went wrong and what to do; an error that says so itself is left alone."""
    told = f"{model} was not fetched: {error}"
    return told if "[hint:" in told else f"{told} {ADVICE}"


@contextmanager
def _progress(model: str) -> Iterator[OnStep]:
    """Show a bar for each part on a terminal, lines elsewhere; all on standard error."""
    if sys.stderr.isatty():
        with _bars(model) as show:
            yield show
    else:
        yield _lines(model)


@contextmanager
def _bars(model: str) -> Iterator[OnStep]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        parts: dict[str, TaskID] = {}

        def show(step: PullProgress) -> None:
            if not step.total:
                line = f"{model}: {_plain(step.status)}"
                progress.console.print(line, markup=False, highlight=False)
                return
            if step.digest not in parts:
                label = escape(f"{model}: {_short(step.digest)}")
                parts[step.digest] = progress.add_task(label, total=step.total)
            progress.update(parts[step.digest], completed=step.completed, total=step.total)

        yield show


def _lines(model: str) -> OnStep:
    """Tell of each change, and of a long download now and then."""
    told: dict[str, str] = {}  # the last line by part, for parts come side by side

    def show(step: PullProgress) -> None:
        line = f"{model}: {_plain(step.status)}"
        if step.total:
            percent = 100 * step.completed // step.total // STEP_PERCENT * STEP_PERCENT
            line = f"{model}: {_short(step.digest)} {percent} % of {_size(step.total)}"
        if told.get(step.digest) != line:
            told[step.digest] = line
            click.echo(line, err=True)

    return show


def _short(digest: str) -> str:
    return _plain(digest.removeprefix("sha256:")[:12])


def _plain(text: str) -> str:
    """Leave out what a terminal would act on."""
    return "".join(c for c in text if c.isprintable())


def _size(size: int) -> str:
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
