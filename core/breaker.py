"""Leave a server alone for some seconds after it failed several times in a row.

Closed (calls pass) → open (calls raise ModelPaused at once) → half-open (one call tries) → closed.
Small and own: circuitbreaker 2.1 and purgatory 3.0 let every caller through when half-open and take
a cancelled call for an outcome, aiobreaker 1.2 reads the wall clock, pybreaker 1.4 needs Tornado.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .errors import ModelPaused, ModelUnavailable

logger = logging.getLogger(__name__)

MOST_PROBES = 2  # at once: one that hangs must not keep all others from a server that is back


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When to open, for how long, and by which clock (seconds that never go back)."""

    failures: int = 5  # in a row
    open_seconds: float = 10.0
    clock: Callable[[], float] = time.monotonic


class Passage:
    """One call that was let through."""

    def __init__(self, breaker: Breaker, *, is_probe: bool) -> None:
        self._breaker = breaker
        self.is_probe = is_probe  # it alone tries whether the server is back

    def note_life(self) -> None:
        """Close the breaker before the call has ended: the server does what was asked of it."""
        if self.is_probe:
            self.is_probe = False
            self._breaker.close()


class Breaker:
    """Counts the failures of calls for one purpose; for one event loop, without locks.

    A call that ends in ModelUnavailable failed, unless is_blameless says that the server did its
    part. A call that was cancelled says nothing. What calls from before the opening end in while it
    is open changes nothing.
    """

    def __init__(
        self, name: str, rules: BreakerRules, is_blameless: Callable[[ModelUnavailable], bool]
    ) -> None:
        self._name = name
        self._rules = rules
        self._is_blameless = is_blameless
        self._failures = 0
        self._try_at: float | None = None  # when the next call may try; None: closed
        self._probes: list[Passage] = []
        self._reason = ""

    @property
    def is_open(self) -> bool:
        """Tell whether a call would be refused now."""
        if self._try_at is None:
            return False
        return self._seconds_left() > 0 or len(self._probes) >= MOST_PROBES

    def open_now(self, reason: str) -> None:
        """Refuse calls from now on; reason is what ModelPaused tells, and ends in a hint.

        Nothing is logged: whoever says so has told, or will.
        """
        self._probes.clear()
        self._pause(reason)

    def close(self) -> None:
        """Let calls through; nothing counts against the server any more."""
        if self._try_at is not None:
            logger.info("%s: answering again", self._name)
        self._failures, self._try_at = 0, None
        self._probes.clear()

    @contextmanager
    def guard(
        self, says_nothing: Callable[[ModelUnavailable], bool] = lambda _: False
    ) -> Iterator[Passage]:
        """Let one call through and learn from how it ends; raises ModelPaused at once when open.

        Of a failure that says_nothing nothing is learnt, as of a call that was cancelled.
        """
        passage = self._enter()
        try:
            yield passage
        except ModelUnavailable as error:
            if says_nothing(error):
                self._abandoned(passage)
            elif self._is_blameless(error):
                self._worked(passage)
            else:
                self._failed(passage, str(error))
            raise
        except BaseException:
            self._abandoned(passage)
            raise
        self._worked(passage)

    def _enter(self) -> Passage:
        if self.is_open:
            raise ModelPaused(self._message())
        passage = Passage(self, is_probe=self._try_at is not None)
        if passage.is_probe:
            self._probes.append(passage)
            self._try_at = self._rules.clock() + self._rules.open_seconds
        return passage

    def _worked(self, passage: Passage) -> None:
        if passage.is_probe or self._try_at is None:
            self.close()

    def _failed(self, passage: Passage, reason: str) -> None:
        if passage.is_probe:
            if passage in self._probes:  # else the breaker has closed, or was opened, meanwhile
                self._probes.remove(passage)
                self._open(reason)
        elif self._try_at is None:
            self._failures += 1
            if self._failures >= self._rules.failures:
                self._open(reason)

    def _abandoned(self, passage: Passage) -> None:
        if passage in self._probes:
            self._probes.remove(passage)
            self._try_at = self._rules.clock()  # the next call tries instead

    def _open(self, reason: str) -> None:
        is_new = self._try_at is None
        self._pause(reason)
        if is_new:
            logger.warning(
                "%s: not asked for %g s, then tried again: %s",
                self._name,
                self._rules.open_seconds,
                reason,
            )

    def _pause(self, reason: str) -> None:
        self._try_at = self._rules.clock() + self._rules.open_seconds
        self._reason = reason

    def _seconds_left(self) -> float:
        return 0.0 if self._try_at is None else self._try_at - self._rules.clock()

    def _message(self) -> str:
        seconds = math.ceil(max(0.0, self._seconds_left()))
        is_tried = bool(self._probes) or not seconds
        when = "being tried right now" if is_tried else f"not asked for the next {seconds} s"
        return f"{self._name}: {when}, because the last call failed: {self._reason}"
