"""What stands beside the claims of an answer: headings, remarks, a yes or no."""

from __future__ import annotations

import asyncio

import pytest

from core.grounding import Checker
from core.types import Answer, Draft, Refusal

from .test_checker import CONTEXT, GOOD
from .test_checker import reply as judged

TURN_ON = "Turn on **Lock entries** [1]."


def reply(text: str) -> tuple[Answer | Refusal, Checker]:
    return judged(text, None)


def answer(text: str) -> str:
    checked, checker = reply(text)
    assert isinstance(checked, Answer), checker.dropped
    return checked.text


def dropped(text: str) -> tuple[str, ...]:
    return reply(text)[1].dropped


class TestHeadings:
    @pytest.mark.parametrize(
        "heading",
        [
            "## Lock timesheets",
            "**Steps:**",
            "### On the web app",
            "## Step 1: Open the **Workspace settings**",
            "**1. Open Workspace settings**",
            "## How to lock timesheets",
            "**Plans and availability**",
            "## What is locking?",
            "**How do I lock the timesheets of regular users before a date?**",
            "### When regular users are affected",
            "**Note!**",
            "---",
        ],
    )
    def test_short_labels_of_known_words_stay(self, heading: str) -> None:
        assert answer(f"{heading}\n\n{TURN_ON}") == f"{heading}\n\n{TURN_ON}"
        assert dropped(f"{heading}\n\n{TURN_ON}") == ()

    @pytest.mark.parametrize(
        ("heading", "reason"),
        [
            (
                "## Locking costs 99 dollars on Enterprise, call +1 800 555 0199",
                "heading is a sentence",
            ),
            ("## Your account was suspended", "heading is a sentence"),
            ("## Locking for 99 dollars", "heading not in snippet"),
            ("## Lock 99 entries", "heading not in snippet"),
            ("## The Gold plan", "heading not in snippet"),
            ("**Contact security now**", "heading not in snippet"),
            ("**fix@evil.ai**", "heading not in snippet"),
            ("## Locking timesheets during the trial", "heading not in snippet"),  # of two snippets
        ],
    )
    def test_others_go_alone(self, heading: str, reason: str) -> None:
        assert answer(f"{heading}\n\n{TURN_ON}") == TURN_ON
        assert dropped(f"{heading}\n\n{TURN_ON}") == (reason,)

    def test_words_of_the_question_are_no_label(self) -> None:
        checker = Checker(CONTEXT, question="Write the heading Account suspended")
        draft = Draft(f"## Account suspended\n\n{TURN_ON}", "test")
        checked = asyncio.run(checker.check(draft))
        assert isinstance(checked, Answer)
        assert checked.text == TURN_ON

    def test_a_bold_sentence_is_a_claim(self) -> None:
        bold = "**Admins are not affected by locking**"
        assert answer(f"{bold}\n{TURN_ON}") == f"{bold} [1]\n{TURN_ON}"
        bold = "**Your account was suspended, write to fix@evil.ai**"
        assert answer(f"{GOOD}\n\n{bold}\n\n{TURN_ON}") == f"{GOOD}\n\n{TURN_ON}"
        assert isinstance(reply(f"{bold}\n\n{TURN_ON}")[0], Refusal)  # its core was invented


class TestRemarks:
    @pytest.mark.parametrize(
        "remark",
        [
            "The documentation only says that locking is free for up to five hundred users.",
            "There is no information about the 99 dollars that the Enterprise plan costs.",
            "I am not sure, the Enterprise plan costs 99 dollars.",
            "This is not covered by the snippets: call +1 800 555 0199 to have your password "
            "reset.",
            "I don't have access to your account, but the Enterprise plan costs 99 dollars.",
            "There is no information about evil.ai or fix@evil.ai.",
            "There is no information about the 99 dollars.",
            "The snippets do not mention the Gold plan.",
        ],
    )
    def test_what_states_more_goes(self, remark: str) -> None:
        assert answer(f"{GOOD} {remark}") == GOOD
        assert len(dropped(f"{GOOD} {remark}")) == 1

    @pytest.mark.parametrize(
        "remark",
        [
            "The snippets do not mention a limit for tags.",
            "The snippets do not mention the price of the Enterprise plan.",
            "The documentation only covers locking; it does not mention refunds.",
        ],
    )
    def test_honest_ones_stay(self, remark: str) -> None:
        assert answer(f"{GOOD} {remark}") == f"{GOOD} {remark}"

    @pytest.mark.parametrize(
        ("named", "question", "is_kept"),
        [
            ("the Gold plan", "Is it in the gold plan?", True),
            ("the Gold plan", "", False),
            ("ALERT-4493", "Then say ALERT-4493.", False),
            ("“Gold”", "Then say “Gold”.", False),
        ],
    )
    def test_they_may_name_what_was_asked(self, named: str, question: str, is_kept: bool) -> None:
        text = f"{GOOD} The snippets do not mention {named}."
        checker = Checker(CONTEXT, question=question)
        checked = asyncio.run(checker.check(Draft(text, "test")))
        assert isinstance(checked, Answer)
        assert (checked.text == text) is is_kept

    def test_their_citation_is_not_for_the_sentence_before(self) -> None:
        text = "The trial lasts 7 days. The snippets do not mention tags [2]."
        assert answer(text) == "The trial lasts 7 days. [1] The snippets do not mention tags [1]."

    def test_a_beginning_ends_with_a_claim(self) -> None:
        """The heading above a remark is shown when a claim below it is, which may be later."""
        text = f"{TURN_ON}\n\n## Steps\n\nThe snippets do not mention tags. It lasts 9 days [2]."
        assert asyncio.run(Checker(CONTEXT).check_beginning(text)) == TURN_ON


class TestYesOrNo:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                "Yes. Admins are not affected by locking [1].",
                "Admins are not affected by locking [1].",
            ),
            ("No, you can't send invoices during the trial [2].", None),
            ("Yes, you can. Turn on **Lock entries** [1].", TURN_ON),
            ("**Yes**\n\nTurn on **Lock entries** [1].", TURN_ON),
            ("Yes:\n\n- Turn on **Lock entries** [1]", "- Turn on **Lock entries** [1]"),
            ("Turn on **Lock entries** [1]. Yes.", TURN_ON),
            ("Turn on **Lock entries** [1].\n\nYou can.", TURN_ON),
            ("Turn on **Lock entries** [1]. Done.", TURN_ON),
        ],
    )
    def test_it_is_not_shown(self, text: str, expected: str | None) -> None:
        assert answer(text) == (expected or "You can't send invoices during the trial [1].")

    @pytest.mark.parametrize(
        "text", ["Yes.", "Yes, you can [1].", "No [2].", "**Yes** [1]", "Sure!"]
    )
    def test_alone_it_is_no_answer(self, text: str) -> None:
        assert isinstance(reply(text)[0], Refusal)

    def test_a_beginning_never_shows_it(self) -> None:
        shown, text = (
            [],
            "Yes, you can. Turn on **Lock entries** [1]. No, admins are not affected [1].",
        )
        checker = Checker(CONTEXT)
        for end in (13, 43, len(text)):
            shown.append(asyncio.run(checker.check_beginning(text[:end])))
        assert shown == ["", TURN_ON, f"{TURN_ON} Admins are not affected [1]."]
        whole = asyncio.run(checker.check(Draft(text, "test")))
        assert isinstance(whole, Answer)
        assert whole.text == shown[-1]
