"""One Web API call: the arguments of a request, their readers, and what a method is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from .model import Json, SlackError

JSON_ARGUMENTS = ("attachments", "blocks", "chunks", "loading_messages", "metadata", "prompts")
TIER_2, TIER_3, TIER_4 = 20, 50, 100  # calls a minute; docs: rate limits


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method; one of `scopes` is needed, none when it is empty."""

    run: Callable[[Json], Json]
    scopes: tuple[str, ...] = ()
    per_minute: int = TIER_3
    is_per_channel: bool = False
    is_app_level: bool = False  # wants the xapp- token


async def read_arguments(request: web.Request) -> Json:
    """Merge query, form and JSON body; JSON inside strings is decoded."""
    arguments: Json = dict(request.query)
    if request.content_type == "application/json":
        arguments |= await _json_body(request)
    elif request.can_read_body:
        arguments |= dict(await request.post())
    for name in (*JSON_ARGUMENTS, "view"):
        if isinstance(arguments.get(name), str):
            arguments[name] = _decode(name, arguments[name])
    return arguments


def required(arguments: Json, name: str) -> str:
    """Read an argument that must be there; raise invalid_arguments."""
    value = arguments.get(name)
    if value in (None, ""):
        problem = f"[ERROR] missing required field: {name}"
        raise SlackError("invalid_arguments", response_metadata={"messages": [problem]})
    return str(value)


def flag(arguments: Json, name: str) -> bool:
    """Read a boolean, which may arrive as a string."""
    return str(arguments.get(name, "")).lower() in ("1", "true")


def page(items: list[Json] | list[str], arguments: Json, *, default: int = 100) -> Json:
    """Cut one page out of a list: items, has_more and the next cursor (an offset)."""
    try:
        start, size = int(arguments.get("cursor") or 0), int(arguments.get("limit") or default)
    except ValueError as error:
        raise SlackError("invalid_cursor") from error
    stop = start + min(max(size, 1), 1000)
    cursor = str(stop) if stop < len(items) else ""
    metadata = {"response_metadata": {"next_cursor": cursor}}
    return {"items": items[start:stop], "has_more": bool(cursor)} | metadata


async def _json_body(request: web.Request) -> Json:
    try:
        body = await request.json()
    except ValueError as error:
        raise SlackError("invalid_json") from error
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body


def _decode(name: str, value: str) -> object:
    try:
        return json.loads(value)
    except ValueError as error:
        code = "invalid_blocks_format" if name == "blocks" else "invalid_arguments"
        raise SlackError(code) from error
