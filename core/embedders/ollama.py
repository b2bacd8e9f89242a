"""Texts → unit vectors through an Ollama embedding model, with the prefixes it was trained on."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence

import numpy as np

from ..errors import ModelUnavailable
from ..ollama import InputRejected, ModelInfo, OllamaClient
from ..protocols import EmbedderSpec
from ..types import Role, Vector, Vectors

logger = logging.getLogger(__name__)

TOKENS_LIMIT = 512  # longer chunks make vague vectors, whatever the model could read
TOKENS_DEFAULT = 256  # for a model that does not tell
SPECIAL_TOKENS = 2  # [CLS] and [SEP]
SMALLEST_HALF = 32  # characters; what cannot be embedded and is not twice as long is lost

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
    """Embeds with one model of one Ollama; the model is looked up by the first spec().

    query_seconds bounds what a question may wait for: its embedding, and spec(). None: only the
    time-outs of the client, as a build wants it.
    """

    def __init__(
        self,
        client: OllamaClient,
        model: str,
        *,
        max_tokens: int | None = None,
        query_seconds: float | None = None,
    ) -> None:
        self._client = client
        self._model = model.removesuffix(":latest")
        self._max_tokens = max_tokens
        self._query_seconds = query_seconds
        self._document_prefix, self._query_prefix = prefixes(self._model)
        self._spec: EmbedderSpec | None = None

    async def spec(self) -> EmbedderSpec:
        """Return what the model is; asks Ollama once, and embeds a word to learn the dimension."""
        return await self._learnt(_Until(self._query_seconds))

    async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        """Return (len(texts), dimension) float32 unit rows.

        A text that cannot be embedded whole is halved, again and again; what stands for it is the
        direction between the pieces that can. Raises InputRejected, with its index, when there is
        none, after everything else was tried.
        """
        until = _Until(self._query_seconds if role is Role.QUERY else None)
        spec = await self._learnt(until)
        prefix = self._document_prefix if role is Role.DOCUMENT else self._query_prefix
        vectors = np.empty((len(texts), spec.dimension), dtype=np.float32)
        rejected = None
        for row, found in enumerate(await self._rows(texts, prefix, until)):
            if isinstance(found, InputRejected):
                rejected = rejected or found
            elif found.shape != (spec.dimension,):
                raise ModelUnavailable(
                    f"Model {self._model} on {self._client.url} gave {len(found)} dimensions "
                    f"after {spec.dimension}. Rebuild the index if the model was replaced."
                )
            else:
                vectors[row] = found
        if rejected is not None:
            raise rejected
        return vectors

    def count_tokens(self, text: str) -> int:
        """Return an upper estimate for texts of chunk size.

        Against all-MiniLM's own tokenizer, on 800-character pieces of the help center: 1.04 to 1.5
        times the true count. Characters / 3 falls to 0.88 on tables, 0.38 on Cyrillic and Chinese.
        """
        return sum(_run_tokens(run) for run in TOKEN_RUN.findall(text))

    async def _learnt(self, until: _Until) -> EmbedderSpec:
        if self._spec is None:
            shown, dimension = await self._client.learn(self._model, seconds=until.seconds_left())
            self._spec = EmbedderSpec(
                name="ollama",
                model=self._model,
                dimension=dimension,
                document_prefix=self._document_prefix,
                query_prefix=self._query_prefix,
                max_tokens=self._text_limit(shown),
            )
        return self._spec

    def _text_limit(self, shown: ModelInfo) -> int:
        """Return how many tokens of text fit beside the special tokens and the longer prefix."""
        known = [n for n in (shown.context_length, shown.num_ctx) if n is not None]
        context = min(known, default=TOKENS_DEFAULT)
        prefix = max(map(self.count_tokens, (self._document_prefix, self._query_prefix)))
        limit = TOKENS_LIMIT if self._max_tokens is None else self._max_tokens
        return max(1, min(limit, context - SPECIAL_TOKENS - prefix))

    async def _rows(
        self, texts: Sequence[str], prefix: str, until: _Until
    ) -> list[Vector | InputRejected]:
        sent = [prefix + text for text in texts]
        outcomes = await self._client.embed_each(self._model, sent, seconds=until.seconds_left())
        rows: list[Vector | InputRejected] = []
        for text, outcome in zip(texts, outcomes, strict=True):
            if not isinstance(outcome, InputRejected):
                rows.append(_unit(np.asarray(outcome, dtype=np.float64)))
            elif len(text) < 2 * SMALLEST_HALF:
                rows.append(outcome)
            else:
                rows.append(await self._halved(text, prefix, until, outcome))
        return rows

    async def _halved(
        self, text: str, prefix: str, until: _Until, whole: InputRejected
    ) -> Vector | InputRejected:
        """Return the direction between a text's halves; whole says why it has none of its own."""
        middle = len(text) // 2
        space = text.rfind(" ", SMALLEST_HALF, middle)
        cut = middle if space < 0 else space
        halves = [half for half in (text[:cut], text[cut:]) if half.strip()]
        found = await self._rows(halves, prefix, until)
        kept = [
            (row, len(half))
            for row, half in zip(found, halves, strict=True)
            if not isinstance(row, InputRejected)
        ]
        if not kept:
            return whole
        lost = len(text) - sum(length for _, length in kept)
        logger.warning(
            "%s cannot take a text of %d characters at once; its halves are averaged%s",
            self._model,
            len(text),
            f", without {lost} characters that it cannot take at all"
            if len(kept) < len(halves)
            else "",
        )
        rows, weights = zip(*kept, strict=True)
        return _unit(np.average(np.stack(rows).astype(np.float64), axis=0, weights=weights))


class _Until:
    """The moment by which a question wants its vector."""

    def __init__(self, seconds: float | None) -> None:
        now = asyncio.get_running_loop().time()
        self._moment = None if seconds is None else now + seconds

    def seconds_left(self) -> float | None:
        if self._moment is None:
            return None
        return self._moment - asyncio.get_running_loop().time()


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
