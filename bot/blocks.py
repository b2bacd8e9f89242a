"""A turn in, Block Kit under Slack's limits out. Pure functions.

Top to bottom: the reply, its sources or the nearest articles, small print, buttons.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.types import REFUSAL_TEXT, Answer, Hit, Notice, Refusal, Source, Turn

from . import answer_texts
from .escaping import MAX_INPUT_CHARS, Links, escape
from .listing import Listed, listed, packed
from .markup import to_mrkdwn
from .message import Block, Message
from .splitting import cut as cut
from .splitting import split as split
from .tasks import Surface

MAX_SECTION_CHARS = 2_900  # Slack: 3,000
MAX_BLOCKS = 50
MAX_BLOCKS_CHARS = 12_800  # Slack: about 13,200 of JSON in all (bolt-js #2509)
MAX_TEXT_CHARS = 3_800  # Slack: 4,000 in chat.update
MAX_NEAREST = 3
MAX_NOTES = 8
MAX_NOTE_CHARS = 400
MAX_NOTES_CHARS = 2_400  # of JSON

FEEDBACK_ACTION = "answer_feedback"
HUMAN_ACTION = "answer_human"
REPHRASE_ACTION = "answer_rephrase"
SHARE_ACTION = "answer_share"
FOLLOW_UP_ACTION = "answer_follow_up"
DISMISS_ACTION = "answer_dismiss"

PRIVATE = frozenset({Surface.COMMAND, Surface.SHORTCUT})  # only the asker sees the reply


@dataclass(frozen=True, slots=True)
class Shown:
    """A reply as mrkdwn, and the lines of the list under it; percent_lost of it is cut already."""

    body: str
    lines: tuple[str, ...] = ()
    percent_lost: int = 0


def plain_message(mrkdwn: str) -> Message:
    """Make a message of one sentence of texts.py."""
    return Message(mrkdwn, (section(mrkdwn),))


def turn_message(
    turn: Turn,
    *,
    surface: Surface,
    can_escalate: bool = False,
    notes: Sequence[str] = (),
    is_private: bool = False,
) -> Message:
    """Show a reply with its sources, small print and, unless it is a notice, buttons.

    notes are sentences of ours (mrkdwn). is_private: the asker alone sees it, although the surface
    is a public one.
    """
    reply = turn.reply
    match reply:
        case Answer():
            shown = show_answer(reply.text, [_listed_source(source) for source in reply.sources])
        case Refusal():
            shown = show_refusal(_listed_hits(reply.nearest))
        case Notice():
            shown = Shown(to_mrkdwn(reply.text, Links()))
    footnotes = [escape(note) for note in turn.footnotes if note.strip()]
    tail = small_print([*notes, *footnotes])
    if not isinstance(reply, Notice):
        is_private = is_private or surface in PRIVATE
        tail += buttons(
            turn.question.id,
            is_refusal=isinstance(reply, Refusal),
            is_private=is_private,
            can_escalate=can_escalate,
        )
        tail.append(feedback_block(turn.question.id, surface, turn.generation))
    return assembled(shown, tail)


def show_answer(markdown: str, sources: Sequence[Listed]) -> Shown:
    """Convert an answer; it may link to its sources and nowhere else."""
    by_number = {source.number: source.url for source in sources}
    links = Links.of(by_number.values(), by_number)
    lines = listed(sources, links, heading=answer_texts.SOURCES)
    lost = max(0, len(markdown) - MAX_INPUT_CHARS) * 100 // max(1, len(markdown))
    return Shown(to_mrkdwn(markdown, links), lines, lost)


def show_refusal(nearest: Sequence[Listed]) -> Shown:
    """Say the one sentence of a refusal, with the articles that come nearest."""
    links = Links.of((article.url for article in nearest), {})
    return Shown(REFUSAL_TEXT, listed(nearest[:MAX_NEAREST], links, heading=answer_texts.NEAREST))


def assembled(shown: Shown, tail: Sequence[Block], *, head: Sequence[Block] = ()) -> Message:
    """Put a message together: head, reply, list, tail; the reply gives way when it is too much."""
    head = [block for block in head if block != section("")]  # a question may show nothing
    lists = [context([part]) for part in packed(shown.lines)]
    body = _fitting(shown, head, [*lists, *tail])
    words = "\n\n".join(part for part in (shown.body, "\n".join(shown.lines)) if part)
    return Message(cut(words, MAX_TEXT_CHARS), (*head, *body, *lists, *tail))


def _fitting(shown: Shown, head: Sequence[Block], tail: Sequence[Block]) -> tuple[Block, ...]:
    """Keep as much of a reply as Slack takes with the rest, and say how much is left out."""

    def attempt(limit: int) -> tuple[Block, ...]:
        kept = cut(shown.body, limit)
        parts = [section(part) for part in split(kept, MAX_SECTION_CHARS)]
        is_whole = kept == shown.body and not shown.percent_lost
        return (*parts, *([] if is_whole else [_shortened(shown, len(kept))]))

    def fits(blocks: tuple[Block, ...]) -> bool:
        whole = (*head, *blocks, *tail)
        return len(whole) <= MAX_BLOCKS and len(json.dumps(whole)) <= MAX_BLOCKS_CHARS

    low, high = 0, min(len(shown.body), MAX_BLOCKS_CHARS)
    best = attempt(high)
    if fits(best):
        return best
    while high - low > 1:
        middle = (low + high) // 2
        tried = attempt(middle)
        low, high, best = (middle, high, tried) if fits(tried) else (low, middle, best)
    return best


def _shortened(shown: Shown, kept_chars: int) -> Block:
    share = kept_chars / max(1, len(shown.body)) * (100 - shown.percent_lost)
    return context([answer_texts.shortened(min(99, max(1, 100 - round(share))))])


def _listed_source(source: Source) -> Listed:
    headings = [heading for heading in source.headings[-1:] if heading != source.title]
    return Listed(source.title, source.url, "".join(headings), source.n)


def _listed_hits(hits: Sequence[Hit]) -> list[Listed]:
    first = {hit.chunk.article_id: hit.chunk for hit in reversed(hits)}
    return [Listed(chunk.title, chunk.url) for chunk in reversed(first.values())]


def small_print(notes: Sequence[str]) -> list[Block]:
    """Make the footer of sentences (mrkdwn); nothing when there is nothing to say."""
    room = MAX_NOTES_CHARS
    shown: list[str] = []
    for note in notes[:MAX_NOTES]:
        short = cut(note, MAX_NOTE_CHARS)
        room -= len(json.dumps(short))
        if short.strip() and room >= 0:
            shown.append(short)
    return [context(shown)] if shown else []


def buttons(
    answer_id: str, *, is_refusal: bool, is_private: bool, can_escalate: bool
) -> list[Block]:
    """Offer what can be done with a reply; the value of each button is the answer's id."""
    offered = {
        SHARE_ACTION: answer_texts.SHARE if is_private and not is_refusal else "",
        FOLLOW_UP_ACTION: answer_texts.FOLLOW_UP if is_private and not is_refusal else "",
        REPHRASE_ACTION: answer_texts.REPHRASE if is_refusal else "",
        HUMAN_ACTION: answer_texts.HUMAN if can_escalate else "",
        DISMISS_ACTION: answer_texts.DISMISS if is_private else "",
    }
    elements = [button(name, label, answer_id) for name, label in offered.items() if label]
    return [{"type": "actions", "elements": elements}] if elements else []


def button(action_id: str, label: str, value: str) -> Block:
    """Make a button with a plain label."""
    text = {"type": "plain_text", "text": label, "emoji": False}
    return {"type": "button", "action_id": action_id, "text": text, "value": value}


def feedback_block(answer_id: str, surface: str, generation: str) -> Block:
    """Offer thumbs; block_id carries what the record needs, so that it survives a restart."""
    return {
        "type": "context_actions",
        "block_id": f"feedback:{surface}:{generation}:{answer_id}"[:255],
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": FEEDBACK_ACTION,
                "positive_button": _thumb(answer_texts.HELPFUL, f"{answer_id}:up"),
                "negative_button": _thumb(answer_texts.NOT_HELPFUL, f"{answer_id}:down"),
            }
        ],
    }


def _thumb(label: str, value: str) -> Block:
    text = {"type": "plain_text", "text": label}
    return {"text": text, "value": value, "accessibility_label": label}


def section(mrkdwn: str) -> Block:
    """Make a section; verbatim keeps Slack from finding links and channels by itself."""
    return {"type": "section", "text": _text(mrkdwn)}


def context(sentences: Iterable[str]) -> Block:
    """Make the small print under a reply."""
    return {"type": "context", "elements": [_text(sentence) for sentence in sentences]}


def _text(mrkdwn: str) -> Block:
    return {"type": "mrkdwn", "text": mrkdwn, "verbatim": True}
