"""A build started from the command line: with a bar for people, with JSON events for a parent."""

from __future__ import annotations

import asyncio
import json

import click

from core.assembly import build_request, index_written, open_ollama
from core.config import Config
from core.errors import BotError
from core.rebuild import rebuild
from core.report import BuildReport

from .progress import print_step, print_warnings, progress_bar, report_text


async def build_for_people(
    config: Config, *, purpose: str, quiet: bool = False, **options: bool
) -> BuildReport:
    """Build with a progress bar, name what was skipped, say how it ended; on standard error."""
    async with open_ollama(config) as client:
        with index_written(config.index_dir), progress_bar(hidden=quiet) as show:
            request = build_request(config, client, purpose=purpose, **options)
            report = await rebuild(request, show)
    print_warnings(report, every=purpose.endswith("build"))
    if not quiet:
        click.echo(report_text(report), err=True)
    return report


def build_for_parent(config: Config, **options: bool) -> int:
    """Build and write progress, then the report or the error, as JSON lines; gives the status."""

    async def work() -> BuildReport:
        async with open_ollama(config) as client:
            request = build_request(config, client, purpose="/clockify-rebuild", **options)
            with index_written(config.index_dir):
                return await rebuild(request, print_step)

    try:
        report = asyncio.run(work())
    except BotError as error:
        click.echo(json.dumps({"error": str(error), "exit_code": error.exit_code}))
        return error.exit_code
    click.echo(json.dumps({"report": report.as_json()}, ensure_ascii=False))
    return 0
