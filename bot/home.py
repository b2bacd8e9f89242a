"""What the Home tab shows → a view under Slack's limits. Pure functions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import home_texts
from .blocks import MAX_SECTION_CHARS, button, cut, section
from .markup import escape
from .message import Block
from .remembered import Conversation

ASK_ACTION = "home_ask"
AGAIN_ACTION = "home_again"
REBUILD_ACTION = "home_rebuild"
GAPS_ACTION = "home_gaps"
CHANNELS_ACTION = "home_channels"

MAX_EXAMPLES = 4
MAX_RECENT = 5
MAX_SHOWN_CHARS = 300  # of a question
MAX_VALUE_CHARS = 2_000  # Slack: of a button's value
MAX_REPORT_BLOCKS = 50  # of 100 in all
NOT_IN_HOME = frozenset({"table", "markdown", "context_actions"})  # Slack: messages only


@dataclass(frozen=True, slots=True)
class AdminPanel:
    """What only admins see: lines of mrkdwn, and the blocks of the last report."""

    lines: tuple[str, ...]
    report: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One person's Home; knowledge, refusal and told are mrkdwn, "" for what is not shown.

    A refusal leaves nothing else. told is what came of what the person did last.
    """

    knowledge: str = ""
    refusal: str = ""
    told: str = ""
    examples: tuple[str, ...] = ()
    recent: tuple[Conversation, ...] = ()
    panel: AdminPanel | None = None
    now: float = 0.0  # seconds since 1970


def home_view(home: Home) -> Block:
    """Make the view."""
    title = {"type": "plain_text", "text": home_texts.TITLE, "emoji": False}
    blocks: list[Block] = [{"type": "header", "text": title}]
    blocks += _paragraphs(home.refusal) if home.refusal else _all(home)
    return {"type": "home", "blocks": blocks}


def _all(home: Home) -> Iterable[Block]:
    yield from _paragraphs(home.told)
    yield section(home_texts.INTRO)
    yield from _paragraphs(home.knowledge)
    yield from _examples(home.examples[:MAX_EXAMPLES])
    yield from _recent(home.recent[:MAX_RECENT], home.now or time.time())
    yield section(home_texts.HOW_TO_ASK)
    if home.panel is not None:
        yield from _panel(home.panel)


def _examples(examples: Sequence[str]) -> Iterable[Block]:
    if examples:
        yield section(home_texts.EXAMPLES)
    for question in examples:
        yield _question(question, "", ASK_ACTION, home_texts.ASK)


def _recent(recent: Sequence[Conversation], now: float) -> Iterable[Block]:
    if recent:
        yield section(home_texts.RECENT)
    for asked in recent:
        when = home_texts.asked_ago(max(0.0, now - asked.asked_at), asked.outcome)
        question = asked.standalone or asked.question
        yield _question(question, when, AGAIN_ACTION, home_texts.ASK_AGAIN)


def _question(question: str, remark: str, action_id: str, label: str) -> Block:
    """Show a question with a button that asks it; one that no button can carry has none."""
    shown = cut(escape(" ".join(question.split())), MAX_SHOWN_CHARS)
    block = section(f"{shown}\n_{remark}_" if remark else shown or "…")
    if 0 < len(question) <= MAX_VALUE_CHARS:
        block["accessory"] = button(action_id, label, question)
    return block


def _panel(panel: AdminPanel) -> Iterable[Block]:
    title = {"type": "plain_text", "text": home_texts.PANEL, "emoji": False}
    yield {"type": "divider"}
    yield {"type": "header", "text": title}
    yield from _paragraphs("\n".join(panel.lines))
    offered = {
        REBUILD_ACTION: home_texts.REBUILD,
        GAPS_ACTION: home_texts.SHOW_GAPS,
        CHANNELS_ACTION: home_texts.SHOW_CHANNELS,
    }
    elements = [button(name, label, name) for name, label in offered.items()]
    yield {"type": "actions", "elements": elements}
    fitting = [block for block in panel.report if block["type"] not in NOT_IN_HOME]
    yield from fitting[:MAX_REPORT_BLOCKS]


def _paragraphs(mrkdwn: str) -> Iterable[Block]:
    if mrkdwn:
        yield section(cut(mrkdwn, MAX_SECTION_CHARS))
