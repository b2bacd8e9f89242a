"""The seams: what an embedder and an answerer promise. One contract suite each in tests/core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .types import Context, Draft, Question, Role, Vectors


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """What makes two vectors comparable; recorded in each generation."""

    name: str  # "embedded" or "ollama"
    model: str
    dimension: int
    document_prefix: str
    query_prefix: str
    max_tokens: int  # longer texts would be cut

    def __str__(self) -> str:
        return f"{self.name}:{self.model} ({self.dimension} dimensions)"


class Embedder(Protocol):
    """Turns texts into unit vectors.

    spec() opens the model on first use and raises ModelUnavailable when it cannot.
    embed() returns (len(texts), spec.dimension) float32 unit rows in the order of texts, or raises
    TextRejected for one that cannot be embedded, or ModelUnavailable; the same text gives the same
    vector whatever else is in the batch. Empty input gives shape (0, dimension).
    count_tokens() gives the length of a text in the model's own tokens (or a safe upper estimate),
    special tokens and prefixes not counted.
    """

    async def spec(self) -> EmbedderSpec: ...

    async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors: ...

    def count_tokens(self, text: str) -> int: ...


class Answerer(Protocol):
    """Writes an answer to a question from a context, and nothing else.

    answer() returns a Draft whose text cites snippets as [n], or the refusal constant when the
    context does not hold the answer; it raises ModelUnavailable when its model cannot be used.
    on_text gets the pieces of that text, in order, as they are written; one that writes it at once
    gives none. After so many seconds it gives up with ModelTimeout; None: only its own time-outs.
    """

    @property
    def name(self) -> str: ...

    async def answer(
        self,
        question: Question,
        context: Context,
        on_text: Callable[[str], None] | None = None,
        *,
        seconds: float | None = None,
    ) -> Draft: ...


class TokenMatcher(Protocol):
    """What an embedder may offer besides: how well a text matches a question word by word.

    token_match() gives the late-interaction score of a text: for each of the question's tokens the
    highest cosine with any token of the text, averaged with the weights given by the words' spans
    (Khattab & Zaharia 2020). In [-1, 1]; 0 without words.
    """

    async def token_match(
        self, question: str, text: str, weighted_spans: Sequence[tuple[int, int, float]]
    ) -> float: ...
