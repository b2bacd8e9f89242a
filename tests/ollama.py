"""A scripted Ollama: a real HTTP server on loopback that computes, records, and fails on request.

Its replies follow Ollama 0.9.3 (observed) and 0.33 (read); embeddings are a hashed bag of
words, so texts that share words are near. `async with ScriptedOllama() as ollama: ollama.url`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web

from . import ollama_api as api
from .ollama_chat import chat
from .ollama_conduct import USUAL, Conduct, ContextLength, Script, Written, tagged
from .ollama_faults import (
    BUSY_WORDS,
    ENDLESS,
    Fault,
    Json,
    Planned,
    endless,
    error,
    refusal,
)
from .ollama_model import embedding, quote_first_snippet

__all__ = [
    "Fault",
    "Recorded",
    "ScriptedOllama",
    "Written",
    "embedding",
    "quote_first_snippet",
    "tagged",
]

QUEUED = ("/api/chat", "/api/embed")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it came in."""

    method: str
    path: str
    payload: Json
    headers: dict[str, str] = field(default_factory=dict)


class _Busy(Exception):
    """Raised when the queue for a slot is full."""


class ScriptedOllama(Conduct):
    """Serves version, tags, show, embed, chat, ps and pull as its conduct says."""

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
        port: int = 0,
    ) -> None:
        super().__init__(
            models=models,
            dimension=dimension,
            script=script,
            context_length=context_length,
            parameters=parameters,
            latency_seconds=latency_seconds,
            version=version,
        )
        self.port = port  # 0: a free one
        self.requests: list[Recorded] = []
        self.in_flight = self.most_in_flight = self.cancelled = self.bytes_sent = 0
        self.running = self.most_running = self.waiting = self.most_waiting = 0  # slots, queue
        self._planned: list[Planned] = []
        self._released = asyncio.Event()
        self._semaphore = (0, asyncio.Semaphore(0))
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
        self.go_on.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        payload, problem = _parsed(await request.read())
        headers = dict(request.headers)
        self.requests.append(Recorded(request.method, request.path, payload, headers))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            async with self._slot(request.path):
                await self._pause(self.latency_seconds)
                fault = self._due(request.path)
                reply = await self._failed(fault, request, payload) if fault else None
                if reply is None:
                    reply = await self._answered(request, payload, problem, fault)
                return reply
        except _Busy:
            return error(503, BUSY_WORDS)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        except ConnectionError:
            self.cancelled += 1
            return web.Response()
        finally:
            self.in_flight -= 1

    @asynccontextmanager
    async def _slot(self, path: str) -> AsyncIterator[None]:
        """Wait for one of the slots; a full queue is busy."""
        if self.slots is None or path not in QUEUED:
            yield
            return
        if self._semaphore[0] != self.slots:
            self._semaphore = (self.slots, asyncio.Semaphore(self.slots))
        semaphore = self._semaphore[1]
        if semaphore.locked() and self.waiting >= self.max_queue:
            raise _Busy
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting if semaphore.locked() else 0)
        try:
            await semaphore.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            yield
        finally:
            self.running -= 1
            semaphore.release()

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
            case _ if fault in ENDLESS:
                count = self._count
                return await endless(fault, request, self._released, count, self.drip_seconds)
            case _:
                return refusal(fault, payload)

    async def _answered(
        self, request: web.Request, payload: Json, problem: str, fault: Fault | None
    ) -> web.StreamResponse:
        if (misplaced := api.misplaced(request)) is not None:
            return misplaced
        if self.api_key and request.headers.get("Authorization") != f"Bearer {self.api_key}":
            return error(401, "unauthorized")
        if request.method == "POST" and problem:
            return error(400, problem)
        if (wrong := api.wrong_option(payload)) is not None:
            return error(500, wrong)
        match request.path:
            case "/":
                return web.Response(text="Ollama is running")
            case "/api/version":
                return web.json_response({"version": self.version})
            case "/api/tags":
                return api.tags(self)
            case "/api/ps":
                return api.loaded(self)
            case "/api/show":
                return api.show(self, payload)
            case "/api/embed":
                return await api.embed(self, request, payload, fault)
            case "/api/pull":
                return await api.pull(self, request, payload, fault)
            case _:
                return await chat(self, request, payload, fault)

    def _count(self, size: int) -> None:
        self.bytes_sent += size

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than the server lives."""
        if seconds > 0 and not self._released.is_set():
            try:
                await asyncio.wait_for(self._released.wait(), seconds)
            except TimeoutError:
                return


def _parsed(body: bytes) -> tuple[Json, str]:
    """Return the payload, and what the server says when there is none."""
    if not body:
        return {}, "missing request body"
    try:
        payload = json.loads(body)
    except ValueError:
        return {}, "invalid character in the request body"
    return (payload, "") if isinstance(payload, dict) else ({}, "cannot unmarshal the request")
