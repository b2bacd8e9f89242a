"""Texts → unit vectors through an Ollama embedding model, with the prefixes it was trained on."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence

import numpy as np

from ..errors import ModelUnavailable
from ..ollama import InputRejected, ModelInfo, OllamaClient
from ..ollama_pieces import embed_pieces
from ..protocols import EmbedderSpec
from ..types import Role, Vector, Vectors

logger = logging.getLogger(__name__)

TOKENS_LIMIT = 512  # longer chunks make vague vectors, whatever the model could read
TOKENS_DEFAULT = 256  # for a model that does not tell
SPECIAL_TOKENS = 2  # [CLS] and [SEP]

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

        Raises InputRejected, with its index, for the first that embed_each() rejects.
        """
        found = await self.embed_each(texts, role=role)
        vectors = np.empty((len(texts), (await self.spec()).dimension), dtype=np.float32)
        for row, outcome in enumerate(found):
            if isinstance(outcome, InputRejected):
                raise outcome
            vectors[row] = outcome
        return vectors

    async def embed_each(
        self, texts: Sequence[str], *, role: Role
    ) -> Sequence[Vector | InputRejected]:
        """Return for each text its unit vector, or why there is none.

        A text that cannot be embedded whole is halved, a few times; what stands for it is the
        direction between the pieces that can.
        """
        until = _Until(self._query_seconds if role is Role.QUERY else None)
        spec = await self._learnt(until)
        prefix = self._document_prefix if role is Role.DOCUMENT else self._query_prefix
        outcomes = await self._rows([prefix + text for text in texts], spec, until)
        for at, outcome in enumerate(outcomes):
            if isinstance(outcome, InputRejected):
                pieced = await self._pieces(texts[at], prefix, spec, until)
                outcomes[at] = outcome if pieced is None else pieced
        return outcomes

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
        self, sent: Sequence[str], spec: EmbedderSpec, until: _Until, *, is_sane: bool = False
    ) -> list[Vector | InputRejected]:
        """Return unit vectors for what is sent as it is; raises for another dimension."""
        outcomes = await self._client.embed_each(
            self._model, sent, is_sane=is_sane, seconds=until.seconds_left()
        )
        rows: list[Vector | InputRejected] = []
        for found in outcomes:
            if isinstance(found, list) and len(found) != spec.dimension:
                raise ModelUnavailable(
                    f"Model {self._model} on {self._client.url} gave {len(found)} dimensions "
                    f"after {spec.dimension}. Rebuild the index if the model was replaced."
                )
            rows.append(found if isinstance(found, InputRejected) else _unit(found))
        return rows

    async def _pieces(
        self, text: str, prefix: str, spec: EmbedderSpec, until: _Until
    ) -> Vector | None:
        """Return what stands for a rejected text; the model itself is known to embed."""

        async def embed(piece: str) -> Vector | InputRejected:
            (row,) = await self._rows([prefix + piece], spec, until, is_sane=True)
            return row

        found = await embed_pieces(text, embed)
        if found is None:
            return None
        lost = found.lost_characters
        logger.warning(
            "%s cannot take a text of %d characters at once; its pieces are averaged%s",
            self._model,
            len(text),
            f", without {lost} characters that it cannot take at all" if lost else "",
        )
        return found.vector


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


def _unit(vector: Sequence[float]) -> Vector:
    row = np.asarray(vector, dtype=np.float64)
    unit: Vector = (row / np.linalg.norm(row)).astype(np.float32)
    return unit
