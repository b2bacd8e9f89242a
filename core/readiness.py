"""OllamaClient + model → Readiness: can it be used now, and if not, what must a person do?

Asks for the version, the names and the facts of a model; embeds one word, generates nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from .errors import ModelMissing, ModelUnavailable
from .ollama import OllamaClient
from .ollama_reply import ModelInfo, full_name, is_unreachable
from .protocols import Embedder, EmbedderSpec
from .writing import is_nobody_there

OLDEST_TRIED = (0, 9)
CHAT_SINCE = (0, 1, 14)
EMBED_SINCE = (0, 3, 4)  # ollama/ollama#6730
UNVERSIONED = (0, 0, 0)  # what an Ollama says that somebody built from its sources
DEFAULTS = ("registry.ollama.ai/", "library/")  # a name without them means the same model
MAX_LOOKED_AT = 8  # other models, to name one that would do
DOUBTS_SECONDS = 2.0  # for what is only worth a note


@dataclass(frozen=True, slots=True)
class Readiness:
    """What keeps a model from being used ("" when nothing does), and what an operator may like."""

    problem: str = ""
    raised: str = ""  # what an embedder's error said, where the problem may say more
    is_unreachable: bool = False  # nobody is there now; somebody may be later
    is_missing: bool = False  # the server is there, the model is not
    has_server: bool = True  # somebody took the connection, whatever came of it
    notes: tuple[str, ...] = ()  # "Ollama 0.5.1 is older …": it works all the same
    version: str = ""  # as the server says it; "" when it does not
    spec: EmbedderSpec | None = None  # of an embedder that embeds

    def failure(self) -> ModelUnavailable:
        """Give the problem as an error to raise."""
        return (ModelMissing if self.is_missing else ModelUnavailable)(self.problem)


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
        self, problem: str, *, is_missing: bool = False, error: ModelUnavailable | None = None
    ) -> None:
        super().__init__(problem)
        self.is_missing = is_missing
        self.error = error  # that ended the checks; None: one of them found the problem


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


async def embedder_readiness(client: OllamaClient, model: str, embedder: Embedder) -> Readiness:
    """Say whether this model of Ollama embeds; embedder is what asks it, and keeps what it learns.

    Vectors that come are believed, for questions and builds use them: against them the lists of the
    server are worth a note. Without vectors those tell why.
    """
    looking = _Looking(client, model, EMBEDDER)
    try:
        spec = await embedder.spec()
    except ModelUnavailable as error:
        return replace(looking.result(await looking.reason(error)), raised=str(error))
    await looking.doubts()
    return replace(looking.result(), spec=spec)


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
        self.notes: list[str] = []

    def result(self, problem: _NotReady | None = None) -> Readiness:
        """Give what was seen."""
        if problem is None:
            return Readiness(notes=tuple(self.notes), version=self._version)
        error = problem.error
        return Readiness(
            problem=str(problem),
            is_unreachable=error is not None and is_unreachable(error),
            is_missing=problem.is_missing,
            has_server=error is None or not is_nobody_there(error),
            notes=tuple(self.notes),
            version=self._version,
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
            raise _NotReady(str(error), error=error) from error

    async def reason(self, error: ModelUnavailable) -> _NotReady:
        """Say why a model failed: by what the server tells of it, else by the error itself."""
        if not is_unreachable(error):
            try:
                await self.facts()
            except _NotReady as problem:
                if problem.error is None:
                    return problem
        return _NotReady(str(error), error=error)

    async def doubts(self) -> None:
        """Note what the server says against a model that works all the same."""
        with suppress(TimeoutError, ModelUnavailable):
            async with asyncio.timeout(DOUBTS_SECONDS):
                with suppress(_NotReady):  # a version that a proxy made up
                    await self._look_at_version()
                shown = await self._client.show(self._model)
                if self._lacks_capability(shown):
                    other = await self._another(await self._client.models())
                    self.notes.append(self._doubt(other))

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
        if self._lacks_capability(shown):
            other = await self._another(listed)
            advice = f"={other}" if other else f" to a model that {need.ability}s"
            raise _NotReady(
                f"Model {self._model} on {self._client.url} cannot {need.ability}. "
                f"[hint: set {need.setting}{advice}]"
            )
        return shown

    def _lacks_capability(self, shown: ModelInfo) -> bool:
        # Servers before 0.6.4 do not tell capabilities.
        return bool(shown.capabilities) and self._need.capability not in shown.capabilities

    def _doubt(self, other: str) -> str:
        """Doubt an embedder; Ollama goes by an entry of the model file that some good ones lack."""
        instead = f"EMB_MODEL={other}" if other else "EMB_MODEL to an embedding model"
        return (
            f"Model {self._model} on {self._client.url} gives vectors, but Ollama does not list it "
            "as an embedding model: what is found may be poor. "
            f"[hint: set {instead} and build again, unless it is meant]"
        )

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
