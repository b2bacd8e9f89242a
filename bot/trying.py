"""`clockify-bot try`: the bot in a local Slack, with nothing else needed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from core.assembly import Assembled
from core.config import Config
from core.errors import DurabilityUnknown, LockTimeout, RebuildRefused
from core.examples import examples
from core.settings import read_settings
from core.store import Store

from .app import serve
from .building import build_for_people
from .config import SlackConfig
from .following import following
from .rebuilding import ChildRebuilder
from .simulator.manifest import ManifestError, load_manifest
from .simulator.server import Simulator
from .startup import Identity

PORT = 3000
ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = (ROOT / "docs" / "manifests" / "follow-ups.yml", ROOT / "manifest.yml")
ADMIN = "U0ADA"  # the admin whom the page can act as

READY = """
clockify-bot is ready: {url}

  Ask in #support:   @clockify-bot how do I lock timesheets?
                     /clockify how do I track time
  As admin:          /clockify-rebuild   (help lists what else it does)
  Knowledge:         {knowledge} ({articles} articles)
{notes}
Ctrl-C stops everything.
"""


def choose_manifest(given: Path | None) -> Path:
    """Give the manifest to install: the one given, else the first of ours that is there."""
    path = given or next(path for path in MANIFESTS if path.is_file())
    try:
        load_manifest(path)
    except ManifestError as error:
        raise click.UsageError(str(error)) from error
    return path


def read_slack_settings(environ: Mapping[str, str]) -> SlackConfig:
    """Read the Slack settings but for those of the local Slack, which has its own."""
    own = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_URL")
    others = {name: value for name, value in environ.items() if name not in own}
    return read_settings(SlackConfig, others)


async def build_if_possible(config: Config) -> None:
    """Build; one that is refused, or another that runs, is no reason not to use what is there."""
    try:
        await build_for_people(config, purpose="clockify-bot try")
    except (RebuildRefused, LockTimeout, DurabilityUnknown) as error:
        if await asyncio.to_thread(Store(config.index_dir).meta) is None:
            raise
        click.echo(f"{error}\nGoing on with the index that is there.", err=True)


def local_slack(settings: SlackConfig, simulator: Simulator) -> SlackConfig:
    """Point the settings at the local Slack, where Ada is an admin besides the set ones."""
    return replace(
        settings,
        bot_token=simulator.bot_token,
        app_token=simulator.app_token,
        api_url=simulator.api_url,
        admins=(ADMIN, *(user for user in settings.admins if user != ADMIN)),
    )


async def serve_locally(
    config: Config,
    settings: SlackConfig,
    assembled: Assembled,
    stop: asyncio.Event,
    is_serving: asyncio.Event,
    *,
    port: int = PORT,
    manifest: Path | None = None,
) -> None:
    """Start the local Slack and the bot in it; sets is_serving, ends when stop is set."""
    async with await Simulator.start(choose_manifest(manifest), port=port) as simulator:
        slack = local_slack(settings, simulator)

        def announce(_: Identity) -> None:
            is_serving.set()
            notes = "".join(f"  Note:              {note}\n" for note in assembled.notes)
            click.echo(
                READY.format(
                    url=simulator.url,
                    knowledge=config.knowledge,
                    articles=assembled.pipeline.index.articles,
                    notes=notes,
                )
            )

        async with following(assembled) as follower:
            rebuilder = ChildRebuilder(config, assembled.pipeline, follower)
            await serve(
                slack,
                assembled.pipeline,
                rebuilder,
                stop,
                on_ready=announce,
                live_meta=assembled.store.meta,
                examples=partial(examples, assembled.pipeline),
                folders=lambda: assembled.pipeline.index.folders(),
            )
