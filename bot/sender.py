"""Every call to Slack that has a limit, in its turn: token buckets, and Retry-After obeyed.

A bucket is a method, for the posting methods a method in one channel. Its calls go out in the
order they came; after a 429 none goes out before Slack's time, and the refused one goes first.
Other buckets are not held up. A method without a rate in RATES is only held up by a 429. Lives on
one event loop.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from aiolimiter import AsyncLimiter
from slack_sdk.errors import SlackApiError

from core.errors import BotError

from .slack_failures import retry_after_seconds

logger = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 15 * 60.0
MAX_BUCKETS = 500

T = TypeVar("T")


class TryLater(BotError):
    """Raised when Slack cannot take something now; the task is to be tried again.

    after_seconds is how long Slack wants to be left alone, 0 when it did not say.
    """

    def __init__(self, sentence: str, *, after_seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.after_seconds = after_seconds


@dataclass(frozen=True, slots=True)
class Rate:
    """How many calls at once, and how long until as many are allowed again."""

    calls: int
    seconds: float
    is_per_channel: bool = False


RATES = {  # docs.slack.dev, rate limits; the streaming methods are shared by the whole workspace
    "chat.postMessage": Rate(3, 3.0, is_per_channel=True),
    "chat.postEphemeral": Rate(3, 3.0, is_per_channel=True),
    "chat.update": Rate(50, 60.0),
    "chat.startStream": Rate(20, 60.0),
    "chat.appendStream": Rate(100, 60.0),
    "chat.stopStream": Rate(20, 60.0),
}


class Line:
    """A queue in which everybody keeps the place of their ticket, also when they come back."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._is_taken = False

    @asynccontextmanager
    async def turn(self, ticket: int) -> AsyncIterator[None]:
        """Wait until nobody with a smaller ticket waits and nobody else has the turn."""
        if self._is_taken:
            called = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (ticket, called))
            try:
                await called
            except asyncio.CancelledError:
                if not called.cancelled():  # the turn came in the same moment
                    self._pass_on()
                raise
        self._is_taken = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            _, called = heapq.heappop(self._waiting)
            if not called.done():
                called.set_result(None)
                return
        self._is_taken = False


@dataclass(slots=True)
class Bucket:
    """What one limit of Slack's allows; opens_at is on the loop's clock."""

    limiter: AsyncLimiter | None
    line: Line = field(default_factory=Line)
    opens_at: float = 0.0
    calls: int = 0  # waiting or on their way


class Sender:
    """Makes calls when it is their turn; one for each process, shared by all that post."""

    def __init__(self, rates: Mapping[str, Rate] = RATES) -> None:
        self._rates = rates
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._tickets = itertools.count()

    async def call(
        self,
        method: str,
        channel: str,
        send: Callable[[], Awaitable[T]],
        *,
        patience_seconds: float = MAX_WAIT_SECONDS,
    ) -> T:
        """Make the call when it is its turn, and again after each 429.

        Raises TryLater, at once where that is known, when the turn does not come in time;
        whatever else send raises goes through.
        """
        bucket, ticket = self._bucket(method, channel), next(self._tickets)
        deadline = _now() + patience_seconds
        bucket.calls += 1
        try:
            while True:
                await _wait_for_turn(bucket, ticket, deadline, method)
                try:
                    return await send()
                except SlackApiError as error:
                    wait_seconds = retry_after_seconds(error)
                    if wait_seconds is None:
                        raise
                    bucket.opens_at = max(bucket.opens_at, _now() + wait_seconds)
                    logger.info("Slack wants no %s for %.1f s", method, wait_seconds)
        finally:
            bucket.calls -= 1

    def has_room(self, method: str, channel: str, calls: int) -> bool:
        """Tell whether so many calls of a method could go out now."""
        bucket = self._bucket(method, channel)
        is_open = bucket.opens_at <= _now()
        return is_open and (bucket.limiter is None or bucket.limiter.has_capacity(calls))

    @property
    def buckets(self) -> int:
        """Count what is kept."""
        return len(self._buckets)

    def _bucket(self, method: str, channel: str) -> Bucket:
        rate = self._rates.get(method)
        key = (method, channel if rate is not None and rate.is_per_channel else "")
        if key not in self._buckets:
            self._drop_idle()
            limiter = AsyncLimiter(rate.calls, rate.seconds) if rate is not None else None
            self._buckets[key] = Bucket(limiter)
        self._buckets.move_to_end(key)
        return self._buckets[key]

    def _drop_idle(self) -> None:
        excess = len(self._buckets) + 1 - MAX_BUCKETS
        idle = (key for key, bucket in self._buckets.items() if _is_idle(bucket))
        for key in list(itertools.islice(idle, max(0, excess))):
            del self._buckets[key]


async def _wait_for_turn(bucket: Bucket, ticket: int, deadline: float, method: str) -> None:
    if bucket.opens_at > deadline:
        raise _too_long(bucket, method)
    try:
        async with asyncio.timeout_at(deadline), bucket.line.turn(ticket):
            if bucket.limiter is not None:
                await bucket.limiter.acquire()
            while (seconds := bucket.opens_at - _now()) > 0:
                if bucket.opens_at > deadline:
                    raise _too_long(bucket, method)
                await asyncio.sleep(seconds)
    except TimeoutError as error:
        raise _too_long(bucket, method) from error


def _too_long(bucket: Bucket, method: str) -> TryLater:
    seconds = max(0.0, bucket.opens_at - _now())
    return TryLater(f"Slack takes no {method} soon enough.", after_seconds=seconds)


def _is_idle(bucket: Bucket) -> bool:
    return not bucket.calls and bucket.opens_at <= _now()


def _now() -> float:
    return asyncio.get_running_loop().time()
