"""One question at the model: a slot, a deadline, drafts shown meanwhile, and a way to stop it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Protocol

from core.types import Question, Turn

from .delivery import Destination, Stopped
from .model_slots import ModelSlots
from .tasks import GiveUp

Place = tuple[str, str]  # channel and thread
OnDraft = Callable[[str], None]


class Asker(Protocol):
    """Answers questions; generation names the knowledge it answers from.

    on_draft is called with the certain part of the answer so far.
    """

    async def ask(self, question: Question, on_draft: OnDraft | None = None) -> Turn: ...

    @property
    def generation(self) -> str: ...


class GivingUp(Exception):
    """Raised when a question will not be answered; the asker gets the apology for why."""

    def __init__(self, why: GiveUp) -> None:
        super().__init__(why)
        self.why = why


class Asking:
    """Asks no more than its slots at once. Lives on one event loop."""

    def __init__(self, asker: Asker, slots: ModelSlots, *, deadline_seconds: float) -> None:
        self.asker = asker
        self._slots = slots
        self._deadline_seconds = deadline_seconds
        self._asked: defaultdict[Place, set[asyncio.Task[Turn]]] = defaultdict(set)

    @property
    def waiting(self) -> int:
        """Count the questions that wait for a slot."""
        return self._slots.waiting

    async def ask(
        self,
        question: Question,
        destination: Destination | None,
        *,
        place: Place,
        patience_seconds: float,
    ) -> Turn:
        """Give what came of a question; without a destination nobody sees that it is asked.

        Raises GivingUp when the slot or the answer does not come in time, Stopped when the reader
        stopped it.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(max(0.0, patience_seconds)) as patience:
                    show = destination.show_waiting if destination is not None else None
                    await stack.enter_async_context(self._slots.slot(show))
            except TimeoutError as error:
                raise _passed(patience, error, GiveUp.TOO_LATE) from error
            try:
                async with asyncio.timeout(self._deadline_seconds) as deadline:
                    return await self._ask(question, destination, place)
            except TimeoutError as error:
                raise _passed(deadline, error, GiveUp.TIMED_OUT) from error

    def stop(self, place: Place) -> bool:
        """Stop what is asked for a place; False when nothing is."""
        asked = self._asked.get(place, set())
        for asking in asked:
            asking.cancel()
        return bool(asked)

    async def _ask(self, question: Question, destination: Destination | None, place: Place) -> Turn:
        drafts = Drafts(destination)
        showing = asyncio.create_task(drafts.show())
        on_draft = drafts.take if destination is not None else None
        asking = asyncio.create_task(self.asker.ask(question, on_draft))
        self._asked[place].add(asking)
        try:
            await asyncio.wait({asking, showing}, return_when=asyncio.FIRST_COMPLETED)
            if showing.done():
                showing.result()  # raises: it does not end by itself
            drafts.end()
            # Before the post, which clears the status; a late one would stay for minutes.
            await showing
            if asking.cancelled():
                raise Stopped("The question was stopped.")
            return asking.result()
        finally:
            await self._end(place, asking, showing)

    async def _end(
        self, place: Place, asking: asyncio.Task[Turn], showing: asyncio.Task[None]
    ) -> None:
        self._asked[place].discard(asking)
        if not self._asked[place]:
            del self._asked[place]
        asking.cancel()
        showing.cancel()
        await asyncio.gather(asking, showing, return_exceptions=True)


class Drafts:
    """Carries drafts from a plain callback to a destination: the newest, one after the other."""

    def __init__(self, destination: Destination | None) -> None:
        self._destination = destination
        self._newest = ""
        self._changed = asyncio.Event()
        self._is_over = False

    def take(self, text: str) -> None:
        """Take in what is certain so far."""
        self._newest = text
        self._changed.set()

    def end(self) -> None:
        """Show no more; what is being shown is shown to its end."""
        self._is_over = True
        self._changed.set()

    async def show(self) -> None:
        """Show that something goes on, then each draft, until the end."""
        if self._destination is not None:
            await self._destination.show_searching()
        while True:
            await self._changed.wait()
            if self._is_over:
                return
            self._changed.clear()
            assert self._destination is not None  # else nobody calls take
            await self._destination.show_draft(self._newest)


def _passed(limit: asyncio.Timeout, error: TimeoutError, why: GiveUp) -> Exception:
    """Tell our own limit from a time-out of something inside it."""
    return GivingUp(why) if limit.expired() else error
