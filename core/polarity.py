"""Whether a claim says "not" where the passages nearest to it do not, or the other way round.

Compared clause by clause; verbs that deny without a "not" (stops, fails) may go either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .actions import actions_of
from .clauses import is_sentence
from .folding import fold, terms_of
from .keyed import named_cells
from .number_context import LIMITING
from .numbers_in_text import UNLIMITED
from .passages import Unit
from .wording import meanings_of

NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|none|nobody|nothing|without|impossible|unable)\b|"
    r"cannot\b|n't\b|"  # also at the end of a word that a scrape ran together: "PINcannot"
    r"\b(?:nicht|kein\w{0,3}|nie|niemals|ohne|jamais|aucune?|sans|nunca|n[ãa]o|sem|sin)\b"
)
HALF_NEGATION = re.compile(  # says what cannot be, in a verb: matches either
    r"\b(?:stop|left out|only|except|unless|fail|lack|refus|lose|lost|instead|"
    r"whether|avoid|skip|unavailable|exempt|apart|greyed|view-only|unaffected|invisible|"
    r"ignor|alone|reverse|hid(?:e|den|ing)\b|separate|after all|switched off|read-only)"
)
NEGATIONS = frozenset(terms_of("not no never cannot can't don't doesn't isn't without nothing"))
CLAUSE = re.compile(r"[,;:()–—]\s|\b(?:but|although|though|while|whereas|because|since|so that)\b")
# What stands before "and cannot be reversed" is not denied.
AND_NOT = re.compile(
    r"\band (?=(?:cannot|never)\b|(?:can|do|does|is|are|was|will|has|have)(?:n't| not)\b)",
    re.IGNORECASE,
)
CONDITIONAL = re.compile(r"\W*(?:even )?(?:if|when|whenever|once|after|before|until|while)\b")
VERB = re.compile(r"\b(?:can|cannot|may|must|will|is|are|was|has|have|does|do)\b")
YES_NO = re.compile(r"\W*(?:yes|no|not \w+|never)\W*|[✓✔✗✘×]", re.IGNORECASE)
NO_SIGN = re.compile("[✗✘×]")
# Says in other words that something is not so.
OTHERWISE_DENIED = re.compile(r"\b(?:lock(?:s|ed)?|closed|disappears?|vanish(?:es)?|independent)\b")
LISTED = 5  # words
LONG_CELL = 4  # words, with the name of its column
LEAST_CLAUSE_TERMS = 2
LEAST_SHARED_TERMS = 2  # where a clause has more than one beside its "not"
SAME_CLAUSE = 0.5  # of a clause's terms in another one that says the same, or the opposite


def is_flipped(claim: str, nearest: Sequence[Unit]) -> bool:
    """Tell whether a clause of the claim and the clauses nearest to it differ in a "not".

    What a claim denies, something near it has to deny, in whatever words.
    """
    there = [
        (frozenset(terms_of(clause)), _is_condition(clause), (polarity, _polarity(unit.lead_in)))
        for unit in nearest
        for clause, polarity in _said(unit, claim)
    ]
    may_deny = not all(all(both) for *_, both in there) or any(map(_is_denying, nearest))
    for clause in _asserted(claim):
        said, wanted = _polarity(clause), frozenset(terms_of(clause))
        if said is False and not may_deny:
            return True
        is_any = said is not True or not _is_condition(clause)
        near = [(terms, both) for terms, is_condition, both in there if is_any or is_condition]
        shares = [share_of(wanted, terms) for terms, _ in near]
        best = max(shares, default=0.0)
        if said is None or len(wanted) < LEAST_CLAUSE_TERMS or best < SAME_CLAUSE:
            continue
        told = len(wanted - NEGATIONS)
        if best * len(wanted) < min(LEAST_SHARED_TERMS, told):
            continue
        nearly_best = [
            both for share, (_, both) in zip(shares, near, strict=True) if share >= best - 0.01
        ]
        if all(own not in (said, None) and lead in (True, not said) for own, lead in nearly_best):
            return True
    return False


def _is_denying(unit: Unit) -> bool:
    """Tell whether a unit denies something in other words: "the option disappears"."""
    folded = fold(f"{unit.heading} {unit.lead_in} {unit.text}")
    return OTHERWISE_DENIED.search(folded) is not None


def _said(unit: Unit, claim: str) -> list[tuple[str, bool | None]]:
    """Give the clauses of a unit; a row is one, that may say either when its long cells differ.

    Of "Invite users | Yes | No" a claim hears what is in the columns that it names.
    Under "What users cannot do", what is no sentence may be meant either way.
    """
    if unit.is_row:
        named = named_cells(meanings_of(terms_of(claim)), unit.cells)
        if any(YES_NO.fullmatch(cell.passage.text) for cell in named):
            heard = {_polarity(NO_SIGN.sub("no", cell.passage.text)) for cell in named}
            return [(unit.text, heard.pop() if len(heard) == 1 else None)]
        long = (cell for cell in unit.text.split("; ")[1:] if len(cell.split()) >= LONG_CELL)
        is_mixed = len({_polarity(cell) for cell in long}) > 1
        return [(unit.text, None if is_mixed else _polarity(unit.text))]
    is_denied = NEGATION.search(fold(unit.heading)) and not VERB.search(fold(unit.text))
    if is_denied:
        return [(f"{unit.heading} {clause}", None) for clause in _clauses(unit.text)]
    clauses = [part for clause in _clauses(unit.text) for part in _with_first_part(clause)]
    return [(clause, _polarity(clause)) for clause in clauses]


def _with_first_part(clause: str) -> tuple[str, ...]:
    first, *rest = AND_NOT.split(clause, maxsplit=1)
    return (first, clause) if rest else (clause,)


def _asserted(claim: str) -> Iterator[str]:
    """Give the clauses of a claim, without what only goes on with a list of nouns."""
    for place, clause in enumerate(_clauses(claim)):
        is_short = len(clause.split()) <= LISTED
        is_listed = place > 0 and is_short and not (is_sentence(clause) or actions_of(clause))
        if not is_listed or NEGATION.search(fold(clause)):
            yield clause


def _is_condition(clause: str) -> bool:
    """Tell whether a clause only says when: "if you edit it" may stand for "later edits"."""
    return CONDITIONAL.match(fold(clause)) is not None


def _clauses(text: str) -> Iterator[str]:
    return (clause for clause in CLAUSE.split(text) if clause.strip())


def _polarity(text: str) -> bool | None:
    """Give False for a text with a negation, True without; None when it may be either."""
    folded = UNLIMITED.sub("unlimited", LIMITING.sub("up to", fold(text)))
    if NEGATION.search(folded):
        return False
    return None if HALF_NEGATION.search(folded) else True


def share_of(wanted: frozenset[str], held: frozenset[str]) -> float:
    """Give the part of the wanted terms that is held; 1 when none is wanted."""
    return len(wanted & held) / len(wanted) if wanted else 1.0
