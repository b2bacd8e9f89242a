"""An interactive payload of Slack in, what every listener needs of it out.

Who clicked, where, and the response_url are Slack's own words. The value of a button is not: it
comes back from the person's client.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ANSWER_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
DIRECT_CHANNEL = "D"  # ids of direct messages begin with it


@dataclass(frozen=True, slots=True)
class Click:
    """One press of a button under a message.

    thread is the root of the message's conversation; ephemeral messages have none.
    """

    action_id: str
    value: str
    user: str
    team: str
    channel: str
    trigger_id: str
    response_url: str = ""
    thread: str = ""
    is_ephemeral: bool = False

    @property
    def answer_id(self) -> str:
        """The value, where it can be the id of an answer; "" where not."""
        return self.value if ANSWER_ID.fullmatch(self.value) else ""

    @property
    def is_direct(self) -> bool:
        """Whether it was in a direct message."""
        return self.channel.startswith(DIRECT_CHANNEL)


def read_click(body: Mapping[str, Any]) -> Click | None:
    """Read the press of a button of a message; None for all other payloads."""
    actions = body.get("actions")
    if body.get("type") != "block_actions" or not isinstance(actions, list) or not actions:
        return None
    container, message = _part(body, "container"), _part(body, "message")
    channel = _text(_part(body, "channel"), "id") or _text(container, "channel_id")
    user, team = who(body)
    if not channel or not user:
        return None
    is_ephemeral = container.get("is_ephemeral") is True
    own_ts = _text(container, "message_ts") or _text(message, "ts")
    root = _text(container, "thread_ts") or _text(message, "thread_ts")
    return Click(
        action_id=_text(actions[0], "action_id"),
        value=_text(actions[0], "value"),
        user=user,
        team=team,
        channel=channel,
        trigger_id=_text(body, "trigger_id"),
        response_url=_text(body, "response_url"),
        thread=root or ("" if is_ephemeral else own_ts),
        is_ephemeral=is_ephemeral,
    )


def who(body: Mapping[str, Any]) -> tuple[str, str]:
    """Give the ids of the person and of the workspace of an interactive payload."""
    user = _part(body, "user")
    team = _text(_part(body, "team"), "id") or _text(user, "team_id")
    return _text(user, "id"), team


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(whole: Mapping[str, Any], name: str) -> str:
    text = whole.get(name)
    return text if isinstance(text, str) else ""
