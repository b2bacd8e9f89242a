"""The small rules that Block Kit's objects are made of; each yields Slack's sentences."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Json

Problems = Iterator[str]
TEXT_FIELDS = {"plain_text": ("type", "text", "emoji"), "mrkdwn": ("type", "text", "verbatim")}


def length(value: Json, name: str, path: str, most: int, *, is_optional: bool = False) -> Problems:
    """A text of 1 to most characters."""
    text = value.get(name)
    if text is None:
        if not is_optional:
            yield f"[ERROR] missing required field: {name} [json-pointer:{path}]"
    elif not isinstance(text, str):
        yield f"[ERROR] must be a string [json-pointer:{path}/{name}]"
    elif not text and not is_optional:
        yield f"[ERROR] must be more than 0 characters [json-pointer:{path}/{name}]"
    elif len(text) > most:
        yield f"[ERROR] must be less than {most + 1} characters [json-pointer:{path}/{name}]"


def text_object(
    owner: Json,
    name: str,
    path: str,
    most: int,
    kinds: str = "plain_text mrkdwn",
    *,
    is_optional: bool = False,
) -> Problems:
    """A text object of one of the kinds."""
    text = owner.get(name)
    if text is None and is_optional:
        return
    if not isinstance(text, dict):
        yield f"[ERROR] missing required field: {name} [json-pointer:{path}]"
    elif text.get("type") not in kinds.split():
        yield f"[ERROR] unsupported type: {text.get('type')} [json-pointer:{path}/{name}/type]"
    else:
        yield from length(text, "text", f"{path}/{name}", most)
        yield from known(text, TEXT_FIELDS.get(text["type"], tuple(text)), f"{path}/{name}")


def count(owner: Json, name: str, path: str, most: int) -> Problems:
    """A list of 1 to most items."""
    found = owner.get(name)
    if not isinstance(found, list) or not found:
        yield f"[ERROR] must have at least 1 item [json-pointer:{path}/{name}]"
    elif len(found) > most:
        yield f"[ERROR] no more than {most} items allowed [json-pointer:{path}/{name}]"


def known(owner: Json, fields: tuple[str, ...], path: str) -> Problems:
    """No other fields than these."""
    for name in owner:
        if name not in fields:
            yield f"[ERROR] invalid additional property: {name} [json-pointer:{path}]"


def items(owner: Json, name: str) -> list[object]:
    """List what is in a list that may be missing or no list at all."""
    found = owner.get(name)
    return found if isinstance(found, list) else []
