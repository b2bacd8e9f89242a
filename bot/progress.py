"""A build's progress and its report: a bar and lines for people, JSON lines for a parent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.report import BuildReport, BuildStatus, Phase, QualityReport
from core.report import Progress as Step

UNITS = {
    Phase.READING: "files",
    Phase.CHUNKING: "articles",
    Phase.EMBEDDING: "embeddings",
    Phase.INDEXING: "chunks",
    Phase.EVALUATING: "questions",
}
MAX_WARNINGS_SHOWN = 20
MAX_NAMES_SHOWN = 5  # articles of each kind of change
MAX_FILES_SHOWN = 3

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


def report_text(report: BuildReport) -> str:
    """Say how a build ended, for a terminal: a headline and a few indented lines."""
    return "\n".join(
        [_headline(report), *(f"  {name:<11}{text}" for name, text in _details(report))]
    )


def _headline(report: BuildReport) -> str:
    seconds = sum(report.seconds.values())
    if report.status is BuildStatus.UNCHANGED:
        return (
            f"Nothing changed: generation {report.generation} stays live "
            f"({report.articles} articles, {report.chunks} chunks; looked for {seconds:.1f} s)."
        )
    return (
        f"Published generation {report.generation} of {report.source}: {report.articles} articles, "
        f"{report.chunks} chunks, {seconds:.1f} s."
    )


def _details(report: BuildReport) -> Iterator[tuple[str, str]]:
    if report.status is BuildStatus.PUBLISHED:
        for name, articles in _changes(report):
            yield name, _some(articles)
        if report.skipped:
            yield "skipped", f"{report.skipped} (see the warnings)"
        yield (
            "embeddings",
            f"{report.embeddings_computed} computed, {report.embeddings_reused} reused "
            f"({report.embedder})",
        )
        if report.quality is not None:
            yield "questions", quality_text(report.quality)
        yield "seconds", ", ".join(f"{name} {spent:.1f}" for name, spent in report.seconds.items())
        yield "sizes", _sizes(report)
    for note in report.notes:
        yield "note", note


def quality_text(quality: QualityReport) -> str:
    """Say in one line how the quality questions went."""
    said = f"{quality.hits} of {quality.questions} found"
    if quality.live_hits is not None:
        said += f" (before: {quality.live_hits})"
    for name in ("worse", "better", "gone"):
        if count := len(getattr(quality, name)):
            said += f", {count} {name}"
    return said


def _changes(report: BuildReport) -> Iterator[tuple[str, tuple[str, ...]]]:
    changes = {"added": report.added, "changed": report.changed, "removed": report.removed}
    return ((name, articles) for name, articles in changes.items() if articles)


def _some(articles: tuple[str, ...]) -> str:
    more = len(articles) - MAX_NAMES_SHOWN
    named = ", ".join(articles[:MAX_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{len(articles)}: {named}"


def _sizes(report: BuildReport) -> str:
    largest = sorted(report.file_bytes.items(), key=lambda item: (-item[1], item[0]))
    files = ", ".join(f"{name} {_mib(size)}" for name, size in largest[:MAX_FILES_SHOWN])
    return (
        f"{_mib(report.bytes_on_disk)} MiB{f' ({files}, …)' if files else ''}; "
        f"kept embeddings {_mib(report.cache_bytes)} MiB"
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f}"


def print_warnings(report: BuildReport, *, every: bool) -> None:
    """Name what was skipped or repaired, on standard error."""
    shown = report.warnings if every else report.warnings[:MAX_WARNINGS_SHOWN]
    for warning in shown:
        click.echo(f"warning: {warning}", err=True)
    if len(report.warnings) > len(shown):
        rest = len(report.warnings) - len(shown)
        click.echo(f"warning: {rest} more; clockify-bot build names them all", err=True)
