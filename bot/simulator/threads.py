"""What Slack computes of messages: reply counts of threads, counts of reactions."""

from __future__ import annotations

import re

from .model import Json, SlackError

EMOJI = re.compile(r"[\w'+-]+")


def is_in_timeline(message: Json) -> bool:
    """Tell whether a message is shown in its channel and not only in its thread."""
    is_root = message.get("thread_ts") in (None, message["ts"])
    return is_root or message.get("subtype") == "thread_broadcast"


def with_counts(message: Json, replies: list[Json]) -> Json:
    """Give a root with what Slack says about its replies."""
    if not replies:
        return message
    authors = list(dict.fromkeys(reply["user"] for reply in replies))
    counts = {"thread_ts": message["ts"], "reply_count": len(replies)}
    latest = {"latest_reply": replies[-1]["ts"], "reply_users": authors}
    return message | counts | latest | {"reply_users_count": len(authors)}


def with_reaction(message: Json, user_id: str, name: str, *, adds: bool) -> list[Json]:
    """Give a message's reactions after one more, or one less.

    Raises already_reacted, no_reaction, invalid_name.
    """
    if not EMOJI.fullmatch(name):
        raise SlackError("invalid_name")
    users = {entry["name"]: entry["users"] for entry in message.get("reactions", ())}
    before = users.get(name, [])
    if adds and user_id in before:
        raise SlackError("already_reacted")
    if not adds and user_id not in before:
        raise SlackError("no_reaction")
    users[name] = [*before, user_id] if adds else [who for who in before if who != user_id]
    return [
        {"name": emoji, "users": people, "count": len(people)}
        for emoji, people in users.items()
        if people
    ]
