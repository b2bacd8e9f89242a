"""The desk's own rules: what it forgets, what it repeats, what it does when it is full."""

from __future__ import annotations

import asyncio
import re

import pytest

from bot import texts
from bot.desk import AgedTable, Desk, Inquiry, Surface
from bot.listeners.incoming import question_text
from bot.markup import escape
from bot.message import Message

from .stand_ins import ArticleAsker


class Tray:
    """A destination that keeps what it gets."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self.texts: list[str] = []
        self._is_broken = is_broken

    async def show_searching(self) -> None:
        """Show nothing."""

    async def post(self, message: Message) -> str:
        """Keep the words, or fail."""
        if self._is_broken:
            raise ConnectionError("no wire")
        self.texts.append(message.text)
        return "1.0"


def inquiry(number: int, text: str = "track time") -> Inquiry:
    """Make a question of its own."""
    return Inquiry(text, Surface.DIRECT, (f"event {number}", f"message D {number}"))


def test_a_table_forgets_the_old_and_the_many() -> None:
    now = [0.0]
    table: AgedTable[int] = AgedTable(max_items=2, max_seconds=10, clock=lambda: now[0])
    table.put("a", 1)
    now[0] = 5
    table.put("b", 2)
    table.put("c", 3)
    assert [table.get(key) for key in "abc"] == [None, 2, 3]
    table.put("b", 4)
    now[0] = 15.5
    assert [table.get(key) for key in "bc"] == [None, None]
    assert len(table) == 0


async def test_either_key_marks_a_repetition() -> None:
    desk, tray = Desk(ArticleAsker()), Tray()
    assert desk.take(Inquiry("track time", Surface.MENTION, ("event 1", "message C 1")), tray)
    assert not desk.take(Inquiry("track time", Surface.MENTION, ("event 1", "x")), tray)
    assert not desk.take(Inquiry("track time", Surface.DIRECT, ("event 2", "message C 1")), tray)
    await desk.drain(2)
    assert len(tray.texts) == 1


async def test_a_full_desk_says_so() -> None:
    asker, tray = ArticleAsker(), Tray()
    asker.gate.clear()
    desk = Desk(asker, max_concurrent=1, max_waiting=3)
    for number in range(5):
        desk.take(inquiry(number), tray)
    asker.gate.set()
    await desk.drain(2)
    assert tray.texts.count(texts.BUSY) == 2
    assert len(tray.texts) == 5


async def test_a_destination_that_fails_is_logged_and_nothing_else_breaks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(ArticleAsker())
    desk.take(inquiry(1), Tray(is_broken=True))
    await desk.drain(2)
    messages = [record.getMessage().split()[0] for record in caplog.records]
    assert messages == ["question", "could"]


async def test_draining_an_idle_desk_takes_no_time() -> None:
    await asyncio.wait_for(Desk(ArticleAsker()).drain(4), 0.2)


@pytest.mark.parametrize(
    ("raw", "question"),
    [
        ("<@U0BOT> how do I lock?", "how do I lock?"),
        ("<@U0BOT>", ""),
        ("<@U0BOT|bot> ask <@U0ADA> about <#C1|ops> <#C2>", "ask about #ops"),
        ("a &amp;&amp; b &lt;c&gt; &amp;lt;", "a && b <c> &lt;"),
        (
            "see <https://x.test/a|the page> or <https://x.test/b>",
            "see the page or https://x.test/b",
        ),
        ("<mailto:a@b.test|a@b.test> <!here> <!subteam^S1|@admins>", "a@b.test @admins"),
        ("  many \n\n\t blanks\u00a0here ", "many blanks here"),
        ("cafe\u0301\x00", "café"),
        ("<" * 50_000, "<" * 40_000),
    ],
)
def test_incoming_text(raw: str, question: str) -> None:
    assert question_text(raw) == question


def test_every_sentence_is_safe_mrkdwn() -> None:
    sentences = [value for name, value in vars(texts).items() if name.isupper()]
    assert len(sentences) > 15
    for sentence in sentences:
        assert "<" not in sentence
        assert "`" not in escape(re.sub("`[^`]*`", "", sentence))
