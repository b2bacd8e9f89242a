"""POST /sim/{deed}: what the page lets a person do, as JSON orders.

Every order names who acts as "as"; every reply has "ok", and "error" (a sentence) when it is false.
A wish (see inputs.py) is a text, a list of texts, or null: what is typed, the value of an option,
or the id of a person or channel.
"""

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

    def flag(self, name: str) -> bool:
        """Read true or false; missing is false."""
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            raise ControlError(f'"{name}" is true or false, not {value!r}.')
        return value

    def place(self) -> tuple[str, str]:
        """Read who acts and in which channel."""
        return self.text("as"), self.text("channel")

    def element(self) -> dict[str, str]:
        """Read which element is used."""
        return {"block_id": self.text("block_id"), "action_id": self.text("action_id")}

    def values(self) -> Json:
        """Read wishes by block_id and action_id; none when they are missing."""
        values = self.body.get("values") or {}
        if not isinstance(values, dict):
            raise ControlError('"values" is not an object of block_ids.')
        return values


class Deeds:
    """One method a deed; each gives what its reply adds to "ok"."""

    def __init__(self, people: People, order_fault: Callable[[Json], Awaitable[None]]) -> None:
        self._people = people
        self._order_fault = order_fault
        self._table: dict[str, Callable[[Order], Awaitable[Json]]] = {
            "post": self.post,
            "edit": self.edit,
            "delete": self.delete,
            "file": self.file,
            "command": self.command,
            "action": self.action,
            "suggest": self.suggest,
            "shortcut": self.shortcut,
            "submit": self.submit,
            "close": self.close,
            "home": self.home,
            "reaction": self.reaction,
            "stop": self.stop,
            "invite": self.invite,
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
        """Write a message: channel, text, thread_ts?, broadcast? → ts."""
        where, text = order.place(), order.text("text")
        thread_ts, broadcast = order.optional("thread_ts"), order.flag("broadcast")
        return {"ts": self._people.post(*where, text, thread_ts, broadcast=broadcast)}

    async def edit(self, order: Order) -> Json:
        """Change one's own message: channel, message_ts, text."""
        self._people.edit(*order.place(), order.text("message_ts"), order.text("text"))
        return {}

    async def delete(self, order: Order) -> Json:
        """Delete one's own message: channel, message_ts."""
        self._people.remove(*order.place(), order.text("message_ts"))
        return {}

    async def file(self, order: Order) -> Json:
        """Share a file, which has a name and no content: channel, name, text?, thread_ts? → ts."""
        name, text = order.text("name"), order.optional("text") or ""
        thread_ts = order.optional("thread_ts")
        return {"ts": self._people.share_file(*order.place(), name, text, thread_ts)}

    async def command(self, order: Order) -> Json:
        """Use a slash command: channel, command, text?; answers when Slack has an outcome."""
        text = order.optional("text") or ""
        await self._people.command(*order.place(), order.text("command"), text)
        return {}

    async def action(self, order: Order) -> Json:
        """Use an element of a message: channel, message_ts, block_id, action_id, value?.

        With a view_id instead of channel and message_ts, of the Home or of a modal; "values" then
        are the wishes for the view's other elements, typed or chosen before. The value is a wish;
        a feedback button is chosen by its own value, a button needs none.
        """
        value = order.body.get("value")
        if view_id := order.optional("view_id"):
            await self._people.view_action(
                order.text("as"), view_id, **order.element(), value=value, values=order.values()
            )
        else:
            message_ts = order.text("message_ts")
            await self._people.action(*order.place(), message_ts, **order.element(), value=value)
        return {}

    async def suggest(self, order: Order) -> Json:
        """Type into an external select: view_id, block_id, action_id, value → options."""
        value = order.optional("value") or ""
        who = (order.text("as"), order.text("view_id"))
        return {"options": await self._people.suggest(*who, **order.element(), value=value)}

    async def shortcut(self, order: Order) -> Json:
        """Use a message shortcut: callback_id, channel, message_ts; a global one: callback_id."""
        callback_id = order.text("callback_id")
        if message_ts := order.optional("message_ts"):
            await self._people.shortcut(*order.place(), message_ts, callback_id)
        else:
            await self._people.global_shortcut(order.text("as"), callback_id)
        return {}

    async def submit(self, order: Order) -> Json:
        """Submit a modal: view_id, values {block_id: {action_id: wish}} → errors by block_id.

        What has no wish stays as the view's state has it. The errors are of required inputs that
        are empty, of texts that are too short or too long, else those of the app; with any, the
        modal stays open.
        """
        who, view_id = order.text("as"), order.text("view_id")
        return {"errors": await self._people.submit(who, view_id, order.values())}

    async def close(self, order: Order) -> Json:
        """Close the modal on top, or all of them where it has clear_on_close."""
        self._people.close_modal(order.text("as"))
        return {}

    async def home(self, order: Order) -> Json:
        """Open the app's Home: tab? ("home" or "messages")."""
        self._people.open_home(order.text("as"), order.optional("tab") or "home")
        return {}

    async def reaction(self, order: Order) -> Json:
        """Add a reaction, or take it back: channel, message_ts, name, remove?."""
        where = (*order.place(), order.text("message_ts"))
        self._people.react(*where, order.text("name"), adds=not order.flag("remove"))
        return {}

    async def stop(self, order: Order) -> Json:
        """Press the stop button of a thread: channel, thread_ts."""
        self._people.stop(*order.place(), order.text("thread_ts"))
        return {}

    async def invite(self, order: Order) -> Json:
        """Add a user, the bot too, to a channel: channel, user."""
        self._people.invite(*order.place(), order.text("user"))
        return {}

    async def fault(self, order: Order) -> Json:
        """Order a fault: kind and its options (faults.py), or kind "clear"."""
        await self._order_fault(order.body)
        return {}
