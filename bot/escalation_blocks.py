"""A question that needs a human in, the message for the humans out; and the same when resolved."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence

from . import answer_texts, texts
from .blocks import (
    MAX_SECTION_CHARS,
    MAX_TEXT_CHARS,
    Shown,
    assembled,
    button,
    context,
    plain_message,
    section,
    show_answer,
    show_refusal,
)
from .conversations import Conversation
from .escaping import Links, escape, link
from .listing import MAX_LINE_CHARS, Listed
from .message import Block, Message
from .splitting import cut

RESOLVE_ACTION = "escalation_resolve"
MAX_QUESTION_CHARS = 4_000  # of JSON
MAX_UNDERSTOOD_CHARS = 2_000  # of JSON
LINK = re.compile(r"<[^<>|]*\|?([^<>]*)>")


def escalation_message(
    answer_id: str,
    conversation: Conversation | None,
    *,
    user: str,
    group: str,
    permalink: str = "",
    said: str = "",
) -> Message:
    """Show humans who needs them, the question, the reply with its sources, and Resolve.

    permalink is "" for what was asked in private. said is the reply's text as it stood in Slack,
    for when the conversation is forgotten.
    """
    asker = conversation.user if conversation is not None else ""
    wanted = answer_texts.wanted(user, asker, group)
    question = _question(conversation)
    shown = _shown(conversation, said)
    tail = [
        context([_place(permalink), *_understood(conversation)]),
        {
            "type": "actions",
            "elements": [
                button(RESOLVE_ACTION, answer_texts.RESOLVE, answer_id) | {"style": "primary"}
            ],
        },
    ]
    head = [section(wanted), section(question)]
    head += [section(answer_texts.ANSWER)] if shown.body else []
    message = assembled(shown, tail, head=head)
    return Message(cut(f"{wanted}\n{question}\n\n{message.text}", MAX_TEXT_CHARS), message.blocks)


def resolved_message(blocks: Sequence[Block], resolver: str) -> Message:
    """Mark an escalation as done and take its button away; blocks are those that it has now."""
    done = answer_texts.resolved_by(resolver)
    kept = tuple(block for block in blocks if block.get("type") in ("section", "context"))
    return Message(done, (*kept, section(done))) if kept else plain_message(done)


def _question(conversation: Conversation | None) -> str:
    if conversation is None:
        return answer_texts.QUESTION_IS_GONE
    asked = _short(texts.quoted(escape(conversation.question)), MAX_QUESTION_CHARS)
    return cut(f"{answer_texts.QUESTION}\n{asked}", MAX_SECTION_CHARS)


def _understood(conversation: Conversation | None) -> list[str]:
    """Tell how a follow-up was read, which alone would say little."""
    if conversation is None or conversation.standalone in ("", conversation.question):
        return []
    read = _short(escape(conversation.standalone), MAX_UNDERSTOOD_CHARS)
    return [cut(answer_texts.understood_as(read), MAX_LINE_CHARS)]


def _short(mrkdwn: str, most: int) -> str:
    """Cut so that it takes no more than so many characters of JSON."""
    size = len(json.dumps(mrkdwn))
    return mrkdwn if size <= most else cut(mrkdwn, len(mrkdwn) * most // size)


def _shown(conversation: Conversation | None, said: str) -> Shown:
    if conversation is None:
        return Shown(escape(plain_text(said)))
    listed = [
        Listed(found.title, found.url, found.section, number)
        for number, found in enumerate(conversation.links, start=1)
    ]
    if conversation.outcome == "answered":
        return show_answer(conversation.reply, listed)
    return show_refusal([Listed(article.title, article.url) for article in listed])


def _place(permalink: str) -> str:
    if not permalink:
        return answer_texts.IS_PRIVATE
    return link(permalink, answer_texts.OPEN_CONVERSATION, Links.of([permalink], {}))


def plain_text(mrkdwn: str) -> str:
    """Take the links and entities out of a text of ours.

    >>> plain_text("See <https://a.test/|Help> &amp; more")
    'See Help & more'
    """
    return html.unescape(LINK.sub(r"\1", mrkdwn))
