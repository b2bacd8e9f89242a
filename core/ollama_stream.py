"""Read what Ollama sends: capped bodies, JSON, chat streams of one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass

from aiohttp import ClientResponse

OPENING, CLOSING = "<think>", "</think>"


# Told of each line of a stream as it comes, and whether it holds a token, visible or thought.
Heard = Callable[[bool], None]


class BadReply(Exception):
    """Raised by readers when the body is not what the API promises; ollama_errors translates it.

    The reason completes "Ollama at … "; the detail is the server's own words. What is_passing may
    be gone when the same is asked again.
    """

    def __init__(self, reason: str, detail: str = "", *, is_passing: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.is_passing = is_passing


class TooLong(BadReply):
    """Raised by readers when the body, or a line of it, is longer than anyone wants."""


@dataclass(frozen=True, slots=True)
class ChatResult:
    """What a model wrote, without its thinking; the counts are 0 when Ollama did not say."""

    text: str
    prompt_tokens: int
    done_reason: str
    has_thought: bool = False  # it wrote some of its thinking into the text
    answer_tokens: int = 0  # what it wrote, thoughts included


async def read_capped(response: ClientResponse, limit: int) -> bytes:
    """Return the whole body, or raise BadReply as soon as it is longer than limit bytes."""
    body = bytearray()
    async for piece in _pieces(response, limit):
        body += piece
    return bytes(body)


async def read_json(response: ClientResponse, _: Heard, *, limit: int) -> dict[str, object]:
    """Return the body as a JSON object."""
    return parse_object(await read_capped(response, limit))


async def read_chat(
    response: ClientResponse,
    heard: Heard,
    *,
    limit: int,
    on_text: Callable[[str], None] | None = None,
    starts_thinking: bool = False,
) -> ChatResult:
    """Join a chat stream; on_text gets each new visible piece.

    starts_thinking takes the text for a thought until one is closed. Fails on an error line and on
    a stream that ends without "done": true.
    """
    written: list[str] = []
    visible_pieces = ThoughtFilter(is_thinking=starts_thinking)
    async for line in read_lines(response, total_limit=limit, line_limit=limit):
        if "error" in line:
            raise BadReply("stopped while answering", str(line["error"]), is_passing=True)
        piece = _said(line, "content")
        heard(bool(piece or _said(line, "thinking")))
        written.append(piece)
        if on_text is not None and (visible := visible_pieces.feed(piece)):
            on_text(visible)
        if line.get("done") is True:
            whole = "".join(written)
            return ChatResult(
                text=strip_thinking(whole),
                prompt_tokens=_count(line, "prompt_eval_count"),
                done_reason=str(line.get("done_reason", "")),
                has_thought=CLOSING in whole,
                answer_tokens=_count(line, "eval_count"),
            )
    raise BadReply("stopped in the middle of an answer", is_passing=True)


async def read_lines(
    response: ClientResponse, *, total_limit: int | None, line_limit: int
) -> AsyncGenerator[dict[str, object], None]:
    """Yield the objects of a stream, one a line; fails when it, or a line, is too long."""
    held = bytearray()
    async for piece in _pieces(response, total_limit):
        held += piece
        if b"\n" in piece:
            *complete, held = held.split(b"\n")
            for line in complete:
                if line.strip():
                    yield parse_object(line)
        if len(held) > line_limit:
            raise _too_long(line_limit)
    if held.strip():
        yield parse_object(held)


def parse_object(body: bytes | bytearray) -> dict[str, object]:
    """Return one JSON object, or raise BadReply."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadReply("sent something that is not JSON") from error
    if not isinstance(parsed, dict):
        raise BadReply("sent JSON that is not an object")
    return parsed


def strip_thinking(text: str) -> str:
    """Remove <think>…</think>, also when either end is missing; cut spaces at both ends.

    >>> strip_thinking("<think>hm</think>Yes [1].")
    'Yes [1].'
    """
    opening, closing = text.find(OPENING), text.find(CLOSING)
    start = 0
    if closing >= 0 and (opening < 0 or closing < opening):
        start = closing + len(CLOSING)  # some templates write the opening themselves
    kept = []
    while (opening := text.find(OPENING, start)) >= 0:
        kept.append(text[start:opening])
        closing = text.find(CLOSING, opening)
        start = closing + len(CLOSING) if closing >= 0 else len(text)
    return "".join((*kept, text[start:])).replace(CLOSING, "").strip()


class ThoughtFilter:
    """Lets through the visible pieces of a stream and holds back what may start a thought."""

    def __init__(self, *, is_thinking: bool = False) -> None:
        self._held = ""
        self._is_thinking = is_thinking

    def feed(self, piece: str) -> str:
        """Return what of the text so far is new and certainly visible."""
        self._held += piece
        visible = []
        while True:
            tag = CLOSING if self._is_thinking else OPENING
            before, found, after = self._held.partition(tag)
            if not found:
                break
            if not self._is_thinking:
                visible.append(before)
            self._is_thinking = not self._is_thinking
            self._held = after
        kept = _possible_start(self._held, tag)
        if not self._is_thinking:
            visible.append(self._held[: len(self._held) - kept])
        self._held = self._held[len(self._held) - kept :]
        return "".join(visible)


def _possible_start(text: str, tag: str) -> int:
    """Return how many characters at the end of the text may be the beginning of the tag."""
    return next((n for n in range(len(tag) - 1, 0, -1) if text.endswith(tag[:n])), 0)


async def _pieces(response: ClientResponse, limit: int | None) -> AsyncIterator[bytes]:
    received = 0
    async for piece in response.content.iter_any():
        received += len(piece)
        if limit is not None and received > limit:
            raise _too_long(limit)
        yield piece


def _too_long(limit: int) -> TooLong:
    return TooLong(f"sent more than {limit:,} bytes")


def _said(line: dict[str, object], name: str) -> str:
    message = line.get("message")
    text = message.get(name) if isinstance(message, dict) else None
    return text if isinstance(text, str) else ""


def _count(line: dict[str, object], name: str) -> int:
    number = line.get(name)
    return number if isinstance(number, int) and number > 0 else 0
