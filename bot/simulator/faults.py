"""Faults that people and tests order: a number of times, or for a share of the occasions.

An order is a JSON object: "kind", and the options that OPTIONS lists for it.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum

from .model import ControlError, Json


class FaultKind(StrEnum):
    """The first six act at once; the others wait for their occasion."""

    DROP_SOCKET = "drop_socket"  # TCP reset of every socket
    REFRESH = "refresh"  # disconnect frame: refresh_requested
    WARNING = "warning"  # disconnect frame: warning
    SILENT = "silent"  # the open sockets stay open and say nothing more
    LINK_DISABLED = "link_disabled"  # Socket Mode is off until "clear"
    EXPIRE_STREAMS = "expire_streams"  # every live stream is as old as a stream can be
    RATE_LIMIT = "rate_limit"  # HTTP 429; retry_after_seconds null leaves the header out
    API_ERROR = "api_error"  # HTTP 200 with ok false and this error
    HTTP_500 = "http_500"  # this status, not JSON; is_done: the call has done its work
    LOST_REPLY = "lost_reply"  # done, but the connection breaks before the reply
    SLOW = "slow"  # the call is answered that many seconds later
    WEB_API_DOWN = "web_api_down"  # every call's connection is reset, nothing is done
    SLOW_ACK = "slow_ack"  # the acknowledgement counts as coming too late
    DUPLICATE = "duplicate"  # an event comes in a second envelope, so many seconds later
    TWIN = "twin"  # a mention comes as app_mention and, unsubscribed too, as message
    EXPIRED_TRIGGER = "expired_trigger"  # a click's trigger_id is too old from the start
    EATEN_BLANKS = "eaten_blanks"  # the blanks that a streamed chunk begins with are lost
    TOO_MANY_WEBSOCKETS = "too_many_websockets"
    REFUSE_HANDSHAKE = "refuse_handshake"  # HTTP 408 to a good ticket


RESPONSE_URL = "response_url"  # as `method`: posts to response_urls; "any method" leaves them out
OFTEN = frozenset({"times", "share", "seed"})
CALLS = OFTEN | {"method"}
OPTIONS: dict[FaultKind, frozenset[str]] = {
    FaultKind.RATE_LIMIT: CALLS | {"retry_after_seconds"},
    FaultKind.API_ERROR: CALLS | {"error"},
    FaultKind.HTTP_500: CALLS | {"status", "is_done"},
    FaultKind.LOST_REPLY: CALLS,
    FaultKind.SLOW: CALLS | {"seconds"},
    FaultKind.WEB_API_DOWN: frozenset({"method"}),
    FaultKind.SLOW_ACK: OFTEN,
    FaultKind.DUPLICATE: OFTEN | {"seconds", "retry_attempt"},
    FaultKind.TWIN: OFTEN,
    FaultKind.EXPIRED_TRIGGER: OFTEN,
    FaultKind.EATEN_BLANKS: OFTEN,
    FaultKind.TOO_MANY_WEBSOCKETS: OFTEN,
    FaultKind.REFUSE_HANDSHAKE: OFTEN,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """An ordered fault; `method` None means any Web API method.

    With a share (0 to 1) it hits that part of its occasions, drawn from `seed`, until "clear";
    otherwise the next `times`, None without end. A duplicate without a retry_attempt is 0 or 1,
    drawn too.
    """

    kind: FaultKind
    method: str | None = None
    times: int | None = 1
    share: float | None = None
    seed: int = 0
    retry_after_seconds: float | str | None = 1
    error: str = "internal_error"
    status: int = 500
    is_done: bool = False
    seconds: float = 0.0
    retry_attempt: int | None = None


def read_fault(order: Json, methods: Collection[str] = ()) -> Fault:
    """Turn a JSON order into a fault; raise ControlError for whatever is wrong with it.

    methods are the names that `method` may have; every one when empty.
    """
    options = {name: value for name, value in order.items() if name != "kind"}
    try:
        kind = FaultKind(order.get("kind", ""))
    except ValueError as error:
        kinds = ", ".join(kind.value for kind in FaultKind)
        raise ControlError(f"{error}. The kinds are: {kinds}, clear.") from error
    known = OPTIONS.get(kind, frozenset())
    for name, value in options.items():
        if name not in known:
            takes = f"its options are: {', '.join(sorted(known))}" if known else "it has none"
            raise ControlError(f"The fault {kind.value} has no option {name!r}; {takes}.")
        if wish := _wish(name, value):
            raise ControlError(f'"{name}" of the fault {kind.value} is {wish}, not {value!r}.')
    if {"times", "share"} <= options.keys():
        raise ControlError(f'Give the fault {kind.value} "times" or "share", not both.')
    method = options.get("method")
    if methods and method is not None and method not in methods:
        raise ControlError(f"There is no method {method!r} to disturb.")
    if kind in (FaultKind.WEB_API_DOWN, FaultKind.LINK_DISABLED):
        options["times"] = None
    return Fault(kind, **{"seconds": 1.0 if kind is FaultKind.SLOW else 0.0} | options)


class Faults:
    """Holds ordered faults and hands each out as often as it was ordered."""

    def __init__(self) -> None:
        self._ordered: dict[tuple[FaultKind, str | None], _Ordered] = {}

    def order(self, fault: Fault) -> None:
        """Keep a fault for its occasion, in place of an earlier one of its kind and method."""
        self._ordered[fault.kind, fault.method] = _Ordered(fault)

    def clear(self) -> None:
        """Forget every fault."""
        self._ordered.clear()

    def is_on(self, kind: FaultKind) -> bool:
        """Tell whether a fault is ordered for any method, without using it up."""
        return (kind, None) in self._ordered

    def take(self, kind: FaultKind, method: str | None = None) -> Fault | None:
        """Use up one turn of a fault, when one is ordered for this method and it is its turn."""
        names = (method,) if method in (None, RESPONSE_URL) else (method, None)
        for name in names:
            if ordered := self._ordered.get((kind, name)):
                fault = ordered.draw()
                if ordered.is_used_up:
                    del self._ordered[kind, name]
                if fault is not None:
                    return fault
        return None


@dataclass(slots=True)
class _Ordered:
    """A fault with the turns it has left and its own sequence of chances."""

    fault: Fault
    _left: int | None = field(init=False)
    _chances: random.Random = field(init=False)

    def __post_init__(self) -> None:
        fault = self.fault
        self._left = None if fault.share is not None else fault.times
        self._chances = random.Random(f"{fault.seed} {fault.kind} {fault.method}")

    @property
    def is_used_up(self) -> bool:
        return self._left == 0

    def draw(self) -> Fault | None:
        if self.fault.share is not None and self._chances.random() >= self.fault.share:
            return None
        if self._left is not None:
            self._left -= 1
        if self.fault.kind is FaultKind.DUPLICATE and self.fault.retry_attempt is None:
            return replace(self.fault, retry_attempt=self._chances.randrange(2))
        return self.fault


def _wish(name: str, value: object) -> str:
    """Say what an option should be, when it is something else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    number = float(value) if isinstance(value, int | float) and is_number else -1.0
    match name:
        case "method" | "error":
            return "" if isinstance(value, str) and value else "a text"
        case "times":
            return "" if isinstance(value, int) and number >= 1 else "a whole number from 1 on"
        case "share":
            return "" if is_number and 0 < number <= 1 else "a number above 0, 1 at most"
        case "seed":
            return "" if isinstance(value, int) and is_number else "a whole number"
        case "retry_after_seconds":
            is_good = value is None or isinstance(value, str) or number >= 0
            return "" if is_good else "a number of seconds, a text, or null for no header"
        case "status":
            is_good = isinstance(value, int) and 500 <= number <= 599
            return "" if is_good else "a status from 500 to 599"
        case "is_done":
            return "" if isinstance(value, bool) else "true or false"
        case "retry_attempt":
            is_good = isinstance(value, int) and 0 <= number <= 3
            return "" if is_good else "a whole number from 0 to 3"
        case _:
            return "" if number >= 0 else "a number of seconds"
