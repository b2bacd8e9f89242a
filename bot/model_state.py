"""How the language model is doing, as far as an asker tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@runtime_checkable
class ModelTeller(Protocol):
    """An asker that may have a language model.

    language_model names it, "" for none; model_problem tells why it did not answer last, ""
    when it did; model_problem_since is when that began, in seconds since 1970.
    """

    @property
    def language_model(self) -> str: ...

    @property
    def model_problem(self) -> str: ...

    @property
    def model_problem_since(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class ModelState:
    """One moment of the language model; problem is for operators: it may hold an address."""

    name: str = ""  # "" for none
    problem: str = ""
    failing_seconds: float | None = None  # None without a problem


def model_state(asker: object, clock: Callable[[], float] = time.time) -> ModelState | None:
    """Ask an asker; None for one that does not tell."""
    if not isinstance(asker, ModelTeller):
        return None
    since = asker.model_problem_since
    seconds = None if since is None else max(0.0, clock() - since)
    return ModelState(asker.language_model, asker.model_problem, seconds)
