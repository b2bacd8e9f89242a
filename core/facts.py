"""A claim → the facts that its snippet must hold: numbers, names, labels, roles, directions.

Takes text in any script; compares folded: 1,000 = 1 000, "five" = 5, $5 = 5 USD, Locked = lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .contrasts import is_on_both_sides, is_on_other_side
from .folding import fold, words_with_parts
from .folding import terms_of as terms_of  # for those who compare with facts
from .names import capitalised, has_name, names_in
from .number_context import times_in
from .numbers_in_text import Number, has_number, numbers_of
from .plans import plan_names, plans_at_start
from .roles import is_of_everybody, is_of_what_is_everybodys, roles_in, subjects_in
from .terms import WORD
from .wording import RUN_IN, meanings_of

STEP = re.compile(r"\bsteps? \d{1,3}(?:(?:-| to | and )\d{1,3})?\b", re.IGNORECASE)
MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
LABEL = re.compile(
    r"\*\*(?P<bold>[^*\n]{1,120})\*\*|[\"“”„«](?P<quoted>[^\"“”„«»\n]{1,120})[\"“”»]|"
    r"`(?P<code>[^`\n]{1,300})`"
)
CHROME = re.compile(  # labels of the answer itself
    r"\W*(?:note|important|tip|warning|steps?|example|step \d+|remember|summary|only|not|cannot|"
    r"yes|no|answer|in short|never|always|all|caution|careful|limits?|requirements?)\W*",
    re.IGNORECASE,
)
POINTS_BACK = re.compile(
    r"\W*(?:it|they|this|that|these|those|its|their|both|such|otherwise|he|she|in that case)\b",
    re.IGNORECASE,
)

CURRENCIES, FOR_FREE = ("usd", "eur", "gbp"), frozenset(("free", "charg"))  # $0
ALL = frozenset("all every each any anyone anybody everyone everybody everything".split())  # noqa: SIM905
ACROSS = frozenset({"across", "whole", "entire", "throughout"})  # the workspace


@dataclass(frozen=True, slots=True)
class Facts:
    """What must occur in the support of a claim."""

    numbers: tuple[Number, ...]
    names: frozenset[str]  # terms
    labels: tuple[str, ...]
    heads: tuple[str, ...]  # run-in heads: labels only where the knowledge has them
    plans: frozenset[str]  # what may be one: a name only where plans are spoken of
    roles: frozenset[str]
    subjects: frozenset[str]  # those of them that do what the claim says
    is_everybody: bool
    is_everybodys: bool  # what it is on

    def __bool__(self) -> bool:
        return bool(self.numbers or self.names or self.labels or self.roles)


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that may support a claim, folded and taken apart once."""

    text: str
    folded: str  # with a space on either side and single spaces between words
    terms: frozenset[str]
    meanings: frozenset[str]  # terms, one for all that say the same
    words: frozenset[str]
    numbers: tuple[Number, ...]
    said: frozenset[str]  # meanings and units of time of all its snippet, for rates


def facts_of(claim: str, known: frozenset[str] = frozenset()) -> Facts:
    """Collect the facts of a claim; bold print and quotes mark labels.

    A known name counts as one at the beginning of a sentence, too.
    """
    folded = fold(STEP.sub(" ", claim))
    return Facts(
        numbers=tuple(numbers_of(folded, is_claim=True)),
        names=_all_names(claim, known),
        labels=tuple(_labels(RUN_IN.sub(" ", claim, count=1) if RUN_IN.match(claim) else claim)),
        heads=tuple(match["head"] for match in [RUN_IN.match(claim)] if match is not None),
        plans=frozenset(plans_at_start(claim)),
        roles=roles_in(folded),
        subjects=subjects_in(folded),
        is_everybody=is_of_everybody(folded),
        is_everybodys=is_of_what_is_everybodys(folded),
    )


def passage_of(text: str, said: frozenset[str] = frozenset()) -> Passage:
    """Take a text of the knowledge apart; said: what the snippet that it is of speaks of."""
    folded = fold(text)
    terms = frozenset(terms_of(text))
    words, meanings = frozenset(words_with_parts(folded)), meanings_of(terms)
    return Passage(
        text=text,
        folded=f" {' '.join(WORD.findall(folded))} ",
        terms=terms,
        meanings=meanings,
        words=words,
        numbers=tuple(numbers_of(folded, is_claim=False)),
        said=said or meanings | times_in(words),
    )


def missing(facts: Facts, passage: Passage) -> str:
    """Name the first kind of fact that the passage lacks: "number", …; "" when it has all."""
    if any(not _has_number(number, passage) for number in facts.numbers):
        return "number"
    if any(not _has_label(label, passage) for label in facts.labels):
        return "label"
    plans = facts.plans if "plan" in passage.terms else ()
    if any(not has_name(name, passage.terms) for name in (*facts.names, *plans)):
        return "name"
    if any(role not in passage.terms for role in facts.roles):
        return "role"
    return ""


def has_numbers(number: Number, passages: Iterable[Passage]) -> bool:
    """Tell whether one of the passages has a number."""
    return any(_has_number(number, passage) for passage in passages)


def is_torn(facts: Facts, passage: Passage, whole: Passage) -> bool:
    """Tell whether a run-in head is a label of the whole that the passage lacks."""
    heads = [f" {' '.join(WORD.findall(fold(head)))} " for head in facts.heads]
    return any(head in whole.folded and head not in passage.folded for head in heads)


def is_two_sided(claim: str, passage: Passage) -> bool:
    """Tell whether the passage has a word of the claim and its opposite too."""
    return is_on_both_sides(frozenset(words_with_parts(fold(claim))), passage.words)


def is_opposite(claim: str, passage: Passage) -> bool:
    """Tell whether the passage has only the opposite of a word of the claim."""
    return is_on_other_side(frozenset(words_with_parts(fold(claim))), passage.words)


def is_widened(facts: Facts, passage: Passage) -> bool:
    """Tell whether a claim on everybody stands against a passage that does not speak of all."""
    if facts.is_everybody and ALL.isdisjoint(passage.words):
        return True
    of_all = ALL | ACROSS
    return facts.is_everybodys and of_all.isdisjoint(w.removesuffix("'s") for w in passage.words)


def known_names(texts: Iterable[str]) -> frozenset[str]:
    """Collect the names of the knowledge: terms that are capitalised inside of sentences only."""
    named: set[str] = set()
    small: set[str] = set()
    for text in texts:
        for line in text.split("\n"):
            named.update(names_in(line))
            for label in _labels(line):
                named.update(capitalised(label))
            for word in WORD.findall(line):
                if word[0].islower():
                    small.update(terms_of(word))
    return frozenset(named - small)


def _all_names(claim: str, known: frozenset[str]) -> frozenset[str]:
    named = frozenset(capitalised(claim)) & known
    return named | frozenset(names_in(claim)) | frozenset(plan_names(claim))


def _has_number(number: Number, passage: Passage) -> bool:
    is_nothing = number.readings == {"0"} and number.unit in CURRENCIES
    if is_nothing and FOR_FREE & passage.terms:
        return True
    return has_number(number, passage.numbers, passage.said)


def _labels(claim: str) -> Iterator[str]:
    for match in LABEL.finditer(claim):
        label = match["bold"] or match["quoted"] or match["code"]
        if not CHROME.fullmatch(label):
            yield label
    yield from MAIL.findall(claim)


def _has_label(label: str, passage: Passage) -> bool:
    """Tell whether a label stands in the passage, or at least each of its words does."""
    words = WORD.findall(fold(label))
    if not words or f" {' '.join(words)} " in passage.folded:
        return True
    if "@" in label:
        return False
    if label[0].isupper():
        return all(f" {word} " in passage.folded for word in words)
    return all(term in passage.terms for term in terms_of(label))
