"""Raw questions to an Ollama: what went over the wire, without any client of ours between."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

EMBEDDING_MODEL, CHAT_MODEL = "all-minilm", "smollm2:135m"
SHORT = [{"role": "user", "content": "Say hello."}]
NUM_CTX = 256  # one for nearly all tests: another would make the real server load the model again
OPTIONS: dict[str, float | int] = {"temperature": 0, "seed": 7, "num_ctx": NUM_CTX}
SECONDS = 200.0  # the real server is slow, most of all beside others


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, read to its end."""

    status: int
    kind: str  # the media type, without its parameters
    text: str

    @property
    def value(self) -> dict[str, Any]:
        parsed = json.loads(self.text)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@dataclass(frozen=True, slots=True)
class Served:
    """One of the two servers."""

    url: str

    async def ask(
        self,
        path: str,
        payload: Mapping[str, Any] | None = None,
        *,
        method: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request: GET without anything to send, else POST."""
        sent = json.dumps(payload).encode() if payload is not None else body
        async with (
            aiohttp.ClientSession(trust_env=False) as session,
            session.request(
                method or ("GET" if sent is None else "POST"),
                self.url + path,
                data=sent,
                headers={"Content-Type": "application/json", **(headers or {})},
                timeout=aiohttp.ClientTimeout(total=SECONDS),
            ) as response,
        ):
            return Reply(response.status, response.content_type, await response.text())

    async def embed(self, **payload: Any) -> Reply:
        return await self.ask("/api/embed", {"model": EMBEDDING_MODEL, **payload})

    async def vectors(self, *texts: str) -> list[list[float]]:
        found: list[list[float]] = (await self.embed(input=list(texts))).value["embeddings"]
        return found

    async def chat(self, *, num_predict: int = 4, **payload: Any) -> Reply:
        """Chat; what is given wins over a short question with short, repeatable answers."""
        options = {**OPTIONS, "num_predict": num_predict, **payload.pop("options", {})}
        whole = {"model": CHAT_MODEL, "messages": SHORT, "options": options, **payload}
        return await self.ask("/api/chat", whole)

    async def say(self, **payload: Any) -> dict[str, Any]:
        """Chat without a stream; return the one object."""
        reply = await self.chat(stream=False, **payload)
        assert reply.status == 200, reply.text
        return reply.value
