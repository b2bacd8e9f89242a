"""Text → folded text, words and terms, as facts of claims and passages are compared by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from .terms import TermAnalyzer

DASHES = str.maketrans("‐‑‒–—−’‘´`“”„«»", '------\'\'\'\'"""""')
_ANALYZER = TermAnalyzer()
SWITCH = re.compile(r"\b(?:on|off)\b")
SWITCHED = re.compile(r"(?:turn|switch|toggl|flip)\w*(?: (?:it|them|this|that))?\W*$")
NOT_SWITCHED = re.compile(r"(?:\b(?:time|days?|hours|sign|log|clock)\W*|-)$")
BEHIND_SWITCH = re.compile(  # no noun, as behind "on the Pro plan" and "off by 5 m"
    r"\W*(?:$|[.,;:!?)]|(?:by default|and|or|but|so|then|when|whenever|while|if|unless|until|once|"
    r"since|because|as|before|after|during|from|with|without|through|via|to|in|at|on|for|again|only|"
    r"automatically|manually|yourself)\b)"
)


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
    """Give words, hyphenated ones whole as well: "non-billable", "billable" only by itself.

    "On" and "off" only where something is switched: not of "time off", "on the Pro plan".

    >>> list(words_with_parts("turn it off for time off on mondays"))
    ['turn', 'it', 'off', 'for', 'time', 'mondays']
    """
    folded = SWITCH.sub(lambda match: match[0] if _is_switched(match) else " ", folded)
    for word in folded.replace("*", " ").split():
        bare = word.strip(".,;:!?()[]\"'`")
        if bare.startswith("non-"):
            yield bare
        else:
            yield from bare.replace("/", "-").split("-")


def _is_switched(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - 20) : match.start()]
    if SWITCHED.search(before):
        return True
    return not NOT_SWITCHED.search(before) and bool(BEHIND_SWITCH.match(match.string, match.end()))
