"""Text → terms: one Unicode tokenizer for indexing and queries.

Words in any script, case folded, English stop words dropped and English endings cut (Snowball).
A word in camel case counts as itself and as its parts; runs of CJK characters count as bigrams.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import snowballstemmer

# Letters and digits, with the accents and vowel points that have no composed form.
_MARKS = r"\u0300-\u036f\u0591-\u05bd\u05c1\u05c2\u05c7\u0610-\u061a\u064b-\u065f\u0670"
_CHARACTER = rf"[^\W_][{_MARKS}]*"
WORD = re.compile(rf"(?:{_CHARACTER})+(?:['’](?:{_CHARACTER})+)*")
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
SCRIPT = re.compile(rf"(?P<cjk>[{_CJK}]+)|[^{_CJK}]+")
MAX_WORD_CHARS = 64  # longer runs are data, not words
MEMORY = 50_000  # words and stems remembered

_STOP_WORDS = """
a about all also am an and any are as at be been being but by can could did do does doing for
from get gets getting got had has have having he her here him his how i if in into is it its
just let lets like me my of on or our please pls she should so some than that the their them
then there these they this those to too up us want was we were what whats when where which
while who whom whose why will with would yes you your youre im ive id dont doesnt didnt cant
isnt arent wasnt wont thats theres hi hey hello
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


class TermAnalyzer:
    """Turns text into terms; keeps a bounded memory of stems, so use one per index."""

    def __init__(self) -> None:
        self._stemmer = snowballstemmer.stemmer("english")
        self._stems: dict[str, str] = {}

    def terms(self, text: str) -> list[str]:
        """Give the terms of a text in order, repeated as often as they occur.

        >>> TermAnalyzer().terms("Locking the team's timesheets in QuickBooks")
        ['lock', 'team', 'timesheet', 'quickbook', 'quick', 'book']
        """
        return [self._stem(word) for word in words(text) if word not in STOP_WORDS]

    def _stem(self, word: str) -> str:
        stem = self._stems.get(word)
        if stem is None:
            if len(self._stems) >= MEMORY:
                self._stems.clear()
            stem = self._stems[word] = str(self._stemmer.stemWord(word))
        return stem


def words(text: str) -> Iterator[str]:
    """Give the folded words of a text, with the parts of camel-case words after them."""
    for match in WORD.finditer(unicodedata.normalize("NFKC", text)):
        run = match.group()
        if len(run) <= MAX_WORD_CHARS:
            yield from _remembered(run)
        else:
            yield from _split_scripts(run)


@lru_cache(maxsize=MEMORY)
def _remembered(run: str) -> tuple[str, ...]:
    """Split a run that is no data; texts repeat their words, and folding is slow."""
    return tuple(_split_scripts(run))


def _split_scripts(run: str) -> Iterator[str]:
    for part in SCRIPT.finditer(run):
        if part["cjk"]:
            yield from _cjk_bigrams(part.group())
        else:
            yield from _forms(part.group()[:MAX_WORD_CHARS])


def _forms(raw: str) -> Iterator[str]:
    folded = _fold(raw)
    if not folded:
        return  # an apostrophe between two scripts
    yield folded
    parts = HUMP.split(raw)
    if len(parts) > 1:
        yield from (_fold(part) for part in parts if len(part) > 1)


def _fold(raw: str) -> str:
    """Fold case and accents; drop the possessive and other apostrophes."""
    folded = raw.casefold().replace("’", "'").removesuffix("'s").replace("'", "")
    if folded.isascii():
        return folded
    decomposed = unicodedata.normalize("NFD", folded)
    return "".join(c for c in decomposed if not unicodedata.combining(c)) or folded


def _cjk_bigrams(word: str) -> Iterator[str]:
    if len(word) == 1:
        yield word
    for first, second in pairwise(word):
        yield first + second
