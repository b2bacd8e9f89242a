"""Buttons and forms in tests: press one, wait for a form, fill it in."""

from __future__ import annotations

from .conftest import Bench, Json


def actions(message: Json) -> list[str]:
    """List the buttons under a message by action_id."""
    blocks = [block for block in message["blocks"] if block["type"] == "actions"]
    return [element["action_id"] for block in blocks for element in block["elements"]]


def value_of(message: Json, action_id: str) -> str:
    """Give what a button carries."""
    return str(_button(message, action_id)["value"])


def forge(message: Json, action_id: str, value: str) -> None:
    """Have a button carry something else, as a client of somebody's own could."""
    _button(message, action_id)["value"] = value


def _button(message: Json, action_id: str) -> Json:
    elements = (element for block in message["blocks"] for element in block.get("elements", ()))
    return next(element for element in elements if element.get("action_id") == action_id)


async def press(bench: Bench, user: str, channel: str, message: Json, action_id: str) -> None:
    """Press a button; returns once that is acknowledged."""
    block = next(
        block
        for block in message["blocks"]
        if any(element.get("action_id") == action_id for element in block.get("elements", ()))
    )
    await bench.sim.action(
        user, channel, message["ts"], block_id=block["block_id"], action_id=action_id
    )


async def form(bench: Bench, user: str, title: str) -> Json:
    """Wait for a form with some title."""

    def find() -> Json | None:
        view = bench.sim.modal(user)
        return view if view is not None and view["title"]["text"] == title else None

    view = await bench.sim.wait_for(find)
    assert view is not None
    return view


async def submit(bench: Bench, user: str, view: Json, **values: str) -> dict[str, str]:
    """Fill in a form, a value for each block, and give its errors by block."""
    wishes = {block: {"input": value} for block, value in values.items()}
    return await bench.sim.people.submit(user, view["id"], wishes)
