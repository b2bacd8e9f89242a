"""What Slack would act on in a message: a strict reading of mrkdwn, independent of bot.markup.

Where it is not known what Slack does, the worse is assumed: "<…>" counts inside code, too, and
whatever looks like an address outside code becomes a link.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from urllib.parse import unquote, urlsplit

from bot.message import Message

BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0"
BROADCAST = re.compile(r"@(?:channel|here|everyone|group)", re.IGNORECASE)
FENCED = re.compile(r"^(?:&gt; | )*```\n.*?\n(?:&gt; | )*```$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"(?<![^\W_])`[^`\n]+`(?![^\W_])")
SCHEME = re.compile(r"[a-z0-9+.-]*://", re.IGNORECASE)
HOST_END = re.compile(r"[\w-][.。．｡](?P<top>xn--|\w{2,63})")
QUOTE = re.compile(r"^> ", re.MULTILINE)
ENTITY = re.compile(r"&(?:amp|lt|gt);")
IDS = re.compile(r"[0-9A-Za-z_.: -]{0,2000}")
TEXT_TYPES = ("mrkdwn", "plain_text")


@dataclass(frozen=True)
class Allowed:
    """The addresses that may be linked and the mentions ("<@U0ANN>") that may be there."""

    urls: frozenset[str] = frozenset()
    mentions: frozenset[str] = frozenset()

    def has(self, url: str) -> bool:
        """Tell whether a link goes to one of the addresses, encoded or not, and hides nothing."""
        return is_proper(url) and unquote(url) in {unquote(given) for given in self.urls}


def is_proper(url: str) -> bool:
    """Tell whether an address leads where it seems to lead."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_plain = host.isascii() and bool(re.fullmatch(r"[a-z0-9.-]+", host)) and "xn--" not in host
    is_clean = not re.search(r"[\s<>|\\`\"]", url)
    return parts.scheme in ("http", "https") and is_plain and "@" not in parts.netloc and is_clean


def check_inert(message: Message, allowed: Allowed) -> None:
    """Assert that a message does nothing but show text."""
    problems = [*mrkdwn_problems(message.text, allowed)]
    for block in message.blocks:
        problems += block_problems(block, allowed)
    assert not problems, "\n".join(problems)


def block_problems(value: Any, allowed: Allowed) -> Iterator[str]:
    """List what is wrong anywhere in a block or view."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from block_problems(item, allowed)
    elif isinstance(value, dict):
        if value.get("type") in TEXT_TYPES:
            yield from text_problems(value, allowed)
        else:
            yield from object_problems(value, allowed)


def text_problems(text: dict[str, Any], allowed: Allowed) -> Iterator[str]:
    """List what is wrong with a text object."""
    if text["type"] == "plain_text":
        yield from character_problems(text["text"])
        return
    if text.get("verbatim") is not True:
        yield f"Slack looks for links by itself in {text['text']!r}"
    yield from mrkdwn_problems(text["text"], allowed)


def object_problems(value: dict[str, Any], allowed: Allowed) -> Iterator[str]:
    """List what is wrong with a block, an element or an option."""
    if value.get("type") in ("image", "markdown", "rich_text", "video", "file"):
        yield f"a block of type {value['type']}"
    for name, part in value.items():
        if name in ("url", "image_url", "thumb_url", "title_url"):
            if not allowed.has(str(part)):
                yield f"{name} is {part!r}"
        elif name in ("block_id", "action_id", "callback_id", "type"):
            if not IDS.fullmatch(part):
                yield f"{name} is {part!r}"
        elif name == "value":
            continue  # nobody sees it
        elif isinstance(part, str):
            yield from character_problems(part)
        else:
            yield from block_problems(part, allowed)


def mrkdwn_problems(mrkdwn: str, allowed: Allowed) -> Iterator[str]:
    """List what Slack would do with a text, other than show it."""
    yield from character_problems(mrkdwn)
    rest, at = "", 0
    while (start := mrkdwn.find("<", at)) >= 0:
        end = mrkdwn.find(">", start)
        inner = mrkdwn[start + 1 : end]
        if end < 0 or "<" in inner or "\n" in inner:
            yield f"a stray < in {mrkdwn!r}"
            return
        yield from angle_problems(inner, allowed)
        rest += mrkdwn[at:start] + " "
        at = end + 1
    rest += mrkdwn[at:]
    if ">" in QUOTE.sub("", rest):
        yield f"a stray > in {mrkdwn!r}"
    if "&" in ENTITY.sub("", rest):
        yield f"a stray & in {mrkdwn!r}"
    shown = INLINE_CODE.sub(" ", FENCED.sub(" ", rest))
    for found in self_linked(html.unescape(shown)):
        yield f"{found!r} becomes a link in {mrkdwn!r}"


def angle_problems(inner: str, allowed: Allowed) -> Iterator[str]:
    """List what is wrong between < and >."""
    if inner[:1] in ("!", "@", "#"):
        if f"<{inner}>" not in allowed.mentions:
            yield f"a mention: <{inner}>"
        return
    url, _, label = inner.partition("|")
    if not allowed.has(html.unescape(url)):
        yield f"a link to {url!r}"
    shown = html.unescape(label)
    if [*self_linked(shown)] or re.search(r"[<>|`\n]", label):
        yield f"a link called {label!r}"


def self_linked(text: str) -> Iterator[str]:
    """Find what Slack makes a link of by itself: addresses, and hosts that end in letters."""
    yield from SCHEME.findall(text)
    for found in HOST_END.finditer(text):
        letters = "".join(takewhile(str.isalpha, found["top"]))
        behind = found["top"][len(letters) : len(letters) + 1]
        if found["top"] == "xn--" or (len(letters) > 1 and not is_part_of_word(behind)):
            yield found[0]


def is_part_of_word(char: str) -> bool:
    """Tell whether a host cannot end before this character."""
    return char == "_" or (char.isascii() and char.isalnum())


def character_problems(text: str) -> Iterator[str]:
    """List characters that hide or reorder text, and words that call everybody."""
    for char in text:
        is_hidden = unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs")
        is_none = (ord(char) & 0xFFFE) == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF
        if char != "\n" and (is_hidden or is_none or char in BLANK_LETTERS):
            yield f"an invisible {char!a} in {text!r}"
    if BROADCAST.search(re.sub(r"[*_~]", "", unicodedata.normalize("NFKC", text))):
        yield f"a call to everybody in {text!r}"
