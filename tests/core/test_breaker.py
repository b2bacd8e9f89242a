"""The circuit breaker: what opens it, who may try, what closes it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import pytest

from core.breaker import Breaker, BreakerRules
from core.errors import ModelPaused, ModelUnavailable

FAILED = "Cannot reach it. [hint: check OLLAMA_URL]"


class Blameless(ModelUnavailable):
    """A failure that the server is not to blame for."""


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    rules = BreakerRules(failures=3, open_seconds=10.0, clock=clock)
    return Breaker("Chat", rules, lambda error: isinstance(error, Blameless))


def end(breaker: Breaker, error: BaseException | None = None) -> bool:
    """Make one call that ends so; tells whether it was the probe."""
    is_probe = False
    with suppress(type(error) if error is not None else Blameless), breaker.guard() as passage:
        is_probe = passage.is_probe
        if error is not None:
            raise error
    return is_probe


def opened(breaker: Breaker) -> Breaker:
    for _ in range(3):
        end(breaker, ModelUnavailable(FAILED))
    assert breaker.is_open
    return breaker


class TestOpening:
    def test_failures_in_a_row_open_it(self, breaker: Breaker) -> None:
        end(breaker, ModelUnavailable(FAILED))
        end(breaker, ModelUnavailable(FAILED))
        assert not breaker.is_open
        end(breaker, ModelUnavailable(FAILED))
        assert breaker.is_open

    @pytest.mark.parametrize("between", [None, Blameless("one bad text")])
    def test_an_answer_between_them_begins_anew(
        self, breaker: Breaker, between: ModelUnavailable | None
    ) -> None:
        for error in (ModelUnavailable(FAILED), ModelUnavailable(FAILED), between) * 3:
            end(breaker, error)
        assert not breaker.is_open

    def test_being_cancelled_counts_for_nothing(self, breaker: Breaker) -> None:
        for _ in range(2):
            end(breaker, ModelUnavailable(FAILED))
        for _ in range(5):
            end(breaker, asyncio.CancelledError())
        assert not breaker.is_open
        end(breaker, ModelUnavailable(FAILED))
        assert breaker.is_open  # nor did it make good for anything

    def test_may_be_opened_at_once(self, breaker: Breaker) -> None:
        breaker.open_now("Nobody is there. [hint: start Ollama]")
        with pytest.raises(ModelPaused, match=r"Nobody is there\. \[hint: start Ollama\]$"):
            end(breaker)


class TestOpen:
    def test_tells_why_and_how_long(self, breaker: Breaker, clock: Clock) -> None:
        opened(breaker)
        clock.now += 2.5
        with pytest.raises(ModelPaused) as raised:
            end(breaker)
        assert str(raised.value) == (
            f"Chat: not asked for the next 8 s, because the last call failed: {FAILED}"
        )

    def test_an_answer_from_before_does_not_close_it(self, breaker: Breaker) -> None:
        with breaker.guard():
            opened(breaker)
        assert breaker.is_open

    def test_a_failure_from_before_does_not_prolong_it(
        self, breaker: Breaker, clock: Clock
    ) -> None:
        with suppress(ModelUnavailable), breaker.guard():
            opened(breaker)
            clock.now += 9.0
            raise ModelUnavailable(FAILED)
        clock.now += 1.0
        assert not breaker.is_open


class TestHalfOpen:
    def test_one_tries_while_the_others_are_refused(self, breaker: Breaker, clock: Clock) -> None:
        opened(breaker)
        clock.now += 10.0
        with breaker.guard() as passage:
            assert passage.is_probe
            with pytest.raises(ModelPaused, match="being tried right now"):
                end(breaker)
        assert end(breaker) is False

    def test_a_failure_opens_it_again_at_once(self, breaker: Breaker, clock: Clock) -> None:
        opened(breaker)
        clock.now += 10.0
        assert end(breaker, ModelUnavailable(FAILED)) is True
        clock.now += 9.9
        with pytest.raises(ModelPaused):
            end(breaker)

    def test_a_cancelled_try_leaves_it_to_the_next(self, breaker: Breaker, clock: Clock) -> None:
        opened(breaker)
        clock.now += 10.0
        end(breaker, asyncio.CancelledError())
        assert end(breaker) is True
        assert end(breaker) is False

    def test_the_first_sign_of_life_closes_it(self, breaker: Breaker, clock: Clock) -> None:
        opened(breaker)
        clock.now += 10.0
        with breaker.guard() as passage:
            passage.note_life()
            assert end(breaker) is False

    def test_what_the_server_is_not_to_blame_for_closes_it(
        self, breaker: Breaker, clock: Clock
    ) -> None:
        opened(breaker)
        clock.now += 10.0
        end(breaker, Blameless("one bad text"))
        assert not breaker.is_open
        end(breaker, ModelUnavailable(FAILED))
        assert not breaker.is_open  # and the count began anew


def test_says_once_that_it_opened_and_closed(
    breaker: Breaker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    opened(breaker)
    for _ in range(3):
        clock.now += 10.0
        end(breaker, ModelUnavailable(FAILED))
    clock.now += 10.0
    end(breaker)
    end(breaker)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", f"Chat: not asked for 10 s, then tried again: {FAILED}"),
        ("INFO", "Chat: answering again"),
    ]


class TestAProbeThatHangs:
    def test_another_may_try_after_a_while_and_close_it(
        self, breaker: Breaker, clock: Clock
    ) -> None:
        opened(breaker)
        clock.now += 10
        hanging = breaker.guard()
        assert hanging.__enter__().is_probe
        clock.now += 9
        assert breaker.is_open
        clock.now += 1
        assert end(breaker)
        assert not breaker.is_open
        late = ModelUnavailable("too late")
        with suppress(ModelUnavailable):
            hanging.__exit__(ModelUnavailable, late, None)
        assert not breaker.is_open  # what became of it does not matter any more

    def test_only_two_try_at_once(self, breaker: Breaker, clock: Clock) -> None:
        opened(breaker)
        hanging = [breaker.guard() for _ in range(2)]
        for one in hanging:
            clock.now += 10
            assert one.__enter__().is_probe
        clock.now += 1_000
        with pytest.raises(ModelPaused, match="being tried right now"):
            breaker.guard().__enter__()
        hanging[0].__exit__(asyncio.CancelledError, asyncio.CancelledError(), None)
        assert end(breaker)
