"""The grounding check: what the snippets support stays, cited; the rest goes, or all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from core.answerers.extractive import ExtractiveAnswerer
from core.deadline import Deadline
from core.embedders.embedded import EmbeddedEmbedder
from core.errors import ModelUnavailable
from core.grounding import Checker, check
from core.protocols import Embedder, EmbedderSpec
from core.types import (
    Answer,
    Chunk,
    Context,
    Draft,
    Question,
    Refusal,
    Role,
    Snippet,
    Vectors,
)
from core.writing import Writer

LOCKING = """\
Locking stops regular users from editing time before a date. Admins are not affected. It comes with
the **Standard**, **Pro** and **Enterprise** plans.

To lock timesheets:

1. Open **Workspace settings**.
2. Go to **Permissions**.
3. Turn on **Lock entries**.
4. Pick the date.
"""
PRICES = """\
| Plan | Price |
| --- | --- |
| **Basic** | $3.99 |
| **Pro** | $7.99 |

The trial lasts 7 days. Invoices cannot be sent during the trial.
"""
EMBEDDER = EmbeddedEmbedder(workers=1)


def snippet(number: int, title: str, text: str) -> Snippet:
    return Snippet(number, Chunk(f"c{number}", "a", title, (), text, None, 0, 1), text)


CONTEXT = Context((snippet(1, "Lock timesheets", LOCKING), snippet(2, "Prices", PRICES)), 0)


class Unusable(EmbeddedEmbedder):
    """Fails when it is asked to embed."""

    async def embed(self, texts: object, *, role: Role) -> Vectors:
        raise ModelUnavailable("gone")


class Compressed(EmbeddedEmbedder):
    """Gives vectors that are all alike, as some models do: no cosine below about 0.6."""

    async def embed(self, texts: object, *, role: Role) -> Vectors:
        assert isinstance(texts, list)
        rows = await super().embed(texts, role=role)
        moved = rows + np.float32(1.3) * np.eye(1, rows.shape[1], dtype=np.float32)
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


class Hanging(EmbeddedEmbedder):
    """Never gives vectors."""

    async def embed(self, texts: object, *, role: Role) -> Vectors:
        await asyncio.Event().wait()
        raise AssertionError


class Scripted:
    """Writes one good sentence, and what else it was told."""

    name = "scripted"

    def __init__(self, more: str = "") -> None:
        self._more = more

    async def answer(
        self,
        question: Question,
        context: Context,
        on_text: Callable[[str], None] | None = None,
        *,
        seconds: float | None = None,
    ) -> Draft:
        return Draft(f"{GOOD}{self._more}", self.name)


def reply(text: str, embedder: Embedder | None = EMBEDDER) -> tuple[Answer | Refusal, Checker]:
    checker = Checker(CONTEXT, embedder=embedder)
    return asyncio.run(checker.check(Draft(text, "test"))), checker


def answer(text: str) -> str:
    checked, checker = reply(text)
    assert isinstance(checked, Answer), checker.dropped
    return checked.text


def dropped(text: str) -> tuple[str, ...]:
    return reply(text)[1].dropped


GOOD = "Locking stops regular users from changing time before a date [1]."


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("It comes with the Basic plan [1].", "name not in snippet"),
        ("Turn on **Freeze entries** [1].", "label not in snippet"),
        ("The trial lasts 14 days [2].", "number not in snippet"),
        ("The Pro plan costs $3.99 [2].", "facts not together in snippet"),
        ("Admins are affected [1].", "opposite in snippet"),
        ("Invoices can be sent during the trial [2].", "opposite in snippet"),
        ("Users get an email when it is locked [1].", "other meaning"),
    ],
)
def test_what_no_snippet_supports_goes(bad: str, reason: str) -> None:
    good = "The trial lasts 7 days [2]."
    assert answer(f"{GOOD} {bad} {good}") == f"{GOOD} {good.replace('[2]', '[2]')}"
    assert dropped(f"{GOOD} {bad} {good}") == (reason,)


@pytest.mark.parametrize(
    "good",
    [
        "The Pro plan costs $7.99 [2].",
        "Locking is available on Standard, Pro and Enterprise [1].",
        "You can't send invoices during the trial [2].",
        "| Plan | Price |\n|---|---|\n| Pro | $7.99 [2] |",
        "Note that admins aren't affected by locking [1].",
        "According to [2], the Pro plan costs $7.99.",
        "Locking isn't available on the Basic plan [1].",
        "**Price of Pro:** The Pro plan costs $7.99 [2].",
        "The snippets do not mention refunds. The trial lasts 7 days [2]. Pro costs $7.99 [2].",
    ],
)
def test_what_is_supported_stays(good: str) -> None:
    assert answer(good) == good.replace("[2]", "[1]")


class TestCitations:
    def test_the_next_one_of_the_paragraph_counts(self) -> None:
        text = "Admins are not affected by locking. The plans are Standard, Pro and Enterprise [1]."
        assert answer(text) == text

    def test_the_one_before_counts_when_none_follows(self) -> None:
        text = f"{GOOD} Admins are not affected."
        assert answer(text) == text

    def test_one_line_of_them_counts_for_the_paragraph_above(self) -> None:
        text = "The trial lasts 7 days.\n\n[2]"
        assert answer(text) == "The trial lasts 7 days.\n\n[1]"

    def test_a_wrong_one_is_corrected(self) -> None:
        checked, _ = reply(f"{GOOD} The trial lasts 7 days [1].")
        assert isinstance(checked, Answer)
        assert checked.text == f"{GOOD} The trial lasts 7 days [2]."
        assert [source.chunk_id for source in checked.sources] == ["c1", "c2"]

    def test_a_paragraph_without_any_gets_its_own(self) -> None:
        assert answer(f"{GOOD}\n\nThe trial lasts 7 days.") == (
            f"{GOOD}\n\nThe trial lasts 7 days. [2]"
        )

    def test_who_inherits_from_a_dropped_sentence_gets_its_own(self) -> None:
        text = f"{GOOD}\n\nAdmins are not affected. It is on Basic [1]."
        assert answer(text) == f"{GOOD}\n\nAdmins are not affected. [1]"

    def test_numbers_are_given_after_dropping(self) -> None:
        text = (
            "The trial lasts 7 days [2]. The trial lasts 9 days [1]. The Pro plan costs $7.99 [2]."
        )
        assert answer(text) == "The trial lasts 7 days [1]. The Pro plan costs $7.99 [1]."


class TestStructure:
    STEPS = (
        "To lock timesheets:\n\n1. Open **Workspace settings** [1]\n2. Go to **Permissions** [1]\n"
        "3. Turn on **Lock entries** [1]\n4. Pick the date [1]"
    )

    def test_whole_procedures_stay(self) -> None:
        assert answer(self.STEPS) == self.STEPS

    def test_a_list_ends_before_a_missing_step(self) -> None:
        text = self.STEPS.replace("Lock entries", "Freeze entries")
        assert answer(text) == (
            "To lock timesheets:\n\n1. Open **Workspace settings** [1]\n2. Go to **Permissions** "
            "[1]\n… The remaining steps are in the source [1]."
        )
        assert dropped(text) == ("label not in snippet", "after a missing step")

    def test_a_procedure_that_loses_most_steps_is_refused(self) -> None:
        checked, _ = reply(self.STEPS.replace("Permissions", "Security"))
        assert isinstance(checked, Refusal)

    def test_a_list_that_loses_its_first_step_goes_with_its_lead_in(self) -> None:
        text = f"{GOOD} Admins are not affected [1].\n\nThe trial lasts 7 days [2].\n\nSo:\n\n"
        assert answer(f"{text}1. Open **Team** [1]\n2. Pick the date [1]") == (
            f"{GOOD} Admins are not affected [1].\n\nThe trial lasts 7 days [2]."
        )

    def test_bullets_go_one_by_one(self) -> None:
        text = (
            "- The Pro plan costs $7.99 [2]\n- The Basic plan costs $8.99 [2]\n"
            "- The trial lasts 7 days [2]"
        )
        assert answer(text) == "- The Pro plan costs $7.99 [1]\n- The trial lasts 7 days [1]"

    def test_headings_without_text_go(self) -> None:
        text = f"## Locking\n\n{GOOD}\n\n## More\n\nUsers get an email about it [1]."
        assert answer(text) == f"## Locking\n\n{GOOD}"

    def test_who_points_back_to_a_dropped_sentence_goes_with_it(self) -> None:
        text = f"{GOOD} The trial lasts 9 days [2]. It comes with the Pro plan [1]. {GOOD}"
        assert answer(text) == f"{GOOD} {GOOD}"
        assert dropped(text)[1] == "points back to a dropped sentence"

    def test_a_list_below_an_unsupported_lead_in_goes(self) -> None:
        text = f"{GOOD} {GOOD} {GOOD}\n\nOn the Gold plan:\n\n- The trial lasts 7 days [2]"
        assert answer(text) == f"{GOOD} {GOOD} {GOOD}"

    def test_pleasantries_go(self) -> None:
        assert answer(f"{GOOD} I hope this helps!") == GOOD

    def test_steps_may_have_names_of_their_own(self) -> None:
        text = (
            "1. **Open the settings:** Go to **Workspace settings** [1]\n"
            "2. **Go to the tab** – Open **Permissions** [1]\n"
            "3. **Enable locking:** Toggle on **Lock entries** [1]"
        )
        assert answer(text) == text
        assert dropped(text.replace("Toggle on **Lock", "Toggle on **Freeze"))

    def test_a_table_may_lose_its_first_row(self) -> None:
        rows = "| Gold | $1 [2] |\n| Basic | $3.99 [2] |\n| Pro | $7.99 [2] |"
        text = f"| Plan | Price |\n|---|---|\n{rows}"
        assert answer(text) == (
            "| Plan | Price |\n|---|---|\n| Basic | $3.99 [1] |\n| Pro | $7.99 [1] |"
        )

    def test_a_denied_plan_must_not_have_it(self) -> None:
        assert isinstance(reply("Locking isn't available on the Pro plan [1].")[0], Refusal)


class TestRefusals:
    @pytest.mark.parametrize(
        "text",
        [
            "It comes with the Basic plan [1]. Admins are not affected [1].",
            f"{GOOD} The trial lasts 9 days [2]. The trial lasts 8 days [2].",
            "The documentation only covers locking [1]. It does not mention refunds.",
            "Leider enthält die Dokumentation dazu keine Angaben [1].",
            "Die Dokumentation enthält dazu keine Informationen [1].",
            "La documentation ne mentionne pas les remboursements [1].",
            "La documentación no menciona los reembolsos [1].",
            "Não encontrei informações sobre isso [1].",
            "I hope this helps [1]!",
            "",
        ],
    )
    def test_what_lost_its_core(self, text: str) -> None:
        assert isinstance(reply(text)[0], Refusal)


def test_quotes_are_not_checked() -> None:
    draft = Draft("Pigs fly at 9:00 [2]. So they do.", "quoting", is_quote=True)
    assert asyncio.run(Checker(CONTEXT).check(draft)) == check(draft, CONTEXT)


@pytest.mark.parametrize("embedder", [None, Unusable(workers=1), Compressed(workers=1)])
def test_other_embedders_and_none(embedder: Embedder | None) -> None:
    text = f"{GOOD} The trial lasts 9 days [2]. Users get an email when it is locked [1]. {GOOD}"
    checked, _ = reply(text, embedder)
    assert isinstance(checked, Answer)
    assert checked.text == f"{GOOD} {GOOD}"


class TestRemarksForOperators:
    async def test_they_say_once_why_words_were_compared(self) -> None:
        checker = Checker(CONTEXT, embedder=Unusable(workers=1))
        text = f"{GOOD} The trial lasts 9 days [2]. Admins are not affected [1]."
        await checker.check_beginning(text)
        await checker.check(Draft(text, "test"))
        assert checker.remarks == (
            "claims compared by words: gone",
            "dropped: number not in snippet",
        )

    async def test_a_writer_hands_them_on_without_a_footnote(self) -> None:
        hanging = Hanging(workers=1)
        writer = Writer(Scripted(), ExtractiveAnswerer(), embedder=hanging)
        written = await writer.write(Question("Locking?"), CONTEXT, None, Deadline(1))
        assert isinstance(written.reply, Answer)
        assert written.remarks == ("claims compared by words: no vectors in time",)
        assert written.footnotes == ()

    async def test_a_writer_hands_on_what_was_asked(self) -> None:
        missing = " The snippets do not mention the Gold plan."
        writer = Writer(Scripted(missing), ExtractiveAnswerer())
        asked = Question("Is it in the Gold plan?")
        written = await writer.write(asked, CONTEXT, None, Deadline(10))
        assert isinstance(written.reply, Answer)
        assert written.reply.text == f"{GOOD}{missing}"

    @pytest.mark.parametrize("embedder", [EMBEDDER, None])
    async def test_nothing_where_all_is_as_configured(self, embedder: Embedder | None) -> None:
        checker = Checker(CONTEXT, embedder=embedder)
        await checker.check(Draft(GOOD, "test"))
        assert checker.remarks == ()


def test_a_snippet_is_embedded_once() -> None:
    asked: list[str] = []

    class Counting(EmbeddedEmbedder):
        async def spec(self) -> EmbedderSpec:
            raise AssertionError("not needed")

        async def embed(self, texts: object, *, role: Role) -> Vectors:
            assert isinstance(texts, list)
            asked.extend(texts)
            return await super().embed(texts, role=role)

    reply(f"{GOOD} The trial lasts 7 days [2]. {GOOD} The trial lasts 7 days [1].", Counting())
    assert asked.count("Go to Permissions.") == 1
    assert asked.count("Invoices cannot be sent during the trial.") == 1


def test_a_torrent_of_claims_is_bounded() -> None:
    text = " ".join(f"The trial lasts {n} days [2]." for n in (7, *range(8, 400)))
    checked, checker = reply(text, None)
    assert isinstance(checked, Refusal)
    assert "too many claims" in checker.dropped
