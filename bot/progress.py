"""A build's progress: a bar for people, JSON lines for a parent process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.report import BuildReport, BuildStatus, Phase
from core.report import Progress as Step

UNITS = {
    Phase.READING: "files",
    Phase.CHUNKING: "articles",
    Phase.EMBEDDING: "embeddings",
    Phase.INDEXING: "chunks",
}
MAX_WARNINGS_SHOWN = 20

OnStep = Callable[[Step], None]


@contextmanager
def progress_bar(*, hidden: bool = False) -> Iterator[OnStep]:
    """Show one line per phase on standard error: what, how many, time left."""
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=hidden) as bar:
        tasks: dict[Phase, int] = {}

        def show(step: Step) -> None:
            if step.total == 0:
                return
            if step.phase not in tasks:
                unit = UNITS.get(step.phase, "")
                tasks[step.phase] = bar.add_task(str(step.phase), total=step.total, unit=unit)
            bar.update(tasks[step.phase], completed=step.done, total=step.total)  # type: ignore[arg-type]

        yield show


def print_step(step: Step) -> None:
    """Write one event of a build for the process that started it."""
    click.echo(json.dumps({"progress": asdict(step)}))


def report_text(report: BuildReport) -> str:
    """Say how a build ended, for a terminal."""
    seconds = sum(report.seconds.values())
    if report.status is BuildStatus.UNCHANGED:
        return (
            f"Nothing changed: generation {report.generation} stays live "
            f"({report.articles} articles, {report.chunks} chunks; looked for {seconds:.1f} s)."
        )
    return (
        f"Published generation {report.generation} of {report.source}: "
        f"{report.articles} articles ({len(report.added)} added, {len(report.changed)} changed, "
        f"{len(report.removed)} removed), {report.chunks} chunks, "
        f"{report.embeddings_computed} embeddings computed and {report.embeddings_reused} reused, "
        f"{report.bytes_on_disk / 2**20:.1f} MiB, {seconds:.1f} s."
    )


def print_warnings(report: BuildReport, *, every: bool) -> None:
    """Name what was skipped or repaired, on standard error."""
    shown = report.warnings if every else report.warnings[:MAX_WARNINGS_SHOWN]
    for warning in shown:
        click.echo(f"warning: {warning}", err=True)
    if len(report.warnings) > len(shown):
        rest = len(report.warnings) - len(shown)
        click.echo(f"warning: {rest} more; clockify-bot build names them all", err=True)
