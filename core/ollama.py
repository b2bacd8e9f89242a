"""Talk to one Ollama: version, models, embeddings, chat.

Takes an address and time-outs; gives plain values or the ModelUnavailable family.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from aiohttp import ClientResponse

from .errors import ModelUnavailable
from .ollama_http import Purpose, Timeouts, Transport
from .ollama_reply import InputRejected, ModelInfo, Rejected, model_info, names, usable_vectors
from .ollama_stream import ChatResult, read_chat, read_json

__all__ = ["ChatResult", "InputRejected", "ModelInfo", "OllamaClient", "Timeouts"]

MIB = 1024 * 1024
EMBED_BATCH = 16  # Ollama gains nothing from more, and one bad input fails its whole request
BYTES_PER_EMBEDDING = 256 * 1024  # 8,192 numbers of 25 characters, and some room
PROBE_READ_SECONDS = 10.0  # version, tags and show load no model

Message = Mapping[str, str]
OnText = Callable[[str], None] | None


class OllamaClient:
    """A client for one Ollama; the session is opened in the loop of the first request.

    Retries [0] repeat connection errors, 429 (after Retry-After, at most 30 s), 502, 503 and 504.
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
    ) -> None:
        self._transport = Transport(url, retries=retries)
        self._embed_timeouts = embed_timeouts
        self._chat_timeouts = chat_timeouts
        self._max_bytes = max_response_bytes
        self._probe_read_seconds = probe_read_seconds

    @property
    def url(self) -> str:
        return self._transport.url

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
        return names(await self._probe("/api/tags", None))

    async def show(self, model: str) -> ModelInfo:
        """Return what the server tells of a model; raises ModelMissing."""
        return model_info(await self._probe("/api/show", {"model": model}, model=model))

    async def embed(
        self,
        model: str,
        inputs: Sequence[str],
        *,
        truncate: bool = False,
        seconds: float | None = None,
    ) -> list[list[float]]:
        """Return one finite, non-zero vector for each input, all of the same dimension.

        Sends sub-batches; when one fails, halves it until the input that fails is found, and
        raises InputRejected with its index.
        """
        vectors: list[list[float]] = []
        for start in range(0, len(inputs), EMBED_BATCH):
            batch = inputs[start : start + EMBED_BATCH]
            vectors += await self._embed_batch(model, batch, truncate, first=start)
        dimensions = sorted({len(vector) for vector in vectors})
        if len(dimensions) > 1:
            raise ModelUnavailable(
                f"Model {model} on {self.url} gave vectors of different dimensions: {dimensions}."
            )
        return vectors

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
    ) -> ChatResult:
        """Return what the model writes, streamed so that a cap and a deadline hold on the way.

        on_text gets each visible piece as it comes; the result is the authority. With
        starts_thinking a piece is visible only behind the end of a thought: templates may write
        its beginning themselves. An empty text is a failure: the model thought, or stopped, before
        it wrote.
        """
        payload = _chat_payload(model, messages, options)
        private = "\n".join(message["content"] for message in messages)
        read = partial(
            read_chat, limit=self._max_bytes, on_text=on_text, starts_thinking=starts_thinking
        )
        try:
            result = await self._chat_once(payload, private, read)
        except Rejected as error:
            if error.status == 400 and "context" in error.detail:
                raise ModelUnavailable(
                    f"{error} [hint: reduce CTX_BUDGET or increase NUM_CTX]"
                ) from error
            # Ollama 0.12.4 refuses "think": false for models that cannot think.
            if error.status != 400 or "think" not in error.detail:
                raise
            del payload["think"]
            result = await self._chat_once(payload, private, read)
        if not result.text:
            raise ModelUnavailable(
                f"Model {model} on {self.url} wrote nothing (done_reason {result.done_reason!r}). "
                "[hint: increase NUM_PREDICT or use a model without thinking]"
            )
        return result

    async def _chat_once(
        self,
        payload: dict[str, object],
        private: str,
        read: Callable[[ClientResponse], Awaitable[ChatResult]],
    ) -> ChatResult:
        purpose = Purpose(
            timeouts=self._chat_timeouts,
            connect_hint="[hint: check OLLAMA_URL or increase CHAT_CONNECT_TIMEOUT]",
            read_hint="[hint: increase CHAT_READ_TIMEOUT or reduce context/snippet size]",
            model=str(payload["model"]),
            private=private,
        )
        return await self._transport.call("/api/chat", payload, purpose=purpose, read=read)

    async def _embed_batch(
        self, model: str, batch: Sequence[str], truncate: bool, *, first: int
    ) -> list[list[float]]:
        try:
            return await self._embed_once(model, batch, truncate)
        except Rejected as error:
            if error.status not in (200, 400, 500):
                raise
            if len(batch) == 1:
                raise InputRejected(
                    f"Model {model} cannot embed text number {first + 1} "
                    f"({len(batch[0]):,} characters): {error}",
                    index=first,
                    is_too_long=error.status == 400 and " length" in error.detail,
                ) from error
        middle = len(batch) // 2
        left = await self._embed_batch(model, batch[:middle], truncate, first=first)
        right = await self._embed_batch(model, batch[middle:], truncate, first=first + middle)
        return left + right

    async def _embed_once(
        self, model: str, batch: Sequence[str], truncate: bool
    ) -> list[list[float]]:
        instead = "check OLLAMA_URL" if len(batch) == 1 else "reduce KB size/chunk length"
        purpose = Purpose(
            timeouts=self._embed_timeouts,
            connect_hint="[hint: check OLLAMA_URL or increase EMB_CONNECT_TIMEOUT]",
            read_hint=f"[hint: increase EMB_READ_TIMEOUT or {instead}]",
            model=model,
            private="\n".join(batch),
        )
        payload: dict[str, object] = {"model": model, "input": list(batch), "truncate": truncate}
        limit = MIB + len(batch) * BYTES_PER_EMBEDDING
        read = partial(read_json, limit=limit)
        reply = await self._transport.call("/api/embed", payload, purpose=purpose, read=read)
        return usable_vectors(reply.get("embeddings"), len(batch))

    async def _probe(
        self, path: str, payload: dict[str, object] | None, *, model: str = ""
    ) -> dict[str, object]:
        limits = self._chat_timeouts
        purpose = Purpose(
            timeouts=Timeouts(
                limits.connect_seconds, min(limits.read_seconds, self._probe_read_seconds)
            ),
            connect_hint="[hint: check OLLAMA_URL or increase CHAT_CONNECT_TIMEOUT]",
            read_hint="[hint: check OLLAMA_URL]",
            model=model,
        )

        read = partial(read_json, limit=self._max_bytes)
        return await self._transport.call(path, payload, purpose=purpose, read=read)


def _chat_payload(
    model: str, messages: Sequence[Message], options: Mapping[str, float | int]
) -> dict[str, object]:
    return {
        "model": model,
        "messages": [dict(message) for message in messages],
        "stream": True,
        "think": False,
        "truncate": False,  # servers that know these two refuse a long prompt instead of cutting it
        "shift": False,
        "options": dict(options),
    }
