"""Messages → what the model wrote: the request, and the failures that look like answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import ClientResponse

from .breaker import Passage
from .ollama_http import Timeouts, Transport
from .ollama_purposes import generating
from .ollama_reply import PromptTooLong, Rejected, WroteNothing
from .ollama_stream import ChatResult, Heard

Message = Mapping[str, str]
Read = Callable[[ClientResponse, Heard], Awaitable[ChatResult]]

CONTEXT_HINT = "[hint: reduce CTX_BUDGET or increase NUM_CTX]"
NOTHING_HINT = "[hint: increase NUM_PREDICT or use a model without thinking]"


def chat_payload(
    model: str,
    messages: Sequence[Message],
    options: Mapping[str, float | int],
    format: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return the request; without messages Ollama only loads the model."""
    payload: dict[str, object] = {
        "model": model,
        "messages": [dict(message) for message in messages],
        "stream": True,
        "think": False,
        "truncate": False,  # servers that know these two refuse a long prompt instead of cutting it
        "shift": False,
        "options": dict(options),
    }
    return payload if format is None else {**payload, "format": dict(format)}


async def generated(
    transport: Transport,
    timeouts: Timeouts,
    payload: Mapping[str, object],
    read: Read,
    passage: Passage,
    *,
    private: str = "",
    seconds: float | None = None,
) -> ChatResult:
    """Ask; the first token tells the passage that the server is well. The text may be empty.

    Asks once more without "think" where that is refused: 0.12.4 does so for models that cannot.
    """

    async def listen(response: ClientResponse, heard: Heard) -> ChatResult:
        def heard_alive(is_token: bool) -> None:
            heard(is_token)
            if is_token:
                passage.note_life()

        return await read(response, heard_alive)

    async def ask(payload: Mapping[str, object]) -> ChatResult:
        purpose = generating(timeouts, str(payload["model"]), private)
        return await transport.call(
            "/api/chat", dict(payload), purpose=purpose, read=listen, budget_seconds=seconds
        )

    try:
        return await ask(payload)
    except Rejected as error:
        if _is_too_long(error):
            raise PromptTooLong(f"{error} {CONTEXT_HINT}") from error
        if error.status != 400 or "think" not in error.detail:
            raise
    return await ask({name: value for name, value in payload.items() if name != "think"})


def check_written(result: ChatResult, model: str, url: str) -> ChatResult:
    """Return the result, or raise WroteNothing when its text is empty."""
    if result.text:
        return result
    raise WroteNothing(
        f"Model {model} on {url} wrote nothing (done_reason {result.done_reason!r}). {NOTHING_HINT}"
    )


def _is_too_long(error: Rejected) -> bool:
    words = error.detail.lower()
    return error.status == 400 and any(sign in words for sign in ("context", "too long", "exceed"))
