"""An answer's parts: what is a claim, what only leads to one, and where sentences end."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.claim_kinds import Kind
from core.claims import Part, parts_of

GIVEN = (1, 2, 3)


def parts(text: str) -> list[tuple[Kind, str]]:
    found = parts_of(text, GIVEN)
    assert "".join(part.gap + part.text for part in found).strip() == text.strip()
    return [(part.kind, part.claim) for part in found]


def only(text: str) -> Part:
    (part,) = parts_of(text, GIVEN)
    return part


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("Open it [1]. Save it. [2][3] Then wait", ["Open it.", "Save it.", "Then wait"]),
        ("It costs 3.99 [1]. See e.g. Monday. Or vs. them.", None),
        ("Choose (see this. Or that) [2]. Then", ["Choose (see this. Or that).", "Then"]),
        ("Choose **this. And that** [2]. Then", ["Choose **this. And that**.", "Then"]),
        ("Type `a. B` now. Then", ["Type `a. B` now.", "Then"]),
        ("Ask Corp. about it. Then", ["Ask Corp. about it.", "Then"]),
        ("One [1]\nTwo [2]\nThree", ["One", "Two", "Three"]),
        ("One\ntwo. Three", ["One two.", "Three"]),
        ("ロックします。[1] 保存します。", ["ロックします。", "保存します。"]),
        ("Really?! Yes indeed… So.", ["Really?!", "Yes indeed…", "So."]),
        ("See [the guide](https://a.example/b) at https://a.example/b now.", None),
    ],
)
def test_sentences(text: str, claims: list[str] | None) -> None:
    found = parts(text)
    assert all(kind is Kind.SENTENCE for kind, _ in found)
    if claims is not None:
        assert [claim for _, claim in found] == claims


def test_a_list_with_its_lead_in() -> None:
    text = "To lock:\n\n1. Open **it** [1]\n2. Save. It closes.\n   - At once\n\nDone now."
    found = parts_of(text, GIVEN)
    assert [part.kind for part in found] == [Kind.LEAD_IN, *[Kind.SENTENCE] * 5]
    assert [part.claim for part in found[1:]] == [
        "Open **it**", "Save.", "It closes.", "At once", "Done now.",
    ]  # fmt: skip
    assert [part.item for part in found] == [-1, 0, 1, 1, 2, -1]
    assert [part.is_step for part in found] == [False, True, True, True, False, False]
    assert [part.is_first for part in found] == [True, True, True, False, True, True]
    assert len({part.group for part in found[:5]}) == 1
    assert found[5].group != found[0].group


def test_a_table() -> None:
    assert parts("| Plan | Price |\n|---|---|\n| Pro | 5 [1] |") == [
        (Kind.LEAD_IN, ""),
        (Kind.LEAD_IN, ""),
        (Kind.ROW, "Plan: Pro; Price: 5"),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("## Steps", Kind.HEADING),
        ("**Steps**", Kind.HEADING),
        ("[1][2]", Kind.CITATIONS),
        ("(Source: [1])", Kind.CITATIONS),
        ("**How do I lock it?**", Kind.HEADING),
        ("**Only admins can lock it**", Kind.SENTENCE),
        ("**Lock, then wait for some minutes until it is done**", Kind.SENTENCE),
        ("Great question!", Kind.OPENER),
        ("Yes.", Kind.YES_OR_NO),
        ("Nein!", Kind.YES_OR_NO),
        ("**Yes**", Kind.YES_OR_NO),
        ("Done.", Kind.CLOSING),
        ("Here's how:", Kind.LEAD_IN),
        ("To lock timesheets [1]:", Kind.LEAD_IN),
        ("I hope this helps!", Kind.CLOSING),
        ("Let me know if you need more.", Kind.CLOSING),
        ("The snippets do not mention Safari.", Kind.REMARK),
        ("The documentation only covers invoices; it does not mention refunds.", Kind.REMARK),
        ("The snippets do not mention Safari, but it costs 5 USD.", Kind.SENTENCE),
        ("Yes, all plans have it.", Kind.SENTENCE),
        ("```\nrows[1]\n```", Kind.CODE),
    ],
)
def test_kinds(text: str, kind: Kind) -> None:
    assert only(text).kind is kind


def test_citations_are_those_given_and_not_of_code() -> None:
    assert only("Save `rows[3]` [2], [9] [1]").cited == (2, 1)


def test_a_forced_end() -> None:
    text = "One [1]. two"
    assert len(parts_of(text, GIVEN)) == 1
    assert [part.claim for part in parts_of(text, GIVEN, (8,))] == ["One.", "two"]


PIECES = st.sampled_from(
    [
        "Open it", "save", "e.g", "1", "[1]", "[9]", ".", ". ", "! ", ":", "\n", "\n\n", "\n- ",
        "\n1. ", "\n  - ", " ", "(", ")", "**", "`", "```\n", "\n```\n", "# Head\n", "| a |", "\n|",
        "|---|", "。", "Yes. ", "---\n", "\t", "…", '"', "\n[1]\n",
    ]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=30))
def test_nothing_is_lost(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = parts_of(text, GIVEN)
    joined = "".join(part.gap + part.text for part in found)
    assert "".join(joined.split()) == "".join(text.split())


@pytest.mark.parametrize(
    "unit", ["(a. ", ". ", "a. ", "| a ", "- a\n", "a\n\n", "**a. ", "```\n", "[1]", "[1]\n", " "]
)  # fmt: skip
def test_time_is_linear(unit: str) -> None:
    started = time.process_time()
    parts_of(unit * (20_000 // len(unit)), GIVEN)
    assert time.process_time() - started < 3
