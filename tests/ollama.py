"""A scripted Ollama: a real HTTP server on loopback that computes, records, and fails on request.

Its replies follow Ollama 0.9.3 (observed) and 0.33 (read); embeddings are a hashed bag of
words, so texts that share words are near. `async with ScriptedOllama() as ollama: ollama.url`.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from .ollama_faults import Fault, Json, Planned, endless, error, line, opened, refusal
from .ollama_model import embedding, quote_first_snippet

__all__ = ["Fault", "Recorded", "ScriptedOllama", "embedding", "quote_first_snippet"]

Message = dict[str, str]
Script = Callable[[list[Message]], str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it came in."""

    method: str
    path: str
    payload: Json
    headers: dict[str, str] = field(default_factory=dict)


class ScriptedOllama:
    """Serves /api/version, tags, show, embed and chat; every attribute may be changed meanwhile."""

    def __init__(
        self,
        *,
        models: Sequence[str] = ("nomic-embed-text", "llama3.2"),
        dimension: int = 64,
        script: Script | None = None,
        context_length: int | None = 2048,
        parameters: str = "",
        latency_seconds: float = 0.0,
        port: int = 0,
    ) -> None:
        self.models = {_tagged(model) for model in models}
        self.dimension = dimension
        self.script: Script = script or quote_first_snippet
        self.context_length = context_length  # words that one input may have; None: not told
        self.parameters = parameters
        self.latency_seconds = latency_seconds
        self.port = port  # 0: a free one
        self.retry_after = "0"
        self.redirect_to = ""
        self.bad_input = ""  # a text that holds this cannot be embedded
        self.bad_vector: list[Any] = [math.nan]
        self.capabilities = ["embedding"]
        self.done_reason = "stop"
        self.prompt_tokens: int | None = None  # what a chat reports; None: a quarter of what came
        self.requests: list[Recorded] = []
        self.in_flight = self.most_in_flight = self.cancelled = self.bytes_sent = 0
        self._planned: list[Planned] = []
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    def fail(self, fault: Fault, *, path: str = "/api/", times: int | None = None) -> None:
        """Plan a fault; the first that fits a request is used up."""
        self._planned.append(Planned(fault, path, times))

    def recover(self) -> None:
        """Forget all planned faults."""
        self._planned.clear()

    def asked(self, path: str) -> list[Recorded]:
        """Return the requests for one path, in order."""
        return [request for request in self.requests if request.path == path]

    @property
    def embed_calls(self) -> int:
        return len(self.asked("/api/embed"))

    @property
    def texts_embedded(self) -> list[str]:
        return [text for request in self.asked("/api/embed") for text in request.payload["input"]]

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = int(self._runner.addresses[0][1])
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        payload: Json = json.loads(body) if body else {}
        headers = dict(request.headers)
        self.requests.append(Recorded(request.method, request.path, payload, headers))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self._pause(self.latency_seconds)
            fault = self._due(request.path)
            reply = await self._failed(fault, request, payload) if fault else None
            return await self._answered(request, payload, fault) if reply is None else reply
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        except ConnectionError:
            self.cancelled += 1
            return web.Response()
        finally:
            self.in_flight -= 1

    def _due(self, path: str) -> Fault | None:
        for planned in self._planned:
            if not path.startswith(planned.path) or planned.times == 0:
                continue
            if planned.times is not None:
                planned.times -= 1
            return planned.fault
        return None

    async def _failed(
        self, fault: Fault, request: web.Request, payload: Json
    ) -> web.StreamResponse | None:
        """Return the reply of a fault that needs no model, or None."""
        match fault:
            case Fault.RATE_LIMITED:
                return error(429, "too many requests", {"Retry-After": self.retry_after})
            case Fault.REDIRECT:
                location = self.redirect_to + request.path
                return web.Response(status=307, headers={"Location": location})
            case Fault.CLOSED:
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            case Fault.HANG:
                await self._released.wait()
                return web.Response()
            case Fault.STALL | Fault.DRIP | Fault.OVERSIZED:
                return await endless(fault, request, self._released, self._count)
            case _:
                return refusal(fault, payload)

    async def _answered(
        self, request: web.Request, payload: Json, fault: Fault | None
    ) -> web.StreamResponse:
        match request.path:
            case "/api/version":
                return web.json_response({"version": "0.9.3"})
            case "/api/tags":
                names = sorted(self.models)
                return web.json_response({"models": [{"name": name} for name in names]})
            case "/api/show" | "/api/embed" | "/api/chat":
                model = str(payload.get("model", ""))
                if _tagged(model) not in self.models:
                    return error(404, f'model "{model}" not found, try pulling it first')
            case _:
                return web.Response(status=404, text="404 page not found")
        if request.path == "/api/show":
            return self._show()
        if request.path == "/api/embed":
            return self._embed(payload, fault)
        return await self._chat(request, payload, fault)

    def _show(self) -> web.Response:
        facts: Json = {"general.architecture": "bert", "bert.embedding_length": self.dimension}
        if self.context_length is not None:
            facts["bert.context_length"] = self.context_length
        return web.json_response(
            {
                "model_info": facts,
                "parameters": self.parameters,
                "capabilities": self.capabilities,
            }
        )

    def _embed(self, payload: Json, fault: Fault | None) -> web.Response:
        given = payload["input"]
        texts: list[str] = [given] if isinstance(given, str) else given
        limit = self.context_length
        if limit is not None and any(len(text.split()) > limit for text in texts):
            if not payload.get("truncate", True):
                return error(400, "the input length exceeds the context length")
            texts = [" ".join(text.split()[:limit]) for text in texts]
        if self.bad_input and any(self.bad_input in text for text in texts):
            return error(400, "embedding contains NaN or Inf values")
        vectors: list[list[Any]] = [list(embedding(text, self.dimension)) for text in texts]
        if fault is Fault.WRONG_COUNT:
            vectors = vectors[:-1]
        if fault is Fault.BAD_VALUES:
            vectors[-1] = self.bad_vector
        return web.json_response({"model": payload["model"], "embeddings": vectors})

    async def _chat(
        self, request: web.Request, payload: Json, fault: Fault | None
    ) -> web.StreamResponse:
        text = self.script(payload["messages"])
        response = await opened(request)
        pieces = re.findall(r"\S+\s*|\s+", text)
        for at, piece in enumerate(pieces):
            if fault is Fault.ERROR_LINE and at == 1:
                await response.write(line({"error": "llama runner process has terminated"}))
                return response
            message = {"role": "assistant", "content": piece}
            await response.write(line({"message": message, "done": False}))
        if fault is not Fault.NO_DONE:
            await response.write(line(self._last_line(payload, len(pieces))))
        return response

    def _last_line(self, payload: Json, count: int) -> Json:
        sent = math.ceil(sum(len(message["content"]) for message in payload["messages"]) / 4)
        window = int(payload.get("options", {}).get("num_ctx", 4096))
        return {
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": self.done_reason,
            "prompt_eval_count": self.prompt_tokens or min(sent, window),
            "eval_count": count,
        }

    def _count(self, size: int) -> None:
        self.bytes_sent += size

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than the server lives."""
        if seconds > 0 and not self._released.is_set():
            try:
                await asyncio.wait_for(self._released.wait(), seconds)
            except TimeoutError:
                return


def _tagged(model: str) -> str:
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"
