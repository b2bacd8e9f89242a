"""Slots at the model, places in the queue, drafts on their way, and what may stop a question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bot.asking import Asking, GivingUp
from bot.delivery import Stopped
from bot.message import Message
from bot.model_slots import ModelSlots
from bot.tasks import GiveUp
from core.types import Notice, NoticeKind, Question, Turn

PLACE = ("C1", "1.0")


@dataclass
class Board:
    """A destination that notes what it is told to show."""

    shown: list[str] = field(default_factory=list)
    is_stopped: bool = False
    paper: asyncio.Event = field(default_factory=asyncio.Event)  # drafts wait until there is some
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.paper.set()

    async def show_searching(self) -> None:
        """Note it."""
        self._note("searching")

    async def show_waiting(self, position: int) -> None:
        """Note it."""
        self._note(f"waiting {position}")

    async def show_draft(self, text: str) -> None:
        """Note it, or say that the reader stopped the answer."""
        if self.is_stopped:
            raise Stopped
        await self.paper.wait()
        self._note(text)

    async def post(self, message: Message) -> str:
        """Asking posts nothing."""
        raise AssertionError(message)

    async def say(self, message: Message) -> None:
        """Asking says nothing."""
        raise AssertionError(message)

    async def close(self) -> None:
        """Note it."""
        self._note("closed")

    def _note(self, what: str) -> None:
        self.shown.append(what)
        self.changed.set()


@dataclass
class DraftingAsker:
    """Drafts two sentences, waits at its gate, and answers."""

    generation: str = "00000001"
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, question: Question, on_draft: Callable[[str], None] | None = None) -> Turn:
        """Draft, wait, answer."""
        self.running += 1
        self.began.set()
        try:
            for draft in ("One.", "One. Two."):
                if on_draft is not None:
                    on_draft(draft)
                await asyncio.sleep(0)
            await self.gate.wait()
        finally:
            self.running -= 1
        return Turn(question, Notice(NoticeKind.HELP, question.text))


@pytest.fixture
def asker() -> DraftingAsker:
    """Give an asker whose gate is closed."""
    return DraftingAsker()


def asking_with(asker: DraftingAsker, *, slots: int = 1, deadline: float = 5.0) -> Asking:
    """Make it with short times."""
    model = ModelSlots(slots, patience_seconds=0.01, again_seconds=0.02)
    return Asking(asker, model, deadline_seconds=deadline)


async def ask(
    asking: Asking, board: Board | None, *, patience: float = 5.0, text: str = "?"
) -> Turn:
    """Ask for the one place of these tests."""
    return await asking.ask(Question(text), board, place=PLACE, patience_seconds=patience)


async def test_drafts_are_shown_in_order_after_the_status(asker: DraftingAsker) -> None:
    asking, board = asking_with(asker), Board()
    task = asyncio.create_task(ask(asking, board))
    async with asyncio.timeout(5):
        while "One. Two." not in board.shown:
            await board.changed.wait()
            board.changed.clear()
    asker.gate.set()
    await task
    assert board.shown in (["searching", "One.", "One. Two."], ["searching", "One. Two."])


async def test_a_draft_that_is_being_shown_ends_before_the_answer_is_given(
    asker: DraftingAsker,
) -> None:
    board = Board()
    board.paper.clear()
    asker.gate.set()
    task = asyncio.create_task(ask(asking_with(asker), board))
    async with asyncio.timeout(5):
        while asker.running or not asker.began.is_set():
            await asyncio.sleep(0)
    await asyncio.wait({task}, timeout=0.05)
    assert not task.done()
    board.paper.set()
    await task
    assert board.shown[-1].startswith("One.")


async def test_without_a_destination_nothing_is_drafted(asker: DraftingAsker) -> None:
    asker.gate.set()
    turn = await ask(asking_with(asker), None, text="quiet")
    assert turn.question.text == "quiet"


async def test_who_waits_for_a_slot_is_told_the_place_as_it_changes(asker: DraftingAsker) -> None:
    asking, boards = asking_with(asker), [Board() for _ in range(3)]
    tasks = [asyncio.create_task(ask(asking, board)) for board in boards]
    async with asyncio.timeout(5):
        while boards[2].shown != ["waiting 2"] or boards[1].shown != ["waiting 1"]:
            await boards[2].changed.wait()
            await asyncio.sleep(0)
        assert (asking.waiting, asker.running) == (2, 1)
        tasks[0].cancel()
        while boards[2].shown != ["waiting 2", "waiting 1"]:
            boards[2].changed.clear()
            await boards[2].changed.wait()
        asker.gate.set()
        await asyncio.gather(*tasks[1:])
    assert not any("waiting" in what for what in boards[0].shown)
    assert asking.waiting == 0


async def test_a_slot_that_does_not_come_in_time(asker: DraftingAsker) -> None:
    asking = asking_with(asker)
    first = asyncio.create_task(ask(asking, Board()))
    await asker.began.wait()
    with pytest.raises(GivingUp) as caught:
        await ask(asking, Board(), patience=0.05)
    assert caught.value.why is GiveUp.TOO_LATE
    asker.gate.set()
    await first
    assert (await ask(asking, Board(), text="next")).question.text == "next"


async def test_an_answer_that_does_not_come_in_time(asker: DraftingAsker) -> None:
    asking = asking_with(asker, deadline=0.05)
    with pytest.raises(GivingUp) as caught:
        await ask(asking, Board())
    assert caught.value.why is GiveUp.TIMED_OUT
    assert asker.running == 0
    asker.gate.set()
    await ask(asking, Board())  # the slot is free again


async def test_the_reader_stops_it_at_a_draft(asker: DraftingAsker) -> None:
    with pytest.raises(Stopped):
        await ask(asking_with(asker), Board(is_stopped=True))
    assert asker.running == 0


async def test_the_reader_stops_it_from_outside(asker: DraftingAsker) -> None:
    asking = asking_with(asker)
    task = asyncio.create_task(ask(asking, Board()))
    await asker.began.wait()
    assert not asking.stop(("C1", "2.0"))
    assert asking.stop(PLACE)
    with pytest.raises(Stopped):
        await task
    assert not asking.stop(PLACE)


async def test_cancelling_frees_the_slot_and_the_place(asker: DraftingAsker) -> None:
    asking = asking_with(asker)
    tasks = [asyncio.create_task(ask(asking, Board())) for _ in range(3)]
    await asker.began.wait()
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [task.cancelled() for task in tasks] == [True, True, True]
    assert (asker.running, asking.waiting) == (0, 0)
    asker.gate.set()
    await asyncio.wait_for(ask(asking, Board()), 1.0)
