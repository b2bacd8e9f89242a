"""What people asked in vain → a message under Slack's limits. Pure functions."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from . import home_texts
from .blocks import MAX_BLOCKS_CHARS, MAX_TEXT_CHARS, context, cut, section
from .escaping import Links
from .listing import Listed, listed
from .markup import escape
from .message import Block, Message
from .remembered import Gap

MAX_GAPS = 20
MAX_QUESTION_CHARS = 300
MAX_LINKS = 3
MAX_LINKS_CHARS = 1_900  # Slack: 2,000 in an element of a context block
MAX_GAPS_CHARS = MAX_BLOCKS_CHARS - 800  # leaves room for the intro


def gaps_message(gaps: Sequence[Gap], now: float | None = None) -> Message:
    """List gaps with their nearest articles, as many as one message takes.

    now is seconds since 1970, the present unless given.
    """
    if not gaps:
        return Message(home_texts.GAPS_NONE, (section(home_texts.GAPS_NONE),))
    moment = time.time() if now is None else now
    blocks: list[Block] = [section(home_texts.GAPS_INTRO)]
    words = [home_texts.GAPS_INTRO]
    for gap in gaps[:MAX_GAPS]:
        question, near = _question(gap, moment), _nearest(gap)
        added = [section(question), context([near])]
        if len(json.dumps([*blocks, *added])) > MAX_GAPS_CHARS:
            break
        blocks += added
        words.append(f"{question}\n{near}")
    return Message(cut("\n\n".join(words), MAX_TEXT_CHARS), tuple(blocks))


def _question(gap: Gap, now: float) -> str:
    asked = cut(escape(" ".join(gap.question.split())), MAX_QUESTION_CHARS)
    ago = max(0.0, now - gap.last_asked)
    return f"*{asked or '…'}*\n{gap_remark(gap, ago)}"


def gap_remark(gap: Gap, seconds_ago: float) -> str:
    """Tell how often and why something was asked in vain."""
    reasons = [home_texts.REASONS[reason] for reason in gap.reasons if reason in home_texts.REASONS]
    return home_texts.gap_line(gap.times, seconds_ago, gap.why, reasons)


def _nearest(gap: Gap) -> str:
    articles = dict.fromkeys(Listed(link.title, link.url) for link in gap.links)
    near = list(articles)[:MAX_LINKS]
    links = Links.of((article.url for article in near), {})
    lines = listed(near, links, heading=home_texts.NEAREST)
    return cut("\n".join(lines), MAX_LINKS_CHARS) if lines else home_texts.NOTHING_NEAR
