"""clockify-bot run | try | build | ask | chat | eval | gaps | doctor | …: parse, assemble, run.

Exit codes: 0 answered, refused or notice, built or unchanged; 1 a build was refused or could not
get the lock; 2 usage or settings; 3 no usable index; 4 model unavailable; 75 no connection to Slack
for two minutes (start it again); 130 interrupted.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from core.assembly import open_pipeline
from core.errors import BotError

from .asking_commands import ask, chat
from .building import build_for_parent, build_for_people
from .evaluating import eval_command
from .gap_report import gaps
from .generations import generations
from .json_errors import json_errors
from .options import (
    ASK_OPTIONS,
    BUILD_OPTIONS,
    log_option,
    read_config,
    read_environment,
    setting_options,
)
from .pull import pull
from .signals import INTERRUPTED, interrupt_at_once, serve_until_stopped

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

T = TypeVar("T")


@click.group(context_settings=CONTEXT)
@click.version_option(package_name="clockify-bot")
def cli() -> None:
    """Answer questions about your help center in Slack, with sources, or say "I don't know"."""


@cli.command()
@setting_options(ASK_OPTIONS)
@log_option("INFO")
def run(log_level: str, **given: Any) -> None:
    """Connect to Slack and answer; stops on Ctrl-C or SIGTERM."""
    from core.examples import examples

    from .app import serve
    from .config import SlackConfig
    from .following import following
    from .rebuilding import ChildRebuilder

    _start_logging(log_level)
    config = read_config(given)
    slack = SlackConfig.from_env(read_environment())

    async def work(stop: asyncio.Event, is_serving: asyncio.Event) -> None:
        async with open_pipeline(config, quotes_on_failure=True) as assembled:
            for note in assembled.notes:
                click.echo(note, err=True)
            pipeline = assembled.pipeline
            async with following(assembled) as follower:
                rebuilder = ChildRebuilder(config, pipeline, follower)
                await serve(
                    slack,
                    pipeline,
                    rebuilder,
                    stop,
                    on_ready=lambda _: is_serving.set(),
                    live_meta=assembled.store.meta,
                    examples=lambda: examples(pipeline),
                    folders=lambda: pipeline.index.folders(),
                )

    serve_until_stopped(work)


@cli.command(name="try")
@setting_options(ASK_OPTIONS)
@click.option(
    "--port",
    default=3000,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="First port to try for the page.",
)
@click.option("--manifest", type=click.Path(path_type=Path), help="The app that is installed.")
@log_option("WARNING")
def try_(log_level: str, port: int, manifest: Path | None, **given: Any) -> None:
    """Build the index, start a local Slack and the bot in it, print the page's address."""
    from .trying import build_if_possible, choose_manifest, read_slack_settings, serve_locally

    _start_logging(log_level)
    app = choose_manifest(manifest)
    config = read_config(given)
    slack = read_slack_settings(read_environment())

    async def work(stop: asyncio.Event, is_serving: asyncio.Event) -> None:
        async with open_pipeline(config, quotes_on_failure=True) as assembled:
            await serve_locally(config, slack, assembled, stop, is_serving, port=port, manifest=app)

    interrupt_at_once()
    _run(build_if_possible(config))
    serve_until_stopped(work)


@cli.command()
@click.argument("path", required=False)
@setting_options(BUILD_OPTIONS)
@click.option("--lexical-only", is_flag=True, help="Build without an embedder: words only.")
@click.option(
    "--force",
    is_flag=True,
    help="Publish even what is unchanged, was rolled back, has shrunk or finds less.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@click.option("--events", is_flag=True, hidden=True, help="Print progress as JSON lines.")
@click.option("--lifeline", is_flag=True, hidden=True, help="Give up when standard input ends.")
@click.option("--started-by", default="", hidden=True, help="Slack user id, for the state on disk.")
@log_option("WARNING")
def build(
    path: str | None,
    lexical_only: bool,
    force: bool,
    as_json: bool,
    events: bool,
    lifeline: bool,
    started_by: str,
    log_level: str,
    **given: Any,
) -> None:
    """Build the index of PATH (or KNOWLEDGE) and make it live."""
    _start_logging(log_level)
    if path is not None:
        if not path.strip():
            raise click.UsageError("PATH is empty; give a file or a folder of articles.")
        given["knowledge"] = path
    options = {"lexical_only": lexical_only, "force": force}
    interrupt_at_once()
    if events:
        config = read_config(given)
        sys.exit(build_for_parent(config, has_lifeline=lifeline, started_by=started_by, **options))
    with json_errors(as_json):
        config = read_config(given)
        work = build_for_people(config, purpose="clockify-bot build", quiet=as_json, **options)
        report = _run(work)
        if as_json:
            click.echo(json.dumps(report.as_json(), ensure_ascii=False))


cli.add_command(ask)
cli.add_command(chat)
cli.add_command(eval_command)
cli.add_command(gaps)
cli.add_command(generations)
cli.add_command(pull)


@cli.command()
@setting_options(ASK_OPTIONS)
@log_option("ERROR")
def doctor(log_level: str, **given: Any) -> None:
    """Check settings, knowledge, index, models and Slack, with what to do about each."""
    from .doctor import examine
    from .findings import Verdict

    _start_logging(log_level)
    environ = read_environment()
    config = read_config(given)

    async def work() -> int:
        worst = 0
        async for finding in examine(config, environ):
            click.echo(str(finding))
            if finding.verdict is Verdict.BAD:
                worst = max(worst, finding.exit_code)
        return worst

    sys.exit(_run(work()))


def main() -> NoReturn:
    """Run the command line; a user's mistake is one sentence, never a traceback."""
    # onnxruntime 1.32 would keep a device id in ~/.cache and report its use to its makers.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        sys.exit(cli.main(prog_name="clockify-bot", standalone_mode=False))
    except click.exceptions.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BotError as error:
        click.echo(f"clockify-bot: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        click.echo(f"clockify-bot: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _start_logging(level: str) -> None:
    from .logs import set_up_logging

    set_up_logging(level.upper())


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)
