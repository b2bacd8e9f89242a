"""How the scripted Ollama behaves: its version, models and manners, all changeable meanwhile.

Versions differ in think, in truncate and shift, and in what becomes of a prompt that is too long.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .ollama_model import quote_first_snippet

Message = dict[str, str]
Script = Callable[[list[Message]], "str | Written"]

EMBEDDING_NAMES = ("embed", "minilm", "bge", "e5-")


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
        context_length: int | None = 2048,
        parameters: str = "",
        latency_seconds: float = 0.0,
        version: str = "0.9.3",
    ) -> None:
        self.models = {tagged(model) for model in models}
        self.dimension = dimension
        self.script: Script = script or quote_first_snippet
        self.context_length = context_length  # words that one input may have; None: not told
        self.parameters = parameters
        self.latency_seconds = latency_seconds  # before each reply
        self.version = version
        self.capabilities: list[str] | None = None  # of every model; None: as its name says
        self.api_key = ""  # asked for as bearer when set

        self.retry_after = "0"
        self.redirect_to = ""
        self.bad_input = ""  # a text that holds this cannot be embedded
        self.bad_vector: list[Any] = [math.nan]
        self.pieces_before_fault = 1
        self.drip_seconds = 0.05

        self.done_reason = ""  # "": stop, or length when num_predict is used up
        self.prompt_tokens: int | None = None  # what a chat reports; None: a quarter of what came
        self.piece_seconds = 0.0  # between two pieces of a stream
        self.pause_after: int | None = None  # so many pieces, then the stream waits for go_on
        self.go_on = asyncio.Event()
        self.thought = ""  # what the models think before they write; "": they cannot
        self.leaks_thought = False  # into the content, whatever think says
        self.context_shift: bool | None = None  # None: as in this version
        self.ignores_truncate = False  # a newer server that cuts a long prompt all the same

        self.slots: int | None = None  # requests that run at a time; None: all
        self.max_queue = 512  # requests that may wait for a slot; the next gets 503
        self.load_seconds = 0.0  # what loading a model takes
        self.loaded: dict[str, int] = {}  # num_ctx of each model in memory
        self.loads: list[tuple[str, int]] = []  # each (model, num_ctx) that was loaded, in order

        self.pullable: set[str] = set()  # besides models; another name cannot be pulled
        self.is_offline = False
        self.layer_bytes = 1000  # of a model that is pulled

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
