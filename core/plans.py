"""Which plans a text gives something to, or denies it."""

from __future__ import annotations

import re

from .facts import NOBODY, fold, terms_of

PLAN = re.compile(r"\b([A-Z]\w+) plans?\b")
PLANS = re.compile(
    r"\b[A-Z]\w+(?:(?:, | and | or |, and |, or )[A-Z]\w+){0,6}"
    r"(?: plans?\b| (?:or|and) (?:higher|above)\b)"
)


def denied_plans(claim: str) -> frozenset[str]:
    """Give the terms of plans that a claim says not to have something."""
    if not NOBODY.search(fold(claim)):
        return frozenset()
    named = PLAN.findall(claim.replace("*", ""))
    return frozenset(term for name in named for term in terms_of(name)[:1])


def gives(text: str, plans: frozenset[str]) -> bool:
    """Tell whether a text says, without a "not", that these plans have something."""
    is_plain = NOBODY.search(fold(text)) is None
    return is_plain and names_plans(text) and bool(plans & frozenset(terms_of(text)))


def names_plans(text: str) -> bool:
    """Tell whether a text says which plans have something."""
    return PLANS.search(text.replace("*", "")) is not None
