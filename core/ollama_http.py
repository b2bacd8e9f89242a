"""One HTTP request to Ollama: time-outs, retries, no redirects, the key, and capped replies."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TypeVar

import aiohttp

from .ollama_access import bearer, proxy_for, warn_if_readable
from .ollama_errors import FAILURES, Place, Purpose, Timeouts, shown, translated
from .ollama_retry import Attempts, Refused, retry_after_seconds
from .ollama_stream import BadReply, Heard, parse_object, read_capped, read_lines
from .ollama_url import Address, ForbiddenAddress, GuardedResolver, check_url, host_of, literal

__all__ = ["Purpose", "Timeouts", "Transport"]

T = TypeVar("T")
Read = Callable[[aiohttp.ClientResponse, Heard], Awaitable[T]]

ERROR_BODY_BYTES = 16 * 1024
LINE_BYTES = 64 * 1024
BAD_REQUEST = 400


class Transport:
    """Sends requests to one Ollama; the session is opened by the first request.

    Raises SettingsError for an address, a key or a proxy that must not be used.
    """

    def __init__(self, url: str, *, retries: int, api_key: str = "") -> None:
        self.url = check_url(url)
        self._headers = bearer(api_key)
        self._key = api_key.strip()
        self._proxy = proxy_for(self.url)
        self._retries = retries
        self._session: aiohttp.ClientSession | None = None
        if (address := literal(host_of(self.url))) is not None:
            self._warn([address])

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
        read: Read[T],
        budget_seconds: float | None = None,
    ) -> T:
        """Return what read makes of the reply; GET without a payload, POST with one.

        A generation may take as long as pieces keep coming. Everything else ends at the read
        time-out: attempts, the waits between them, and reading. No wait ends behind the budget.
        """
        limits = purpose.timeouts
        silence_seconds = max(limits.connect_seconds, limits.read_seconds)
        attempts = Attempts(is_generation=purpose.is_generation)
        budget_seconds = min(limits.read_seconds, budget_seconds or limits.read_seconds)
        retrying = attempts.retrying(self._retries, budget_seconds)

        async def once() -> T:
            async with (
                asyncio.timeout(silence_seconds) as watch,
                self._opened(path, payload, limits) as response,
            ):

                def heard(is_token: bool) -> None:
                    attempts.has_token |= is_token
                    watch.reschedule(asyncio.get_running_loop().time() + limits.read_seconds)

                return await read(response, heard)

        try:
            async with asyncio.timeout(None if purpose.is_generation else silence_seconds):
                result: T = await retrying(once)
                return result
        except FAILURES as error:
            place = self._place(path)
            raise translated(error, place, purpose, is_begun=attempts.has_token) from error

    async def lines(
        self, path: str, payload: dict[str, object], *, purpose: Purpose
    ) -> AsyncGenerator[dict[str, object], None]:
        """Yield the lines of a stream of any length; asks once. Close it when leaving early."""
        limits = purpose.timeouts
        try:
            async with (
                self._opened(path, payload, limits) as response,
                aclosing(read_lines(response, total_limit=None, line_limit=LINE_BYTES)) as received,
            ):
                while True:
                    async with asyncio.timeout(limits.read_seconds):
                        line = await anext(received, None)
                    if line is None:
                        return
                    yield line
        except FAILURES as error:
            raise translated(error, self._place(path), purpose, is_begun=False) from error

    @asynccontextmanager
    async def _opened(
        self, path: str, payload: dict[str, object] | None, limits: Timeouts
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send, and give a response of status 200; leaving closes the connection."""
        proxy = self._proxy
        if proxy is not None:
            await self._check_name(limits.connect_seconds)
        async with self._open_session().request(
            "GET" if payload is None else "POST",
            self.url + path,
            json=payload,
            headers=self._headers,
            allow_redirects=False,  # a redirect would carry question and key to another host
            proxy=proxy.url if proxy is not None else None,
            proxy_headers=proxy.headers if proxy is not None else None,
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=limits.connect_seconds,  # with the resolver's time
                sock_connect=limits.connect_seconds,
                sock_read=limits.read_seconds,
            ),
        ) as response:
            if response.status != 200:
                raise await _refusal(response)
            yield response

    async def _check_name(self, seconds: float) -> None:
        """Refuse a name that leads to a forbidden address, before a proxy is asked to go there.

        A name that only the proxy can resolve passes.
        """
        try:
            async with asyncio.timeout(seconds):
                name = host_of(self.url)
                await GuardedResolver(self._warn).resolve(name, 0, socket.AF_UNSPEC)
        except ForbiddenAddress:
            raise
        except OSError:
            return

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            # A new connection each time: one left over from before a restart of Ollama would fail
            # the next question. auto_decompress off: a small body must not grow past the cap.
            # trust_env off: it would send passwords of ~/.netrc; see proxy_for().
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=GuardedResolver(self._warn), force_close=True
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _warn(self, addresses: Sequence[Address]) -> None:
        warn_if_readable(self.url, addresses, has_key=bool(self._key))

    def shown(self, detail: str, path: str) -> str:
        """Return ": detail" of the server's words, as far as a person may see them."""
        return shown(detail, self._place(path))

    def _place(self, path: str) -> Place:
        proxy = self._proxy.url if self._proxy is not None else ""
        return Place(self.url, path, proxy, self._key)


async def _refusal(response: aiohttp.ClientResponse) -> Refused:
    detail, is_ollama, body = "", False, b""
    with suppress(BadReply, KeyError):
        body = await read_capped(response, ERROR_BODY_BYTES)
        detail, is_ollama = str(parse_object(body)["error"]), True
    return Refused(
        response.status,
        detail=detail,
        is_ollama=is_ollama,
        retry_after_seconds=retry_after_seconds(response.headers.get("Retry-After", "")),
        location=response.headers.get("Location", ""),
        wants_tls=response.status == BAD_REQUEST and b"HTTPS" in body,  # Go's and nginx's words
    )
