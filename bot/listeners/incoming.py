"""Text as Slack sends it in, a question as a person meant it out."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

SLACKBOT = "USLACKBOT"
MAX_RAW_CHARS = 40_000  # Slack's own limit for a message; core has a limit for questions

MARKUP = re.compile(r"<([@#!]?)([^<>|]{0,3000})(?:\|([^<>]{0,3000}))?>")


def question_text(raw: str) -> str:
    """Drop mentions, resolve links and channels to their words, unescape, collapse blanks.

    >>> question_text("<@U0BOT> how do I track &amp; lock <https://x.test/a|time>\\n in <#C1|ops>?")
    'how do I track & lock time in #ops?'
    """
    words = MARKUP.sub(_words, raw[:MAX_RAW_CHARS])
    plain = words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    visible = "".join(char if _is_visible(char) else " " for char in plain)
    return " ".join(unicodedata.normalize("NFC", visible).split())


def written_by_a_person(event: dict[str, Any]) -> bool:
    """Tell whether a message, or the mention in one, is by somebody and not by a bot."""
    if event.get("bot_id") or event.get("bot_profile") or event.get("subtype") == "bot_message":
        return False
    return event.get("user") not in (None, "", SLACKBOT)


def _words(match: re.Match[str]) -> str:
    kind, target, label = match.groups()
    match kind:
        case "@":
            return " "
        case "#":
            return f"#{label}" if label else " "
        case "!":
            return label or " "
        case _:
            return label or target


def _is_visible(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cs", "Co")
