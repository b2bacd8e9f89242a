"""GET /sim/*: what a person sees, as JSON and as a stream of server-sent events."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from .faults import OPTIONS, FaultKind
from .feed import Change
from .methods.views import ViewMethods
from .model import BOT_USER_ID, TEAM_ID, TEAM_NAME, ControlError, Json, SlackError
from .sockets import Sockets
from .workspace import Workspace

MAX_WAITING_EVENTS = 1_000  # of one page; a page that does not read loses the newest


class Control:
    """Reads the workspace through the eyes of the person named by `as`."""

    def __init__(
        self,
        workspace: Workspace,
        sockets: Sockets,
        views: ViewMethods,
        *,
        heartbeat_seconds: float,
    ) -> None:
        self._workspace = workspace
        self._sockets = sockets
        self._views = views
        self._heartbeat_seconds = heartbeat_seconds
        self._queues: set[asyncio.Queue[Change | None]] = set()

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/sim/state", self.state),
            web.get("/sim/history", self.history),
            web.get("/sim/events", self.events),
            web.get("/sim/view", self.view),
            web.get("/sim/log", self.log),
        ]

    def close(self) -> None:
        """End every event stream."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    async def state(self, request: web.Request) -> web.Response:
        """Describe the workspace as a person sees it."""
        return web.json_response(self._describe(self._viewer(request)))

    async def history(self, request: web.Request) -> web.Response:
        """List the messages of a channel, or of a thread."""
        viewer, channel_id = self._viewer(request), request.query.get("channel", "")
        channel = self._workspace.channels.get(channel_id)
        if channel is None or not self._workspace.can_see(viewer, channel):
            raise ControlError(f"{viewer} sees no channel {channel_id!r}.")
        thread_ts = request.query.get("thread_ts")
        try:
            messages = (
                self._workspace.thread(channel_id, thread_ts, viewer)
                if thread_ts
                else self._workspace.timeline(channel_id, viewer)
            )
        except SlackError as error:
            raise ControlError(f"There is no thread {thread_ts!r} there.") from error
        return web.json_response({"messages": messages})

    async def view(self, request: web.Request) -> web.Response:
        """Give the App Home and the open modal of a person."""
        viewer = self._viewer(request)
        views = {"view": self._views.home(viewer), "modal": self._views.modal(viewer)}
        return web.json_response(views)

    async def log(self, request: web.Request) -> web.Response:
        """List calls and envelopes after a number."""
        since = request.query.get("since", "0")
        if not since.isdecimal():
            raise ControlError("since is the number of the last line you have.")
        entries = self._workspace.feed.entries(int(since))
        return web.json_response({"entries": [entry.to_json() for entry in entries]})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream every change that the person may see."""
        viewer = self._viewer(request)
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        queue: asyncio.Queue[Change | None] = asyncio.Queue(MAX_WAITING_EVENTS)

        def collect(change: Change) -> None:
            if change.visible_to(viewer) and not queue.full():
                queue.put_nowait(change)

        self._queues.add(queue)
        self._workspace.feed.listen(collect)
        try:
            await response.prepare(request)
            await response.write(b": connected\n\n")
            await self._write_changes(response, queue)
        except ConnectionError:
            pass  # the page was closed
        finally:
            self._workspace.feed.forget(collect)
            self._queues.discard(queue)
        return response

    async def _write_changes(
        self, response: web.StreamResponse, queue: asyncio.Queue[Change | None]
    ) -> None:
        while True:
            try:
                change = await asyncio.wait_for(queue.get(), self._heartbeat_seconds)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            if change is None:
                return
            await response.write(f"data: {json.dumps(change.to_json())}\n\n".encode())

    def _viewer(self, request: web.Request) -> str:
        user_id = request.query.get("as", "")
        if user_id not in self._workspace.users:
            known = ", ".join(self._workspace.users)
            raise ControlError(f'There is no user {user_id!r}; "as" is one of {known}.')
        return user_id

    def _describe(self, viewer: str) -> Json:
        workspace, manifest = self._workspace, self._workspace.manifest
        users = [
            {"id": user.id, "name": user.name, "real_name": user.real_name, "role": user.role}
            for user in workspace.users.values()
        ]
        channels = [
            {"id": channel.id, "name": channel.name, "kind": channel.kind.value}
            | ({"user": channel.user} if channel.user else {})
            for channel in workspace.channels.values()
            if workspace.can_see(viewer, channel)
        ]
        commands = [
            {name: getattr(command, name) for name in ("command", "description", "usage_hint")}
            for command in manifest.commands
        ]
        shortcuts = [
            {"callback_id": shortcut.callback_id, "name": shortcut.name, "type": shortcut.type}
            for shortcut in manifest.shortcuts
        ]
        return {
            "team": {"id": TEAM_ID, "name": TEAM_NAME},
            "users": users,
            "channels": channels,
            "commands": commands,
            "shortcuts": shortcuts,
            "bot": {"id": BOT_USER_ID, "name": manifest.bot_name},
            "connected": self._sockets.is_connected,
            "hears_stop": "agent_session_stopped" in manifest.events,
            "faults": {kind.value: sorted(OPTIONS.get(kind, ())) for kind in FaultKind},
        }
