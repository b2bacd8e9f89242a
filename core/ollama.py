"""Talk to one Ollama: version, models, embeddings, chat, pull.

Takes an address and time-outs; gives plain values or the ModelUnavailable family.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from types import TracebackType
from typing import Self

from .breaker import BreakerRules, Passage
from .ollama_chat import Message, chat_payload, check_written, generated
from .ollama_embed import Batches, Outcome
from .ollama_guard import Guard, within
from .ollama_http import Timeouts, Transport
from .ollama_pull import PullProgress, progress_of
from .ollama_purposes import embedding, looking, pulling
from .ollama_reply import (
    InputRejected,
    ModelInfo,
    PromptTooLong,
    Unreachable,
    WroteNothing,
    model_info,
    names,
    usable_vectors,
)
from .ollama_stream import ChatResult, read_chat, read_json

__all__ = [
    "BreakerRules",
    "ChatResult",
    "InputRejected",
    "ModelInfo",
    "OllamaClient",
    "PromptTooLong",
    "PullProgress",
    "Timeouts",
    "Unreachable",
    "WroteNothing",
]

MIB = 1024 * 1024
EMBED_IN_FLIGHT = 2  # requests: what Ollama can make use of, and room for a question beside a build
BYTES_PER_EMBEDDING = 256 * 1024  # 8,192 numbers of 25 characters, and some room
BYTES_PER_TOKEN = 512  # of a line that holds one: 130 to 165 were seen
KEPT_MODELS = 16
PROBE_READ_SECONDS = 10.0  # version, tags and show load no model

OnText = Callable[[str], None] | None


class OllamaClient:
    """A client for one Ollama; the session is opened in the loop of the first request.

    Retries [0] repeat connection errors, 429 (after Retry-After, at most 30 s), 502, 503 and 504;
    embeddings also when the connection breaks; a generation that broke before its first token once.
    Chat and embeddings are paused, each by itself, after failures in a row: ModelPaused.
    `seconds` bounds a call with all its tries and waits, and ends in ModelTimeout.
    """

    def __init__(
        self,
        url: str,
        *,
        embed_timeouts: Timeouts,
        chat_timeouts: Timeouts,
        retries: int = 0,
        api_key: str = "",
        max_response_bytes: int = MIB,
        probe_read_seconds: float = PROBE_READ_SECONDS,
        breaker: BreakerRules = BreakerRules(),  # noqa: B008 - frozen
    ) -> None:
        self._transport = Transport(url, retries=retries, api_key=api_key)
        self._embed_timeouts = embed_timeouts
        self._chat_timeouts = chat_timeouts
        self._max_bytes = max_response_bytes
        self._probe_read_seconds = probe_read_seconds
        self._embed_slots = asyncio.Semaphore(EMBED_IN_FLIGHT)
        self._chats = Guard(self._transport, chat_timeouts, breaker, variables="CHAT")
        self._embeddings = Guard(self._transport, embed_timeouts, breaker, variables="EMB")
        self._shown: dict[str, ModelInfo] = {}  # the models shown last

    @property
    def url(self) -> str:
        return self._transport.url

    @property
    def is_paused(self) -> bool:
        """Tell whether a chat would raise ModelPaused now."""
        return self._chats.breaker.is_open

    def pause(self, reason: str) -> None:
        """Leave the chat alone from now on, as after failures: the next try comes by itself."""
        self._chats.breaker.open_now(reason)

    def pause_embeddings(self, reason: str) -> None:
        """Leave the embeddings alone in the same way."""
        self._embeddings.breaker.open_now(reason)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session; the next request would open another."""
        await self._transport.close()

    async def version(self) -> str:
        """Return the version of the server."""
        return str((await self._probe("/api/version", None)).get("version", ""))

    async def models(self) -> tuple[str, ...]:
        """Return the names of the models on the server, each with its tag, sorted."""
        return names(await self._probe("/api/tags", None), self.url)

    async def show(self, model: str, *, seconds: float | None = None) -> ModelInfo:
        """Return what the server tells of a model; raises ModelMissing."""
        async with within(self.url, seconds):
            shown = model_info(await self._probe("/api/show", {"model": model}, model=model))
        self._shown.pop(model, None)
        self._shown = dict([*self._shown.items(), (model, shown)][-KEPT_MODELS:])
        return shown

    async def facts(self, model: str, *, seconds: float | None = None) -> ModelInfo:
        """Return what show() told of the model the last time; ask only when it never did."""
        return self.known(model) or await self.show(model, seconds=seconds)

    def known(self, model: str) -> ModelInfo | None:
        """Return what show() told of the model the last time; None when it never did."""
        return self._shown.get(model)

    async def learn(self, model: str, *, seconds: float | None = None) -> tuple[ModelInfo, int]:
        """Return what the server tells of an embedding model, and its dimension, by a word.

        Unlike show() it is paused with the embeddings, and counts for them.
        """

        async def ask(_: Passage) -> tuple[ModelInfo, int]:
            told = await self._probe("/api/show", {"model": model}, model=model, variables="EMB")
            (vector,) = await self._embed_once(model, False, ["dimension"])
            return model_info(told), len(vector)

        return await self._embeddings.run(seconds, ask)

    async def embed(
        self,
        model: str,
        inputs: Sequence[str],
        *,
        truncate: bool = False,
        seconds: float | None = None,
    ) -> list[list[float]]:
        """Return one finite, non-zero vector for each input, all of the same dimension.

        Raises InputRejected, with its index, for the first that cannot be embedded.
        """
        vectors = []
        for outcome in await self.embed_each(model, inputs, truncate=truncate, seconds=seconds):
            if isinstance(outcome, InputRejected):
                raise outcome
            vectors.append(outcome)
        return vectors

    async def embed_each(
        self,
        model: str,
        inputs: Sequence[str],
        *,
        truncate: bool = False,
        is_sane: bool = False,
        seconds: float | None = None,
    ) -> list[Outcome]:
        """Return for each input its vector, or the InputRejected that says why there is none.

        Sends small batches, two at a time; one that fails is halved until the texts that fail are
        found. Raises when the model, not a text, is at fault; with is_sane that is not asked.
        """
        if not inputs:
            return []

        async def ask(_: Passage) -> list[Outcome]:
            send = partial(self._embed_once, model, truncate)
            return await Batches(model, send, is_sane=is_sane).each(inputs)

        return await self._embeddings.run(seconds, ask)

    async def chat(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        options: Mapping[str, float | int],
        on_text: OnText = None,
        starts_thinking: bool = False,
        seconds: float | None = None,
        format: Mapping[str, object] | None = None,
        is_aside: bool = False,
    ) -> ChatResult:
        """Return what the model writes, streamed so that a cap and a deadline hold on the way.

        on_text gets each visible piece as it comes; the result is the authority. With
        starts_thinking a piece is visible only behind the end of a thought: templates may write
        its beginning themselves. format is a JSON schema that the text shall follow. Raises
        WroteNothing for an empty text (the model thought, or stopped, before it wrote), and
        PromptTooLong. What is_aside only prepares an answer: that it has not enough time
        or tokens says nothing of the server.
        """
        payload = chat_payload(model, messages, options, format)
        private = "\n".join(message["content"] for message in messages)
        limit = max(self._max_bytes, int(options.get("num_predict", 0)) * BYTES_PER_TOKEN)
        read = partial(read_chat, limit=limit, on_text=on_text, starts_thinking=starts_thinking)
        ask_model = partial(generated, self._transport, self._chat_timeouts, payload, read)

        async def ask(passage: Passage) -> ChatResult:
            result = await ask_model(passage, private=private, seconds=seconds)
            return check_written(result, model, self.url)

        return await self._chats.run(seconds, ask, is_aside=is_aside)

    async def load(
        self, model: str, *, options: Mapping[str, float | int], seconds: float | None = None
    ) -> None:
        """Have the model loaded with these options, so that the first question need not wait."""
        payload = chat_payload(model, (), options)
        read = partial(read_chat, limit=self._max_bytes)
        ask = partial(generated, self._transport, self._chat_timeouts, payload, read)
        await self._chats.run(seconds, partial(ask, seconds=seconds))

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        """Have Ollama fetch a model; yields its progress, and raises unless that ends in success.

        Leaving early (aclose) ends the request; what has come is kept by Ollama.
        """
        lines = self._transport.lines(
            "/api/pull", {"model": model, "stream": True}, purpose=pulling(self._chat_timeouts)
        )
        shown = partial(self._transport.shown, path="/api/pull")
        progress = progress_of(model, self.url, lines, shown=shown)
        async with aclosing(lines), aclosing(progress) as steps:
            async for step in steps:
                yield step

    async def _embed_once(
        self, model: str, truncate: bool, batch: Sequence[str]
    ) -> list[list[float]]:
        purpose = embedding(self._embed_timeouts, model, batch)
        payload: dict[str, object] = {"model": model, "input": list(batch), "truncate": truncate}
        read = partial(read_json, limit=MIB + len(batch) * BYTES_PER_EMBEDDING)
        async with self._embed_slots:
            reply = await self._transport.call("/api/embed", payload, purpose=purpose, read=read)
        return usable_vectors(reply.get("embeddings"), len(batch))

    async def _probe(
        self,
        path: str,
        payload: dict[str, object] | None,
        *,
        model: str = "",
        variables: str = "CHAT",
    ) -> dict[str, object]:
        timeouts = self._chat_timeouts if variables == "CHAT" else self._embed_timeouts
        purpose = looking(timeouts, self._probe_read_seconds, variables=variables, model=model)
        read = partial(read_json, limit=self._max_bytes)
        return await self._transport.call(path, payload, purpose=purpose, read=read)
