"""Text → folded text, words and terms, as facts of claims and passages are compared by."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from .terms import TermAnalyzer

DASHES = str.maketrans("‐‑‒–—−’‘´`“”„«»", '------\'\'\'\'"""""')
_ANALYZER = TermAnalyzer()


@lru_cache(maxsize=2000)
def fold(text: str) -> str:
    """Fold case, widths, dashes and quotes, and all white space to one space."""
    text = unicodedata.normalize("NFKC", text.replace("…", " ")).translate(DASHES)
    return " ".join(text.casefold().split())


def terms_of(text: str) -> list[str]:
    """Give the terms of a text; "administrator" is the same as "admin"."""
    terms = _ANALYZER.terms(text.translate(DASHES))
    return ["admin" if term == "administr" else term for term in terms]


def words_with_parts(folded: str) -> Iterator[str]:
    """Give words, hyphenated ones whole as well: "non-billable", "billable" only by itself."""
    for word in folded.replace("*", " ").split():
        bare = word.strip(".,;:!?()[]\"'`")
        if bare.startswith("non-"):
            yield bare
        else:
            yield from bare.replace("/", "-").split("-")
