"""What stands under a reply when there is something to say: old knowledge, how to go on, :debug."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from core.types import Notice, Turn

from . import texts
from .hearing import Hearing
from .markup import escape
from .tasks import Inquiry, Surface

logger = logging.getLogger(__name__)

DEBUG_WORD = ":debug"
DAY_SECONDS = 86_400.0
MAX_SHOWN_CHARS = 300

LiveMeta = Callable[[], Mapping[str, Any] | None]  # meta.json of the live generation


def read_debug(text: str) -> tuple[str, bool]:
    """Take :debug off the beginning or the end of a question, and say whether it was there.

    >>> read_debug("how do I lock? :DEBUG")
    ('how do I lock?', True)
    """
    words = text.split(" ")
    for place in (0, -1):
        if words[place].lower() == DEBUG_WORD:
            del words[place]
            return " ".join(words), True
    return text, False


class SmallPrint:
    """Makes the notes of a reply; knows how old the knowledge is and what the bot hears."""

    def __init__(
        self,
        hearing: Hearing,
        *,
        live_meta: LiveMeta,
        stale_after_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """stale_after_days of 0: nothing is said about age."""
        self._hearing = hearing
        self._live_meta = live_meta
        self._stale_after_days = stale_after_days
        self._clock = clock
        self._created: tuple[str, float | None] = ("", None)  # generation and when it was made

    async def of(
        self, turn: Turn, inquiry: Inquiry, *, is_first: bool, is_private: bool, is_debug: bool
    ) -> tuple[str, ...]:
        """Give the notes as mrkdwn; is_first: nothing was said in this thread before."""
        is_answer = not isinstance(turn.reply, Notice)
        notes = [await self._age(turn.generation)] if is_answer else []
        if is_answer and is_first and not is_private and self._needs_mention(inquiry):
            notes.append(texts.MENTION_FOR_FOLLOW_UP)
        if is_debug:
            notes.append(_debug(turn))
        return tuple(note for note in notes if note)

    def _needs_mention(self, inquiry: Inquiry) -> bool:
        is_mention = inquiry.surface is Surface.MENTION
        return is_mention and not self._hearing.hears(inquiry.channel)

    async def _age(self, generation: str) -> str:
        if not self._stale_after_days or not generation:
            return ""
        if self._created[0] != generation:
            self._created = generation, await self._created_at(generation)
        created = self._created[1]
        if created is None:
            return ""
        days = int((self._clock() - created) // DAY_SECONDS)
        return texts.knowledge_age(days) if days > self._stale_after_days else ""

    async def _created_at(self, generation: str) -> float | None:
        meta = await asyncio.to_thread(self._live_meta)
        if meta is None or meta.get("generation") != generation:
            return None
        try:
            return datetime.fromisoformat(str(meta.get("created"))).timestamp()
        except ValueError:
            logger.warning("generation %s does not say when it was made", generation)
            return None


def _debug(turn: Turn) -> str:
    timings = turn.timings_ms
    return texts.debug(
        standalone=escape((turn.standalone or turn.question.text)[:MAX_SHOWN_CHARS]),
        generation=escape(turn.generation or "none"),
        answerer=escape(turn.written_by or "none"),
        milliseconds=(timings.retrieve, timings.answer, timings.total),
    )
