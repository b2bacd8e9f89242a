"""A Slack that does on the wire what a test says: hangs, talks nonsense, hangs up."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Any

from aiohttp import WSMsgType, web

Json = dict[str, Any]
HELLO = {"type": "hello", "num_connections": 1}


class ScriptedSlack:
    """Two methods of the Web API and Socket Mode; use it with `async with ScriptedSlack()`."""

    def __init__(self, port: int = 0) -> None:
        self.opened: list[float] = []  # when apps.connections.open was called
        self.open_replies: list[web.Response] = []  # in place of an address, oldest first
        self.posts = 0  # calls of chat.postMessage
        self.transports: list[asyncio.Transport] = []  # of the connections
        self.acks: asyncio.Queue[Json] = asyncio.Queue()
        self.greets = True
        self.has_opening = asyncio.Event()  # clear: apps.connections.open hangs
        self.has_handshake = asyncio.Event()  # clear: the handshake hangs
        self.has_opening.set()
        self.has_handshake.set()
        self.hanging = asyncio.Semaphore(0)  # one release for each request that hangs
        self._connected: asyncio.Queue[web.WebSocketResponse] = asyncio.Queue()
        self._port = port
        application = web.Application()
        application.add_routes(
            [
                web.post("/api/auth.test", self._auth_test),
                web.post("/api/apps.connections.open", self._open),
                web.post("/api/chat.postMessage", self._post),
                web.get("/link", self._link),
            ]
        )
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)

    @property
    def url(self) -> str:
        """Give the address."""
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    @property
    def api_url(self) -> str:
        """Give the address of the Web API."""
        return f"{self.url}/api/"

    async def connection(self, timeout_seconds: float = 5.0) -> web.WebSocketResponse:
        """Wait for the next connection."""
        return await asyncio.wait_for(self._connected.get(), timeout_seconds)

    def deafen(self) -> None:
        """Read nothing more on any connection, not even that it is closed."""
        for transport in self.transports:
            transport.pause_reading()

    def hang_up(self) -> None:
        """Drop every connection."""
        for transport in self.transports:
            transport.abort()

    async def ack(self) -> Json:
        """Wait for the next acknowledgement."""
        return await asyncio.wait_for(self.acks.get(), 5)

    async def __aenter__(self) -> ScriptedSlack:
        """Listen."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; what hangs is let go."""
        self.has_opening.set()
        self.has_handshake.set()
        await self._runner.cleanup()

    async def _auth_test(self, request: web.Request) -> web.Response:
        who = {"team": "Acme", "team_id": "T0SIM", "user_id": "U0BOT", "bot_id": "B0BOT"}
        return web.json_response({"ok": True, **who})

    async def _open(self, request: web.Request) -> web.Response:
        self.opened.append(asyncio.get_running_loop().time())
        await self._pass(self.has_opening)
        if self.open_replies:
            return self.open_replies.pop(0)
        address = f"{self.url.replace('http', 'ws', 1)}/link?ticket=secret"
        return web.json_response({"ok": True, "url": address})

    async def _post(self, request: web.Request) -> web.Response:
        self.posts += 1
        return web.json_response({"ok": True, "channel": "C1", "ts": "2"})

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        await self._pass(self.has_handshake)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.greets:
            await socket.send_json(HELLO)
        assert request.transport is not None
        self.transports.append(request.transport)
        self._connected.put_nowait(socket)
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                self.acks.put_nowait(json.loads(frame.data))
        return socket

    async def _pass(self, gate: asyncio.Event) -> None:
        if not gate.is_set():
            self.hanging.release()
            await gate.wait()
