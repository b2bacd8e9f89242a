"""A build started from the command line: with a bar for people, with JSON events for a parent."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import click

from core.assembly import build_request, index_written
from core.config import Config
from core.embedder_checks import CheckedEmbedder
from core.errors import BotError, RebuildRefused
from core.model_assembly import open_ollama
from core.rebuild import BuildRequest, rebuild
from core.report import BuildReport, Phase, Progress

from .events import EventWriter
from .lifeline import Lifeline
from .priority import go_first, step_back
from .progress import print_warnings, progress_bar, report_text
from .signals import INTERRUPTED


async def build_for_people(
    config: Config,
    *,
    purpose: str,
    quiet: bool = False,
    lexical_only: bool = False,
    force: bool = False,
) -> BuildReport:
    """Build with a progress bar, name what was skipped, say how it ended; on standard error."""
    async with open_ollama(config) as client:
        with index_written(config.index_dir), progress_bar(hidden=quiet) as show:
            request = build_request(
                config, client, purpose=purpose, lexical_only=lexical_only, force=force
            )
            report = _noted(await rebuild(request, show), request)
    print_warnings(report, every=purpose.endswith("build"))
    if not quiet:
        click.echo(report_text(report), err=True)
    return report


def build_for_parent(
    config: Config, *, has_lifeline: bool, lexical_only: bool, force: bool, started_by: str
) -> int:
    """Build and write events on standard output; gives the exit status."""
    go_first()
    step_back(config.build_nice)
    events, lifeline = EventWriter(), Lifeline()
    if has_lifeline:
        lifeline.hold()

    def show(step: Progress) -> None:
        if step.phase is not Phase.PUBLISHING:
            lifeline.goes_on()
        events.step(step)

    async def work() -> BuildReport:
        async with open_ollama(config) as client:
            request = build_request(
                config,
                client,
                purpose="/clockify-rebuild",
                lexical_only=lexical_only,
                force=force,
                started_by=started_by,
                is_wanted=lifeline.is_wanted,
            )
            with index_written(config.index_dir):
                return _noted(await rebuild(request, show), request)

    try:
        report = asyncio.run(work())
    except BotError as error:
        events.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        events.error(RebuildRefused("The build was stopped; nothing is published."))
        return INTERRUPTED
    events.report(report)
    return 0


def _noted(report: BuildReport, request: BuildRequest) -> BuildReport:
    """Add what is to be said of the embedding model."""
    embedder = request.embedder
    notes = embedder.notes if isinstance(embedder, CheckedEmbedder) else ()
    return replace(report, notes=(*notes, *report.notes))
