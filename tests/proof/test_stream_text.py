"""Drafts for Slack's streams stay inert: 20,000 examples."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from bot.escaping import clean
from bot.stream_text import ready
from tests.bot.test_stream_text import MARKDOWN, problems

pytestmark = pytest.mark.beside


@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MARKDOWN)
def test_nothing_links_pings_embeds_or_hides(markdown: str) -> None:
    text = ready(f"{markdown} end")
    assert problems(text) == []
    assert clean(text) == text
    assert "<" not in text
