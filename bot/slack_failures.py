"""What a failed call to Slack means: what Slack said, and whether it may have been done."""

from __future__ import annotations

import math
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

FAILURES = (SlackClientError, aiohttp.ClientError, TimeoutError)
# What Slack says when it refuses the blocks; the words alone may still pass.
BLOCK_ERRORS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
# Slack: "some aspect of the operation succeeded before the error was raised" is possible.
UNCERTAIN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
# It does not know the method, or the app may not use it; that does not change by itself.
UNSUPPORTED = frozenset(
    {"unknown_method", "missing_scope", "method_deprecated", "deprecated_endpoint"}
)
LIMITED = frozenset({"ratelimited", "rate_limited"})
RETRY_AFTER_SECONDS = 1.0  # when Slack does not say


def reason(error: BaseException) -> str:
    """Give Slack's word for what went wrong, or the kind of error."""
    body = getattr(getattr(error, "response", None), "data", None)
    code = body.get("error") if isinstance(body, dict) else None
    return str(code or type(error).__name__)


def is_uncertain(error: BaseException) -> bool:
    """Tell whether Slack may have done what it was asked in spite of the failure."""
    if not isinstance(error, SlackApiError):
        return True
    return _status(error) >= 500 or reason(error) in UNCERTAIN or _is_unreadable(error)


def retry_after_seconds(error: BaseException) -> float | None:
    """Give how long Slack wants to be left alone after a 429; None for every other failure.

    The header is a whole number or a fraction; without one that can be read it is a second.
    """
    if not isinstance(error, SlackApiError):
        return None
    if _status(error) != 429 and reason(error) not in LIMITED:
        return None
    headers: Any = getattr(error.response, "headers", None) or {}
    return read_retry_after(next((v for k, v in headers.items() if k.lower() == "retry-after"), ""))


def read_retry_after(header: str) -> float:
    """Read a Retry-After header.

    >>> read_retry_after("30"), read_retry_after("0.5"), read_retry_after("soon")
    (30.0, 0.5, 1.0)
    """
    try:
        seconds = float(header)
    except ValueError:
        return RETRY_AFTER_SECONDS
    return max(0.0, seconds) if math.isfinite(seconds) else RETRY_AFTER_SECONDS


def _status(error: SlackApiError) -> int:
    response = error.response
    return int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)


def _is_unreadable(error: SlackApiError) -> bool:
    """Tell whether the answer was no JSON object with a reason, such as a proxy's page."""
    body = getattr(error.response, "data", None)
    return _status(error) != 429 and not (isinstance(body, dict) and body.get("error"))
