"""What an eager model reads in a text: the text, and every text that is hidden in it."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator

HOMOGLYPHS = dict(zip("аеорсухіѕјԁһκνοτ", "aeopcyxisjdhkvot", strict=True))
HOMOGLYPHS |= dict(zip("АВЕКМНОРСТХІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTXISJABEZHIKMNOPTYX", strict=True))
LOOK_ALIKES = str.maketrans(HOMOGLYPHS)
LEET = str.maketrans("0345 7".replace(" ", ""), "oeast")
TAGS_START = 0xE0000
BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
HEX = re.compile(r"\b(?:[0-9a-f]{2}){8,}\b")
SPACED = re.compile(r"\b(?:\S ){5,}\S\b")


def readings(text: str) -> tuple[str, ...]:
    """Give the text itself and all that can be made of it, once each."""
    return tuple(dict.fromkeys((text, *_hidden(text), *map(folded, _hidden(text)), folded(text))))


def folded(text: str) -> str:
    """Write a text as it looks: plain letters, nothing invisible."""
    text = unicodedata.normalize("NFKC", _with_tags_shown(text)).translate(LOOK_ALIKES)
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf"))


def zero_width(text: str) -> str:
    """Put something invisible between all letters."""
    return "\u200b".join(text)


def tagged(text: str) -> str:
    """Write ASCII in characters that nobody sees."""
    return "".join(chr(TAGS_START + ord(c)) if c.isascii() else c for c in text)


def look_alike(text: str) -> str:
    """Write with letters of other alphabets."""
    twins = {latin: other for other, latin in reversed(HOMOGLYPHS.items())}
    return "".join(twins.get(character, character) for character in text)


def leet(text: str) -> str:
    """Write letters as digits."""
    return text.translate(str.maketrans("oeast", "0345$".replace("$", "7")))


def _hidden(text: str) -> Iterator[str]:
    for token in BASE64.findall(text):
        yield from _decoded(token)
    for token in HEX.findall(text):
        yield bytes.fromhex(token).decode("utf-8", "ignore")
    yield codecs.decode(text, "rot13")
    yield text[::-1]
    yield html.unescape(text)
    yield text.translate(LEET)
    yield SPACED.sub(
        lambda run: run[0].replace("  ", "\0").replace(" ", "").replace("\0", " "), text
    )


def _decoded(token: str) -> Iterator[str]:
    try:
        yield base64.b64decode(token + "=" * (-len(token) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return


def _with_tags_shown(text: str) -> str:
    return "".join(
        chr(ord(c) - TAGS_START) if TAGS_START + 32 <= ord(c) < TAGS_START + 127 else c
        for c in text
    )
