"""Check what Ollama replied: vectors that can be used, facts about a model, names with tags."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .errors import ModelMissing, ModelPaused, ModelTimeout, ModelUnavailable, TextRejected

BUSY = frozenset({429, 502, 503, 504})  # what a proxy says, too, while its Ollama is down
LEAST_NORM = 1e-6  # Ollama gives unit vectors, and next to nothing for what it could not embed
MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What /api/show tells of a model; None where it does not."""

    context_length: int | None  # what the architecture allows
    num_ctx: int | None  # what the model file sets
    capabilities: tuple[str, ...]


class Rejected(ModelUnavailable):
    """Raised when Ollama refused a request (status) or its vectors are unusable (status 200).

    The detail is Ollama's own explanation and may repeat private text: match it, never show it.
    """

    def __init__(self, message: str, *, status: int, detail: str) -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail


class InputRejected(TextRejected):
    """Raised when one text cannot be embedded, whatever else is sent with it."""

    def __init__(self, message: str, *, index: int, is_too_long: bool) -> None:
        super().__init__(message, index=index)
        self.is_too_long = is_too_long


class PromptTooLong(ModelUnavailable):
    """Raised when Ollama refuses a prompt that does not fit; ask again with less."""


class WroteNothing(ModelUnavailable):
    """Raised when nothing is left of an answer after the thinking was removed."""


class Unreachable(ModelUnavailable):
    """Raised when the connection was refused, or closed before the reply was whole."""


def is_unreachable(error: ModelUnavailable) -> bool:
    """Say whether nobody was there to answer, as opposed to an answer that does not help."""
    if isinstance(error, Rejected):
        return error.status in BUSY
    return isinstance(error, ModelTimeout | ModelPaused | Unreachable)


def is_blameless(error: ModelUnavailable) -> bool:
    """Tell whether Ollama did its part, so that asking it something else makes sense."""
    if isinstance(error, Rejected):
        return error.status in (400, 413)
    return isinstance(error, InputRejected | PromptTooLong)


def missing(model: str, url: str) -> ModelMissing:
    """Return the error for a model that this Ollama does not have."""
    return ModelMissing(f"Model {model} is not on this Ollama ({url}). [hint: ollama pull {model}]")


def full_name(model: str) -> str:
    """Return the name with its tag, as Ollama lists it.

    >>> full_name("llama3.2"), full_name("host:5000/team/x")
    ('llama3.2:latest', 'host:5000/team/x:latest')
    """
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def names(tags: dict[str, object], url: str) -> tuple[str, ...]:
    """Return the full names that /api/tags lists, sorted; raises when none can be read of some."""
    listed = tags.get("models", "")
    entries = [] if listed is None else listed
    found = {_name(entry) for entry in entries} - {""} if isinstance(entries, list) else set()
    if not found and entries != []:
        raise ModelUnavailable(
            f"Ollama at {url} lists its models in a form that is not known. "
            "[hint: check OLLAMA_URL, or update Ollama]"
        )
    return tuple(sorted(map(full_name, found)))


def _name(entry: object) -> str:
    """Return the name of a listed model; some servers tell it as "model" alone."""
    told = (entry.get("name"), entry.get("model")) if isinstance(entry, dict) else ()
    return next((name for name in told if isinstance(name, str) and name), "")


def model_info(shown: dict[str, object]) -> ModelInfo:
    """Return what matters of an /api/show reply."""
    facts = shown.get("model_info")
    facts = facts if isinstance(facts, dict) else {}
    length = facts.get(f"{facts.get('general.architecture')}.context_length")
    capabilities = shown.get("capabilities")
    return ModelInfo(
        context_length=length if type(length) is int and length > 0 else None,
        num_ctx=_parameter(str(shown.get("parameters", "")), "num_ctx"),
        capabilities=tuple(map(str, capabilities)) if isinstance(capabilities, list) else (),
    )


def usable_vectors(embeddings: object, count: int) -> list[list[float]]:
    """Return the vectors, or raise Rejected when they are not one usable vector for each text."""
    vectors = embeddings if isinstance(embeddings, list) else []
    if len(vectors) != count:
        raise _unusable(f"{len(vectors)} embeddings for {count} texts")
    for vector in vectors:
        if not isinstance(vector, list) or not all(type(x) in (float, int) for x in vector):
            raise _unusable("an embedding that is not a list of numbers")
        if not LEAST_NORM <= _norm(vector) < math.inf:
            raise _unusable("an embedding that is next to zero or not finite")
    return vectors


def _norm(vector: list[float]) -> float:
    try:
        return math.hypot(*vector)
    except OverflowError:  # an integer too large for a float
        return math.inf


def _unusable(reason: str) -> Rejected:
    return Rejected(f"Ollama returned {reason}.", status=200, detail=reason)


def _parameter(parameters: str, name: str) -> int | None:
    """Read one number from the model file's parameters: "num_ctx      256"."""
    for line in parameters.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == name and words[1].isdecimal():
            return int(words[1][:MOST_DIGITS])
    return None
