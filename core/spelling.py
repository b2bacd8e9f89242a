"""Misspelt words of a question → words of the knowledge.

A word is only replaced when neither the knowledge nor general English knows it; general English is
the vocabulary of BERT, which lies beside the embedded embedder.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from .terms import STOP_WORDS, words

DICTIONARY = Path(__file__).parent / "embedders" / "bert-base-uncased-vocab.txt"
MIN_CHARS = 5  # shorter words have too many neighbours
LONG_CHARS = 8  # from this length two mistakes are allowed
MIN_FREQUENCY = 2  # a word seen once may itself be a mistake
ASCII_WORD = re.compile(r"\b[A-Za-z]+\b")  # not the ASCII part of "Überstunden"


class SpellingCorrector:
    """Knows the words of one generation; immutable after construction."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts = Counter(word for text in texts for word in words(text))
        self._in_knowledge = frozenset(counts)
        self._known = self._in_knowledge | _general_english() | STOP_WORDS
        self._counts = {
            word: count
            for word, count in counts.items()
            if count >= MIN_FREQUENCY and ASCII_WORD.fullmatch(word)
        }
        self._choices = sorted(self._counts)

    def correct(self, text: str) -> str:
        """Replace misspelt words by the nearest, then most frequent word of the knowledge.

        A capital at the beginning stays, and so do capitals throughout.
        """
        return ASCII_WORD.sub(lambda match: self._nearest(match.group()), text)

    def in_knowledge(self, word: str) -> bool:
        """Say whether a folded word occurs in the knowledge, as it is or without a plural s."""
        return word in self._in_knowledge or word.removesuffix("s") in self._in_knowledge

    def _nearest(self, raw: str) -> str:
        word = raw.lower()
        if len(word) < MIN_CHARS or word in self._known:
            return raw
        cutoff = 2 if len(word) >= LONG_CHARS else 1
        found = process.extract(
            word, self._choices, scorer=OSA.distance, score_cutoff=cutoff, limit=20
        )
        if not found:
            return raw
        best = min(found, key=lambda f: (f[1], f[0][0] != word[0], -self._counts[f[0]], f[0]))
        return _with_capitals(str(best[0]), like=raw)


def _with_capitals(word: str, *, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[0].isupper() else word


def _general_english() -> frozenset[str]:
    lines = DICTIONARY.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line.isalpha())
