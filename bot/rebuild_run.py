"""One rebuild that was started from Slack: build, keep the starter posted, say truthfully how it
ended, leave a line in the audit.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from core.build_record import BuildRecord
from core.build_state import BuildOutcome, BuildState
from core.errors import BotError, DurabilityUnknown
from core.report import BuildReport, Phase, Progress

from . import rebuild_texts
from .asking import Asker
from .audit import AuditLog, RebuildEnd
from .background import Background
from .markup import escape
from .message import Message
from .open_message import OpenMessage, OpenMessageFile
from .question_log import new_reference
from .rebuilder import Rebuilder
from .report_blocks import (
    can_force,
    failure_message,
    is_not_durable,
    lines_message,
    not_durable_message,
    progress_message,
    report_message,
)

logger = logging.getLogger(__name__)

UPDATE_SECONDS = 3.0  # between two edits of a direct message, the report included
PATIENCE_SECONDS = 5.0  # with an edit that is still on its way when the rebuild has ended
BEFORE_WORK = (Phase.LOCKING, Phase.PREPARING)  # others, and repairs, may change what is live


class LiveMessage(Protocol):
    """A message that is edited; finish says it some other way when the edit fails."""

    @property
    def place(self) -> tuple[str, str] | None:
        """Give channel and ts once it is there."""
        ...

    async def open(self, message: Message) -> None: ...

    async def edit(self, message: Message) -> bool: ...

    async def finish(self, message: Message) -> bool: ...


@dataclass(frozen=True, slots=True)
class RebuildTools:
    """What every rebuild works with."""

    rebuilder: Rebuilder
    asker: Asker
    background: Background
    audit: AuditLog
    open_file: OpenMessageFile
    update_seconds: float = UPDATE_SECONDS

    async def state(self) -> BuildState | None:
        """Read the newest build on disk."""
        return await asyncio.to_thread(self.rebuilder.state)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a rebuild ended: a word for the audit, and what the starter is told."""

    outcome: str
    message: Message

    @property
    def is_refusal(self) -> bool:
        """Whether a guard said no, so that forcing is what may come next."""
        return self.outcome == "refused"


class RebuildRun:
    """A rebuild from its start to the last edit of its message."""

    def __init__(
        self,
        tools: RebuildTools,
        message: LiveMessage,
        *,
        user: str,
        is_forced: bool,
        before: BuildRecord | None,
        on_end: Callable[[Ending], None],
    ) -> None:
        self.user = user
        self.progress: Progress | None = None
        self.ending: Ending | None = None
        self._tools = tools
        self._message = message
        self._is_forced = is_forced
        self._before = before  # of the newest build when this one began
        self._on_end = on_end
        self._reference = new_reference()
        self._cancelled_by = ""
        self._live: str | None = None  # on disk when the work began; None: it has not begun
        self._note_on_disk: OpenMessage | None = None
        self._ended = asyncio.Event()
        rebuild = tools.rebuilder.rebuild(self._note, started_by=user, force=is_forced)
        self._building = asyncio.ensure_future(rebuild)
        self._task = tools.background.spawn(self._run())

    async def cancel(self, user: str) -> Ending:
        """Stop the builder, wait for its end and give it; it may have published before."""
        if not self._cancelled_by:  # a second time would cut short the stopping
            self._cancelled_by = user
            self._building.cancel()
        await self._ended.wait()
        assert self.ending is not None  # set before the event
        return self.ending

    def stop(self) -> None:
        """End it because the bot ends; the starter is told."""
        self._task.cancel()

    def _note(self, progress: Progress) -> None:
        if self._live is None and progress.phase not in BEFORE_WORK:
            self._live = self._tools.rebuilder.live()
        self.progress = progress

    async def _run(self) -> None:
        started = time.monotonic()
        telling = asyncio.ensure_future(self._tell())
        ending = Ending("interrupted", lines_message(rebuild_texts.COMMAND_INTERRUPTED))
        is_stopping = False
        try:
            ending = await self._outcome()
        except asyncio.CancelledError:
            is_stopping = True
            ending = await self._stopped("interrupted", rebuild_texts.REBUILD_INTERRUPTED)
            raise
        finally:
            self.ending = ending
            self._on_end(ending)
            self._ended.set()
            seconds = round(time.monotonic() - started, 1)
            await self._record(ending, seconds)
            await self._finish(ending, telling, is_hurried=is_stopping)

    async def _outcome(self) -> Ending:
        """Wait for the builder; raises CancelledError when the whole bot stops."""
        try:
            report = await self._building
            by = self._cancelled_by
            return report_ending(report, remark=rebuild_texts.cancelled_too_late(by) if by else "")
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._cancelled_by or (task is not None and task.cancelling()):
                raise
            problem = await self._tools.rebuilder.look()
            sentence = rebuild_texts.rebuild_cancelled(self._cancelled_by)
            return await self._stopped("cancelled", sentence, problem)
        except BotError as error:
            logger.warning("rebuild %s failed: %s", self._reference, type(error).__name__)
            return failure_ending(error, self._tools.asker.generation)
        except Exception:  # the outermost frame of this task
            logger.exception("rebuild %s broke", self._reference)
            return Ending(
                "broke", lines_message(rebuild_texts.rebuild_broke(self._reference), self._still())
            )

    async def _stopped(self, outcome: str, sentence: str, problem: str = "") -> Ending:
        """Say that it was stopped, unless it had published before it could be.

        What is live on disk decides: a builder that was killed could not say what it had done.
        """
        state = await self._tools.state()
        live = await asyncio.to_thread(self._tools.rebuilder.live)
        chosen = rebuild_texts.chosen(live, self._tools.asker.generation, problem)
        late = rebuild_texts.cancelled_too_late(self._cancelled_by) if self._cancelled_by else ""
        if state is not None and self._is_own(state):
            if state.report is not None:
                return report_ending(state.report, remark=late or rebuild_texts.REBUILD_RESTARTED)
            if state.outcome is BuildOutcome.FAILED and is_not_durable(state.error):
                return not_durable_ending(state.error, late)
        if live and self._live not in (None, live):
            told = (
                late or rebuild_texts.REBUILD_RESTARTED,
                rebuild_texts.is_live(escape(live)),
                chosen,
            )
            return Ending("published", lines_message(*told))
        return Ending(outcome, lines_message(sentence, self._still()))

    def _is_own(self, state: BuildState) -> bool:
        """Tell this build from the one before, and from one that it waited for."""
        return state.record != self._before and state.started_by == self.user

    def _still(self) -> str:
        return rebuild_texts.still_in_use(escape(self._tools.asker.generation))

    async def _record(self, ending: Ending, seconds: float) -> None:
        logger.info(
            "rebuild %s by %s: %s in %.1f s", self._reference, self.user, ending.outcome, seconds
        )
        generation = self._tools.asker.generation
        await self._tools.audit.record(
            RebuildEnd(self.user, self._reference, ending.outcome, generation, seconds)
        )

    async def _tell(self) -> None:
        """Open the message and edit it when something changed, until the rebuild has ended."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        generation = self._tools.asker.generation
        shown = self._shown()
        await self._message.open(shown)
        if self._message.place is not None:
            note = OpenMessage.of_this_bot(self.user, self._message.place, since, generation)
            self._note_on_disk = note
            await asyncio.to_thread(self._tools.open_file.write, note)
        next_edit = 0.0
        while not await self._ends_within(self._tools.update_seconds):
            newest = self._shown()
            if newest != shown:
                if await self._message.edit(newest):
                    shown = newest
                next_edit = time.monotonic() + self._tools.update_seconds
        await asyncio.sleep(max(0.0, next_edit - time.monotonic()))  # the report is an edit, too

    def _shown(self) -> Message:
        return progress_message(self.progress, is_forced=self._is_forced)

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)
        return self._ended.is_set()

    async def _finish(
        self, ending: Ending, telling: asyncio.Task[None], *, is_hurried: bool
    ) -> None:
        patience = 0.0 if is_hurried else self._tools.update_seconds + PATIENCE_SECONDS
        try:
            await asyncio.wait({telling}, timeout=patience)
        finally:
            # An edit that comes after the report would hide it: wait, then give up on the edit.
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            if await self._message.finish(ending.message):
                if self._note_on_disk is not None:
                    await asyncio.to_thread(self._tools.open_file.clear, only=self._note_on_disk)
            else:
                logger.error("could not tell anybody how rebuild %s ended", self._reference)


def report_ending(report: BuildReport, *, remark: str) -> Ending:
    """Show a report, with a sentence above it: whoever wanted to cancel was too late."""
    return Ending(report.status.value, report_message(report, remark=remark))


def not_durable_ending(error: str, remark: str = "") -> Ending:
    """Show that it is published, but perhaps not after a power cut."""
    return Ending("not durable", not_durable_message(error, remark=remark))


def failure_ending(error: BotError, generation: str) -> Ending:
    """Show why nothing was published, or that it is not certain to be on disk."""
    if isinstance(error, DurabilityUnknown):
        return not_durable_ending(str(error))
    outcome = "refused" if can_force(str(error)) else "failed"
    return Ending(outcome, failure_message(str(error), generation))
