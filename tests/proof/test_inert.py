"""Whatever a model, the knowledge or a person writes: Slack shows it and does nothing else.

The judge is tests/bot/inert.py, which reads mrkdwn by itself; the examples are the same each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.blocks import plain_message, turn_message
from bot.conversations import Conversation
from bot.escalation_blocks import escalation_message, resolved_message
from bot.feedback_form import Occasion, reason_view
from bot.home import Home, home_view
from bot.sharing import shared_message
from bot.simulator.blocks import check_blocks
from bot.splitting import cut, split
from bot.tasks import Surface
from core.types import Turn
from tests.bot.hostile import TEXTS, TURNS, allowed_for, allowed_in, conversations
from tests.bot.inert import Allowed, block_problems, check_inert

pytestmark = pytest.mark.beside

PERMALINK = "https://acme.slack.com/archives/C0GEN/p11?thread_ts=1.1&cid=C0GEN"


def examples(count: int) -> Callable[[Any], Any]:
    """Ask for that many examples, the same on every machine."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@examples(20_000)
@given(TURNS, st.sampled_from(Surface))
def test_replies_are_inert(turn: Turn, surface: Surface) -> None:
    note = "Shared by <@U0ANN>"
    message = turn_message(turn, surface=surface, can_escalate=True, notes=(note,))
    check_blocks(list(message.blocks))
    check_inert(message, allowed_for(turn, "<@U0ANN>"))


@examples(6_000)
@given(st.none() | conversations(), TEXTS, st.booleans())
def test_calls_for_a_human_are_inert(
    conversation: Conversation | None, said: str, is_private: bool
) -> None:
    permalink = "" if is_private else PERMALINK
    message = escalation_message(
        "a1", conversation, user="U0ADA", group="S0ADM", permalink=permalink, said=said
    )
    check_blocks(list(message.blocks))
    mentions = ("<!subteam^S0ADM>", "<@U0ADA>", "<@U0ANN>")
    allowed = allowed_in(conversation, *mentions, permalink=permalink)
    check_inert(message, allowed)
    check_inert(resolved_message(message.blocks, "U0ADA"), allowed)


@examples(6_000)
@given(conversations(), st.booleans())
def test_shared_answers_are_inert(conversation: Conversation, can_escalate: bool) -> None:
    message = shared_message(conversation, can_escalate=can_escalate)
    check_blocks(list(message.blocks))
    check_inert(message, allowed_in(conversation, "<@U0ANN>"))


@examples(3_000)
@given(st.lists(conversations(), max_size=3), st.lists(TEXTS, max_size=3))
def test_questions_in_the_home_tab_are_inert(recent: list[Conversation], asked: list[str]) -> None:
    home = Home(examples=tuple(asked), recent=tuple(recent), now=100.0)
    assert not [*block_problems(home_view(home), Allowed())]


@examples(3_000)
@given(TURNS, st.integers(60, 400))
def test_parts_and_shortened_texts_are_inert(turn: Turn, limit: int) -> None:
    text = turn_message(turn, surface=Surface.MENTION).text
    allowed = allowed_for(turn)
    for part in (*split(text, limit), cut(text, limit)):
        assert len(part) <= limit
        check_inert(plain_message(part), allowed)


@examples(500)
@given(TEXTS)
def test_the_form_for_a_thumbs_down_shows_nothing_of_others(text: str) -> None:
    view = reason_view(Occasion(text, text, text, text, text))
    shown = {name: view[name] for name in ("title", "submit", "close", "blocks")}
    assert not [*block_problems(shown, Allowed())]
    assert text not in str(shown) or len(text) < 20
