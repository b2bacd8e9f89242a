"""Whether a claim stands in a snippet word for word, however a scrape has spaced it.

Takes the claim and the units of the snippet; what is quoted needs no comparison of meanings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .folding import fold
from .passages import Unit

LEAST_CHARACTERS = 20  # without spaces; less says too little by itself
MOST_UNITS = 3  # in a row that one claim may quote
# All but letters and digits, and what stands between two digits: 1.5 is not 15.
BETWEEN = re.compile(r"(?<!\d)[\W_]+|[\W_]+(?!\d)")
ARTICLES = ("", "the", "an", "a")


def is_quoted(claim: str, units: Sequence[Unit]) -> bool:
    """Tell whether a claim is a unit, or some in a row; an article before it does not count."""
    wanted = _without_article(_squeezed(claim))
    if min(map(len, wanted)) < LEAST_CHARACTERS:
        return False
    return any(wanted & _without_article(text) for text in _joined(units, max(map(len, wanted))))


def _joined(units: Sequence[Unit], longest: int) -> set[str]:
    """Give the units, and such as follow each other, squeezed; longer ones are of no use."""
    found: set[str] = set()
    for start in range(len(units)):
        text = ""
        for unit in units[start : start + MOST_UNITS]:
            if unit.is_row:
                break
            text += _squeezed(unit.text)
            found.add(text)
            if len(text) > longest + len("the"):
                break
    return found


def _squeezed(text: str) -> str:
    return BETWEEN.sub("", fold(text))


def _without_article(squeezed: str) -> set[str]:
    """Give a text as it is, and without the article that it may begin with."""
    return {squeezed.removeprefix(article) for article in ARTICLES}
