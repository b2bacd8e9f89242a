"""A claim drawn from several snippets → its clauses, each of which one snippet can support.

Only a claim that cites them all is taken apart. What its first clause says of the rest, too (a
condition, a role, a plan), the rest has to be supported with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from .facts import Facts
from .folding import fold, terms_of
from .plans import plan_names
from .roles import DENIED, is_of_everybody, roles_in, subjects_in
from .wording import meanings_of

JOINT = re.compile(
    r"(?:,?\s+(?P<word>and|or|but|whereas)|,\s+(?P<other>while|then))\s+(?:also\s+|then\s+)?"
    r"(?!so\b|neither\b)(?=\S)",
    re.IGNORECASE,
)
CONTRASTS = ("but", "whereas", "while")  # what is denied before one is not denied behind it
CONDITION = re.compile(
    r"\W*(?:on|in|for|with|without|as|if|when|unless|once|after|before|during|under|from|to|by)\b"
    r"(?:\s+[^\s,]+){1,8},\s+",
    re.IGNORECASE,
)
TRAILING = re.compile(
    r"\S.*\s(?:if|when|whenever|unless|once|after|before|during|until|while|without|as long as)\s",
    re.IGNORECASE | re.DOTALL,
)
DENYING = re.compile(rf"{DENIED.pattern}|\b(?:nothing|unable|(?:stop|prevent|forbid)s?)\b")
FINITE = re.compile(
    r"\b(?:can't|can|cannot|may|might|must|should|will|won't|is|isn't|are|aren't|was|were|has|have|"
    r"do|does|don't|doesn't|needs?|costs?|lasts?|comes?|requires?|includes?|gets?|gives?|lets?|"
    r"allows?|shows?|sees?|stops?|starts?|works?|uses?|means?|stays?)\b"
)
UNNAMED = re.compile(rf"(?:you|they|he|she|it|we|this|these|those)\b|{FINITE.pattern}")
BEGINNING = 7  # words among which a clause has its verb
LEAST_TERMS = 3  # of a clause: fewer words are found anywhere
MOST_JOINTS = 4  # of one claim
SUBJECT_WORDS = 4


@dataclass(frozen=True, slots=True)
class Split:
    """A claim in two; what is said before the rest, "" where that has a subject of its own."""

    first: str
    rest: str
    before: str


def splits_of(claim: str) -> Iterator[Split]:
    """Give the ways to take a claim apart: its first clause, and the rest with the condition.

    >>> split, = splits_of("On the Free plan, a kiosk costs nothing and you can invite all people.")
    >>> split.rest
    'On the Free plan, you can invite all people.'
    """
    condition = CONDITION.match(claim)
    start = condition.end() if condition is not None else 0
    for joint in islice(JOINT.finditer(claim, start), MOST_JOINTS):
        first, rest = claim[: joint.start()], claim[joint.end() :]
        if not all(_is_clause(text) for text in (first[start:], rest)):
            continue
        is_contrast = (joint["word"] or joint["other"]).lower() in CONTRASTS
        is_own = is_contrast or _has_subject(rest)
        if is_own or not DENYING.search(fold(first)):
            condition_of_rest = "" if is_contrast else claim[:start]
            yield Split(first, condition_of_rest + rest, "" if is_own else first)


def is_conditional(rest: str) -> bool:
    """Tell whether a condition stands at the end that is for the first clause, too.

    Whom the rest is on by itself, it is for alone: "…, and admins can print without a limit".
    """
    return TRAILING.match(rest) is not None and not subjects_in(fold(rest))


def is_sentence(clause: str) -> bool:
    """Tell whether a clause says something by itself, without an object that follows."""
    has_verb = FINITE.search(_beginning(clause)) is not None or bool(subjects_in(fold(clause)))
    return has_verb and len(meanings_of(terms_of(clause))) > LEAST_TERMS


def with_those_before(facts: Facts, clause: str, before: str) -> Facts:
    """Give the facts of a clause with the roles and plans that only what is before it names.

    What it goes on about without a name has to be spoken of where its support is.
    """
    plans = () if any(plan_names(clause)) else plan_names(before)
    earlier = fold(before)
    return replace(
        facts,
        names=facts.names.union(plans, subject_of(before)),
        roles=facts.roles or roles_in(earlier),
        is_everybody=facts.is_everybody or (not facts.roles and is_of_everybody(earlier)),
    )


def subject_of(clause: str) -> frozenset[str]:
    """Give the terms of what a clause is about: what stands before its verb."""
    beginning = _beginning(clause)
    verb = FINITE.search(beginning)
    subject = beginning[: verb.start()] if verb is not None else ""
    if len(subject.split()) > SUBJECT_WORDS or is_of_everybody(subject) or roles_in(subject):
        return frozenset()
    return frozenset(terms_of(subject))


def _has_subject(rest: str) -> bool:
    """Tell whether it says whom it is about; "you can" leaves that to what is before it."""
    beginning = _beginning(rest)
    return FINITE.search(beginning) is not None and not UNNAMED.match(beginning)


def _beginning(clause: str) -> str:
    return " ".join(fold(clause).split(",")[0].split()[:BEGINNING])


def _is_clause(text: str) -> bool:
    """Tell whether a text says something alone and cuts no label, quote or bracket in two."""
    if text.count("**") % 2 or text.count("`") % 2 or text.count('"') % 2:
        return False
    if text.count("(") != text.count(")") or text.count("“") != text.count("”"):
        return False
    return len(meanings_of(terms_of(text))) >= LEAST_TERMS
