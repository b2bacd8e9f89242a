"""How the scripted Ollama behaves: its version, models and manners, all changeable meanwhile.

Versions differ in think, in truncate and shift, and in what becomes of a prompt that is too long.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .ollama_faults import CRASH_WORDS, Json
from .ollama_model import embedding, quote_first_snippet

Message = dict[str, str]
Script = Callable[[list[Message]], "str | Written"]

EMBEDDING_NAMES = ("embed", "minilm", "bge", "e5-")
USUAL: Literal["usual"] = "usual"  # what nomic-embed-text and llama3.2 tell
EMBEDDING_CONTEXT, GENERATOR_CONTEXT = 2048, 131_072

ContextLength = int | Literal["usual"] | None


@dataclass(frozen=True, slots=True)
class Written:
    """What a script may return instead of a text; None and "" leave it to the server."""

    text: str
    prompt_tokens: int | None = None
    done_reason: str = ""
    eval_count: int | None = None
    thought: str | None = None


class Conduct:
    """The settings of a scripted Ollama, and what follows from them."""

    def __init__(
        self,
        *,
        models: Sequence[str] = ("nomic-embed-text", "llama3.2"),
        dimension: int = 64,
        script: Script | None = None,
        context_length: ContextLength = USUAL,
        parameters: str = "",
        latency_seconds: float = 0.0,
        version: str = "0.9.3",
    ) -> None:
        self.models = {tagged(model) for model in models}
        self.dimension = dimension
        self.script: Script = script or quote_first_snippet
        self.context_length = context_length  # of all models; None: not told, and no limit
        self.hidden_context: int | None = None  # tokens of a chat, whatever num_ctx and show say
        self.parameters = parameters
        self.latency_seconds = latency_seconds  # before each reply
        self.version = version
        self.capabilities: list[str] | None = None  # of every model; None: as its name says
        self.api_key = ""  # asked for as bearer when set

        self.retry_after = "0"
        self.redirect_to = ""
        self.bad_input = ""  # a text that holds this cannot be embedded
        self.bad_vector: list[Any] = [math.nan]
        self.vector_of: Callable[[str], list[float]] = self._hashed
        self.pieces_before_fault = 1
        self.error_words = CRASH_WORDS  # of an error line in a chat
        self.drip_seconds = 0.05

        self.done_reason = ""  # "": stop, or length when num_predict is used up
        self.prompt_tokens: int | None = None  # what a chat reports; None: a quarter of what came
        self.piece_seconds = 0.0  # between two pieces of a stream
        self.pause_after: int | None = None  # so many pieces, then the stream waits for go_on
        self.go_on = asyncio.Event()
        self.ignores_num_predict = False
        self.thought = ""  # what the models think before they write; "": they cannot
        self.leaks_thought = False  # into the content, whatever think says
        self.context_shift: bool | None = None  # None: as in this version
        self.ignores_truncate = False  # a newer server that cuts a long prompt all the same

        self.slots: int | None = None  # requests that run at a time; None: all
        self.max_queue = 512  # requests that may wait for a slot; the next gets 503
        self.load_seconds = 0.0  # what loading a model takes
        self.tags: Json | None = None  # what /api/tags gives; None: the models
        self.loaded: dict[str, int] = {}  # num_ctx of each model in memory
        self.loads: list[tuple[str, int]] = []  # each (model, num_ctx) that was loaded, in order

        self.pullable: set[str] = set()  # besides models; another name cannot be pulled
        self.is_offline = False
        self.pull_problem = ""  # what every pull says
        self.layer_bytes = 1000  # of a model that is pulled

    def _hashed(self, text: str) -> list[float]:
        return embedding(text, self.dimension)

    def is_at_least(self, *version: int) -> bool:
        """Tell whether the server is of this version or newer; a suffix such as -rc2 is ignored."""
        numbers = self.version.partition("-")[0].split(".")
        return tuple(int(number) for number in numbers) >= version

    def capabilities_of(self, model: str) -> list[str]:
        """Return what /api/show tells."""
        if self.capabilities is not None:
            return self.capabilities
        if any(part in model for part in EMBEDDING_NAMES):
            return ["embedding"]
        return ["completion", "thinking"] if self.thought else ["completion"]

    def context_of(self, model: str) -> int | None:
        """Return what /api/show tells: words of one text to embed, tokens of a chat."""
        if not isinstance(self.context_length, str):
            return self.context_length
        is_embedding = "embedding" in self.capabilities_of(model)
        return EMBEDDING_CONTEXT if is_embedding else GENERATOR_CONTEXT

    def window_of(self, model: str, num_ctx: int) -> int:
        """Return the tokens that a chat really has: a larger num_ctx is lowered silently."""
        limits = (num_ctx, self.context_of(model), self.hidden_context)
        return min(limit for limit in limits if limit is not None)

    def can_think(self, model: str) -> bool:
        return bool(self.thought) or "thinking" in self.capabilities_of(model)

    def shifts(self) -> bool:
        """Tell whether a prompt that is too long is cut to half of the window."""
        return self.is_at_least(0, 32) if self.context_shift is None else self.context_shift

    async def load(self, model: str, num_ctx: int) -> int:
        """Load a model unless it is there with this num_ctx; return the nanoseconds it took."""
        name = tagged(model)
        if self.loaded.get(name) == num_ctx:
            return 10_000_000
        self.loaded[name] = num_ctx
        self.loads.append((name, num_ctx))
        if self.load_seconds:
            await asyncio.sleep(self.load_seconds)
        return max(400_000_000, int(self.load_seconds * 1e9))


def tagged(model: str) -> str:
    """Return the name with its tag."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"
