"""The words that instructions share, whichever they use: "click" = "press", "choose" = "select".

Takes text; gives its terms with one term for all that say the same, and without hedges. For
comparing how much two texts have in common; facts keep their own words (core/facts.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .terms import STOP_WORDS, TermAnalyzer

_SAME = """
click press tap hit push
choose select pick
open go navigate visit head reach
enable activate turn switch toggle flip
delete remove erase clear
enter type write input fill
immediately instantly once away straight
show display see view visible appear
get receive
buy purchase
edit change modify adjust
review read inspect
person people user member employee colleague teammate seat
page screen section tab area
address url link
begin start
finish end
finished over
allow let permit enable
available offered included include contain come comes part
need require necessary mandatory required
cost price priced charge
yearly annual annually
single individual
correct right fix
maximum most limit
minimum least
pull withdraw
time hours
duration length
permanently forever
remaining left
mean means indicate stand stands
wrong incorrect
missing lack lacks
wait waiting
give assign hand
match same equal identical
not no cannot can't won't don't doesn't isn't aren't didn't wasn't never nor neither without
each every
verify check confirm
"""
_HEDGES = """
may might also simply however alternatively additionally note example usually want certain please
option optionally useful reason you'll you'd you've you're it's it'll they're they'll they've
there's that's we're
following follow according order way ensure sure make next beside besides
"""
_ANALYZER = TermAnalyzer()


def _groups(rows: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        terms = _ANALYZER.terms(row)
        for term in terms:
            found.setdefault(term, terms[0])
    return found


_TERM_OF = _groups(row for row in _SAME.split("\n") if row)
_HEDGE_TERMS = frozenset(_ANALYZER.terms(_HEDGES))
# What a sentence of an answer may begin with before it says anything.
_OPENING = re.compile(
    r"\W*(?:yes|no|sure|certainly|absolutely|of course|unfortunately|in short|in summary|"
    r"in general|overall|to summari[sz]e|however|alternatively|additionally|also|"
    r"in addition|furthermore|moreover|finally|lastly|then|next|afterwards?|"
    r"after that|for example|for instance|specifically|(?:please )?note(?: that)?|"
    r"keep in mind(?: that)?|remember(?: that)?|important|"
    r"tip|warning|(?:based on|according to|as per|as stated in|from)(?: the)?"
    r"(?: (?:provided|given|available))?"
    r"(?: (?:snippets?|documentation|docs|articles?|sources?|information|context))"
    r"(?: (?:provided|given|above))?|"
    r"ja|nein|leider|s[ií]|oui|non)"
    r"(?:\W*[,.:!;–—]\W{0,4}(?<=\s)|(?<=that) )(?=\S)",
    re.IGNORECASE,
)
# "**Choose a date:** …", "**Wait a bit** – …": a name that an answer gives to what follows.
RUN_IN = re.compile(
    r"\*\*(?P<head>[^*\n]{1,120}?)(?P<mark>:\*\*|\*\* ?[:–—]|\*\* -(?= ))[ \t]*(?=\S)"
)
LEAST_BEHIND_HEAD = 3  # words that say something without their head


def meanings_of(terms: Iterable[str]) -> frozenset[str]:
    """Give one term for all that say the same.

    >>> meanings_of(["click", "date"]) == meanings_of(["press", "date"])
    True
    """
    return frozenset(_TERM_OF.get(term, term) for term in terms if term not in _HEDGE_TERMS)


def telling(terms: Iterable[str]) -> frozenset[str]:
    """Give the meanings of the terms that are not those of any instruction."""
    return frozenset(t for t in terms if t not in _TERM_OF and t not in _HEDGE_TERMS)


def is_ordinary(word: str) -> bool:
    """Tell whether a word is one that instructions share."""
    return any(t in _TERM_OF or t in _HEDGE_TERMS for t in _ANALYZER.terms(word))


def without_opening(claim: str) -> str:
    """Drop "No," and "Note that" from the beginning of a sentence.

    >>> without_opening("Unfortunately, no. You can't undo it.")
    "You can't undo it."
    """
    for _ in range(3):
        match = _OPENING.match(claim)
        if match is None:
            break
        claim = claim[match.end() :]
    return claim


def without_head(claim: str) -> str:
    """Give what stands behind a run-in head; the claim itself where there is none, or too little.

    >>> without_head("**Wait a bit** – it takes some 30 minutes.")
    'it takes some 30 minutes.'
    """
    match = RUN_IN.match(claim)
    rest = claim[match.end() :] if match is not None else ""
    words = [word for word in rest.split() if word.casefold() not in STOP_WORDS]
    return rest if len(words) >= LEAST_BEHIND_HEAD else claim
