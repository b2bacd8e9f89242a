"""A text that a model cannot embed at once → the direction between the pieces that it can.

Takes one text and what embeds one; asks it 2 * MOST_HALVINGS times at most.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np

from .ollama_reply import InputRejected
from .types import Vector

SMALLEST_HALF = 32  # characters; what cannot be embedded and is not twice as long is lost
MOST_HALVINGS = 3  # quarters of a text that is too long, or an eighth round one bad place

Embed = Callable[[str], Awaitable[Vector | InputRejected]]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The unit vector of what could be embedded, and how many characters could not."""

    vector: Vector
    lost_characters: int


async def embed_pieces(text: str, embed: Embed) -> Pieces | None:
    """Return what stands for a text that was rejected; None when no piece of it can be embedded.

    The longest piece that is rejected is halved, and the halves are sent alone: each of a text
    with one bad place would spoil the other.
    """
    good: list[tuple[str, Vector]] = []
    bad = [text]
    for _ in range(MOST_HALVINGS):
        bad.sort(key=len, reverse=True)
        if not bad or len(bad[0]) < 2 * SMALLEST_HALF:
            break
        for half in _halves(bad.pop(0)):
            row = await embed(half)
            if isinstance(row, InputRejected):
                bad.append(half)
            else:
                good.append((half, row))
    return _joined(good, len(text)) if good else None


def _joined(good: list[tuple[str, Vector]], characters: int) -> Pieces | None:
    """Average by length; pieces that point in opposite directions have no middle."""
    lengths = [len(piece) for piece, _ in good]
    rows = np.stack([row for _, row in good]).astype(np.float64)
    mean = np.average(rows, axis=0, weights=lengths)
    norm = float(np.linalg.norm(mean))
    if norm == 0:
        return None
    return Pieces((mean / norm).astype(np.float32), characters - sum(lengths))


def _halves(text: str) -> list[str]:
    """Cut a text near its middle, at a space where there is one; blank halves are left out."""
    middle = len(text) // 2
    space = text.rfind(" ", SMALLEST_HALF, middle)
    cut = middle if space < 0 else space
    return [half for half in (text[:cut], text[cut:]) if half.strip()]
