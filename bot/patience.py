"""How the bot tries to reach Slack: again and again, but never more than ten times a minute.

Takes one try as a function; gives its value, or gives up after a while.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from core.errors import BotError, SettingsError

logger = logging.getLogger(__name__)

EX_TEMPFAIL = 75  # sysexits.h: try again later
PATIENCE_SECONDS = 120.0  # without a connection
BURST, SECONDS_A_TRY = 3, 9.0  # three at once, then one each 9 s: never more than 9 a minute
MAX_BACKOFF_SECONDS = 8.0

T = TypeVar("T")


class SlackUnreachable(BotError):
    """Raised when one try failed for a reason that may pass: the network, or Slack itself."""

    def __init__(self, sentence: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class ConnectionGivenUp(SlackUnreachable):
    """Raised when no try has worked for too long; a process manager starts the bot again."""

    exit_code = EX_TEMPFAIL


def unreachable(url: str, reason: str, *, retry_after_seconds: float = 0.0) -> SlackUnreachable:
    """Make the error of one try that failed at an address."""
    return SlackUnreachable(
        f"Slack does not answer at {url}: {reason}. "
        "Check the network, the proxy and SLACK_API_URL.",
        retry_after_seconds=retry_after_seconds,
    )


def opening_limit() -> AsyncLimiter:
    """Make the limit that every call of apps.connections.open of the process goes through."""
    return AsyncLimiter(BURST, BURST * SECONDS_A_TRY)


async def try_patiently(
    work: Callable[[], Awaitable[T]],
    *,
    limit: AsyncLimiter,
    patience_seconds: float,
    max_rejections: int = 1,
) -> T:
    """Try until it works, with back-off, jitter and a warning for each failure.

    Raises SettingsError once Slack has rejected a token max_rejections times in a row, and
    ConnectionGivenUp when the patience is over, also in the middle of a try.
    """
    rejections = 0
    problem = "no reply yet"

    def may_pass(error: BaseException) -> bool:
        nonlocal rejections, problem
        if not isinstance(error, SlackUnreachable | SettingsError):
            return False
        problem = str(error)
        rejections = rejections + 1 if isinstance(error, SettingsError) else 0
        return rejections < max_rejections

    tries = AsyncRetrying(
        retry=retry_if_exception(may_pass), wait=_wait, before_sleep=_warn, reraise=True
    )
    try:
        async with asyncio.timeout(patience_seconds):
            async for attempt in tries:
                with attempt:
                    await limit.acquire()
                    return await work()
    except TimeoutError as error:
        raise ConnectionGivenUp(
            f"No connection to Slack for {patience_seconds:.0f} s: {problem}"
        ) from error
    raise AssertionError("the tries ended without a result")


def backoff_seconds(failures: int) -> float:
    """Give how long to wait after so many failures in a row, with jitter: 1, 2, 4, then 8 s."""
    longest: float = min(MAX_BACKOFF_SECONDS, 2.0 ** (failures - 1))
    return longest * random.uniform(0.5, 1.0)


def _wait(tries: RetryCallState) -> float:
    asked = getattr(_failure(tries), "retry_after_seconds", 0.0)
    return max(backoff_seconds(tries.attempt_number), asked)


def _warn(tries: RetryCallState) -> None:
    logger.warning("%s Trying again.", _failure(tries))


def _failure(tries: RetryCallState) -> BaseException | None:
    return tries.outcome.exception() if tries.outcome else None
