"""A turn or the home tab in, Block Kit under Slack's limits out. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from core.types import REFUSAL_TEXT, Answer, Hit, Notice, Refusal, Source, Turn

from . import texts
from .markup import Links, escape, link, to_mrkdwn
from .message import Block, Message

MAX_SECTION_CHARS = 2_900  # Slack: 3,000
MAX_BLOCKS_CHARS = 12_800  # Slack: about 13,200 of JSON in all (bolt-js #2509)
MAX_TEXT_CHARS = 3_800  # Slack: 4,000 in chat.update
MAX_SOURCES = 10
MAX_NEAREST = 3
MAX_FOOTNOTES = 5  # Slack: 10 elements in a context block
MAX_NOTE_CHARS = 400
MAX_HEADING_CHARS = 150
ANSWER_BUDGETS = (9_000, 6_000, 3_000, 1_000)  # tried in turn until everything fits
FEEDBACK_ACTION = "answer_feedback"


def plain_message(mrkdwn: str) -> Message:
    """Make a message of one sentence of texts.py."""
    return Message(mrkdwn, (section(mrkdwn),))


def turn_message(turn: Turn, *, surface: str) -> Message:
    """Show a reply with its sources, footnotes and, unless it is a notice, feedback buttons."""
    reply = turn.reply
    match reply:
        case Answer():
            links = _answer_links(reply)
            body = to_mrkdwn(reply.text, links)
            after = _source_list(reply.sources, links)
        case Refusal():
            body = REFUSAL_TEXT
            after = _nearest_list(reply.nearest)
        case Notice():
            body = to_mrkdwn(reply.text, Links())
            after = ""
    tail = [section(after)] if after else []
    tail += _footnotes(turn.footnotes)
    if not isinstance(reply, Notice):
        tail.append(feedback_block(turn.question.id, surface, turn.generation))
    words = "\n\n".join(part for part in (body, after) if part)
    return Message(cut(words, MAX_TEXT_CHARS), _fitting(body, tail))


def _fitting(body: str, tail: Sequence[Block]) -> tuple[Block, ...]:
    blocks: tuple[Block, ...] = ()
    for budget in ANSWER_BUDGETS:
        shown = cut(body, budget)
        parts = [section(part) for part in split(shown, MAX_SECTION_CHARS)]
        note = [] if shown == body else [context([texts.SHORTENED])]
        blocks = (*parts, *note, *tail)
        if len(json.dumps(blocks)) <= MAX_BLOCKS_CHARS:
            break
    return blocks


def _answer_links(answer: Answer) -> Links:
    by_number = {source.n: source.url for source in answer.sources}
    return Links.of(by_number.values(), by_number)


def _source_list(sources: Sequence[Source], links: Links) -> str:
    lines = [
        " › ".join(
            (f"{source.n}. {link(source.url, source.title, links)}", *_last(source.headings))
        )
        for source in sources[:MAX_SOURCES]
    ]
    return cut("\n".join((texts.SOURCES, *lines)), MAX_SECTION_CHARS) if lines else ""


def _last(headings: tuple[str, ...]) -> list[str]:
    return [cut(escape(heading), MAX_HEADING_CHARS) for heading in headings[-1:]]


def _nearest_list(nearest: Sequence[Hit]) -> str:
    links = Links.of((hit.chunk.url for hit in nearest), {})
    titled = {hit.chunk.article_id: hit.chunk for hit in reversed(nearest)}
    articles = list(reversed(titled.values()))[:MAX_NEAREST]
    lines = [f"• {link(chunk.url, chunk.title, links)}" for chunk in articles]
    return cut("\n".join((texts.NEAREST, *lines)), MAX_SECTION_CHARS) if lines else ""


def _footnotes(footnotes: Sequence[str]) -> list[Block]:
    shown = [
        cut(escape(note), MAX_NOTE_CHARS) for note in footnotes[:MAX_FOOTNOTES] if note.strip()
    ]
    return [context(shown)] if shown else []


def feedback_block(answer_id: str, surface: str, generation: str) -> Block:
    """Offer thumbs; block_id carries what the record needs, so that it survives a restart."""
    return {
        "type": "context_actions",
        "block_id": f"feedback:{surface}:{generation}:{answer_id}"[:255],
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": FEEDBACK_ACTION,
                "positive_button": _thumb(texts.HELPFUL, f"{answer_id}:up"),
                "negative_button": _thumb(texts.NOT_HELPFUL, f"{answer_id}:down"),
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


def home_view(generation: str) -> Block:
    """Make the Home tab."""
    parts = (texts.HOME_INTRO, texts.HOME_HOW, texts.HOME_COMMANDS)
    title = {"type": "plain_text", "text": texts.HOME_TITLE}
    header: Block = {"type": "header", "text": title}
    footer = context([texts.knowledge_of(escape(generation))])
    return {"type": "home", "blocks": [header, *(section(part) for part in parts), footer]}


def cut(mrkdwn: str, limit: int) -> str:
    """Shorten to whole lines or words within the limit, never inside a link or an entity."""
    if len(mrkdwn) <= limit:
        return mrkdwn
    return next(iter(split(mrkdwn, limit - 2)), "") + " …"


def split(mrkdwn: str, limit: int) -> list[str]:
    """Split at line ends into parts within the limit; a code block is closed and opened again."""
    room = limit - len("```\n\n```")
    parts: list[str] = []
    current: list[str] = []
    is_code = False
    for line in (piece for whole in mrkdwn.split("\n") for piece in _pieces(whole, room)):
        if current and sum(map(len, current)) + len(current) + len(line) > room:
            parts.append("\n".join([*current, "```"] if is_code else current))
            current = ["```"] if is_code else []
        current.append(line)
        is_code ^= line.strip() == "```"
    parts.append("\n".join(current))
    return [part for part in parts if part.strip()]


def _pieces(line: str, limit: int) -> list[str]:
    pieces = []
    while len(line) > limit:
        end = _break_before(line, limit)
        pieces.append(line[:end])
        line = line[end:].lstrip(" ")
    return [*pieces, line]


def _break_before(line: str, limit: int) -> int:
    head = line[:limit]
    opened = head.rfind("<")
    if opened > head.rfind(">"):
        head = head[:opened]
    entity = head.rfind("&")
    if entity > max(head.rfind(";"), head.rfind(" ")):
        head = head[:entity]
    blank = head.rfind(" ")
    in_code = head.count("`") % 2 == 1
    return (head.rfind("`") if in_code else blank if blank > 0 else len(head)) or limit
