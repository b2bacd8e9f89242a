"""Drafts that cite nothing, or cite before what they say: each claim gets the right citation."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.drafts import shown_drafts
from core.grounding import Checker
from core.types import Answer, Refusal

from .test_checker import CONTEXT, GOOD
from .test_checker import reply as judged

LOCKING = "Locking stops regular users from changing time before a date."


def reply(text: str) -> tuple[Answer | Refusal, Checker]:
    return judged(text, None)


def answer(text: str) -> str:
    checked, checker = reply(text)
    assert isinstance(checked, Answer), checker.dropped
    return checked.text


def dropped(text: str) -> tuple[str, ...]:
    return reply(text)[1].dropped


def beginnings(*texts: str) -> list[str]:
    """Give what is shown of a draft as it grows."""
    checker = Checker(CONTEXT)

    async def shown() -> list[str]:
        return [await checker.check_beginning(text) for text in texts]

    return asyncio.run(shown())


class TestUncited:
    def test_what_is_supported_gets_its_citation(self) -> None:
        checked, checker = reply("The trial lasts 7 days.\n\nAdmins are not affected by locking.")
        assert isinstance(checked, Answer)
        assert (
            checked.text == "The trial lasts 7 days. [1]\n\nAdmins are not affected by locking. [2]"
        )
        assert [source.chunk_id for source in checked.sources] == ["c2", "c1"]
        assert checker.dropped == ()

    def test_one_citation_is_enough_for_neighbours(self) -> None:
        text = f"{LOCKING} Admins are not affected. The trial lasts 7 days."
        assert answer(text) == (
            f"{LOCKING} Admins are not affected. [1] The trial lasts 7 days. [2]"
        )

    def test_each_step_gets_its_own(self) -> None:
        text = "1. Open **Workspace settings**.\n2. Go to **Permissions**.\n3. Pick **the date**."
        assert answer(text) == text.replace("**.", "**. [1]")

    def test_what_is_unsupported_goes(self) -> None:
        text = f"{LOCKING} The trial lasts 9 days. Admins are not affected."
        assert answer(text) == f"{LOCKING} [1] Admins are not affected. [1]"
        assert dropped(text) == ("number not in snippet",)

    @pytest.mark.parametrize(
        "text",
        [
            "Users get an email when it is locked.",
            f"Locking costs 99 dollars. {LOCKING}",
            f"{LOCKING} The trial lasts 9 days. The trial lasts 8 days.",
            "Sorry, as an AI I am glad to help with anything else.",
        ],
    )
    def test_what_lost_its_core_is_refused(self, text: str) -> None:
        assert isinstance(reply(text)[0], Refusal)

    def test_who_points_back_is_held_against_the_sentence_before(self) -> None:
        text = f"{LOCKING} It comes with the Pro plan."
        assert answer(text) == f"{text} [1]"
        text = "The trial lasts 7 days. It comes with the Enterprise plan."  # as another snippet
        assert dropped(text) == ("name not in snippet",)

    def test_a_beginning_waits_for_a_citation_that_may_follow(self) -> None:
        first = f"{LOCKING} Admins are not affected."
        assert beginnings(LOCKING, first, f"{first}\n\nThe trial lasts 7 days.") == [
            "",
            "",
            f"{first} [1]",
        ]


class TestCitedFirst:
    def test_a_citation_that_begins_a_line_is_for_the_line(self) -> None:
        text = f"[1] {LOCKING}\n[2] The trial lasts 7 days."
        assert answer(text) == f"{LOCKING} [1]\nThe trial lasts 7 days. [2]"

    def test_it_is_corrected_like_others(self) -> None:
        text = "[1] Open **Workspace settings**\n[2] Go to **Permissions**\n[9]. Pick the date"
        assert answer(text) == (
            "Open **Workspace settings** [1]\nGo to **Permissions** [1]\nPick the date [1]"
        )

    def test_an_invented_line_goes(self) -> None:
        text = f"[1] {LOCKING}\n[2] Whitelist your workspace."
        assert answer(text) == GOOD.replace("date [1].", "date. [1]")

    @pytest.mark.parametrize("text", ["[1]", "[1].", "[1].\n[2].", "[1]\n\n[2]"])
    def test_citations_alone_are_no_answer(self, text: str) -> None:
        assert isinstance(reply(text)[0], Refusal)

    def test_a_beginning_waits_for_the_end_of_the_line(self) -> None:
        first = f"[1] {LOCKING} Admins are not affected."
        shown = f"{LOCKING} Admins are not affected. [1]"
        assert beginnings(f"[1] {LOCKING}", first, f"{first}\n[2] The trial lasts 7 days.\nIt") == [
            "",
            "",
            f"{shown}\nThe trial lasts 7 days. [2]",
        ]


SENTENCES = st.sampled_from(
    [
        "The trial lasts 7 days.", "Turn on **Lock entries** [1].", "The trial lasts 9 days.",
        "\n[1] Go to **Permissions**.", "\n[2]. The trial lasts 7 days.", "[2] Pick the date.",
        "\n- [1] Pick the date", "\n1. [2]: Pick the date", "\n## Plan\n", "\n## Pigs fly\n",
        "\n**Steps:**\n", "\n**Admins are not affected**\n", "\n\n", "\n", "Yes.", "No, save it.",
        "Yes, you can.", "The snippets do not mention tags.", "It comes with the Pro plan.",
    ]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(SENTENCES, min_size=1, max_size=10))
def test_the_answer_begins_with_what_was_shown_of_it(sentences: list[str]) -> None:
    text = " ".join(sentences)
    shown = [draft for draft in asyncio.run(_streamed(text)) if draft]
    whole = reply(text)[0]
    if shown and isinstance(whole, Answer):
        assert whole.text.startswith(shown[-1])


async def _streamed(text: str) -> list[str]:
    shown: list[str] = []
    async with shown_drafts(Checker(CONTEXT), shown.append) as take:
        for character in text:
            take(character)
            await asyncio.sleep(0)
    return shown
