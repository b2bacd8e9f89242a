"""Which plans a text names, gives something to, or denies it.

What a plan is called is not known beforehand: it is what stands before "plan", but for words that
every plan may be called by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .folding import fold, terms_of
from .roles import NOBODY, ROLES
from .terms import STOP_WORDS
from .wording import is_ordinary

NAME = r"[^\W\d_][\w-]{1,20}"
NAMED = re.compile(
    rf"\b(?P<names>{NAME}(?:(?:,? and |,? or |, |/){NAME}){{0,6}}) "
    r"(?P<plan>plans?|tiers?|editions?)\b",
    re.IGNORECASE,
)
LIST = re.compile(r",? and |,? or |, |/")
CLAUSE = re.compile(r"[;:()–—]\s|, (?:and|so)\b|\b(?:but|although|though|while|whereas|because)\b")
PLANS = re.compile(
    r"\b[A-Z]\w+(?:(?:, | and | or |, and |, or )[A-Z]\w+){0,6}"
    r"(?: plans?\b| (?:or|and) (?:higher|above)\b)"
)
_OF_ANY_PLAN = """
plan plans paid unpaid free annual trial current new old existing same other another different
higher lower upper next previous own no such single multiple several many more most one two
three four both either neither first second third last right wrong correct better best good
cheap cheaper cheapest expensive large larger largest small smaller bigger appropriate suitable
specific certain particular active inactive relevant respective individual separate entire
whole full default upgrade downgrade cancel change switch select choose buy renew price payment
subscription seat workspace team user company organization organisation account product service
eligible compatible necessary minimum maximum only top lowest highest original main higher-tier
lower-tier every each any all per not never without within under regular
month year week day month-to-month year-long pay-as-you-go project work assignment schedule
"""
OF_ANY_PLAN = frozenset(_OF_ANY_PLAN.split())
ENDINGS = re.compile(r"(?:ing|ed|ly|'s)$")
OF_USERS = re.compile(
    r"\W*(?P<name>[A-Z][^\W\d_]{2,20}) (?:users?|members?|customers?|subscribers?|workspaces?)\b"
)
HEAD = re.compile(r"\W*(?P<name>[A-Z][^\W\d_]{2,20})(?:\*\*)?:")
NO_HEAD = re.compile(r"(?:ity|ment|tion|ance|ence|ness|age|s)$")
OTHER_USERS = frozenset("limited mobile internal external remote multiple".split())  # noqa: SIM905


def plan_names(text: str) -> Iterator[str]:
    """Give the terms of what plans are called in a text, in capitals or not."""
    for match in NAMED.finditer(text.replace("*", "").replace("`", "")):
        names = LIST.split(match["names"])
        is_verb = match["plan"] == "plan" and re.search(r"[^su]s$", names[-1])  # "managers plan"
        if is_verb or not _may_be_name(names[-1]):
            continue
        yield from (term for name in names if _may_be_name(name) for term in terms_of(name)[:1])


def plans_at_start(claim: str) -> Iterator[str]:
    """Give the terms of what may be a plan: "Basic users can …", "Enterprise: up to 10 users"."""
    for pattern in (OF_USERS, HEAD):
        match = pattern.match(claim)
        if match is None or not _may_be_name(match["name"]) or is_ordinary(match["name"]):
            continue
        name = match["name"].casefold()
        if not NO_HEAD.search(name) and name not in OTHER_USERS | frozenset(ROLES):
            yield from terms_of(name)[:1]


def denied_plans(claim: str) -> frozenset[str]:
    """Give the terms of plans that a claim says not to have something."""
    denying = (clause for clause in CLAUSE.split(claim) if NOBODY.search(fold(clause)))
    return frozenset(name for clause in denying for name in plan_names(clause))


def gives(text: str, plans: frozenset[str]) -> bool:
    """Tell whether a text says, without a "not", that these plans have something."""
    is_plain = NOBODY.search(fold(text)) is None
    return is_plain and names_plans(text) and bool(plans & frozenset(terms_of(text)))


def names_plans(text: str) -> bool:
    """Tell whether a text says which plans have something."""
    return PLANS.search(text.replace("*", "")) is not None


def _may_be_name(word: str) -> bool:
    word = word.casefold()
    return word not in OF_ANY_PLAN | STOP_WORDS and not ENDINGS.search(word)
