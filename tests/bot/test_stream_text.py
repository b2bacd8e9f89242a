"""Drafts for streams: inert in Slack's Markdown, and each the beginning of the next."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from bot.escaping import ADDRESS, BROADCASTS, CALL, clean
from bot.stream_text import MAX_CHUNK_CHARS, chunks, ready

# Slack reads streams as real Markdown and, in what is left, its own <…>; HTML stays text.
SLACK = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table")
# fmt: off
PIECES = (
    "<", ">", "[", "]", "(", ")", "!", "`", "*", "**", "_", "~", "\\", "&", "#", "|", ":", "@", ".",
    "<!channel>", "<@U0ANN>", "<#C0GEN>", "<https://evil.example|Settings>", "&lt;!here&gt;",
    "https://evil.example/a?b=c", "evil.example", "mailto:a@evil.example", "www.", "xn--", "//",
    "[a](https://evil.example)", "![a](//evil.example)", "[1]: https://evil.example", "[a][1]",
    "@channel", "@here", "@everyone", "\u202e", "\u200b", "\ufeff", "\n", "\n\n", "    ", " ",
    "```", "- ", "1. ", "# ", "> ", "com", "evil", "Settings", "ж", "𝐡𝐞𝐫𝐞", "<b>", "&#60;",
)
# fmt: on
MARKDOWN = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=30).map(
    "".join
)


def problems(markdown: str) -> list[str]:
    """Name what Slack would make of a text besides letters, lists, headings, bold and code."""
    found = []
    for node in SyntaxTreeNode(SLACK.parse(markdown)).walk():
        if node.type in ("link", "image", "html_inline", "html_block"):
            found.append(node.type)
        if node.type == "inline":
            found += _readable(node)
    return found


def _readable(inline: SyntaxTreeNode) -> list[str]:
    """Look at what a person reads in a row, with and without the borders between marks."""
    leaves = [node for node in inline.walk() if not node.children]
    shown = "".join(node.content if node.type == "text" else "\n" for node in leaves)
    runs = [node.content for node in leaves if node.type == "text"]
    found = [f"address {run}" for run in (*runs, shown) if ADDRESS.search(run)]
    found += ["mention" for run in runs if re.search(r"<[@#!]", run)]
    calls = (call[1].lower() for run in (*runs, shown) for call in CALL.finditer(run))
    return found + ["broadcast" for word in calls if word.startswith(BROADCASTS)]


@settings(max_examples=200, deadline=None)
@given(MARKDOWN)
@example("evil.**com**")
@example("evil._com_")
@example("@**channel**")
def test_nothing_links_pings_embeds_or_hides(markdown: str) -> None:
    """Held for 20,000 examples by tests/proof/test_stream_text.py."""
    text = ready(f"{markdown} end")
    assert problems(text) == []
    assert clean(text) == text
    assert "<" not in text


@settings(max_examples=200, deadline=None)
@given(MARKDOWN, st.integers(0, 200))
def test_a_draft_is_the_beginning_of_a_longer_one(markdown: str, cut: int) -> None:
    assert ready(markdown).startswith(ready(markdown[:cut]))


@pytest.mark.parametrize(
    ("draft", "text"),
    [
        ("Open **Workspace settings** now", "Open **Workspace settings** "),
        ("Press **the start", "Press "),
        ("1. One\n2. Two three", "1. One\n2. Two "),
        ("# Head\n\n- a\n    - nested item", "# Head\n\n- a\n    - nested "),
        ("see [1] or snake_case_name end", "see [1] or snake_case_name "),
        ("a & b < c end", "a & b ‹ c "),
        ("go to evil.com! end", "go to `evil.com`! "),
        ("word\n", ""),
        ("", ""),
    ],
)
def test_what_people_write_stays_readable(draft: str, text: str) -> None:
    assert ready(draft) == text


def test_no_part_begins_with_a_blank_that_slack_would_drop() -> None:
    draft, shown = "- a\n    - b\n\n    - c  d\n", ""
    for end in range(len(draft)):
        added = ready(draft[:end])[len(shown) :]
        assert added == added.lstrip()
        shown += added


def test_chunks_end_at_line_ends() -> None:
    text = "".join(f"{'word ' * 30}{number}\n" for number in range(200))
    parts = chunks(text)
    assert "".join(parts) == text
    assert all(len(part) <= MAX_CHUNK_CHARS and part.endswith("\n") for part in parts)
    assert [len(part) for part in chunks("x" * 30_000)] == [12_000, 12_000, 6_000]
    assert chunks("") == []
