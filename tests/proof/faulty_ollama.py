"""A scripted Ollama whose chat breaks in every way that one request can, and counts the chats."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum

from aiohttp import web

from tests.ollama import Fault, ScriptedOllama
from tests.ollama_asking import CHAT_PATH
from tests.ollama_faults import Json, error, line, opened

MODEL = "llama3.2"
BOMB_BYTES = 300 * 1024 * 1024
PIECE_BYTES = 64 * 1024
DRAFT_SECONDS = 2.5  # a draft is shown after one second
SNIPPET = re.compile(r"^\[1 \|[^\n]*\]\n(.+?)\n<<end ", re.M | re.S)


class Break(StrEnum):
    """How a chat breaks; each one again and again until `chat_break` is set to None."""

    HANG = "no reply at all"
    STATUS_500 = "500"
    STATUS_503 = "503"
    RETRY_AFTER = "429 with Retry-After: 3600"
    RESET = "the connection is reset before a reply"
    HALF_BODY = "the connection is reset in the middle of a line"
    BOMB_STATUS = "500 with 300 MiB"
    BOMB_BLANK = "300 MiB of blanks"
    BOMB_LINES = "300 MiB of tokens"
    DRIP_BYTES = "a blank now and then"
    DRIP_TOKENS = "a token now and then"
    HTML = "a page of HTML with 200"
    BAD_LINE = "a token, then a line that is not JSON"
    ERROR_FIRST = "an error line in a 200 before the first token"
    ERROR_LATER = "an error line in a 200 after the first token"
    NO_DONE = "an end without done"
    ONLY_THOUGHT = "a thought in its own field and nothing else"
    ONLY_TAGS = "a thought in tags and nothing else"
    EMPTY = "done at once"
    FOREIGN = "JSON of another service"
    MISSING = "404, the model is gone"
    REDIRECT = "307 to another address"
    DRAFT_STALL = "two good sentences, then silence"
    DRAFT_ERROR = "two good sentences, then an error line"
    DRAFT_RESET = "two good sentences, then a reset"
    DRAFT_NO_DONE = "two good sentences, then an end without done"
    BUSY_ONCE = "503 the first time, an answer the second"
    SLOW = "an answer after slow_seconds"


DRAFTING = (Break.DRAFT_STALL, Break.DRAFT_ERROR, Break.DRAFT_RESET, Break.DRAFT_NO_DONE)
NO_FAILURE = (Break.BUSY_ONCE, Break.SLOW)


class FaultyOllama(ScriptedOllama):
    """chat_break is how every chat breaks from now on; chats and most_chats count them."""

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(models=(MODEL,), port=port)
        self.chat_break: Break | None = None
        self.slow_seconds = 1.0
        self.chats = self.most_chats = self.answers = 0
        self._refused: set[str] = set()

    async def settled(self) -> None:
        """Wait until nothing is in flight: what the bot gave up on is cancelled here, too."""
        async with asyncio.timeout(5):
            while self.in_flight:
                await asyncio.sleep(0.02)

    async def _answered(
        self, request: web.Request, payload: Json, problem: str, fault: Fault | None
    ) -> web.StreamResponse:
        if request.path != CHAT_PATH or not payload.get("messages"):  # none: it is to be loaded
            return await super()._answered(request, payload, problem, fault)
        self.chats += 1
        self.most_chats = max(self.most_chats, self.chats)
        try:
            if self.chat_break is Break.SLOW:
                await asyncio.sleep(self.slow_seconds)
            elif self.chat_break is Break.BUSY_ONCE and self._is_first(payload):
                return error(503, "server busy, please try again.")
            elif self.chat_break is not None and self.chat_break not in NO_FAILURE:
                return await self._break(self.chat_break, request, payload)
            response = await super()._answered(request, payload, problem, fault)
            self.answers += 1
            return response
        finally:
            self.chats -= 1

    def _is_first(self, payload: Json) -> bool:
        prompt = str(payload["messages"])
        is_first = prompt not in self._refused
        self._refused.add(prompt)
        return is_first

    async def _break(self, how: Break, request: web.Request, payload: Json) -> web.StreamResponse:
        refusals: Mapping[Break, Callable[[], web.Response]] = {
            Break.STATUS_500: lambda: error(500, "llama runner process has terminated"),
            Break.STATUS_503: lambda: error(503, "server busy, please try again."),
            Break.RETRY_AFTER: lambda: error(429, "too many requests", {"Retry-After": "3600"}),
            Break.MISSING: lambda: error(404, f'model "{MODEL}" not found, try pulling it first'),
            Break.REDIRECT: lambda: web.Response(
                status=307, headers={"Location": "http://127.0.0.1:1/api/chat"}
            ),
            Break.HTML: lambda: web.Response(text="<html>Welcome</html>", content_type="text/html"),
        }
        if how in refusals:
            return refusals[how]()
        if how is Break.HANG:
            await self._released.wait()
            return web.Response()
        if how is Break.RESET:
            return _reset(request, web.Response())
        response = await (opened(request) if how is not Break.BOMB_STATUS else failed(request))
        async for piece in self._pieces(how, payload):
            await response.write(piece)
            self._count(len(piece))
        if how in (Break.HALF_BODY, Break.DRAFT_RESET):
            return _reset(request, response)
        if how is Break.DRAFT_STALL:
            await self._released.wait()
        return response

    async def _pieces(self, how: Break, payload: Json) -> AsyncIterator[bytes]:
        match how:
            case Break.HALF_BODY:
                yield said("Open ")
                yield said("**Tags** ")[:20]
                await asyncio.sleep(0.05)  # so that what was written is sent
            case Break.BOMB_BLANK | Break.BOMB_LINES | Break.BOMB_STATUS:
                piece = said("word " * 13_000) if how is Break.BOMB_LINES else b" " * PIECE_BYTES
                for _ in range(BOMB_BYTES // len(piece)):
                    yield piece
            case Break.DRIP_BYTES | Break.DRIP_TOKENS:
                while not self._released.is_set():
                    yield b" " if how is Break.DRIP_BYTES else said("word ")
                    await asyncio.sleep(0.2)
            case Break.BAD_LINE:
                yield said("Open ")
                yield b"{not JSON}\n"
            case Break.ERROR_FIRST | Break.ERROR_LATER:
                if how is Break.ERROR_LATER:
                    yield said("Open ")
                yield line({"error": "an error was encountered while running the model"})
            case Break.NO_DONE:
                yield said("Open the menu [1].")
            case Break.ONLY_THOUGHT:
                yield line({"message": {"content": "", "thinking": "Hm, what now?"}, "done": False})
                yield done("stop")
            case Break.ONLY_TAGS:
                yield said("<think>Hm, what now?")
                yield done("length")
            case Break.EMPTY:
                yield done("stop")
            case Break.FOREIGN:
                yield line({"choices": [{"message": "hello"}], "message": 5, "done": "yes"})
            case Break.DRAFT_STALL | Break.DRAFT_ERROR | Break.DRAFT_RESET | Break.DRAFT_NO_DONE:
                for sentence in sentences(payload):
                    yield said(f"{sentence} [1] ")
                yield said("And then ")
                await asyncio.sleep(DRAFT_SECONDS)
                if how is Break.DRAFT_ERROR:
                    yield line({"error": "llama runner process has terminated"})


async def failed(request: web.Request) -> web.StreamResponse:
    """Begin a reply with an error status."""
    response = web.StreamResponse(status=500, headers={"Content-Type": "application/json"})
    await response.prepare(request)
    return response


def said(text: str) -> bytes:
    """Give the line of some tokens."""
    return line({"message": {"role": "assistant", "content": text}, "done": False})


def done(reason: str) -> bytes:
    """Give the last line."""
    counts = {"done_reason": reason, "prompt_eval_count": 100, "eval_count": 5}
    return line({"message": {"role": "assistant", "content": ""}, "done": True, **counts})


def sentences(payload: Json) -> list[str]:
    """Take the first snippet apart; each of its sentences is an answer that may be shown."""
    found = SNIPPET.search(payload["messages"][-1]["content"])
    assert found is not None, "the prompt has another form"
    text = " ".join(found.group(1).split())
    return re.split(r"(?<=[.!?])\s", text)[:2]


def _reset(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return response


@asynccontextmanager
async def ollama_on(port: int = 0) -> AsyncIterator[FaultyOllama]:
    """Start one, also on a port where one was before."""
    async with FaultyOllama(port=port) as ollama:
        yield ollama
