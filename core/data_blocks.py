"""Text that others wrote, between markers that it cannot hold: a model gets it as data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

NONCE_DIGITS = 16


def nonce_of(texts: Sequence[str], *, seed: int | None = None) -> str:
    """Derive a nonce from the texts that it delimits, and a seed: repeatable, and in none of them.

    >>> nonce_of(["How?"]) == nonce_of(["How?"]) != nonce_of(["How?"], seed=42)
    True
    """
    salted = "\0".join(texts if seed is None else (str(seed), *texts))
    salted_bytes = salted.encode("utf-8", "surrogatepass")
    while True:
        nonce = hashlib.sha256(salted_bytes).hexdigest()[:NONCE_DIGITS]
        if not any(nonce in text for text in texts):
            return nonce
        salted_bytes += b"\0"


def block(kind: str, nonce: str, text: str) -> str:
    """Put a text between its markers.

    >>> print(block("question", "4f", "How?"))
    <<question 4f>>
    How?
    <<end 4f>>
    """
    return f"<<{kind} {nonce}>>\n{text}\n<<end {nonce}>>"
