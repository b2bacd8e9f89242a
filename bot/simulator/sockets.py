"""Socket Mode connections: tickets, WebSockets, frames and the ways in which they end.

Gives frames to any open socket; what the app answers goes to `on_answer`, whichever socket it uses.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import WSMessage, WSMsgType, web

from .faults import FaultKind, Faults
from .feed import Change, ChangeType, Feed
from .model import APP_ID, Clock, Json, Pace

MAX_TICKETS = 100
MAX_SOCKETS = 10  # docs: at most ten WebSockets an app
CLOSE_SECONDS = 0.5
DEBUG: Json = {"host": "applink-sim"}


@dataclass(slots=True, eq=False)
class Socket:
    """One connection; a silent one reads and writes nothing, a leaving one gets no envelopes."""

    response: web.WebSocketResponse
    transport: asyncio.Transport | None
    is_silent: bool = False
    is_leaving: bool = False

    async def send(self, frame: Json) -> None:
        """Write a frame; a silent socket swallows it."""
        if not self.is_silent:
            await self.response.send_json(frame)


def no_answer(answer: Json) -> None:
    """Ignore an acknowledgement."""


@dataclass(slots=True)
class Sockets:
    """Every WebSocket of the app."""

    feed: Feed
    faults: Faults
    clock: Clock
    pace: Pace
    on_answer: Callable[[Json], None] = no_answer
    _tickets: dict[str, float] = field(default_factory=dict)
    _open: list[Socket] = field(default_factory=list)
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    @property
    def is_connected(self) -> bool:
        """Tell whether an envelope could be sent now."""
        return bool(self._usable())

    def issue_ticket(self) -> str:
        """Give the single-use ticket of a WebSocket address."""
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = self.clock()
        while len(self._tickets) > MAX_TICKETS:
            del self._tickets[next(iter(self._tickets))]
        return ticket

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket; 408 for a used, unknown or old ticket."""
        issued_at = self._tickets.pop(request.query.get("ticket", ""), float("-inf"))
        is_refused = self.faults.take(FaultKind.REFUSE_HANDSHAKE) is not None
        if is_refused or self.clock() - issued_at > self.pace.ticket_seconds:
            return web.Response(status=408, text="expired ticket")
        response = web.WebSocketResponse(autoping=False, timeout=CLOSE_SECONDS)
        await response.prepare(request)
        socket = Socket(response, request.transport)
        if refusal := self._refusal():
            await socket.send(refusal)
            await response.close()
            return response
        self._open.append(socket)
        try:
            await socket.send(_hello(len(self._open)))
            self._tell_connection()
            async for frame in response:
                await self._receive(socket, frame)
        finally:
            self._open.remove(socket)
            self._tell_connection()
        return response

    async def send(self, frame: Json) -> None:
        """Write a frame to one random usable socket; raises ConnectionError when there is none."""
        usable = self._usable()
        if not usable:
            raise ConnectionError("the app has no socket")
        await self._random.choice(usable).send(frame)

    async def disconnect(self, reason: str) -> None:
        """Announce a disconnection to every socket; only a warned one still gets envelopes."""
        for socket in tuple(self._open):
            socket.is_leaving = socket.is_leaving or reason != "warning"
            await socket.send(_disconnect(reason))
        self._tell_connection()

    def drop(self) -> None:
        """Reset the TCP connection of every socket."""
        for socket in self._open:
            socket.is_leaving = True
            if socket.transport is not None:
                socket.transport.abort()
        self._tell_connection()

    def silence(self) -> None:
        """Say nothing more on the sockets that are open now, and do not close them."""
        for socket in self._open:
            socket.is_silent = True

    async def ping(self) -> None:
        """Ping every usable socket now and then, as Slack does, until cancelled."""
        while True:
            await asyncio.sleep(self.pace.ping_seconds)
            for socket in self._usable():
                if not socket.is_silent:
                    with suppress(ConnectionError):  # it went away in this moment
                        await socket.response.ping()

    async def close(self) -> None:
        """Close every socket; a peer that does not answer is dropped."""
        closings = (socket.response.close(code=1001) for socket in tuple(self._open))
        await asyncio.gather(*closings)

    async def _receive(self, socket: Socket, frame: WSMessage) -> None:
        if socket.is_silent:
            return
        if frame.type is WSMsgType.PING:
            await socket.response.pong(frame.data)
        elif frame.type is WSMsgType.TEXT:
            self.on_answer(json.loads(frame.data))

    def _usable(self) -> list[Socket]:
        return [
            socket for socket in self._open if not socket.is_leaving and not socket.response.closed
        ]

    def _refusal(self) -> Json | None:
        if self.faults.is_on(FaultKind.LINK_DISABLED):
            return _disconnect("link_disabled")
        is_ordered = self.faults.take(FaultKind.TOO_MANY_WEBSOCKETS) is not None
        if is_ordered or len(self._open) >= MAX_SOCKETS:
            count = {"num_connections": MAX_SOCKETS + 1, "connection_info": {"app_id": APP_ID}}
            return _disconnect("too_many_websockets") | count
        return None

    def _tell_connection(self) -> None:
        fields = {"connected": self.is_connected}
        self.feed.publish(Change(ChangeType.CONNECTION, fields=fields))


def _hello(count: int) -> Json:
    connection = {"num_connections": count, "connection_info": {"app_id": APP_ID}}
    times = {"build_number": 10, "approximate_connection_time": 18060}
    return {"type": "hello"} | connection | {"debug_info": DEBUG | times}


def _disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": DEBUG}
