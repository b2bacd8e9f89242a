"""When a task is tried again, when it gets an apology, and when nothing helps any more."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.database import StorageError
from bot.membership import CheckFailed
from bot.retrying import GIVEN_UP, Next, Pace, after_failure, reason_to_give_up
from bot.sender import TryLater
from bot.tasks import Claim, GiveUp, Task, TaskKind
from bot.transience import is_transient

PACE = Pace()


def claim(tries: int = 1, **notes: Any) -> Claim:
    """Make a claim."""
    return Claim(Task("k", TaskKind.QUESTION, "U1", "C1"), tries, 0.0, notes=notes)


def slack_error(status: int, code: str, **headers: str) -> SlackApiError:
    """Make what the SDK raises."""
    response = AsyncSlackResponse(
        client=None,
        http_verb="POST",
        api_url="chat.postMessage",
        req_args={},
        data={"ok": False, "error": code},
        headers=headers,
        status_code=status,
    )
    return SlackApiError("refused", response)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("given", "age_seconds", "is_busy", "reason"),
    [
        (claim(), 899.0, False, None),
        (claim(), 901.0, False, GiveUp.TOO_LATE),
        (claim(3), 0.0, False, None),
        (claim(4), 0.0, False, GiveUp.POISON),
        (claim(), 0.0, True, GiveUp.BUSY),
        (claim(2, **{GIVEN_UP: "timed_out"}), 901.0, True, GiveUp.TIMED_OUT),
    ],
)
def test_why_there_is_no_try(
    given: Claim, age_seconds: float, is_busy: bool, reason: GiveUp | None
) -> None:
    found = reason_to_give_up(given, age_seconds=age_seconds, is_busy=is_busy, pace=PACE)
    assert found is reason


@pytest.mark.parametrize(
    ("error", "tries", "coming"),
    [
        (TimeoutError(), 1, Next(2.0)),
        (TimeoutError(), 2, Next(4.0)),
        (TimeoutError(), 3, Next(0.0, give_up=GiveUp.FAILED)),
        (RuntimeError(), 1, Next(0.0, give_up=GiveUp.FAILED)),
        (TryLater("not now"), 3, Next(8.0, uncount=True)),
        (TryLater("not now", after_seconds=600.0), 1, Next(600.0, uncount=True)),
    ],
)
def test_what_comes_after_a_try(error: Exception, tries: int, coming: Next) -> None:
    given = claim(tries)
    assert after_failure(error, given, was_apology=False, age_seconds=0.0, pace=PACE) == coming


@pytest.mark.parametrize(
    ("error", "tries", "age_seconds", "pause"),
    [
        (TimeoutError(), 4, 100.0, 16.0),
        (TryLater("not now"), 7, 100.0, 30.0),
        (TimeoutError(), 5, 901.0, 32.0),
        (TimeoutError(), 50, 901.0, 300.0),
        (TimeoutError(), 5, 3_601.0, None),
        (TryLater("not now", after_seconds=900.0), 5, 100.0, 900.0),
        (RuntimeError(), 5, 100.0, None),
        (slack_error(200, "channel_not_found"), 5, 100.0, None),
    ],
)
def test_what_comes_after_an_apology_that_did_not_get_through(
    error: Exception, tries: int, age_seconds: float, pause: float | None
) -> None:
    coming = after_failure(
        error, claim(tries), was_apology=True, age_seconds=age_seconds, pace=PACE
    )
    assert coming == Next(pause)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (aiohttp.ClientConnectionError(), True),
        (TimeoutError(), True),
        (StorageError("the disk is full"), True),
        (CheckFailed("is_bot is not told"), True),
        (slack_error(503, "service_unavailable"), True),
        (slack_error(200, "internal_error"), True),
        (slack_error(429, "ratelimited"), True),
        (slack_error(200, "is_archived"), False),
        (KeyError("channel"), False),
    ],
)
def test_which_failures_pass(error: Exception, passes: bool) -> None:
    assert is_transient(error) is passes
