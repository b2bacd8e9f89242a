"""Rows of a table and items of a list that are called something: is a claim on this one?

"Standard: $5" does not support what is said of Basic, though both stand in one list; nor does the
cell of another column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .clauses import subject_of
from .facts import CURRENCIES, Facts, Passage, has_numbers, passage_of
from .folding import fold, terms_of
from .plans import plan_names
from .roles import roles_in
from .wording import meanings_of, telling

# "**Basic**: …", "**Basic:** …", "Basic: …", "Basic – …"
HEAD = re.compile(
    r"\W*(?:\*\*(?P<bold>[^*\n]{1,60}?):?\*\*:?|(?P<plain>[^\W\d_][\w+& ]{0,40}):|"
    r"(?P<dashed>[^\W\d_][\w+& ]{0,40}) [–—-]) ?(?=\S)"
)
PLAN = frozenset(terms_of("plan tier edition"))
HAVING = meanings_of(terms_of("include available has have get use cost can"))
RATE = re.compile(  # names no column
    r"\b(?:per|an?|each|every) (?:day|week|month|year|user|seat|member)\b", re.IGNORECASE
)
# "Every plan includes everything in the one before it."
INHERITS = re.compile(
    r"\b(?:everything|all (?:the )?features?|all of the above|plus all)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Key:
    """What one row or item is called, beside the others of its table or list."""

    own: frozenset[str] = frozenset()  # terms that only it is called by
    others: tuple[frozenset[str], ...] = ()

    def is_named(self, said: frozenset[str]) -> bool:
        """Tell whether a claim of these terms names it."""
        return bool(self.own) and self.own <= said

    def named_of_others(self, said: frozenset[str]) -> tuple[frozenset[str], ...]:
        """Give what the claim names others of them by."""
        return tuple(other for other in self.others if other <= said)


NO_KEY = Key()


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a row behind its first one."""

    column: frozenset[str]  # meanings that only its column is called by
    passage: Passage
    is_of_some: bool  # its column is called after a plan or a role


def head_of(item: str) -> str:
    """Give what a list item begins with as its name; "" for none.

    >>> head_of("**Basic**: hiding time")
    'Basic'
    """
    match = HEAD.match(item)
    return next(filter(None, match.groups()), "") if match is not None else ""


def keys_of(heads: Sequence[str]) -> tuple[Key, ...]:
    """Give the keys of all rows of a table, or items of a list, by what they are called."""
    terms = [frozenset(terms_of(head)) for head in heads]
    own = [
        mine.difference(*(other for j, other in enumerate(terms) if j != i))
        for i, mine in enumerate(terms)
    ]
    return tuple(
        Key(mine, tuple(filter(None, (*own[:i], *own[i + 1 :])))) for i, mine in enumerate(own)
    )


def cells_of(pairs: Sequence[tuple[str, str]]) -> tuple[Cell, ...]:
    """Give the cells of a row behind its first one, from columns with what stands in them."""
    columns = [meanings_of(terms_of(column)) for column, _ in pairs]
    return tuple(
        Cell(
            column.difference(*(other for j, other in enumerate(columns) if j != i)),
            passage_of(text),
            bool(PLAN.intersection(terms_of(called)) or roles_in(fold(called))),
        )
        for i, (column, (called, text)) in enumerate(zip(columns, pairs, strict=True))
        if i
    )


def named_cells(said: frozenset[str], cells: Sequence[Cell]) -> list[Cell]:
    """Give the cells whose columns a claim of these meanings names, in full if there are any."""
    named = [cell for cell in cells if cell.column & said]
    return [cell for cell in named if cell.column <= said] or named


def is_of_other_column(claim: str, facts: Facts, cells: Sequence[Cell]) -> bool:
    """Tell whether a number of a claim stands in other columns than those that the claim names."""
    if len(cells) < 2 or not facts.numbers:
        return False
    said = meanings_of(terms_of(RATE.sub(" ", claim)))
    named = [cell for cell in cells if cell.column & said]
    of_named = [number for cell in named for number in cell.passage.numbers]
    is_silent = any(
        cell.is_of_some and cell.column <= said and not cell.passage.numbers for cell in named
    )
    bare = [replace(number, rates=frozenset(), nouns=frozenset()) for number in facts.numbers]
    return any(
        (is_silent or any((n.unit in CURRENCIES) == (number.unit in CURRENCIES) for n in of_named))
        and not has_numbers(number, [cell.passage for cell in named])
        and has_numbers(number, [cell.passage for cell in cells])
        for number in bare
    )


def is_entry(claim: str, key: Key, passage: Passage) -> bool:
    """Tell whether an item that the claim names has all its words: "SSO is on Enterprise"."""
    said = frozenset(terms_of(claim))
    words = meanings_of(said - key.own - PLAN) - HAVING
    return key.is_named(said) and bool(words) and words <= passage.meanings


def is_of_other_item(
    claim: str, facts: Facts, keys: Sequence[Key], passages: Sequence[Passage], whole: Passage
) -> bool:
    """Tell whether the items nearest to a claim are called otherwise than what it names.

    Not where what one has, all that follow have, too.
    """
    said = frozenset(terms_of(claim))
    named = [i for i, key in enumerate(keys) if key.is_named(said)]
    nearest = _nearest(said, keys, passages)
    if not nearest:
        return bool(named)
    if any(not keys[i].own or i in named for i in nearest):
        return False
    if not named:  # an item may speak of another one, but whoever a claim is on has items too
        about = facts.subjects.union(facts.plans, plan_names(claim), subject_of(claim))
        return any(
            not name <= passages[i].terms or name & about
            for i in nearest
            for name in keys[i].named_of_others(said)
        )
    return not (INHERITS.search(whole.text) and max(named) > min(nearest))


def _nearest(said: frozenset[str], keys: Sequence[Key], passages: Sequence[Passage]) -> list[int]:
    """Give the items that share most with a claim, what they are called left out."""
    rest = said.difference(PLAN, *(key.own for key in keys))
    wanted = telling(rest) or meanings_of(rest)
    shared = [len(wanted & passage.meanings) for passage in passages]
    return [i for i, count in enumerate(shared) if count == max(shared) > 0]
