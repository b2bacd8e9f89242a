"""Read what Ollama sends: capped bodies, JSON, chat streams of one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from aiohttp import ClientResponse

OPENING, CLOSING = "<think>", "</think>"


class BadReply(Exception):
    """Raised by readers when the body is not what the API promises; ollama_http translates it.

    The reason completes "Ollama at … "; the detail is the server's own words.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ChatResult:
    """What a model wrote, without its thinking; prompt_tokens is 0 when Ollama did not say."""

    text: str
    prompt_tokens: int
    done_reason: str
    has_thought: bool = False  # it wrote some of its thinking into the text


async def read_capped(response: ClientResponse, limit: int) -> bytes:
    """Return the whole body, or raise BadReply as soon as it is longer than limit bytes."""
    body = bytearray()
    async for piece in _pieces(response, limit):
        body += piece
    return bytes(body)


async def read_json(response: ClientResponse, limit: int) -> dict[str, object]:
    """Return the body as a JSON object."""
    return parse_object(await read_capped(response, limit))


async def read_chat(
    response: ClientResponse,
    limit: int,
    on_text: Callable[[str], None] | None,
    starts_thinking: bool = False,
) -> ChatResult:
    """Join a chat stream; on_text gets each new visible piece.

    starts_thinking takes the text for a thought until one is closed. Fails on an error line and on
    a stream that ends without "done": true.
    """
    written: list[str] = []
    visible_pieces = ThoughtFilter(is_thinking=starts_thinking)
    async for line in _lines(response, limit):
        if "error" in line:
            raise BadReply("stopped while answering", str(line["error"]))
        piece = _content(line)
        written.append(piece)
        if on_text is not None and (visible := visible_pieces.feed(piece)):
            on_text(visible)
        if line.get("done") is True:
            tokens = line.get("prompt_eval_count")
            whole = "".join(written)
            return ChatResult(
                text=strip_thinking(whole),
                prompt_tokens=tokens if isinstance(tokens, int) else 0,
                done_reason=str(line.get("done_reason", "")),
                has_thought=CLOSING in whole,
            )
    raise BadReply("stopped in the middle of an answer")


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


async def _lines(response: ClientResponse, limit: int) -> AsyncIterator[dict[str, object]]:
    held = bytearray()
    async for piece in _pieces(response, limit):
        held += piece
        if b"\n" not in piece:
            continue
        *complete, held = held.split(b"\n")
        for line in complete:
            if line.strip():
                yield parse_object(line)
    if held.strip():
        yield parse_object(held)


async def _pieces(response: ClientResponse, limit: int) -> AsyncIterator[bytes]:
    received = 0
    async for piece in response.content.iter_any():
        received += len(piece)
        if received > limit:
            raise BadReply(f"sent more than {limit:,} bytes")
        yield piece


def _content(line: dict[str, object]) -> str:
    message = line.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""
