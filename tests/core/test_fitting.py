"""Prompts that leave room for the answer: history gives way first, then the last snippets."""

from __future__ import annotations

import hashlib
import json

import pytest

from core.fitting import Fitter, Prompt
from core.prompt import build_messages
from core.types import Chunk, Context, Exchange, Question, Snippet

ASKED = Question("And on the phone?", (Exchange("How? " * 20, "So. " * 50), Exchange("Hm?", "Ah.")))


def context(*lengths: int, history_tokens: int = 560) -> Context:
    chunks = [
        Chunk(f"c{n}", "a", f"T{n}", (), "x" * length, None, 0, length)
        for n, length in enumerate(lengths, 1)
    ]
    snippets = tuple(Snippet(n, chunk, chunk.text) for n, chunk in enumerate(chunks, 1))
    return Context(snippets, 0, history_tokens=history_tokens)


def fit(room_tokens: int, given: Context, *, chars_per_token: float = 4.0) -> Prompt:
    return Fitter(42, chars_per_token, room_tokens).fit(ASKED, given)


def parts(prompt: Prompt) -> tuple[int, int]:
    """Count the snippets and the earlier exchanges of a prompt."""
    text = prompt.messages[1]["content"]
    assert text.count("<<snippet ") == prompt.snippets
    return prompt.snippets, text.count("<<earlier ")


GIVEN = context(400, 400, 400)
WHOLE = fit(100_000, GIVEN).estimated_tokens


def test_what_fits_is_sent_as_it_is() -> None:
    prompt = fit(WHOLE, GIVEN)
    assert parts(prompt) == (3, 2)
    assert prompt.context == GIVEN
    assert list(prompt.messages) == build_messages(ASKED, GIVEN, seed=42)


def test_history_gives_way_from_the_oldest_and_then_snippets_from_the_last() -> None:
    seen = [parts(fit(room, GIVEN)) for room in range(WHOLE, 0, -1)]
    assert list(dict.fromkeys(seen)) == [(3, 2), (3, 1), (3, 0), (2, 0), (1, 0)]


@pytest.mark.parametrize("factor", [0.7, 1.0, 3.3, 4.0, 8.0])
def test_it_fits_whenever_it_can(factor: float) -> None:
    alone = fit(0, GIVEN, chars_per_token=factor).estimated_tokens
    whole = fit(100_000, GIVEN, chars_per_token=factor).estimated_tokens
    for room in range(alone, whole + 1, 7):
        assert fit(room, GIVEN, chars_per_token=factor).estimated_tokens <= room


def test_the_first_snippet_stays_even_where_it_does_not_fit() -> None:
    prompt = fit(10, GIVEN)
    assert [snippet.number for snippet in prompt.context.snippets] == [1]
    assert prompt.estimated_tokens > 10


def test_no_snippets() -> None:
    assert parts(fit(10, context())) == (0, 0)


def test_history_never_gets_more_than_the_context_gives_it() -> None:
    assert parts(fit(WHOLE - 1, context(400, 400, 400, history_tokens=30))) == (3, 1)
    for room in range(WHOLE, 0, -1):
        fitted = fit(room, context(400, 400, 400, history_tokens=200))
        assert fitted.context.history_tokens <= 200


def test_counts() -> None:
    prompt = fit(100_000, context(10))
    system, user = (message["content"] for message in prompt.messages)
    assert prompt.characters == len(system) + len(user)
    assert prompt.estimated_tokens == -(-len(system) // 4) - (-len(user) // 4)
    sent = json.dumps(prompt.messages, sort_keys=True).encode()
    assert prompt.digest == hashlib.sha256(sent).hexdigest()
    assert fit(100_000, context(10)).digest == prompt.digest
    assert fit(100_000, context(11)).digest != prompt.digest
    assert Fitter(43, 4.0, 100_000).fit(ASKED, context(10)).digest != prompt.digest


def test_shorter_has_fewer_snippets_and_no_history() -> None:
    fitter = Fitter(42, 4.0, 100_000)
    shorter = fitter.shorter(ASKED, fitter.fit(ASKED, GIVEN), 1)
    assert shorter is not None
    assert parts(shorter) == (1, 0)
    assert shorter.context.snippets == GIVEN.snippets[:1]
    assert fitter.shorter(ASKED, shorter, 1) is None
    assert fitter.shorter(ASKED, shorter, 0) is None


def test_one_snippet_with_history_can_still_be_shorter() -> None:
    fitter = Fitter(42, 4.0, 100_000)
    whole = fitter.fit(ASKED, context(100))
    shorter = fitter.shorter(ASKED, whole, 0)
    assert shorter is not None
    assert parts(shorter) == (1, 0)
    assert fitter.shorter(Question("Q?"), fitter.fit(Question("Q?"), context(100)), 0) is None
