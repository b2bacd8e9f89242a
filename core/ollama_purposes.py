"""What each kind of request may take, and the hint when it takes longer."""

from __future__ import annotations

from collections.abc import Sequence

from .ollama_errors import Purpose, Timeouts
from .ollama_hints import URL_HINT

PULL_READ_SECONDS = 300.0  # between two lines: a large layer is verified without a word


def embedding(timeouts: Timeouts, model: str, texts: Sequence[str]) -> Purpose:
    """One request of some texts."""
    instead = "check OLLAMA_URL" if len(texts) == 1 else "reduce KB size/chunk length"
    return Purpose(
        timeouts=timeouts,
        connect_hint="[hint: check OLLAMA_URL or increase EMB_CONNECT_TIMEOUT]",
        read_hint=f"[hint: increase EMB_READ_TIMEOUT or {instead}]",
        model=model,
        private="\n".join(texts),
    )


def generating(timeouts: Timeouts, model: str, private: str) -> Purpose:
    """An answer, streamed."""
    return Purpose(
        timeouts=timeouts,
        connect_hint="[hint: check OLLAMA_URL or increase CHAT_CONNECT_TIMEOUT]",
        read_hint="[hint: increase CHAT_READ_TIMEOUT or reduce context/snippet size]",
        model=model,
        private=private,
        is_generation=True,
    )


def looking(timeouts: Timeouts, read_seconds: float, *, variables: str, model: str = "") -> Purpose:
    """A question that loads no model; variables: CHAT or EMB, whose connect time-out it has."""
    return Purpose(
        timeouts=Timeouts(timeouts.connect_seconds, min(timeouts.read_seconds, read_seconds)),
        connect_hint=f"[hint: check OLLAMA_URL or increase {variables}_CONNECT_TIMEOUT]",
        read_hint=URL_HINT,
        model=model,
    )


def pulling(timeouts: Timeouts) -> Purpose:
    """A model on its way, which takes as long as it takes."""
    return Purpose(
        timeouts=Timeouts(timeouts.connect_seconds, PULL_READ_SECONDS),
        connect_hint="[hint: check OLLAMA_URL or increase CHAT_CONNECT_TIMEOUT]",
        read_hint="[hint: pull it again: what has come is kept]",
    )
