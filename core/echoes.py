"""Question + a text of the answer → is it said in the question's words, which no snippet has?

That is how a model answers what the knowledge does not hold: with "To issue a credit note:" above
the steps for something else.
"""

from __future__ import annotations

from collections.abc import Iterable

from .folding import terms_of
from .types import Context
from .wording import meanings_of

# Words of the question that a snippet lacks, and what they weigh in it: it is about other things.
ECHOED, ECHOED_SHARE = 2, 0.5


class Echoes:
    """The words of one question, weighed as the search weighs them: rare ones more."""

    def __init__(self, question: str, context: Context, homes: frozenset[str]) -> None:
        """Leave out what the sites of the snippets are called."""
        asked = meanings_of(terms_of(question)) - homes
        self._weights = {term: 1.0 for term in asked} | _weighed(context, asked)

    def is_echo(self, text: str, held: frozenset[str], wholes: Iterable[frozenset[str]]) -> bool:
        """Tell whether a text has such words that are not held, one of them by no snippet at all.

        held: the meanings of the snippet that it may come from; wholes: those of every snippet.
        """
        unheld = (self._weights.keys() & meanings_of(terms_of(text))) - held
        weight = sum(self._weights[term] for term in unheld)
        return (
            len(unheld) >= ECHOED
            and weight >= ECHOED_SHARE * sum(self._weights.values())
            and bool(unheld.difference(*wholes))
        )


def _weighed(context: Context, asked: frozenset[str]) -> dict[str, float]:
    """Give the words of a question that the search has weighed."""
    weights: dict[str, float] = {}
    for term, weight in context.term_weights:
        for meaning in meanings_of([term]) & asked:
            weights[meaning] = max(weight, weights.get(meaning, 0.0))
    return dict.fromkeys(asked, 0.0) | weights if weights else {}
