"""POST /sim/{deed}: what the page lets a person do, as JSON orders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from .model import ControlError, Json
from .people import People


@dataclass(frozen=True, slots=True)
class Order:
    """The JSON body of a deed; its readers raise ControlError."""

    body: Json

    def text(self, name: str) -> str:
        """Read a text that must be there."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise ControlError(f'"{name}" is missing or not a text.')
        return value

    def optional(self, name: str) -> str | None:
        """Read a text that may be missing."""
        return self.text(name) if self.body.get(name) else None

    def place(self) -> tuple[str, str]:
        """Read who acts and in which channel."""
        return self.text("as"), self.text("channel")


class Deeds:
    """One method a deed; each gives what its reply adds to "ok"."""

    def __init__(self, people: People, order_fault: Callable[[Json], Awaitable[None]]) -> None:
        self._people = people
        self._order_fault = order_fault
        self._table: dict[str, Callable[[Order], Awaitable[Json]]] = {
            "post": self.post,
            "command": self.command,
            "action": self.action,
            "shortcut": self.shortcut,
            "submit": self.submit,
            "close": self.close,
            "home": self.home,
            "reaction": self.reaction,
            "stop": self.stop,
            "fault": self.fault,
        }

    async def answer(self, request: web.Request) -> web.Response:
        """Serve one deed."""
        deed = self._table.get(request.match_info["deed"])
        if deed is None:
            raise ControlError(f"A person can do one of: {', '.join(self._table)}.")
        try:
            body = await request.json()
        except ValueError as error:
            raise ControlError(f"The body is not JSON: {error}.") from error
        if not isinstance(body, dict):
            raise ControlError("The body is not a JSON object.")
        return web.json_response({"ok": True} | await deed(Order(body)))

    async def post(self, order: Order) -> Json:
        """Write a message."""
        thread_ts = order.optional("thread_ts")
        return {"ts": self._people.post(*order.place(), order.text("text"), thread_ts)}

    async def command(self, order: Order) -> Json:
        """Use a slash command."""
        text = order.optional("text") or ""
        await self._people.command(*order.place(), order.text("command"), text)
        return {}

    async def action(self, order: Order) -> Json:
        """Click an element of a message, or of a view when there is a view_id."""
        block_id, action_id = order.text("block_id"), order.text("action_id")
        value = order.optional("value")
        if view_id := order.optional("view_id"):
            await self._people.view_action(
                order.text("as"), view_id, block_id=block_id, action_id=action_id, value=value
            )
        else:
            await self._people.action(
                *order.place(),
                order.text("message_ts"),
                block_id=block_id,
                action_id=action_id,
                value=value,
            )
        return {}

    async def shortcut(self, order: Order) -> Json:
        """Use a message shortcut."""
        where = (*order.place(), order.text("message_ts"))
        await self._people.shortcut(*where, order.text("callback_id"))
        return {}

    async def submit(self, order: Order) -> Json:
        """Submit a modal."""
        values = order.body.get("values") or {}
        return {
            "errors": await self._people.submit(order.text("as"), order.text("view_id"), values)
        }

    async def close(self, order: Order) -> Json:
        """Close the modal on top."""
        self._people.close_modal(order.text("as"))
        return {}

    async def home(self, order: Order) -> Json:
        """Open the app's Home."""
        self._people.open_home(order.text("as"), order.optional("tab") or "home")
        return {}

    async def reaction(self, order: Order) -> Json:
        """Add a reaction, or take it back when "remove" is true."""
        where = (*order.place(), order.text("message_ts"))
        self._people.react(*where, order.text("name"), adds=not order.body.get("remove"))
        return {}

    async def stop(self, order: Order) -> Json:
        """Press the stop button of a thread."""
        self._people.stop(*order.place(), order.text("thread_ts"))
        return {}

    async def fault(self, order: Order) -> Json:
        """Order a fault."""
        await self._order_fault(order.body)
        return {}
