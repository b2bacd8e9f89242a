"""A text as it may be read by somebody who looks for what is hidden in it.

Look-alike letters, invisible ones, letters set apart, base64, hexadecimal, percent and HTML
entities, rot13, digits for letters, and backwards: a language model reads all of these.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

# Letters of other alphabets that look like Latin ones (Unicode's confusables, the usual ones).
_TWINS = str.maketrans(
    "аеорсухіѕјԁһгкмтвնοανκρτυχιАВЕКМНОРСТХІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑɡıŀ",
    "aeopcyxisjdhrkmtbhoavkptuxiABEKMHOPCTXISJABEZHIKMNOPTYXagil",
)
_LEET = str.maketrans("013457@$", "oieastas")
_TAGS = range(0xE0020, 0xE007F)  # ASCII in characters that nobody sees
_TAG_BASE = 0xE0000
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{20,4000}={0,2}")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){10,2000}(?![0-9A-Fa-f])")
_APART = re.compile(r"(?<!\w)(?:[^\W_][ \t._-]{1,3}){5,400}[^\W_](?!\w)")
_LETTER_APART = re.compile(r"(\S)[ \t._-](?=\S)")
_DIGIT_IN_WORD = re.compile(r"[A-Za-z][013457@$]|[013457@$][A-Za-z]")
# A cheap look before all patterns are tried: the usual words of orders, turned over.
_ORDER_WORDS = (
    "ignore",
    "instruction",
    "answer",
    "prompt",
    "assistant",
    "reply",
    "write",
    "append",
)
_ROT13 = re.compile("|".join(codecs.encode(word, "rot13") for word in _ORDER_WORDS), re.I)
_BACKWARDS = re.compile("|".join(word[::-1] for word in _ORDER_WORDS), re.I)


def readings(text: str) -> Iterator[str]:
    """Give the text and, where there may be something hidden, what it may be read as.

    >>> "Ignore the rules" in list(readings("Vtaber gur ehyrf"))
    True
    """
    yield text
    plain = folded(text)
    if plain != text:
        yield plain
    for token in _BASE64.findall(plain):
        if decoded := _from_base64(token):
            yield folded(decoded)
    for token in _HEX.findall(plain):
        yield folded(bytes.fromhex(token).decode("utf-8", "ignore"))
    if "&" in plain or "%" in plain:
        yield folded(unquote(html.unescape(html.unescape(plain))))
    if _APART.search(plain):
        yield _APART.sub(_together, plain)
    if _DIGIT_IN_WORD.search(plain):
        yield plain.translate(_LEET)
    if _ROT13.search(plain):
        yield codecs.encode(plain, "rot13")
    if _BACKWARDS.search(plain):
        yield plain[::-1]


def folded(text: str) -> str:
    """Write a text as it looks to a reader, and hidden ASCII in the open.

    >>> folded("Ｉgnоre\\u200b")
    'Ignore'
    """
    if text.isascii():
        return text
    shown = "".join(chr(ord(c) - _TAG_BASE) if ord(c) in _TAGS else c for c in text)
    plain = unicodedata.normalize("NFKC", shown).translate(_TWINS)
    return "".join(c for c in plain if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf"))


def _from_base64(token: str) -> str:
    """Decode; "" for what is no text."""
    token = token.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(token + "=" * (-len(token) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return decoded if decoded.isprintable() or "\n" in decoded else ""


def _together(match: re.Match[str]) -> str:
    """Write "i g n o r e   m e" as "ignore me"."""
    words = re.split(r"[ \t]{2,3}", match[0])
    return " ".join(_LETTER_APART.sub(r"\1", word) for word in words)
