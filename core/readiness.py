"""OllamaClient + model → Readiness: can it be used now, and if not, what must a person do?

Asks for the version, the names and the facts of a model; embeds one word, generates nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .embedders.ollama import OllamaEmbedder
from .errors import (
    EmbedderMismatch,
    ModelMissing,
    ModelUnavailable,
)
from .ollama import OllamaClient
from .ollama_reply import ModelInfo, full_name, is_unreachable
from .pipeline import require_same
from .protocols import EmbedderSpec

OLDEST_TRIED = (0, 9)
CHAT_SINCE = (0, 1, 14)
EMBED_SINCE = (0, 3, 4)  # ollama/ollama#6730
UNVERSIONED = (0, 0, 0)  # what an Ollama says that somebody built from its sources
DEFAULTS = ("registry.ollama.ai/", "library/")  # a name without them means the same model
MAX_LOOKED_AT = 8  # other models, to name one that would do


@dataclass(frozen=True, slots=True)
class Readiness:
    """What keeps a model from being used ("" when nothing does), and what an operator may like."""

    problem: str = ""
    is_unreachable: bool = False  # nobody is there now; somebody may be later
    is_missing: bool = False  # the server is there, the model is not
    notes: tuple[str, ...] = ()  # "Ollama 0.5.1 is older …": it works all the same
    version: str = ""  # as the server says it; "" when it does not
    spec: EmbedderSpec | None = None  # of an embedder that embeds, also when the index is another's


@dataclass(frozen=True, slots=True)
class _Need:
    """What a model is for."""

    setting: str
    capability: str
    ability: str  # "chat": what a model cannot do without the capability
    api: str
    since: tuple[int, ...]


GENERATOR = _Need("GEN_MODEL", "completion", "chat", "/api/chat", CHAT_SINCE)
EMBEDDER = _Need("EMB_MODEL", "embedding", "embed", "/api/embed", EMBED_SINCE)


class _NotReady(Exception):
    """Carries a problem out of the checks."""

    def __init__(
        self, problem: str, *, is_unreachable: bool = False, is_missing: bool = False
    ) -> None:
        super().__init__(problem)
        self.is_unreachable = is_unreachable
        self.is_missing = is_missing


async def generator_readiness(client: OllamaClient, model: str, *, num_ctx: int) -> Readiness:
    """Say whether this model can write answers with a context of so many tokens."""
    looking = _Looking(client, model, GENERATOR)
    try:
        length = (await looking.facts()).context_length
    except _NotReady as problem:
        return looking.result(problem)
    if length is not None and num_ctx > length:
        looking.notes.append(
            f"NUM_CTX is {num_ctx:,}, but {model} reads {length:,} tokens at most. "
            f"[hint: set NUM_CTX={length}]"
        )
    return looking.result()


async def embedder_readiness(
    client: OllamaClient, model: str, *, indexed: EmbedderSpec | None
) -> Readiness:
    """Say whether this model can embed, and whether its vectors fit those of the index."""
    looking = _Looking(client, model, EMBEDDER)
    try:
        await looking.facts()
        await looking.compare(indexed)
    except _NotReady as problem:
        return looking.result(problem)
    return looking.result()


def same_name(model: str) -> str:
    """Give the one form of the names that mean the same model.

    >>> same_name("Registry.ollama.ai/library/Llama3.2"), same_name("hf.co/team/x:q4")
    ('llama3.2:latest', 'hf.co/team/x:q4')
    """
    name = full_name(model.strip()).casefold()
    for default in DEFAULTS:
        name = name.removeprefix(default)
    return name


def parse_version(version: str) -> tuple[int, ...] | None:
    """Read "0.33.0-rc2" as (0, 33, 0); None for what is no version, or says nothing.

    >>> parse_version("0.9.3"), parse_version("v1"), parse_version("0.0.0"), parse_version("main")
    ((0, 9, 3), (1,), None, None)
    """
    found = re.match(r"v?(\d{1,9}(?:\.\d{1,9}){0,2})(?![\w.])", version.strip())
    numbers = tuple(map(int, found[1].split("."))) if found else UNVERSIONED
    return None if numbers == UNVERSIONED else numbers


def version_note(version: str) -> str:
    """Say what an operator may like to know of a version; "" when there is nothing."""
    parsed = parse_version(version)
    if parsed is None or parsed >= OLDEST_TRIED:
        return ""
    return f"Ollama {version} is older than 0.9, the oldest that was tried. [hint: update Ollama]"


class _Looking:
    """One look at one model; notes gather on the way."""

    def __init__(self, client: OllamaClient, model: str, need: _Need) -> None:
        self._client = client
        self._model = model
        self._need = need
        self._version = ""
        self._spec: EmbedderSpec | None = None
        self.notes: list[str] = []

    def result(self, problem: _NotReady | None = None) -> Readiness:
        """Give what was seen."""
        return Readiness(
            problem="" if problem is None else str(problem),
            is_unreachable=problem is not None and problem.is_unreachable,
            notes=tuple(self.notes),
            version=self._version,
            is_missing=problem is not None and problem.is_missing,
            spec=self._spec,
        )

    async def facts(self) -> ModelInfo:
        """Give what the server tells of the model; raises _NotReady when it cannot be used."""
        try:
            await self._look_at_version()
            listed = await self._client.models()
            if same_name(self._model) not in map(same_name, listed):
                raise self._missing(listed)
            return await self._look_at_model(listed)
        except ModelUnavailable as error:
            raise _NotReady(str(error), is_unreachable=is_unreachable(error)) from error

    async def compare(self, indexed: EmbedderSpec | None) -> None:
        """Raise _NotReady when the model does not embed, or not as it did for the index."""
        try:
            self._spec = await OllamaEmbedder(self._client, self._model).spec()
            require_same(indexed, self._spec)
        except EmbedderMismatch as error:
            raise _NotReady(str(error)) from error
        except ModelUnavailable as error:
            raise _NotReady(str(error), is_unreachable=is_unreachable(error)) from error

    async def _look_at_version(self) -> None:
        try:
            self._version = await self._client.version()
        except ModelUnavailable as error:
            if is_unreachable(error):
                raise
            return  # some proxies leave it out
        parsed = parse_version(self._version)
        if parsed is not None and parsed < self._need.since:
            raise _NotReady(
                f"Ollama {self._version} at {self._client.url} has no {self._need.api}. "
                "[hint: update Ollama]"
            )
        if note := version_note(self._version):
            self.notes.append(note)

    async def _look_at_model(self, listed: Iterable[str]) -> ModelInfo:
        need = self._need
        try:
            shown = await self._client.show(self._model)
        except ModelMissing as error:  # listed in another spelling than it takes
            raise self._missing(listed) from error
        except ModelUnavailable as error:
            if is_unreachable(error):
                raise
            return ModelInfo(context_length=None, num_ctx=None, capabilities=())
        # Servers before 0.6.4 do not tell capabilities.
        if shown.capabilities and need.capability not in shown.capabilities:
            other = await self._another(listed)
            advice = f"={other}" if other else f" to a model that {need.ability}s"
            raise _NotReady(
                f"Model {self._model} on {self._client.url} cannot {need.ability}. "
                f"[hint: set {need.setting}{advice}]"
            )
        return shown

    async def _another(self, listed: Iterable[str]) -> str:
        """Name a model of this server that has what this one lacks, or ""."""
        for name in list(listed)[:MAX_LOOKED_AT]:
            try:
                shown = await self._client.show(name)
            except ModelUnavailable:
                return ""
            if self._need.capability in shown.capabilities:
                return name
        return ""

    def _missing(self, listed: Iterable[str]) -> _NotReady:
        family = same_name(self._model).rpartition(":")[0]
        near = [name for name in listed if same_name(name).rpartition(":")[0] == family]
        has = f", which has {', '.join(near[:3])}" if near else ""
        instead = f"set {self._need.setting}={near[0]} or " if near else ""
        return _NotReady(
            f"Model {self._model} is not on this Ollama ({self._client.url}){has}. "
            f"[hint: {instead}clockify-bot pull, or on its machine: ollama pull {self._model}]",
            is_missing=True,
        )
