"""What people type becomes Slack's markup, and nothing else does."""

from __future__ import annotations

import pytest

from bot.simulator.typed import encode, rich_text

NAMES = {"@ann": "<@U0ANN>", "@clockify-bot": "<@U0BOT>", "#support": "<#C0GEN|support>"}


@pytest.mark.parametrize(
    ("typed", "encoded"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("@clockify-bot, hi", "<@U0BOT>, hi"),
        ("@Clockify-Bot hi", "<@U0BOT> hi"),
        ("mail ann@annex.example", "mail ann@annex.example"),
        ("@annabel", "@annabel"),
        ("<@U0BOT> hi", "<@U0BOT> hi"),
        ("<@U0NIL> hi", "&lt;@U0NIL&gt; hi"),
        ("<!channel> hi", "&lt;!channel&gt; hi"),
        ("@channel hi", "<!channel> hi"),
        ("see #support", "see <#C0GEN|support>"),
        ("(https://x.example/a?b=1&c=@ann).", "(<https://x.example/a?b=1&amp;c=@ann>)."),
        ("<https://x.example>", "&lt;<https://x.example>&gt;"),
    ],
)
def test_encoding(typed: str, encoded: str) -> None:
    assert encode(typed, NAMES) == encoded


def test_the_composer_sends_rich_text_too() -> None:
    encoded = "<@U0BOT> a &lt; b <https://x.example/?a=1&amp;b=2> <#C0GEN|support> <!here>"
    (block,) = rich_text(encoded)
    assert block["elements"][0]["elements"] == [
        {"type": "user", "user_id": "U0BOT"},
        {"type": "text", "text": " a < b "},
        {"type": "link", "url": "https://x.example/?a=1&b=2"},
        {"type": "text", "text": " "},
        {"type": "channel", "channel_id": "C0GEN"},
        {"type": "text", "text": " "},
        {"type": "broadcast", "range": "here"},
    ]
