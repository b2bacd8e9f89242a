"""One Web API call: the arguments of a request, their readers, and what a method is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from .model import Json, SlackError

JSON_ARGUMENTS = ("attachments", "blocks", "chunks", "loading_messages", "metadata", "prompts")
UNREADABLE = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}
TIER_2, TIER_3, TIER_4 = 20, 50, 100  # calls a minute; docs: rate limits
MAX_PAGE = 1_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method; one of `scopes` is needed, none when it is empty."""

    run: Callable[[Json], Json]
    scopes: tuple[str, ...] = ()
    per_minute: int = TIER_3
    is_per_channel: bool = False
    is_app_level: bool = False  # wants the xapp- token, in a header, by POST
    reads: bool = False  # takes arguments by query or form only; a JSON body is not looked at


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call brought: from query and form, and from a JSON body."""

    plain: Json
    body: Json

    def of(self, method: Method | None) -> Json:
        """Give the arguments that a method sees."""
        merged = dict(self.plain) if method is not None and method.reads else self.plain | self.body
        for name in (*JSON_ARGUMENTS, "view"):
            if isinstance(merged.get(name), str):
                merged[name] = _decode(name, merged[name])
        return merged


async def read_arguments(request: web.Request) -> Arguments:
    """Read query, form and JSON body; raise invalid_json, json_not_object, invalid_form_data."""
    plain: Json = dict(request.query)
    if request.content_type == "application/json":
        return Arguments(plain, await _json_body(request))
    if request.can_read_body:
        try:
            plain |= dict(await request.post())
        except ValueError as error:
            raise SlackError("invalid_form_data") from error
    return Arguments(plain, {})


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


def page(items: Sequence[T], arguments: Json, *, default: int = 100) -> tuple[list[T], str]:
    """Cut one page out of a list: its items, and the cursor of the next one or ""."""
    try:
        size = int(arguments.get("limit") or default)
    except ValueError as error:
        raise SlackError("invalid_limit") from error
    if not 1 <= size <= MAX_PAGE:
        raise SlackError("invalid_limit")
    start = _offset(str(arguments.get("cursor") or ""))
    stop = start + size
    return list(items[start:stop]), _cursor(stop) if stop < len(items) else ""


def paged(name: str, found: tuple[list[T], str]) -> Json:
    """Give a page as most methods do: the items by name, and the next cursor."""
    items, cursor = found
    return {name: items, "response_metadata": {"next_cursor": cursor}}


def _cursor(offset: int) -> str:
    return base64.b64encode(f"next:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, offset = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "next":
            return int(offset)
    except ValueError as error:
        raise SlackError("invalid_cursor") from error
    raise SlackError("invalid_cursor")


async def _json_body(request: web.Request) -> Json:
    if not request.can_read_body:  # slack_sdk's blocking client calls auth.test like this
        return {}
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
        raise SlackError(UNREADABLE.get(name, "invalid_arguments")) from error
