"""Where a form was opened from, signed: Slack gives it back with the form, perhaps altered."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose form it is, and the reply that it is about.

    response_url answers the click that opened the form; is_private means that only the clicker saw
    the reply. Otherwise thread is the root of its conversation.
    """

    user: str
    answer_id: str
    channel: str
    thread: str = ""
    response_url: str = ""
    is_private: bool = False


class Seal:
    """Signs an origin and knows its own signature again, in every process with the same secret."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(f"form origin {secret}".encode()).digest()

    def close(self, origin: Origin) -> str:
        """Give what a form carries."""
        words = json.dumps(asdict(origin), separators=(",", ":"))
        return f"{self._signature(words)}{words}"

    def open(self, sealed: str, user: str) -> Origin | None:
        """Read it back; None for what this bot did not sign, or not for this person."""
        signature, words = sealed[:64], sealed[64:]
        if not hmac.compare_digest(signature.encode(), self._signature(words).encode()):
            return None
        origin = Origin(**json.loads(words))
        return origin if origin.user == user else None

    def _signature(self, words: str) -> str:
        return hmac.new(self._key, words.encode(), hashlib.sha256).hexdigest()
