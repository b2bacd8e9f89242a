"""message → a question when it is for the bot: a direct message, or something it may overhear.

Overheard are follow-ups in threads that it takes part in, and questions in channels whose rules say
auto. What holds the bot's mention comes as app_mention, too, and is answered as that.
"""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum
from typing import Any

from bot.channel_rules import ChannelRulesTable, Mode
from bot.conversations import Conversations
from bot.hearing import Hearing
from bot.tasks import Surface, Task

from .incoming import question_text, written_by_a_person
from .mentions import inquiry_of

ANSWERED_SUBTYPES = frozenset({"", "file_share", "thread_broadcast"})
MENTION = re.compile(r"<@([UW][A-Z0-9]{2,20})(?:\|[^<>]{0,300})?>")
MIN_QUESTION_WORDS = 3
ASKING = (
    "how what why when where who whom whose which can could may is am are was were "
    "do does did should shall will would has have"
)
QUESTION_WORDS = frozenset(ASKING.split(" "))


class Ignored(StrEnum):
    """Why a message is nothing for the bot."""

    SUBTYPE = "subtype"  # an edit, a deletion, somebody who joined …
    BOT = "bot"
    MENTION = "mention"  # of the bot: its twin is answered
    FOR_OTHERS = "for others"  # it mentions somebody else
    CHATTER = "chatter"


class MessageReader:
    """Reads message events; what the bot knows of threads and channels is looked up."""

    def __init__(
        self,
        *,
        bot_user: str,
        conversations: Conversations,
        rules: ChannelRulesTable,
        hearing: Hearing,
    ) -> None:
        self._bot_user = bot_user
        self._conversations = conversations
        self._rules = rules
        self._hearing = hearing
        self.ignored: Counter[Ignored] = Counter()

    async def read(self, body: dict[str, Any]) -> Task | None:
        """Give the question, if it is one; raises StorageError when that cannot be told."""
        event = body["event"]
        reason = _why_ignored(event)
        is_direct = event.get("channel_type") == "im"
        if not is_direct:
            self._hearing.note(str(event.get("channel")))
        if reason is None and is_direct:
            return inquiry_of(body, Surface.DIRECT).to_task()
        surface = reason or await self._overheard(event)
        if isinstance(surface, Ignored):
            self.ignored[surface] += 1
            return None
        return inquiry_of(body, surface).to_task()

    async def _overheard(self, event: dict[str, Any]) -> Surface | Ignored:
        text, channel = event.get("text") or "", event["channel"]
        mentioned = set(MENTION.findall(text))
        if mentioned:
            return Ignored.MENTION if self._bot_user in mentioned else Ignored.FOR_OTHERS
        thread = event.get("thread_ts")
        if thread:
            takes_part = await self._conversations.has_thread(channel, thread)
            return Surface.THREAD if takes_part else Ignored.CHATTER
        if not looks_like_question(text):
            return Ignored.CHATTER
        rules = await self._rules.get(channel)
        return Surface.AUTO if rules.mode is Mode.AUTO else Ignored.CHATTER


def looks_like_question(text: str) -> bool:
    """Tell a question from chatter by its first word or its question mark.

    >>> looks_like_question("how do I lock timesheets"), looks_like_question("ok?")
    (True, False)
    """
    words = question_text(text).lower().split()
    if len(words) < MIN_QUESTION_WORDS:
        return False
    return words[0].strip(",.:") in QUESTION_WORDS or any(word.endswith("?") for word in words)


def _why_ignored(event: dict[str, Any]) -> Ignored | None:
    if event.get("subtype", "") not in ANSWERED_SUBTYPES:
        is_bot = event.get("subtype") == "bot_message"
        return Ignored.BOT if is_bot else Ignored.SUBTYPE
    return None if written_by_a_person(event) else Ignored.BOT
