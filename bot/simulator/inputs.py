"""What people choose and type in elements: Slack's shapes of it, as actions and as a view's state.

A wish is what a person wants in an element: a text, or the value of an option, or the id of a
person or channel; a list of those where several can be chosen; None for nothing. Slack's own shape
({"selected_option": {"value": …}}) is understood too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .model import ControlError, Json

Exists = Callable[[str], bool]  # tells whether there is a person or channel of this id
REQUIRED = "Please complete this required field."
TOO_SHORT, TOO_LONG = "Please enter at least {} characters.", "Please enter {} characters at most."


@dataclass(frozen=True, slots=True)
class Shape:
    """Where an element's value is; options are objects of the element, ids are of the workspace."""

    field: str
    is_many: bool = False
    has_options: bool = False
    has_ids: bool = False


def _shapes() -> dict[str, Shape]:
    shapes = {"overflow": Shape("selected_option", has_options=True)}
    shapes["radio_buttons"] = shapes["overflow"]
    shapes["checkboxes"] = Shape("selected_options", is_many=True, has_options=True)
    for kind in ("static", "external"):
        shapes[f"{kind}_select"] = shapes["overflow"]
        shapes[f"multi_{kind}_select"] = shapes["checkboxes"]
    for kind in ("user", "conversation", "channel"):
        shapes[f"{kind}s_select"] = Shape(f"selected_{kind}", has_ids=True)
        several = Shape(f"selected_{kind}s", is_many=True, has_ids=True)
        shapes[f"multi_{kind}s_select"] = several
    for kind, field in (("date", "date"), ("time", "time"), ("datetime", "date_time")):
        shapes[f"{kind}picker"] = Shape(f"selected_{field}")
    for kind in ("plain_text", "email_text", "url_text", "number"):
        shapes[f"{kind}_input"] = Shape("value")
    return shapes


SHAPES = _shapes()


def choose(element: Json, wish: object, exists: Exists) -> Json:
    """Give {field: value} as Slack writes it; raise ControlError for what cannot be chosen."""
    shape = SHAPES.get(element["type"])
    if shape is None:
        raise ControlError(f"The local Slack cannot fill in a {element['type']}.")
    wish = _unwrapped(wish, shape)
    if not shape.is_many:
        return {shape.field: None if wish in (None, "") else _one(element, wish, shape, exists)}
    wishes = [] if wish in (None, "") else wish
    if isinstance(wishes, str):
        wishes = [part for part in wishes.split(",") if part]
    if not isinstance(wishes, list):
        raise ControlError(f"A {element['type']} takes a list, not {wish!r}.")
    return {shape.field: [_one(element, one, shape, exists) for one in wishes]}


def initial(element: Json) -> Json:
    """Give the state of an element that nobody has touched."""
    shape = SHAPES[element["type"]]
    first = element.get(
        shape.field.replace("selected", "initial").replace("value", "initial_value")
    )
    return {"type": element["type"], shape.field: first or ([] if shape.is_many else None)}


def initial_values(blocks: list[Json]) -> dict[str, Json]:
    """Give state.values of a view as it opens."""
    values: dict[str, Json] = {}
    for block, element in stateful(blocks):
        values.setdefault(block["block_id"], {})[element["action_id"]] = initial(element)
    return values


def has_state(element: object) -> bool:
    """Tell whether a view remembers what is chosen or typed in an element."""
    kind = element.get("type") if isinstance(element, dict) else None
    return kind in SHAPES and kind != "overflow"


def stateful(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """List the elements that have a state, each with its block."""
    for block in blocks:
        inside = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
        yield from ((block, element) for element in inside if has_state(element))


def fill_in(view: Json, wishes: Json, exists: Exists) -> dict[str, Json]:
    """Give state.values after wishes by block_id and action_id; what has none stays as it was."""
    elements = {(block["block_id"], it["action_id"]): it for block, it in stateful(view["blocks"])}
    values = {block_id: dict(states) for block_id, states in view["state"]["values"].items()}
    for block_id, wished in wishes.items():
        if not isinstance(wished, dict):
            raise ControlError(f"The values of the block {block_id!r} are not given by action_id.")
        for action_id, wish in wished.items():
            element = elements.get((block_id, action_id))
            if element is None:
                raise ControlError(f"There is no input {action_id!r} in a block {block_id!r}.")
            chosen = {"type": element["type"]} | choose(element, wish, exists)
            values.setdefault(block_id, {})[action_id] = chosen
    return values


def refusals(blocks: list[Json], values: dict[str, Json]) -> dict[str, str]:
    """Say by block_id what Slack itself refuses to submit."""
    refused: dict[str, str] = {}
    for block, element in stateful(blocks):
        if block["type"] != "input":
            continue
        value = values[block["block_id"]][element["action_id"]][SHAPES[element["type"]].field]
        if not value and not block.get("optional"):
            refused[block["block_id"]] = REQUIRED
        elif isinstance(value, str) and len(value) < element.get("min_length", 0):
            refused[block["block_id"]] = TOO_SHORT.format(element["min_length"])
        elif isinstance(value, str) and len(value) > element.get("max_length", 3_000):
            refused[block["block_id"]] = TOO_LONG.format(element.get("max_length", 3_000))
    return refused


def _unwrapped(wish: object, shape: Shape) -> object:
    if isinstance(wish, dict):
        if shape.field not in wish:
            raise ControlError(f'The value {wish!r} has no "{shape.field}".')
        wish = wish[shape.field]
    return wish


def _one(element: Json, wish: object, shape: Shape, exists: Exists) -> object:
    if shape.has_options:
        value = wish.get("value") if isinstance(wish, dict) else wish
        for option in _options(element):
            if option["value"] == value:
                return dict(option)
        raise ControlError(f"No option has the value {value!r}.")
    if shape.field == "selected_date_time":
        if isinstance(wish, int):
            return wish
        raise ControlError(f"A {element['type']} takes seconds since 1970, not {wish!r}.")
    if not isinstance(wish, str):
        raise ControlError(f"A {element['type']} takes a text, not {wish!r}.")
    if shape.has_ids and not exists(wish):
        what = shape.field.removeprefix("selected_").removesuffix("s")
        raise ControlError(f"There is no {what} {wish!r}.")
    return wish


def _options(element: Json) -> Iterator[Json]:
    yield from element.get("options", ())
    for group in element.get("option_groups", ()):
        yield from group["options"]
