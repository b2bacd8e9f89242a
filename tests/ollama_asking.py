"""A client with short time-outs for the tests of the Ollama side, and one question to ask."""

from __future__ import annotations

import asyncio
import socket

from core.ollama import BreakerRules, OllamaClient, Timeouts

from .ollama import ScriptedOllama

QUESTION = "How do I cancel the secret project Bluebird?"
MESSAGES = [{"role": "user", "content": QUESTION}]
OPTIONS: dict[str, float | int] = {"temperature": 0, "seed": 42, "num_ctx": 4096}
EMBED_PATH, CHAT_PATH = "/api/embed", "/api/chat"


def client(
    url: str,
    *,
    retries: int = 0,
    read_seconds: float = 5.0,
    connect_seconds: float = 2.0,
    max_response_bytes: int = 1024 * 1024,
    probe_read_seconds: float = 10.0,
    api_key: str = "",
    breaker: BreakerRules | None = None,
) -> OllamaClient:
    timeouts = Timeouts(connect_seconds=connect_seconds, read_seconds=read_seconds)
    return OllamaClient(
        url,
        embed_timeouts=timeouts,
        chat_timeouts=timeouts,
        retries=retries,
        max_response_bytes=max_response_bytes,
        probe_read_seconds=probe_read_seconds,
        api_key=api_key,
        breaker=breaker or BreakerRules(),
    )


async def ask(
    url: str,
    path: str,
    *,
    count: int = 1,
    retries: int = 0,
    read_seconds: float = 5.0,
    connect_seconds: float = 2.0,
    seconds: float | None = None,
) -> None:
    """Send the question, as a chat or as so many texts to embed."""
    asking = client(
        url, retries=retries, read_seconds=read_seconds, connect_seconds=connect_seconds
    )
    async with asking:
        if path == CHAT_PATH:
            await asking.chat("llama3.2", MESSAGES, options=OPTIONS, seconds=seconds)
        else:
            await asking.embed("nomic-embed-text", [QUESTION] * count, seconds=seconds)


async def settled(ollama: ScriptedOllama) -> None:
    """Wait until the server has noticed that its clients are gone."""
    async with asyncio.timeout(5):
        while ollama.in_flight:
            await asyncio.sleep(0.01)


def closed_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
