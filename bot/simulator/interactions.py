"""The payloads of commands and interactions, as plain functions of what a person did.

They hold what Slack documents and no more: a message shortcut's user has no team_id, a submission
no response_url, a click in a view no channel.
"""

from __future__ import annotations

from dataclasses import dataclass

from .model import APP_ID, TEAM_DOMAIN, TEAM_ID, Channel, ChannelKind, Json, User
from .payloads import VERIFICATION


@dataclass(frozen=True, slots=True)
class Handles:
    """What lets the app react later: a trigger for a modal, an address for replies."""

    trigger_id: str
    response_url: str


def slash_command(
    command: str, text: str, *, user: User, channel: Channel, handles: Handles
) -> Json:
    """Build a slash command; DMs are called "directmessage"."""
    return {
        "token": VERIFICATION,
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": handles.response_url,
        "trigger_id": handles.trigger_id,
    }


def message_click(
    action: Json, *, user: User, message: Json, channel: Channel, handles: Handles
) -> Json:
    """Build a click in a message; one that only the clicker sees is not in the payload."""
    container = {"type": "message", "message_ts": message["ts"], "channel_id": channel.id}
    container |= {"is_ephemeral": bool(message.get("is_ephemeral"))}
    if "thread_ts" in message:
        container["thread_ts"] = message["thread_ts"]
    payload = _click(action, user, handles.trigger_id) | {"container": container}
    payload |= {"channel": _place(channel), "state": {"values": {}}}
    payload |= {} if message.get("is_ephemeral") else {"message": message}
    return payload | {"response_url": handles.response_url}


def view_click(action: Json, *, user: User, view: Json, trigger_id: str) -> Json:
    """Build a click in the App Home or a modal; the view holds its state."""
    return _click(action, user, trigger_id) | {"container": _view_container(view), "view": view}


def suggestion(value: str, *, user: User, view: Json, block_id: str, action_id: str) -> Json:
    """Build the request for the options of an external select in a view."""
    what = {"action_id": action_id, "block_id": block_id, "value": value}
    payload = _interaction("block_suggestion", _who(user)) | {"api_app_id": APP_ID}
    return payload | what | {"container": _view_container(view), "view": view}


def message_shortcut(
    callback_id: str, *, user: User, message: Json, channel: Channel, ts: str, handles: Handles
) -> Json:
    """Build a message shortcut; ts is when it was used."""
    payload = _interaction("message_action", {"id": user.id, "name": user.name})
    payload |= {"callback_id": callback_id, "channel": _place(channel), "message": message}
    payload |= {"message_ts": message["ts"], "action_ts": ts}
    return payload | {"trigger_id": handles.trigger_id, "response_url": handles.response_url}


def global_shortcut(callback_id: str, *, user: User, ts: str, trigger_id: str) -> Json:
    """Build a global shortcut: no channel, no response_url."""
    who = {"id": user.id, "username": user.name, "team_id": user.team_id}
    payload = _interaction("shortcut", who) | {"callback_id": callback_id}
    return payload | {"action_ts": ts, "trigger_id": trigger_id}


def view_submission(view: Json, *, user: User, trigger_id: str) -> Json:
    """Build the submission of a modal; the view holds its state."""
    payload = _interaction("view_submission", _who(user)) | {"api_app_id": APP_ID}
    return payload | {"trigger_id": trigger_id, "view": view, "response_urls": []}


def view_closed(view: Json, *, user: User, is_cleared: bool) -> Json:
    """Build the dismissal of a modal that wants to know; is_cleared: the whole stack went."""
    payload = _interaction("view_closed", _who(user)) | {"api_app_id": APP_ID}
    return payload | {"view": view, "is_cleared": is_cleared}


def channel_name(channel: Channel) -> str:
    """Give the name that payloads carry."""
    return "privategroup" if channel.kind is ChannelKind.PRIVATE else channel.name


def _click(action: Json, user: User, trigger_id: str) -> Json:
    payload = _interaction("block_actions", _who(user)) | {"api_app_id": APP_ID}
    return payload | {"trigger_id": trigger_id, "actions": [action]}


def _interaction(kind: str, who: Json) -> Json:
    team = {"id": TEAM_ID, "domain": TEAM_DOMAIN}
    common: Json = {"type": kind, "user": who, "token": VERIFICATION, "team": team}
    return common | {"enterprise": None, "is_enterprise_install": False}


def _who(user: User) -> Json:
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id}


def _place(channel: Channel) -> Json:
    return {"id": channel.id, "name": channel_name(channel)}


def _view_container(view: Json) -> Json:
    return {"type": "view", "view_id": view["id"]}
