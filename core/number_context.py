"""What stands around a number of a folded text: a bound, what it counts, what it is for each of.

"no more than 10 users" → at most, user; "$7 per seat and month" → user, month.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from enum import StrEnum

from .number_words import PHRASE
from .terms import STOP_WORDS, TermAnalyzer
from .wording import meanings_of

NEAR = 60  # characters before and behind a number that are looked at


class Bound(StrEnum):
    """Which side of a number is meant."""

    NONE = ""
    MOST = "at most"
    LEAST = "at least"

    def excludes(self, other: Bound) -> bool:
        """Tell whether both are bounds, and not the same."""
        return Bound.NONE not in (self, other) and self is not other


_MORE = r"(?:(?:more|longer|greater|older|larger|bigger|higher) than|over|exceed(?:s|ing)?|beyond)"
_LESS = r"(?:(?:less|fewer|shorter|smaller|lower) than)"
_NOT = r"(?:\b(?:no|not|never|cannot|nobody|none|without)\b|n't\b)"
_END = r"(?: (?:of|to|is|are|at|as))?:? ?(?:the |an? )?$"
_BEFORE = (
    # In "if you have more than 10" either side may be spoken of.
    (
        rf"(?:\b(?:if|when|once|unless|whether|needs?|requires?|as soon as)\b|(?:^|[.,;:] ?)for )"
        rf"[^.;:]{{0,{NEAR}}}\b(?:{_MORE}|{_LESS}) $",
        Bound.NONE,
    ),
    (rf"{_NOT}[^.,;:]{{0,40}}\b{_MORE} (?:of )?$", Bound.MOST),
    (rf"{_NOT}[^.,;:]{{0,40}}\b{_LESS} $", Bound.LEAST),
    (
        r"\b(?:up to|at (?:the )?most|max|maximum(?: [a-z]+)?|limit|limited|capped|within|"
        rf"as many as|{_LESS}){_END}",
        Bound.MOST,
    ),
    (rf"\b(?:at (?:the )?least|min|minimum(?: [a-z]+)?|{_MORE}|starting){_END}", Bound.LEAST),
)
# "can't have more than 10" denies nothing.
LIMITING = re.compile(rf"{_NOT}[^.,;:]{{0,40}}\b(?:{_MORE}|{_LESS})(?= [$€£]?\d| (?:{PHRASE}))")
BEFORE = tuple((re.compile(pattern), bound) for pattern, bound in _BEFORE)
_WORDS = r"^(?:[ -](?!and\b|or\b|at\b)[a-z]{1,15}){0,3},?"
BEHIND = (
    (
        re.compile(rf"{_WORDS} (?:at (?:the )?most|max|maximum|or (?:fewer|less)|tops)\b"),
        Bound.MOST,
    ),
    (
        re.compile(
            rf"^\+|{_WORDS} (?:at (?:the )?least|minimum|and (?:more|up|above)|"
            r"or (?:more|longer|above|over))\b"
        ),
        Bound.LEAST,
    ),
)

_TIMES = {
    "second": "seconds sec s",
    "minute": "minutes min",
    "hour": "hours hr h hourly",
    "day": "days daily today yesterday",
    "week": "weeks weekly",
    "month": "months mo monthly",
    "year": "years yr yearly annual annually",
}
TIMES = {word: time for time, words in _TIMES.items() for word in (time, *words.split())}
_PEOPLE = "user|person|seat|member|employee|head"
_TIME = "second|minute|hour|day|week|month|mo|year|yr"
RATE = re.compile(
    r"^(?: ?/ ?| per[ -]| for (?:each|every) )(?P<any>[a-z]{1,15})\b|"
    rf"^ (?:an?|each|every) (?P<each>{_TIME}|{_PEOPLE})\b|"
    rf"^(?:,? and|,) (?:per |an? |each |every )?(?P<more>{_TIME}|{_PEOPLE})\b|"
    r"^ (?P<adverb>hourly|daily|weekly|monthly|yearly|annually)\b"
)
COUNTED_WORDS = re.compile(
    r"^(?: (?!(?:per|an?|each|every|for|and|or|[a-z]+ly)\b)[a-z]{1,15}\b){0,2}"
)
BEHIND_NUMBER = re.compile(r"[ -]([a-z]{2,20})\b")
NO_NOUNS = STOP_WORDS | frozenset(
    "per each every more less fewer only not no when while before after at most least max maximum "  # noqa: SIM905
    "minimum times hundred dozen thousand million billion".split()
)
_ANALYZER = TermAnalyzer()
USER = meanings_of(_ANALYZER.terms("user"))


def bound_of(folded: str, start: int, end: int) -> Bound:
    """Give the bound that the words around a number say."""
    before, behind = folded[max(0, start - 2 * NEAR) : start], folded[end : end + NEAR]
    if before.rstrip(" :")[-1:].isalpha():
        for pattern, bound in BEFORE:
            if pattern.search(before):
                return bound
    return next((bound for pattern, bound in BEHIND if pattern.search(behind)), Bound.NONE)


def nouns_of(folded: str, end: int, units: Collection[str]) -> frozenset[str]:
    """Give the terms of the one or two words right behind a number, up to a unit."""
    found: list[str] = []
    while len(found) < 2 and (match := BEHIND_NUMBER.match(folded, end)):
        if match[1] in NO_NOUNS or match[1] in units:
            break
        found.append(match[1])
        end = match.end()
    return things_of(" ".join(found))


def rates_of(folded: str, end: int) -> frozenset[str]:
    """Give what a number is for each of: "7 dollars per user per month" → user, month."""
    behind = folded[end : end + 2 * NEAR]
    counted = COUNTED_WORDS.match(behind)
    behind = behind[counted.end() if counted else 0 :]
    found: set[str] = set()
    while match := RATE.match(behind):
        if match["more"] and not found:
            break
        word = match["any"] or match["each"] or match["more"] or match["adverb"]
        found |= {TIMES[word]} if word in TIMES else things_of(word)
        behind = behind[match.end() :]
    return frozenset(found)


def rates_agree(wanted: frozenset[str], own: frozenset[str], said: Collection[str]) -> bool:
    """Tell whether each rate is one of a number's own, or said elsewhere when it has none such.

    A bare price, as in a table, may be that of a user.
    """
    times = frozenset(TIMES.values())
    for rate in wanted:
        alike = own & times if rate in times else own - times
        if rate not in (alike or said) and (own or rate not in USER):
            return False
    return True


def things_of(text: str) -> frozenset[str]:
    """Give the terms of a text, one for all that say the same."""
    return meanings_of(_ANALYZER.terms(text))


def times_in(words: Iterable[str]) -> frozenset[str]:
    """Give the units of time that words speak of: "monthly" → month."""
    return frozenset(TIMES[word] for word in words if word in TIMES)
