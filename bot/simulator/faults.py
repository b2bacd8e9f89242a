"""Faults that people and tests order, each for a number of times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from .model import ControlError, Json


class FaultKind(StrEnum):
    """The first five act at once; the others wait for their occasion."""

    DROP_SOCKET = "drop_socket"  # TCP reset of every socket
    REFRESH = "refresh"  # disconnect frame: refresh_requested
    WARNING = "warning"  # disconnect frame: warning
    SILENT = "silent"  # the open sockets stay open and say nothing more
    LINK_DISABLED = "link_disabled"  # Socket Mode is off until "clear"
    RATE_LIMIT = "rate_limit"  # method?, times, retry_after_seconds
    API_ERROR = "api_error"  # method?, times, error
    LOST_REPLY = "lost_reply"  # method?, times: done, but the connection breaks before the reply
    SLOW = "slow"  # method?, times, seconds: the call is answered that much later
    SLOW_ACK = "slow_ack"  # times: the acknowledgement counts as coming too late
    TOO_MANY_WEBSOCKETS = "too_many_websockets"  # times
    REFUSE_HANDSHAKE = "refuse_handshake"  # times


@dataclass(frozen=True, slots=True)
class Fault:
    """An ordered fault; `method` None means any Web API method."""

    kind: FaultKind
    method: str | None = None
    times: int = 1
    retry_after_seconds: int = 1
    error: str = "internal_error"
    seconds: float = 1.0


def read_fault(order: Json) -> Fault:
    """Turn a JSON order into a fault; raise ControlError for an unknown kind or option."""
    try:
        return Fault(**{**order, "kind": FaultKind(order.get("kind", ""))})
    except (ValueError, TypeError) as error:
        kinds = ", ".join(kind.value for kind in FaultKind)
        raise ControlError(f"{error}. The kinds are: {kinds}, clear.") from error


class Faults:
    """Holds ordered faults and hands each out as often as it was ordered."""

    def __init__(self) -> None:
        self._ordered: dict[FaultKind, Fault] = {}

    def order(self, fault: Fault) -> None:
        """Keep a fault for its occasion, in place of an earlier one of its kind."""
        self._ordered[fault.kind] = fault

    def clear(self) -> None:
        """Forget every fault."""
        self._ordered.clear()

    def is_on(self, kind: FaultKind) -> bool:
        """Tell whether a fault is ordered, without using it up."""
        return kind in self._ordered

    def take(self, kind: FaultKind, method: str | None = None) -> Fault | None:
        """Use up one turn of a fault, when one is ordered for this method."""
        fault = self._ordered.get(kind)
        if fault is None or fault.method not in (None, method):
            return None
        if fault.times > 1:
            self._ordered[kind] = replace(fault, times=fault.times - 1)
        else:
            del self._ordered[kind]
        return fault
