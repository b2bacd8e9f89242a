"""/clockify-rebuild → new knowledge, for admins, one at a time, with progress and a report."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import texts
from bot.blocks import Message, plain_message, report_message
from bot.desk import Desk, Rebuilder, new_reference
from bot.markup import escape
from bot.permissions import may_rebuild
from core.errors import BotError
from core.report import Progress

from .commands import acknowledge
from .replies import PrivateReply, Replies

logger = logging.getLogger(__name__)

PROGRESS_AFTER_SECONDS = (3.0, 15.0)  # two of the five uses of the response_url


@dataclass(slots=True)
class Running:
    """The rebuild that runs now: who started it, and how far it is."""

    started_by: str
    progress: Progress | None = None

    def note(self, progress: Progress) -> None:
        """Keep the newest progress."""
        self.progress = progress


class Rebuilds:
    """Lets one rebuild run at a time and tells the admin how it goes."""

    def __init__(
        self,
        rebuilder: Rebuilder,
        desk: Desk,
        *,
        progress_after_seconds: Sequence[float] = PROGRESS_AFTER_SECONDS,
    ) -> None:
        self._rebuilder = rebuilder
        self._desk = desk
        self._progress_after_seconds = tuple(progress_after_seconds)
        self.running: Running | None = None

    def start(self, user: str, reply: PrivateReply) -> Running | None:
        """Start, or give the rebuild that runs already; nothing is awaited in between."""
        if self.running is not None:
            return self.running
        self.running = Running(started_by=user)
        self._desk.spawn(self._run(self.running, reply))
        return None

    async def _run(self, running: Running, reply: PrivateReply) -> None:
        reference, started = new_reference(), time.perf_counter()
        done = asyncio.Event()
        telling = asyncio.ensure_future(self._tell_progress(running, reply, done))
        try:
            message = await self._rebuild(running, reference)
        except asyncio.CancelledError:
            message = plain_message(texts.REBUILD_INTERRUPTED)
            raise
        finally:
            self.running = None
            done.set()
            seconds = time.perf_counter() - started
            logger.info("rebuild %s by %s ended in %.1f s", reference, running.started_by, seconds)
            await telling
            await _tell(reply, message, reference)

    async def _rebuild(self, running: Running, reference: str) -> Message:
        try:
            return report_message(await self._rebuilder.rebuild(running.note))
        except BotError as error:
            logger.warning("rebuild %s failed: %s", reference, error)
            return plain_message(
                texts.rebuild_failed(escape(str(error)), escape(self._desk.generation))
            )
        except Exception:  # the outermost frame of this task
            logger.exception("rebuild %s broke", reference)
            return plain_message(texts.rebuild_broke(reference, escape(self._desk.generation)))

    async def _tell_progress(
        self, running: Running, reply: PrivateReply, done: asyncio.Event
    ) -> None:
        started = time.monotonic()
        for after_seconds in self._progress_after_seconds:
            try:
                left = started + after_seconds - time.monotonic()
                await asyncio.wait_for(done.wait(), max(0.0, left))
                return
            except TimeoutError:
                await reply.replace(plain_message(texts.rebuild_progress(running.progress)))


async def _tell(reply: PrivateReply, message: Message, reference: str) -> None:
    try:
        await reply.post(message)
    except Exception:  # the outermost frame of this task; the build itself has ended
        logger.exception("could not tell anybody how rebuild %s ended", reference)


def register(app: AsyncApp, rebuilds: Rebuilds, replies: Replies, *, admins: Sequence[str]) -> None:
    """Listen to /clockify-rebuild."""

    @app.command("/clockify-rebuild")
    async def rebuild_knowledge(ack: AsyncAck, command: dict[str, Any]) -> None:
        user = command["user_id"]
        if not may_rebuild(user, admins):
            logger.info("rebuild refused to %s", user)
            refusal = texts.REBUILD_NOT_ALLOWED if admins else texts.no_admins(user)
            await acknowledge(ack, refusal)
            return
        reply = replies.in_private(command["response_url"], user)
        running = rebuilds.start(user, reply)
        if running is not None:
            await acknowledge(ack, texts.rebuild_running(running.started_by, running.progress))
            return
        await acknowledge(ack, texts.REBUILD_STARTED)
