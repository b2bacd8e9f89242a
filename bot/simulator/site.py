"""Puts the simulator together: the only module that knows every part of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from .announcer import Announcer
from .calls import TIER_2, Method
from .control import Control
from .courier import Courier
from .deeds import Deeds
from .faults import RESPONSE_URL, FaultKind, Faults, read_fault
from .feed import Feed
from .guard import guard
from .manifest import load_manifest
from .methods.agents import AgentMethods
from .methods.chat import ChatMethods
from .methods.people_info import PeopleMethods
from .methods.reading import ReadingMethods
from .methods.streams import StreamMethods
from .methods.views import ViewMethods
from .model import APP_ID, Clock, Json, Pace
from .pages import serve_page
from .people import People
from .responses import ResponseUrls
from .seed import Scale
from .sockets import Sockets
from .tally import Tally
from .web_api import Tokens, WebApi
from .workspace import Workspace

MAX_BODY_BYTES = 1024 * 1024


class Site:
    """The parts of one simulated Slack at one address, and its routes."""

    def __init__(
        self,
        manifest: Path,
        url: str,
        *,
        clock: Clock,
        pace: Pace,
        has_rate_limits: bool,
        scale: Scale,
    ) -> None:
        self._url = url
        self.tokens = Tokens.new()
        self.feed = Feed()
        self.workspace = Workspace(load_manifest(manifest), clock, self.feed, scale)
        self._faults = Faults()
        self.tally = Tally()
        self.feed.listen(self.tally.hear)
        self.views = ViewMethods(self.workspace, self._faults, pace)
        self._streams = StreamMethods(self.workspace, self._faults, pace)
        self.sockets = Sockets(self.feed, self._faults, clock, pace)
        self._courier = Courier(
            self.feed, self.sockets, faults=self._faults, tally=self.tally, pace=pace
        )
        self.responses = ResponseUrls(
            self.workspace, faults=self._faults, tally=self.tally, base_url=url
        )
        self.people = People(
            self.workspace,
            self._courier,
            announcer=Announcer(self.workspace, self._courier, self._faults),
            responses=self.responses,
            views=self.views,
            streams=self._streams,
        )
        self._control = Control(
            self.workspace, self.sockets, self.views, heartbeat_seconds=pace.heartbeat_seconds
        )
        self._table = self._methods()
        self._web_api = WebApi(
            self.workspace,
            self._table,
            tokens=self.tokens,
            faults=self._faults,
            has_rate_limits=has_rate_limits,
        )

    def application(self) -> web.Application:
        """Give the web application with every route."""
        application = web.Application(middlewares=[guard], client_max_size=MAX_BODY_BYTES)
        deeds = Deeds(self.people, self.order_fault)
        application.add_routes(
            [
                web.get("/", serve_page),
                web.get("/page/{name}", serve_page),
                web.get("/link/", self.sockets.link),
                web.get("/api/{method}", self._web_api.answer),
                web.post("/api/{method}", self._web_api.answer),
                web.post("/response/{id}", self.responses.answer),
                web.post("/sim/{deed}", deeds.answer),
                *self._control.routes(),
            ]
        )
        application.on_startup.append(self._start)
        application.on_shutdown.append(self._close)
        return application

    async def order_fault(self, order: Json) -> None:
        """Do a fault at once or keep it for its occasion; "clear" forgets those kept."""
        if order.get("kind") == "clear":
            self._faults.clear()
            return
        fault = read_fault(order, (*self._table, RESPONSE_URL))
        match fault.kind:
            case FaultKind.DROP_SOCKET:
                self.sockets.drop()
            case FaultKind.EXPIRE_STREAMS:
                self._streams.expire()
            case FaultKind.SILENT:
                self.sockets.silence()
            case FaultKind.WARNING:
                await self.sockets.disconnect("warning")
            case FaultKind.REFRESH:
                await self.sockets.disconnect("refresh_requested")
            case FaultKind.LINK_DISABLED:
                self._faults.order(fault)
                await self.sockets.disconnect("link_disabled")
            case _:
                self._faults.order(fault)

    def _methods(self) -> dict[str, Method]:
        families = (
            AgentMethods(self.workspace),
            ChatMethods(self.workspace, self._streams.is_live),
            PeopleMethods(self.workspace),
            ReadingMethods(self.workspace),
            self._streams,
            self.views,
        )
        table = {"apps.connections.open": Method(self._open, (), TIER_2, is_app_level=True)}
        for family in families:
            table |= family.table()
        return table

    def _open(self, arguments: Json) -> Json:
        address = self._url.replace("http", "ws", 1)
        return {"url": f"{address}/link/?ticket={self.sockets.issue_ticket()}&app_id={APP_ID}"}

    async def _start(self, application: web.Application) -> None:
        self._pinging = asyncio.get_running_loop().create_task(self.sockets.ping())

    async def _close(self, application: web.Application) -> None:
        self._pinging.cancel()
        self._control.close()
        await self._courier.close()
        await self.sockets.close()
