"""Texts → unit vectors through an Ollama embedding model, with the prefixes it was trained on."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import numpy as np

from ..errors import ModelUnavailable
from ..ollama import InputRejected, OllamaClient
from ..protocols import EmbedderSpec
from ..types import Role, Vector, Vectors

logger = logging.getLogger(__name__)

BATCH = 16  # texts embedded again, at most, when one of them is too long
TOKENS_LIMIT = 512  # longer chunks make vague vectors, whatever the model could read
TOKENS_DEFAULT = 256  # for a model that does not tell
SPECIAL_TOKENS = 2  # [CLS] and [SEP]
SMALLEST_HALF = 32  # characters; a shorter text that is "too long" has another problem

SEARCHING = "Represent this sentence for searching relevant passages: "
# (pattern in the model's name, document prefix, query prefix), from the models' cards; first wins.
PREFIXES = (
    (re.compile(r"nomic-embed-text"), "search_document: ", "search_query: "),
    (re.compile(r"mxbai-embed-large"), "", SEARCHING),
    (re.compile(r"snowflake-arctic-embed2|arctic-embed-[lm]-v2"), "", "query: "),
    (re.compile(r"snowflake-arctic-embed"), "", SEARCHING),
    (re.compile(r"(?<![a-z0-9])e5-(?!mistral)"), "passage: ", "query: "),
)

# What a token holds at most: part of a word of one case, two digits, one other character.
TOKEN_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]{1,2}|[^\sA-Za-z0-9]")
LETTERS_PER_TOKEN = 4
TOKENS_PER_ASTRAL = 4  # emoji may fall back to their UTF-8 bytes


class OllamaEmbedder:
    """Embeds with one model of one Ollama; the model is looked up by the first spec()."""

    def __init__(self, client: OllamaClient, model: str, *, max_tokens: int | None = None) -> None:
        self._client = client
        self._model = model.removesuffix(":latest")
        self._max_tokens = max_tokens
        self._document_prefix, self._query_prefix = prefixes(self._model)
        self._spec: EmbedderSpec | None = None

    async def spec(self) -> EmbedderSpec:
        """Return what the model is; asks Ollama once, and embeds a word to learn the dimension."""
        if self._spec is None:
            max_tokens = await self._text_limit()
            (probe,) = await self._client.embed(self._model, ["dimension"])
            self._spec = EmbedderSpec(
                name="ollama",
                model=self._model,
                dimension=len(probe),
                document_prefix=self._document_prefix,
                query_prefix=self._query_prefix,
                max_tokens=max_tokens,
            )
        return self._spec

    async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        """Return (len(texts), dimension) float32 unit rows; a text that is too long is halved."""
        spec = await self.spec()
        prefix = self._document_prefix if role is Role.DOCUMENT else self._query_prefix
        vectors = np.empty((len(texts), spec.dimension), dtype=np.float32)
        for start in range(0, len(texts), BATCH):
            rows = await self._rows(texts[start : start + BATCH], prefix)
            for row, vector in enumerate(rows, start):
                if vector.shape != (spec.dimension,):
                    raise ModelUnavailable(
                        f"Model {self._model} on {self._client.url} gave {len(vector)} dimensions "
                        f"after {spec.dimension}. Rebuild the index if the model was replaced."
                    )
                vectors[row] = vector
        return vectors

    def count_tokens(self, text: str) -> int:
        """Return an upper estimate for texts of chunk size.

        Against all-MiniLM's own tokenizer, on 800-character pieces of the help center: 1.04 to 1.5
        times the true count. Characters / 3 falls to 0.88 on tables, 0.38 on Cyrillic and Chinese.
        """
        return sum(_run_tokens(run) for run in TOKEN_RUN.findall(text))

    async def _text_limit(self) -> int:
        """Return how many tokens of text fit beside the special tokens and the longer prefix."""
        shown = await self._client.show(self._model)
        known = [n for n in (shown.context_length, shown.num_ctx) if n is not None]
        context = min(known, default=TOKENS_DEFAULT)
        prefix = max(map(self.count_tokens, (self._document_prefix, self._query_prefix)))
        limit = TOKENS_LIMIT if self._max_tokens is None else self._max_tokens
        return max(1, min(limit, context - SPECIAL_TOKENS - prefix))

    async def _rows(self, texts: Sequence[str], prefix: str) -> list[Vector]:
        if not texts:
            return []
        try:
            vectors = await self._client.embed(self._model, [prefix + text for text in texts])
        except InputRejected as rejected:
            at = rejected.index
            if not rejected.is_too_long or len(texts[at]) < 2 * SMALLEST_HALF:
                raise
            before = await self._rows(texts[:at], prefix)
            halves = await self._halved(texts[at], prefix)
            return [*before, halves, *await self._rows(texts[at + 1 :], prefix)]
        return [_unit(np.asarray(vector, dtype=np.float64)) for vector in vectors]

    async def _halved(self, text: str, prefix: str) -> Vector:
        """Return the direction between a text's halves: none of it is lost, but it is blurred."""
        logger.warning(
            "%s cannot take a text of %d characters at once; its halves are averaged",
            self._model,
            len(text),
        )
        middle = len(text) // 2
        space = text.rfind(" ", SMALLEST_HALF, middle)
        cut = middle if space < 0 else space
        halves = [half for half in (text[:cut], text[cut:]) if half.strip()]
        rows = await self._rows(halves, prefix)
        weights = [len(half) for half in halves]
        return _unit(np.average(np.stack(rows).astype(np.float64), axis=0, weights=weights))


def prefixes(model: str) -> tuple[str, str]:
    """Return the prefixes for documents and for questions; empty for models that need none."""
    name = model.rpartition("/")[2].lower()
    found = (pair for pattern, *pair in PREFIXES if pattern.search(name))
    document, query = next(found, ("", ""))
    return document, query


def _run_tokens(run: str) -> int:
    if run.isascii():
        return -(-len(run) // LETTERS_PER_TOKEN)
    return TOKENS_PER_ASTRAL if ord(run) > 0xFFFF else 1


def _unit(vector: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Vector:
    norm = float(np.linalg.norm(vector))
    if norm == 0:
        raise ModelUnavailable("The halves of a text have opposite vectors; shorten the text.")
    return (vector / norm).astype(np.float32)
