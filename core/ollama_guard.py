"""A call within its time, and only while the server is not left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from .breaker import Breaker, BreakerRules, Passage
from .errors import ModelTimeout, ModelUnavailable
from .ollama_http import Timeouts, Transport
from .ollama_purposes import looking
from .ollama_reply import WroteNothing, is_blameless, is_unreachable
from .ollama_stream import read_json

T = TypeVar("T")

VERSION_BYTES = 64 * 1024
TIME_HINT = "[hint: increase QUESTION_DEADLINE_SECONDS or use a smaller model]"


class OutOfTime(ModelTimeout):
    """Raised when what a caller allows has passed, whatever the server would have done later."""


class Guard:
    """Runs the calls for one purpose: CHAT or EMB, as its variables are called."""

    def __init__(
        self, transport: Transport, timeouts: Timeouts, rules: BreakerRules, *, variables: str
    ) -> None:
        does = "Chat with" if variables == "CHAT" else "Embedding by"
        self.breaker = Breaker(f"{does} Ollama at {transport.url}", rules, is_blameless)
        self._transport = transport
        self._timeouts = timeouts
        self._variables = variables

    async def run(
        self,
        seconds: float | None,
        ask: Callable[[Passage], Awaitable[T]],
        *,
        is_aside: bool = False,
    ) -> T:
        """Return what ask gives; raises ModelPaused, and ModelTimeout after so many seconds.

        After a pause it looks first whether anyone is there, so that a dead server costs no more
        than the connect time-out. Being cancelled says nothing of the server; running out of time
        is its failure, unless no time was left to begin with, or little was given to what is_aside.
        """
        url = self._transport.url
        check_left(url, seconds)
        with self.breaker.guard(_says_nothing if is_aside else lambda _: False) as passage:
            async with within(url, seconds):
                if passage.is_probe:
                    await self._look()
                return await ask(passage)

    async def _look(self) -> None:
        """Raise ModelUnavailable when nobody is there; a proxy that hides the version is no reason.

        Whoever answers otherwise may do what is asked next.
        """
        limits = self._timeouts
        purpose = looking(limits, limits.connect_seconds, variables=self._variables)
        purpose = replace(purpose, read_hint=purpose.connect_hint)  # it is that limit for both
        read = partial(read_json, limit=VERSION_BYTES)
        try:
            await self._transport.call("/api/version", None, purpose=purpose, read=read)
        except ModelUnavailable as error:
            if is_unreachable(error):
                raise


def _says_nothing(error: ModelUnavailable) -> bool:
    """Say whether a step with little time or few tokens of its own failed for want of those."""
    return isinstance(error, OutOfTime | WroteNothing)


@asynccontextmanager
async def within(url: str, seconds: float | None) -> AsyncIterator[None]:
    """End what is inside after so many seconds, with ModelTimeout; None: whenever it ends."""
    check_left(url, seconds)
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise OutOfTime(
            f"Ollama at {url} was not done after the {seconds:.3g} s it had. {TIME_HINT}"
        ) from error


def check_left(url: str, seconds: float | None) -> None:
    """Raise ModelTimeout when there is no time to begin anything."""
    if seconds is not None and seconds <= 0:
        raise ModelTimeout(f"No time was left to ask Ollama at {url}. {TIME_HINT}")
