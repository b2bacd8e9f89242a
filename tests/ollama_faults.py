"""What can go wrong at the scripted Ollama, and the replies that need no model."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiohttp import web

Json = dict[str, Any]

LARGEST_BODY = 300 * 1024 * 1024
BLOCK = 64 * 1024
PIECE_OF_TEXT = {"message": {"role": "assistant", "content": "word "}, "done": False}


class Fault(StrEnum):
    """What can go wrong with one request."""

    BUSY = "503, queue full"
    RATE_LIMITED = "429 with Retry-After"
    BAD_GATEWAY = "502, as from a proxy"
    UNAUTHORIZED = "401"
    CRASHED = "500, the runner died before it wrote"
    NO_MEMORY = "500, the model needs more memory than there is"
    ERROR_FIRST = "an error line before any token, with HTTP 200"
    ERROR_LINE = "an error line after pieces_before_fault tokens, with HTTP 200"
    NO_DONE = "a stream that ends without done:true"
    HALF = "a stream, or a body with a length, that ends in its middle"
    RESET = "the connection is reset after pieces_before_fault tokens"
    BAD_JSON = "a line that is not JSON, after pieces_before_fault tokens"
    EMPTY = "done without a word, or no embedding"
    SILENT = "headers, then silence"
    STALL = "headers, one line, then silence"
    HANG = "no answer at all"
    DRIP = "a byte now and then, never done"
    TOKEN_DRIP = "a token every drip_seconds, never done"
    OVERSIZED = "a body of one line without end and without a length, up to 300 MiB"
    OVERSIZED_LINES = "good lines, never done, up to 300 MiB"
    OVERSIZED_LENGTH = "one line, its length of 300 MiB declared"
    REDIRECT = "307 to redirect_to"
    NAN = "500, NaN cannot be encoded"
    NAN_REFUSED = "400, the embedding holds NaN, as since 2026"
    BAD_VALUES = "an embedding of NaN, zeros or words (bad_vector), with HTTP 200"
    WRONG_COUNT = "one embedding too few"
    CLOSED = "the connection is closed before a reply"
    NOT_JSON = "an HTML page with HTTP 200"
    NOT_FOUND_PAGE = "404 in plain text, as from another server"
    NO_THINK = "400 when think is sent, as in 0.12.4"
    NO_ROOM = "400, the prompt does not fit"
    ECHO = "500 whose message repeats what was asked"


ENDLESS = frozenset(
    {
        Fault.SILENT,
        Fault.STALL,
        Fault.DRIP,
        Fault.TOKEN_DRIP,
        Fault.OVERSIZED,
        Fault.OVERSIZED_LINES,
        Fault.OVERSIZED_LENGTH,
    }
)

BUSY_WORDS = "server busy, please try again.  maximum pending requests exceeded"  # two spaces
CRASH_WORDS = "llama runner process has terminated"
TOO_LONG_WORDS = "the input length exceeds the context length"

REFUSALS = {
    Fault.BUSY: (503, BUSY_WORDS),
    Fault.UNAUTHORIZED: (401, "unauthorized"),
    Fault.CRASHED: (500, f"{CRASH_WORDS}: exit status 2"),
    Fault.NO_MEMORY: (
        500,
        "model requires more system memory (8.4 GiB) than is available (3.1 GiB)",
    ),
    Fault.NAN: (500, "failed to encode response: json: unsupported value: NaN"),
    Fault.NAN_REFUSED: (400, "embedding contains NaN or Inf values"),
    Fault.NO_ROOM: (400, TOO_LONG_WORDS),
}


@dataclass(slots=True)
class Planned:
    """A fault for the next requests to paths that start so; times None means always."""

    fault: Fault
    path: str
    times: int | None


def error(status: int, words: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return an error as Ollama words it."""
    return web.json_response({"error": words}, status=status, headers=headers)


def line(value: Json) -> bytes:
    """Return one line of a stream."""
    return json.dumps(value).encode() + b"\n"


async def opened(request: web.Request, length: int | None = None) -> web.StreamResponse:
    """Begin a stream."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    response.content_length = length
    await response.prepare(request)
    return response


def refusal(fault: Fault, payload: Json) -> web.Response | None:
    """Return the reply of a fault that is one short response, or None."""
    match fault:
        case Fault.ECHO:
            return error(500, f"cannot process: {_all_text(payload)}")
        case Fault.NO_THINK if "think" in payload:
            return error(400, f'"{payload["model"]}" does not support thinking')
        case Fault.NOT_FOUND_PAGE:
            return web.Response(status=404, text="404 page not found")
        case Fault.BAD_GATEWAY:
            return web.Response(status=502, text="<html>Bad Gateway</html>")
        case Fault.NOT_JSON:
            return web.Response(text="<html>Welcome</html>", content_type="text/html")
        case _ if fault in REFUSALS:
            return error(*REFUSALS[fault])
        case _:
            return None


def reset(request: web.Request) -> None:
    """Send RST, as when the process on the other side dies."""
    if request.transport is None:
        return
    connection: socket.socket = request.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


async def endless(
    fault: Fault,
    request: web.Request,
    released: asyncio.Event,
    count: Callable[[int], None],
    drip_seconds: float,
) -> web.StreamResponse:
    """Begin a stream that does not end by itself; count is told of each piece that went out."""
    length = LARGEST_BODY if fault is Fault.OVERSIZED_LENGTH else None
    response = await opened(request, length)
    if fault is Fault.SILENT:
        await released.wait()
        return response
    await response.write(line({"message": {"content": "One "}, "done": False}))
    if fault is Fault.STALL:
        await released.wait()
    while fault in (Fault.DRIP, Fault.TOKEN_DRIP) and not released.is_set():
        await response.write(b" " if fault is Fault.DRIP else line(PIECE_OF_TEXT))
        await asyncio.sleep(0.02 if fault is Fault.DRIP else drip_seconds)
    if fault in (Fault.OVERSIZED, Fault.OVERSIZED_LINES, Fault.OVERSIZED_LENGTH):
        one = line(PIECE_OF_TEXT)
        block = one * (BLOCK // len(one)) if fault is Fault.OVERSIZED_LINES else b" " * BLOCK
        for _ in range((LARGEST_BODY - BLOCK) // len(block)):
            await response.write(block)
            count(len(block))
    return response


async def broken_body(
    fault: Fault, request: web.Request, reply: web.Response
) -> web.StreamResponse:
    """Send half of a reply: as if it were whole, or with its length declared and then no more."""
    body = reply.body
    assert isinstance(body, bytes)
    half = body[: len(body) // 2]
    if fault is Fault.BAD_JSON:
        return web.Response(body=half, content_type="application/json")
    response = await opened(request, len(body))
    await response.write(half)
    if fault is Fault.RESET:
        reset(request)
    elif request.transport is not None:
        request.transport.close()
    return response


def _all_text(payload: Json) -> str:
    texts = [message["content"] for message in payload.get("messages", [])]
    return " ".join((*reversed(texts), *payload.get("input", [])))
