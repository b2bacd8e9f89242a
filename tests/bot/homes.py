"""The Home tab in tests: open it, find a button, press it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .conftest import Bench, Json, words


async def until(is_so: Callable[[], object]) -> None:
    """Wait for something that the local Slack does not notice."""
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.01)


async def open_home(bench: Bench, user: str, holds: str = "") -> Json:
    """Open the Home and wait until it was published and holds some text."""
    before = bench.sim.home(user)
    bench.sim.people.open_home(user)
    return await home_with(bench, user, holds, unlike=before)


async def home_with(bench: Bench, user: str, holds: str, *, unlike: Json | None = None) -> Json:
    """Wait until a person's Home holds some text; it must be newer than another."""

    def find() -> Json | None:
        home = bench.sim.home(user)
        is_new = home is not None and (unlike is None or home["hash"] != unlike["hash"])
        return home if is_new and holds in words(home or {}) else None

    home = await bench.sim.wait_for(find)
    assert home is not None
    return home


def buttons(home: Json) -> list[tuple[str, str]]:
    """List the buttons of a view: action_id and value, top to bottom."""
    return [(element["action_id"], element["value"]) for _, element in _elements(home)]


async def press(bench: Bench, user: str, home: Json, action_id: str, nth: int = 0) -> None:
    """Press the nth button of a kind; returns once that is acknowledged."""
    found = [(block, e) for block, e in _elements(home) if e["action_id"] == action_id]
    block, element = found[nth]
    await bench.sim.people.view_action(
        user, home["id"], block_id=block["block_id"], action_id=element["action_id"]
    )


async def modal_with(bench: Bench, user: str, holds: str) -> Json:
    """Wait until a person's modal holds some text."""

    def find() -> Json | None:
        view = bench.sim.modal(user)
        return view if view is not None and holds in words(view) + str(view["title"]) else None

    view = await bench.sim.wait_for(find)
    assert view is not None
    return view


def _elements(home: Json) -> list[tuple[Json, Json]]:
    found: list[tuple[Json, Json]] = []
    for block in home["blocks"]:
        inside = [*block.get("elements", ()), *filter(None, [block.get("accessory")])]
        found += [(block, element) for element in inside if element["type"] == "button"]
    return found
