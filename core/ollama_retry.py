"""When a request to Ollama is sent again, and how long after."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from .ollama_reply import BUSY
from .ollama_stream import BadReply
from .ollama_url import ForbiddenAddress

logger = logging.getLogger(__name__)

GATEWAY_TIMEOUT = 504  # of a proxy: its Ollama had taken the request
RETRY_AFTER_LIMIT_SECONDS = 30.0
EXTRA_STARTS = 1  # of a generation that was taken: a model at work is not asked for the same again
BACK_OFF = wait_random_exponential(multiplier=0.2, max=8)
BROKEN = (
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientPayloadError,
    aiohttp.ClientOSError,
    ConnectionError,
)


class Refused(Exception):
    """A status other than 200, before it is translated."""

    def __init__(
        self,
        status: int,
        *,
        detail: str,
        is_ollama: bool,
        retry_after_seconds: float | None,
        location: str,
        wants_tls: bool = False,
    ) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.detail = detail
        self.is_ollama = is_ollama  # the body was an error as Ollama words it
        self.retry_after_seconds = retry_after_seconds
        self.location = location
        self.wants_tls = wants_tls  # plain http came to a port for https


class Attempts:
    """What is known of the tries of one call, so that no work is asked for twice."""

    def __init__(self, *, is_generation: bool) -> None:
        self.has_token = False  # visible or thought
        self._is_generation = is_generation
        self._lost = 0  # generations that were taken and came to nothing

    def retrying(self, retries: int, budget_seconds: float) -> AsyncRetrying:
        """Return what repeats a call; no wait may end behind the budget."""
        return AsyncRetrying(
            stop=stop_after_attempt(retries + 1) | stop_before_delay(budget_seconds),
            wait=_wait_seconds,
            retry=retry_if_exception(self.may_repeat),
            before_sleep=_log_retry,
            reraise=True,
        )

    def may_repeat(self, error: BaseException) -> bool:
        """Tell whether the request may be sent once more after this error; counts the answer."""
        if self.has_token:
            return False
        if isinstance(error, aiohttp.ClientConnectorError):
            is_final = isinstance(error.os_error, ForbiddenAddress)
            return not (is_final or isinstance(error, aiohttp.ClientSSLError))
        if isinstance(error, aiohttp.ConnectionTimeoutError) or self._is_busy(error):
            return True
        if not self._is_generation:
            return isinstance(error, BROKEN)
        self._lost += 1
        return self._lost <= EXTRA_STARTS and _may_pass(error)

    def _is_busy(self, error: BaseException) -> bool:
        """Tell whether the request was not taken."""
        if not isinstance(error, Refused) or error.status not in BUSY:
            return False
        return not (self._is_generation and error.status == GATEWAY_TIMEOUT)


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, Refused):
        return error.status >= 500
    return isinstance(error, BROKEN) or (isinstance(error, BadReply) and error.is_passing)


def retry_after_seconds(value: str) -> float | None:
    """Read Retry-After in both its forms, seconds and date; None when absent or unreadable."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT_SECONDS) if seconds == seconds else None


def _wait_seconds(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told = error.retry_after_seconds if isinstance(error, Refused) else None
    return (told or 0.0) + float(BACK_OFF(state))  # not all at the same moment


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    logger.info("Ollama: attempt %d failed: %s", state.attempt_number, type(error).__name__)
