"""Which failures pass by themselves, so that trying again makes sense."""

from __future__ import annotations

from .database import StorageError
from .membership import CheckFailed
from .slack_failures import FAILURES, is_uncertain, retry_after_seconds


def is_transient(error: Exception) -> bool:
    """Tell whether the network, Slack or the disk failed, rather than what was asked of them."""
    if isinstance(error, FAILURES):
        return is_uncertain(error) or retry_after_seconds(error) is not None
    return isinstance(error, ConnectionError | StorageError | CheckFailed)
