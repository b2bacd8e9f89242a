"""Names in a text: capitalised words inside of sentences, acronyms, days and months."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from .folding import terms_of
from .terms import STOP_WORDS, WORD

_DATES = """
monday tuesday wednesday thursday friday saturday sunday january february march april june july
august september october november december
"""
DATES = frozenset(_DATES.split())
ACRONYMS = re.compile(r"(?<=[A-Z]{2})s$")  # PDFs
UNIT = re.compile(  # of a number, and no name
    r"\b(?:USD|EUR|GBP)(?= ?\d)|(?<=\d) ?(?:USD|EUR|GBP)\b|(?<=\d)[KM]\b"
)
COMMON = frozenset(("url", "ui", "pc", "faq", "id", "ok"))  # capitals that name no product


def names_in(claim: str) -> Iterator[str]:
    """Give the terms of capitalised words inside of sentences, acronyms and camel case.

    None of a text with as many capitals as German, or A Title, has.
    """
    plain = UNIT.sub("", claim.replace("**", "").replace("`", " "))
    found = list(WORD.finditer(plain))
    inside = [match for match in found if not _begins_sentence(plain, match.start())]
    capitals = [match for match in inside if match.group()[0].isupper()]
    capitals = [match for match in capitals if match.group() not in ("I", "A")]
    small = len(inside) - len(capitals)
    is_usual = len(capitals) <= max(small, 2)
    for match in found:
        word = match.group()
        is_odd = len(word) > 1 and any(c.isupper() for c in word[1:])
        has_digit = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
        if word.casefold() in STOP_WORDS and not is_odd:
            continue
        if word.casefold() in DATES:
            yield from terms_of(word)
        elif is_odd or (has_digit and word[0].isalpha()) or (is_usual and match in capitals):
            yield from terms_of(ACRONYMS.sub("", word))[:1]


def capitalised(text: str) -> Iterator[str]:
    """Give the terms of all capitalised words."""
    for word in WORD.findall(text):
        if word[0].isupper() and word.casefold() not in STOP_WORDS:
            yield from terms_of(word)[:1]


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 20) : start].rstrip(" \t\n\"'(*“„«")
    return not before or before[-1] in ".!?:;"


def has_name(name: str, terms: Collection[str]) -> bool:
    """Tell whether a name is among the terms of a text."""
    if name in terms or name in COMMON:
        return True
    # An inflected name in a language whose endings are not cut.
    return len(name) >= 6 and any(
        other[: len(name) - 2] == name[:-2] and abs(len(other) - len(name)) <= 2
        for other in terms
        if len(other) >= 6
    )
