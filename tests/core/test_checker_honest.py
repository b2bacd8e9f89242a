"""Honest answers in the manner of common models stay whole; odd numbers raise nothing."""

from __future__ import annotations

import asyncio

import pytest

from core.drafts import shown_drafts
from core.embedders.embedded import EmbeddedEmbedder
from core.grounding import Checker
from core.types import Answer, Chunk, Context, Draft, Snippet

EMBEDDER = EmbeddedEmbedder(workers=1)
HELP = """\
Breaks are included in forecasting. An admin or owner first has to enable breaks in the workspace
settings. The trial lasts 7 days. A kiosk shows the logo of your company.

Admins are not affected by locking. Locking is available on the Standard, Pro and Enterprise plans.

The daily update happens at midnight. If device and account zones differ, make both the same.
"""


def snippets(*texts: str) -> Context:
    chunks = (Chunk(f"c{n}", "a", "Help", (), text, None, 0, 1) for n, text in enumerate(texts))
    return Context(tuple(Snippet(n + 1, chunk, chunk.text) for n, chunk in enumerate(chunks)), 0)


def answered(draft: str, *texts: str, question: str = "") -> str:
    """Give what is shown of a draft; "" for a refusal."""
    checker = Checker(snippets(*texts or (HELP,)), question=question, embedder=EMBEDDER)
    reply = asyncio.run(checker.check(Draft(draft, "test")))
    return reply.text if isinstance(reply, Answer) else ""


@pytest.mark.parametrize(
    "text",
    ["1:30m", "9:30k", "1:2:3 dozen", "1.2.3 million", "1,2,3 thousand", "1'2 hundred", "2.4.1k"],
)
def test_odd_numbers_are_read(text: str) -> None:
    said = "The trial lasts 7 days [1]."
    assert answered(f"{said} It takes {text} of it [1].") == said
    assert answered(said, f"The trial lasts 7 days. It takes {text} of it.") == said


@pytest.mark.parametrize(
    "opening",
    [
        "I'd be happy to help!",
        "Thank you for your question.",
        "Thanks for reaching out!",
        "No problem!",
        "It depends.",
        "Good news!",
        "Here's what you need to know.",
    ],
)
def test_pleasantries_cost_no_answer(opening: str) -> None:
    said = "Breaks are included in forecasting [1]."
    assert answered(f"{opening} {said}").endswith(said)
    assert answered(f"{opening} Breaks cost 9 dollars [1].") == ""


@pytest.mark.parametrize(
    "opening",
    ["Based on the provided snippets, ", "According to the documentation, ", "From the context: "],
)
def test_where_it_is_from_is_no_part_of_a_claim(opening: str) -> None:
    said = f"{opening}an admin or owner first has to enable breaks in the workspace settings [1]."
    assert answered(said) == said


def test_a_not_denies_the_plans_of_its_own_clause() -> None:
    said = (
        "Admins are not affected by locking, and it is available on the Standard, Pro and "
        "Enterprise plans [1]."
    )
    assert answered(said) == said
    assert answered("Locking is not available on the Standard and Pro plans [1].") == ""


def test_differ_is_no_opposite_of_the_same() -> None:
    said = "The device's zone and the account's zone are different [1]."
    assert answered(said, "If device and account zones differ, make both zones the same.") == said


def test_noon_is_not_midnight() -> None:
    assert answered("The daily update happens at noon [1].") == ""


def test_no_ends_a_sentence_where_it_is_no_number() -> None:
    said = "The trial lasts 7 days [1]."
    assert answered(f"By default, no. {said}").endswith(said)
    room = "Room no. 5 has the kiosk [1]."
    assert answered(room, "The kiosk is in room no. 5.") == room


@pytest.mark.parametrize(
    ("question", "draft"),
    [
        (
            "Does the kiosk show an image of our company?",
            "A kiosk shows an image, the logo of your company [1].",
        ),
        (
            "Does the free test period last a week?",
            "The free test period lasts 7 days, for all plans with a trial [1].",
        ),
    ],
)
def test_words_of_the_question_may_be_a_part_of_the_answer(question: str, draft: str) -> None:
    assert answered(draft) == answered(draft, question=question)


def test_what_was_shown_is_not_taken_back_for_a_cited_lead_in() -> None:
    steps = "Open the Detailed report. Then admins can convert entries:\n\n1. Click Save\n"
    text = (
        "An admin or owner first has to enable breaks in the workspace settings. Then, admins can "
        "convert entries [2]:\n\n1. Click Save [2]\n"
    )
    shown: list[str] = []

    async def stream() -> str:
        checker = Checker(snippets(HELP, steps), embedder=EMBEDDER)
        async with shown_drafts(checker, shown.append) as take:
            for character in text:
                take(character)
                await asyncio.sleep(0.0005)
        reply = await checker.check(Draft(text, "test"))
        assert isinstance(reply, Answer)
        return reply.text

    whole = asyncio.run(stream())
    assert all(whole.startswith(draft) for draft in shown)
    assert whole.startswith("An admin or owner first has to enable breaks in the workspace")
