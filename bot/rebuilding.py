"""The rebuild that Slack asks for: in a child process, so that nothing in it can hurt the bot."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from core.config import Config
from core.errors import RebuildRefused
from core.pipeline import Pipeline
from core.report import BuildReport, Phase, Progress
from core.settings import to_environment
from core.store import Store

logger = logging.getLogger(__name__)

LINE_BYTES = 16 * 2**20  # of a report that names thousands of files
STOP_SECONDS = 3.0


class ChildRebuilder:
    """Implements bot.desk.Rebuilder: builds in a child, then swaps the pipeline's index."""

    def __init__(self, config: Config, pipeline: Pipeline, store: Store) -> None:
        self._config = config
        self._pipeline = pipeline
        self._store = store

    async def rebuild(self, on_progress: Callable[[Progress], None]) -> BuildReport:
        """Build, publish and make live; raises BotError, the old generation then stays."""
        report = await self._build(on_progress)
        if report.generation != self._pipeline.generation:
            opened = await asyncio.to_thread(self._store.open)
            self._pipeline.swap(opened.index)
            logger.info("generation %s is live", opened.index.generation)
        return report

    async def _build(self, on_progress: Callable[[Progress], None]) -> BuildReport:
        command = [sys.executable, "-m", "bot", "build", "--events", "--log", "WARNING"]
        if self._pipeline.index.spec is None:
            command.append("--lexical-only")
        child = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **to_environment(self._config)},
            limit=LINE_BYTES,
        )
        try:
            ending = await _follow(child, on_progress)
            code = await child.wait()
        finally:
            await _stop(child)
        if "report" in ending:
            return BuildReport.from_json(ending["report"])
        message = ending.get("error") or f"The build ended without a word (exit status {code})."
        raise RebuildRefused(message)


async def _follow(
    child: asyncio.subprocess.Process, on_progress: Callable[[Progress], None]
) -> dict[str, Any]:
    """Read the child's events to the end; gives its report or its error."""
    ending: dict[str, Any] = {}
    assert child.stdout is not None
    async for line in child.stdout:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if "progress" in event:
            step = event["progress"]
            on_progress(Progress(**{**step, "phase": Phase(step["phase"])}))
        else:
            ending = event
    return ending


async def _stop(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), STOP_SECONDS)
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
