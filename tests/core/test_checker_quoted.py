"""Answers in the words of a snippet stay; those in the words of the question alone go."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from core.embedders.embedded import EmbeddedEmbedder
from core.grounding import Checker
from core.types import Answer, Chunk, Context, Draft, Snippet

EMBEDDER = EmbeddedEmbedder(workers=1)
# As a scrape gives it: what was a link or bold is run together with what is around it.
PIN = """\
AUniversal PINcannot be used to sign in with owner/admin role. They must always use theirpersonal
PIN code.
"""
PRICE = "The Pro plan costs 7.5 dollars for each user. It renews by itself every month."
PAYMENTS = """\
To record a payment:

1. Open the invoice
2. Click **Record payment**
3. Enter the amount
"""
CURRENCIES = "The summary report shows the amounts in the currency of each client."


def answered(
    draft: str, text: str, question: str = "", weights: Mapping[str, float] | None = None
) -> str:
    """Give what is shown of a draft; "" for a refusal."""
    chunk = Chunk("c1", "a", "Help", (), text, "https://acme.test/help", 0, 1)
    context = Context((Snippet(1, chunk, text),), 0, term_weights=tuple((weights or {}).items()))
    checker = Checker(context, question=question, embedder=EMBEDDER)
    reply = asyncio.run(checker.check(Draft(draft, "test")))
    return reply.text if isinstance(reply, Answer) else ""


@pytest.mark.parametrize(
    ("draft", "text"),
    [
        ("The Universal PIN cannot be used to sign in with owner/admin role [1].", PIN),
        ("A Universal PIN cannot be used to sign in with **owner/admin** role [1].", PIN),
        ("They must always use their personal PIN code [1].", PIN),
        ("It renews by itself every month [1].", PRICE),
    ],
)
def test_a_sentence_of_a_snippet_stays_however_it_is_spaced(draft: str, text: str) -> None:
    assert answered(draft, text) == draft


def test_a_not_that_is_run_together_with_a_word_is_read() -> None:
    said = "Nobody can sign in with the owner/admin role by a Universal PIN [1]."
    assert answered(said, PIN) == said
    assert answered("A Universal PIN can be used to sign in with owner/admin role [1].", PIN) == ""


@pytest.mark.parametrize("number", ["75", "7 5", "7.50001"])
def test_what_only_looks_like_a_quote_goes(number: str) -> None:
    assert answered(f"The Pro plan costs {number} dollars for each user [1].", PRICE) == ""


def test_what_the_question_supposes_is_not_said_of_something_else() -> None:
    steps = "1. Open the invoice [1]\n2. Click **Record payment** [1]\n3. Enter the amount [1]"
    asked = "How do I issue a credit note?"
    assert answered(f"To issue a credit note:\n\n{steps}", PAYMENTS, asked) == ""
    assert answered(f"To record a payment:\n\n{steps}", PAYMENTS, asked) != ""
    invented = "The summary report converts the amounts of each client from euro to dollars [1]."
    assert answered(invented, CURRENCIES, "Are euro converted to dollars in the report?") == ""
    true = "The summary report shows the amounts in the client's currency [1]."
    assert answered(true, CURRENCIES, "Are euro converted to dollars in the report?") == true


def test_a_part_of_the_question_may_stand_for_words_of_the_snippet() -> None:
    asked = "Which figures does the summary report give of each client?"
    said = "The summary report gives the figures in the currency of each client [1]."
    assert answered(said, CURRENCIES, asked) == said


@pytest.mark.parametrize(("weight", "is_shown"), [(0.5, True), (9.0, False)])
def test_rare_words_of_the_question_weigh_more(weight: float, is_shown: bool) -> None:
    asked = "Which figures does the summary report give of each client?"
    weights = {"figur": weight, "give": weight, "summari": 3.0, "report": 1.0, "client": 2.0}
    said = "The summary report gives the figures in the currency of each client [1]."
    shown = answered(said, CURRENCIES, asked, weights=weights)
    assert shown == (said if is_shown else "")
