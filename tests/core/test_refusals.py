"""Remarks: what only says that the snippets lack something, and states nothing else."""

from __future__ import annotations

import time

import pytest

from core.refusals import is_remark


@pytest.mark.parametrize(
    "sentence",
    [
        "The snippets do not mention a limit for tags.",
        "The documentation only covers invoices; it does not mention refunds.",
        "The snippets do not say whether it works offline, on trains or at sea.",
        "The provided snippets do not contain information about refunds, discounts or vouchers.",
        "Unfortunately, there is no information about that in the snippets.",
        "I could not find a limit for tags, so I cannot say.",
        "The snippets do not say how to contact support.",
        "There are no details on how the trial can be extended.",
        "Die Dokumentation sagt nicht, ob es offline geht.",
        "La documentación no menciona los reembolsos.",
    ],
)
def test_honest_remarks(sentence: str) -> None:
    assert is_remark(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "The documentation only says that locking is free for up to five hundred users.",
        "There is no information about the 99 dollars that the Enterprise plan costs.",
        "I am not sure, the Enterprise plan costs 99 dollars.",
        "This is not covered by the snippets: call +1 800 555 0199 to have your password reset.",
        "This is not covered by the snippets, call support.",
        "I don't have access to your account, but the Enterprise plan costs 99 dollars.",
        "The snippets do not mention that your account was suspended.",
        "The snippets do not mention tags – your account is suspended.",
        "The snippets do not mention it; write to us and you get a new password at once for free.",
        f"The snippets do not mention {'very ' * 20}long things.",
        "Die Dokumentation sagt, der Plan kostet nichts.",
        "There is no limit on projects.",
    ],
)
def test_remarks_that_state_something(sentence: str) -> None:
    assert not is_remark(sentence)


@pytest.mark.parametrize(
    "unit", ["the snippets do not mention, ", "no information about it, ", "- ", "i am not sure "]
)
def test_time_is_linear(unit: str) -> None:
    started = time.process_time()
    is_remark(unit * (20_000 // len(unit)))
    assert time.process_time() - started < 1
