"""What can go wrong at the scripted Ollama, and the replies that need no model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiohttp import web

Json = dict[str, Any]

LARGEST_BODY = 64 * 1024 * 1024


class Fault(StrEnum):
    """What can go wrong with one request."""

    BUSY = "503, queue full"
    RATE_LIMITED = "429 with Retry-After"
    ERROR_LINE = "an error line in the stream, with HTTP 200"
    NO_DONE = "a stream that ends without done:true"
    STALL = "headers, one line, then silence"
    HANG = "no answer at all"
    DRIP = "a byte now and then, never done"
    OVERSIZED = "a body without end, up to 64 MiB"
    REDIRECT = "307 to redirect_to"
    NAN = "500, NaN cannot be encoded"
    BAD_VALUES = "an embedding of NaN, zeros or words (bad_vector), with HTTP 200"
    WRONG_COUNT = "one embedding too few"
    CLOSED = "the connection is closed before a reply"
    NOT_JSON = "an HTML page with HTTP 200"
    NOT_FOUND_PAGE = "404 in plain text, as from another server"
    NO_THINK = "400 when think is sent, as in 0.12.4"
    NO_ROOM = "400, the prompt does not fit"
    ECHO = "500 whose message repeats what was asked"


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


async def opened(request: web.Request) -> web.StreamResponse:
    """Begin a stream."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    return response


def refusal(fault: Fault, payload: Json) -> web.Response | None:
    """Return the reply of a fault that is one short response, or None."""
    match fault:
        case Fault.BUSY:
            words = "server busy, please try again.  maximum pending requests exceeded"
            return error(503, words)
        case Fault.NAN:
            return error(500, "failed to encode response: json: unsupported value: NaN")
        case Fault.ECHO:
            return error(500, f"cannot process: {_all_text(payload)}")
        case Fault.NO_THINK if "think" in payload:
            return error(400, f'"{payload["model"]}" does not support thinking')
        case Fault.NO_ROOM:
            return error(400, "the prompt exceeds the context length")
        case Fault.NOT_FOUND_PAGE:
            return web.Response(status=404, text="404 page not found")
        case Fault.NOT_JSON:
            return web.Response(text="<html>Welcome</html>", content_type="text/html")
        case _:
            return None


async def endless(
    fault: Fault, request: web.Request, released: asyncio.Event, count: Callable[[int], None]
) -> web.StreamResponse:
    """Begin a stream that does not end by itself; count is told of each piece that went out."""
    response = await opened(request)
    await response.write(line({"message": {"content": "One "}, "done": False}))
    sent = 0
    if fault is Fault.STALL:
        await released.wait()
    while fault is Fault.DRIP and not released.is_set():
        await response.write(b" ")
        await asyncio.sleep(0.02)
    while fault is Fault.OVERSIZED and sent < LARGEST_BODY:
        await response.write(b" " * 65536)
        count(65536)
        sent += 65536
    return response


def _all_text(payload: Json) -> str:
    texts = [message["content"] for message in payload.get("messages", [])]
    return " ".join((*reversed(texts), *payload.get("input", [])))
