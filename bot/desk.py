"""The path that every surface shares: a question in, a reply out, and never silence.

Takes an Inquiry and a Destination; asks core; posts an answer, a refusal, a notice or an error
with a reference id. Bounds how many are asked at once and remembers what it has already taken.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from core.types import REFUSAL_TEXT, Answer, Exchange, Notice, Question, Refusal, Turn

from . import texts
from .blocks import plain_message, turn_message
from .message import Message
from .question_log import question_logged

logger = logging.getLogger(__name__)

MAX_WAITING = 100  # questions in hand before newcomers are asked to come back
SEEN_ITEMS, SEEN_SECONDS = 20_000, 3_600.0  # Slack retries an event for minutes
MEMORY_ITEMS, MEMORY_SECONDS = 2_000, 86_400.0
MAX_EXCHANGES = 3
GOODBYE_SECONDS = 1.0  # part of the drain that is kept for telling people

V = TypeVar("V")


class Surface(StrEnum):
    """Where a question was asked."""

    MENTION = "mention"
    DIRECT = "direct"
    COMMAND = "command"


class Asker(Protocol):
    """Answers questions; generation names the knowledge it answers from."""

    async def ask(self, question: Question) -> Turn: ...

    @property
    def generation(self) -> str: ...


class Destination(Protocol):
    """Where a reply goes. post returns the message's ts, or "" where there is none."""

    async def show_searching(self) -> None: ...

    async def post(self, message: Message) -> str: ...


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question with where it came from.

    keys name the event and the message: one that was seen means a repetition.
    channel and thread (its root's ts) name the conversation; "" where nothing is remembered.
    """

    text: str
    surface: Surface
    keys: tuple[str, ...]
    channel: str = ""
    thread: str = ""


class AgedTable(Generic[V]):
    """A dictionary that forgets: entries older than max_seconds, and the oldest over max_items."""

    def __init__(
        self, max_items: int, max_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_items = max_items
        self._max_seconds = max_seconds
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> V | None:
        """Give the value of a key that is not too old."""
        self._forget()
        found = self._entries.get(key)
        return None if found is None else found[1]

    def put(self, key: str, value: V) -> None:
        """Set a value and count its age from now."""
        self._entries.pop(key, None)
        self._entries[key] = (self._clock(), value)
        self._forget()

    def _forget(self) -> None:
        oldest_allowed = self._clock() - self._max_seconds
        while self._entries:
            since, _ = next(iter(self._entries.values()))
            if len(self._entries) <= self._max_items and since >= oldest_allowed:
                return
            self._entries.popitem(last=False)


class Desk:
    """Takes inquiries and sees each to its end. Lives on one event loop."""

    def __init__(
        self, asker: Asker, *, max_concurrent: int = 4, max_waiting: int = MAX_WAITING
    ) -> None:
        self._asker = asker
        self._max_waiting = max_waiting
        self._slots = asyncio.Semaphore(max_concurrent)
        self._tasks: set[asyncio.Task[None]] = set()
        self._seen: AgedTable[bool] = AgedTable(SEEN_ITEMS, SEEN_SECONDS)
        self._memory: AgedTable[tuple[Exchange, ...]] = AgedTable(MEMORY_ITEMS, MEMORY_SECONDS)

    @property
    def generation(self) -> str:
        """The knowledge that answers come from now."""
        return self._asker.generation

    def take(self, inquiry: Inquiry, destination: Destination) -> bool:
        """Begin to answer in the background; False when the inquiry was taken before."""
        if any(self._seen.get(key) for key in inquiry.keys):
            return False
        for key in inquiry.keys:
            self._seen.put(key, True)
        is_full = len(self._tasks) >= self._max_waiting
        self.spawn(self._serve(inquiry, destination, is_full=is_full))
        return True

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run something that drain has to wait for."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, timeout_seconds: float) -> None:
        """Wait for what is in hand; tell those whose answer does not come in time."""
        patience = max(0.0, timeout_seconds - GOODBYE_SECONDS)
        await _wait(self._tasks, patience)
        unfinished = set(self._tasks)
        for task in unfinished:
            task.cancel()
        await _wait(unfinished, GOODBYE_SECONDS)

    async def _serve(self, inquiry: Inquiry, destination: Destination, *, is_full: bool) -> None:
        question_id = new_reference()
        surface, generation = inquiry.surface, self.generation
        with question_logged(question_id, surface=surface, generation=generation) as record:
            try:
                if is_full:
                    record.outcome = "busy"
                    await destination.post(plain_message(texts.BUSY))
                    return
                record.ended(await self._answer(inquiry, question_id, destination))
            except asyncio.CancelledError:
                record.outcome = "interrupted"
                await destination.post(plain_message(texts.INTERRUPTED))
                raise
            except Exception:  # the outermost frame of this task: whoever asked gets a reference
                logger.exception("question %s failed", question_id)
                await apologise(destination, question_id)

    async def _answer(self, inquiry: Inquiry, question_id: str, destination: Destination) -> Turn:
        question = Question(inquiry.text, self._history(inquiry), question_id)
        async with self._slots:
            showing = asyncio.ensure_future(destination.show_searching())
            try:
                turn = await self._asker.ask(question)
            finally:
                # Before the post, which clears the status; a late one would stay for minutes.
                await showing
        posted = await destination.post(turn_message(turn, surface=inquiry.surface))
        self._remember(inquiry, turn, posted)
        return turn

    def _history(self, inquiry: Inquiry) -> tuple[Exchange, ...]:
        return self._memory.get(_conversation(inquiry.channel, inquiry.thread)) or ()

    def _remember(self, inquiry: Inquiry, turn: Turn, posted: str) -> None:
        match turn.reply:
            case Answer(text=text):
                reply = text
            case Refusal():
                reply = REFUSAL_TEXT
            case Notice():
                return
        earlier = self._history(inquiry)
        exchanges = (*earlier, Exchange(inquiry.text, reply))[-MAX_EXCHANGES:]
        # A follow-up may hang under the question's thread or under the bot's own message.
        for thread in {inquiry.thread, posted} - {""}:
            self._memory.put(_conversation(inquiry.channel, thread), exchanges)


def new_reference() -> str:
    """Make an id that a person can quote and the log has."""
    return uuid.uuid4().hex[:10]


async def apologise(destination: Destination, reference: str) -> None:
    """Post the error sentence; when that fails too, the log is all that is left."""
    try:
        await destination.post(plain_message(texts.error(reference)))
    except Exception:  # same outermost frame
        logger.exception("could not tell anybody about %s", reference)


def _conversation(channel: str, thread: str) -> str:
    return f"{channel}:{thread}"


async def _wait(tasks: set[asyncio.Task[None]], timeout_seconds: float) -> None:
    if tasks:
        await asyncio.wait(set(tasks), timeout=timeout_seconds)
