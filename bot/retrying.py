"""What becomes of a task whose try failed: again after a pause, an apology, or nothing more."""

from __future__ import annotations

from dataclasses import dataclass

from .sender import TryLater
from .tasks import Claim, GiveUp
from .transience import is_transient

MAX_TRIES = 3
GIVEN_UP = "given_up"  # the note of a task that only an apology is left for


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things may take, in seconds."""

    too_late: float = 900.0  # since it was received, when a try begins
    hopeless: float = 3_600.0  # since it was received; then not even an apology
    first_pause: float = 2.0  # before the second try; each later one is twice as long
    longest_pause: float = 300.0
    longest_wait: float = 30.0  # for an apology that is not too late yet
    sweep: float = 5.0
    patience: float = 5.0  # in the queue, before its place is told
    again: float = 10.0  # between two places that are told
    telling: float = 2.5  # between two looks at the queue
    heartbeat: float = 20.0
    chores: float = 3_600.0
    drain: float = 9.0  # for questions in flight at the end; all in all it takes less than 12


@dataclass(frozen=True, slots=True)
class Next:
    """What to do; uncount: the try that failed does not count.

    pause_seconds is None when there is nothing left to do.
    """

    pause_seconds: float | None
    uncount: bool = False
    give_up: GiveUp | None = None  # what the next try will be


def reason_to_give_up(
    claim: Claim, *, age_seconds: float, is_busy: bool, pace: Pace
) -> GiveUp | None:
    """Say why a task gets an apology instead of a try; None: it gets a try."""
    if noted := claim.notes.get(GIVEN_UP):
        return GiveUp(noted)
    if is_busy:
        return GiveUp.BUSY
    if age_seconds > pace.too_late:
        return GiveUp.TOO_LATE
    return GiveUp.POISON if claim.tries > MAX_TRIES else None


def after_failure(
    error: Exception, claim: Claim, *, was_apology: bool, age_seconds: float, pace: Pace
) -> Next:
    """Say what comes after an exception; what Slack asked to wait for does not count as a try."""
    pause = min(pace.first_pause * 2.0 ** (claim.tries - 1), pace.longest_pause)
    if was_apology:
        passes = isinstance(error, TryLater) or is_transient(error)
        # The tries of processes that were killed count, too; who asked is not to wait for those.
        wait = pause if age_seconds > pace.too_late else min(pause, pace.longest_wait)
        pause = max(wait, getattr(error, "after_seconds", 0.0))
        return Next(pause if passes and age_seconds < pace.hopeless else None)
    if isinstance(error, TryLater):
        return Next(max(pause, error.after_seconds), uncount=True)
    if is_transient(error) and claim.tries < MAX_TRIES:
        return Next(pause)
    return Next(0.0, give_up=GiveUp.FAILED)
