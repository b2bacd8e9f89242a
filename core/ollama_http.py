"""One HTTP request to Ollama: deadline, retries, no redirects, and errors a person can act on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import aiohttp
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from .errors import ModelTimeout, ModelUnavailable
from .ollama_reply import Rejected, missing
from .ollama_stream import BadReply, parse_object, read_capped
from .ollama_url import GuardedResolver, check_url

logger = logging.getLogger(__name__)

T = TypeVar("T")

BUSY = frozenset({429, 502, 503, 504})
RETRY_AFTER_LIMIT_SECONDS = 30.0
ERROR_BODY_BYTES = 16 * 1024
DETAIL_CHARACTERS = 200
ECHO_CHARACTERS = 16  # a detail that repeats this much of the request is not shown
BACK_OFF = wait_random_exponential(multiplier=0.2, max=8)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, and for the reply as a whole."""

    connect_seconds: float
    read_seconds: float


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a request is for: how long it may take, and what to change when it took longer."""

    timeouts: Timeouts
    connect_hint: str
    read_hint: str
    model: str = ""
    private: str = ""  # text that must not come back in an error message


class _Refused(Exception):
    """A status other than 200, before it is translated."""

    def __init__(self, status: int, detail: str, is_ollama: bool, wait: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.detail = detail
        self.is_ollama = is_ollama
        self.retry_after_seconds = wait


class Transport:
    """Sends requests to one Ollama; the session is opened by the first request."""

    def __init__(self, url: str, *, retries: int) -> None:
        self.url = check_url(url)
        self._retries = retries
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        path: str,
        payload: dict[str, object] | None,
        *,
        purpose: Purpose,
        read: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    ) -> T:
        """Return what read makes of the reply; GET without a payload, POST with one.

        Attempts, waits between them and reading end together at the read time-out. Retries happen
        before the first byte of a good reply only.
        """
        limits = purpose.timeouts
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._retries + 1) | stop_before_delay(limits.read_seconds),
            wait=_wait_seconds,
            retry=retry_if_exception(_is_transient),
            before_sleep=_log_retry,
            reraise=True,
        )
        try:
            async with asyncio.timeout(max(limits.connect_seconds, limits.read_seconds)):
                result: T = await retrying(self._once, path, payload, limits, read)
                return result
        except (_Refused, BadReply, aiohttp.ClientError, OSError) as error:
            raise _translated(error, self.url, path, purpose) from error

    async def _once(
        self,
        path: str,
        payload: dict[str, object] | None,
        limits: Timeouts,
        read: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    ) -> T:
        async with self._open_session().request(
            "GET" if payload is None else "POST",
            self.url + path,
            json=payload,
            allow_redirects=False,  # a redirect would carry a private question to another host
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=limits.connect_seconds, sock_read=limits.read_seconds
            ),
        ) as response:
            if response.status != 200:
                raise await _refusal(response)
            return await read(response)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            # A new connection each time: one left over from before a restart of Ollama would fail
            # the next question. auto_decompress off: a small body must not grow past the cap.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=GuardedResolver(), force_close=True),
                headers={"Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


async def _refusal(response: aiohttp.ClientResponse) -> _Refused:
    wait = retry_after_seconds(response.headers.get("Retry-After", ""))
    try:
        body = await read_capped(response, ERROR_BODY_BYTES)
        detail, is_ollama = str(parse_object(body)["error"]), True
    except (BadReply, KeyError):
        detail, is_ollama = "", False
    return _Refused(response.status, detail, is_ollama, wait)


def retry_after_seconds(value: str) -> float | None:
    """Read Retry-After in both its forms, seconds and date; None when absent or unreadable."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT_SECONDS) if seconds == seconds else None


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, _Refused):
        return error.status in BUSY
    return isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def _wait_seconds(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Refused) and error.retry_after_seconds is not None:
        return error.retry_after_seconds
    return float(BACK_OFF(state))


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    logger.info("Ollama: attempt %d failed: %s", state.attempt_number, type(error).__name__)


def _translated(error: Exception, url: str, path: str, purpose: Purpose) -> ModelUnavailable:
    limits = purpose.timeouts
    match error:
        case _Refused():
            return _refused(error, url, path, purpose)
        case BadReply():
            detail = _shown(error.detail, purpose.private)
            return ModelUnavailable(f"Ollama at {url} {error.reason}{detail}.")
        case aiohttp.ConnectionTimeoutError():
            seconds, hint = limits.connect_seconds, purpose.connect_hint
            return ModelTimeout(f"No connection to Ollama at {url} in {seconds:g} s. {hint}")
        case TimeoutError():
            seconds, hint = limits.read_seconds, purpose.read_hint
            return ModelTimeout(f"Ollama at {url} did not answer within {seconds:g} s. {hint}")
        case aiohttp.ClientConnectorError():
            reason = error.os_error.strerror or "the connection failed"
            return ModelUnavailable(
                f"Cannot reach Ollama at {url}: {reason}. {purpose.connect_hint}"
            )
        case _:
            return ModelUnavailable(f"Ollama at {url} closed the connection before it was done.")


def _refused(error: _Refused, url: str, path: str, purpose: Purpose) -> ModelUnavailable:
    status, detail = error.status, _shown(error.detail, purpose.private)
    if status == 404 and error.is_ollama and purpose.model:
        return missing(purpose.model, url)
    if 300 <= status < 400:
        sentence = f"{url} redirects {path}, and redirects are not followed"
    elif status in BUSY:
        sentence = f"Ollama at {url} is busy (HTTP {status}{detail}). Try again in a moment"
        return Rejected(f"{sentence}.", status=status, detail=error.detail)
    elif error.is_ollama:
        sentence = f"Ollama at {url} refused {path} (HTTP {status}{detail})"
        return Rejected(f"{sentence}.", status=status, detail=error.detail)
    else:
        sentence = f"{url} does not answer like an Ollama: HTTP {status} for {path}"
    return ModelUnavailable(f"{sentence}. [hint: check OLLAMA_URL]")


def _shown(detail: str, private: str) -> str:
    """Return ": detail", short and printable, or nothing when it repeats the request's text."""
    line = "".join(c if c.isprintable() else " " for c in detail[:DETAIL_CHARACTERS]).strip()
    starts = range(max(1, len(line) - ECHO_CHARACTERS + 1))
    if not line or any(line[i : i + ECHO_CHARACTERS] in private for i in starts):
        return ""
    return f": {line}"
