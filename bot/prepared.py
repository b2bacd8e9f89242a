"""What a question has come to, before it is posted: the message, and what is remembered of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.types import REFUSAL_TEXT, Answer, Notice, Refusal, Turn

from .conversations import Conversation, Link
from .message import Message
from .question_log import outcome
from .tasks import Claim, Inquiry, Surface

THREADED = frozenset({Surface.MENTION, Surface.DIRECT, Surface.THREAD, Surface.AUTO})
CONVERSATION = "conversation"  # the note beside the kept message


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message that is ready to be posted, and the conversation but for where it will be."""

    message: Message
    conversation: Conversation

    @classmethod
    def of(cls, claim: Claim) -> Prepared | None:
        """Give what an earlier try was about to post; None when it had not come that far."""
        noted = claim.notes.get(CONVERSATION)
        if claim.reply is None or noted is None:
            return None
        links = tuple(Link(**link) for link in noted["links"])
        return cls(claim.reply, Conversation(**{**noted, "links": links}))

    def notes(self) -> dict[str, Any]:
        """Give what `of` needs beside the message."""
        return {CONVERSATION: asdict(self.conversation)}


def conversation_of(
    turn: Turn, inquiry: Inquiry, *, asked_at: float, is_private: bool
) -> Conversation:
    """Give what is remembered of a turn, but for where it was posted.

    What only the asker saw is no part of a thread: others could ask it out of the bot. An answer
    about a message remembers where that stands all the same, for sharing (conversations.py).
    """
    is_public = inquiry.surface in THREADED and not is_private
    has_thread = is_public or inquiry.surface is Surface.SHORTCUT
    return Conversation(
        answer_id=turn.question.id,
        team=inquiry.team,
        channel=inquiry.channel,
        thread=inquiry.thread if has_thread else "",
        user=inquiry.user,
        surface=inquiry.surface,
        question=turn.question.text,
        standalone=turn.standalone,
        reply=_reply_text(turn),
        outcome=outcome(turn),
        links=_links(turn),
        generation=turn.generation,
        asked_at=asked_at,
        answerer=turn.written_by,
    )


def _reply_text(turn: Turn) -> str:
    match turn.reply:
        case Answer(text=text) | Notice(text=text):
            return text
        case Refusal():
            return REFUSAL_TEXT


def _links(turn: Turn) -> tuple[Link, ...]:
    match turn.reply:
        case Answer(sources=sources):
            return tuple(Link(s.title, s.url, " › ".join(s.headings[-1:])) for s in sources)
        case Refusal(nearest=nearest):
            chunks = [hit.chunk for hit in nearest]
            return tuple(Link(c.title, c.url, " › ".join(c.headings[-1:])) for c in chunks)
        case Notice():
            return ()
