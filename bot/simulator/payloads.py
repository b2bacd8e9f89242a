"""The payloads that Slack sends to an app, as plain functions of what happened."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass

from .model import (
    APP_ID,
    BOT_USER_ID,
    TEAM_DOMAIN,
    TEAM_ID,
    Channel,
    ChannelKind,
    Json,
    User,
)

VERIFICATION = "v"  # the deprecated verification token


@dataclass(frozen=True, slots=True)
class Handles:
    """What lets the app react later: a trigger for a modal, an address for replies."""

    trigger_id: str
    response_url: str


def event_callback(event: Json, *, seconds: int, is_external: bool = False) -> Json:
    """Wrap an event as the Events API does."""
    authorization: Json = {"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER_ID}
    authorization |= {"is_bot": True, "is_enterprise_install": False}
    return {
        "token": VERIFICATION,
        "team_id": TEAM_ID,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev0{secrets.token_hex(4).upper()}",
        "event_time": seconds,
        "authorizations": [authorization],
        "is_ext_shared_channel": is_external,
        "event_context": f"4-{uuid.uuid4().hex}",
    }


def app_mention(message: Json, channel: Channel) -> Json:
    """Build the event of a message that names the bot."""
    mention = {name: value for name, value in message.items() if name != "subtype"}
    return mention | {"type": "app_mention", "channel": channel.id, "event_ts": message["ts"]}


def message_event(message: Json, channel: Channel, channel_type: str) -> Json:
    """Build the event of a new message."""
    place = {"channel": channel.id, "channel_type": channel_type}
    return message | place | {"event_ts": message["ts"]}


def message_changed(message: Json, previous: Json, channel_type: str, **place: str) -> Json:
    """Build the event of an edit; place is the channel and the event_ts."""
    edit = {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "ts": place["event_ts"],
    }
    texts = {"message": message, "previous_message": previous}
    return edit | texts | {"channel_type": channel_type} | place


def message_deleted(previous: Json, channel_type: str, **place: str) -> Json:
    """Build the event of a deletion; place is the channel and the event_ts."""
    gone = {"type": "message", "subtype": "message_deleted", "hidden": True}
    gone |= {"ts": place["event_ts"], "deleted_ts": previous["ts"], "previous_message": previous}
    return gone | {"channel_type": channel_type} | place


def slash_command(
    command: str, text: str, *, user: User, channel: Channel, handles: Handles
) -> Json:
    """Build a slash command; DMs are called "directmessage"."""
    return _app() | {
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "is_enterprise_install": "false",
        "response_url": handles.response_url,
        "trigger_id": handles.trigger_id,
    }


def block_actions(
    action: Json, *, user: User, source: Json, channel: Channel | None, handles: Handles
) -> Json:
    """Build a click in a message (source is the message) or in a view (channel is None)."""
    payload = interaction("block_actions", user) | {"trigger_id": handles.trigger_id}
    payload |= {"state": {"values": {}}, "actions": [action]}
    if channel is None:
        container = {"type": "view", "view_id": source["id"]}
        return payload | {"container": container, "view": source}
    container = {"type": "message", "message_ts": source["ts"], "channel_id": channel.id}
    container |= {"is_ephemeral": bool(source.get("is_ephemeral"))}
    if "thread_ts" in source:
        container["thread_ts"] = source["thread_ts"]
    place = {"channel": {"id": channel.id, "name": channel_name(channel)}}
    message = {} if source.get("is_ephemeral") else {"message": source}
    return payload | {"container": container} | place | message | _reply_address(handles)


def message_action(
    callback_id: str, *, user: User, message: Json, channel: Channel, handles: Handles
) -> Json:
    """Build a message shortcut."""
    place = {"channel": {"id": channel.id, "name": channel_name(channel)}}
    what = {"callback_id": callback_id, "message": message, "message_ts": message["ts"]}
    shortcut = interaction("message_action", user) | place | what | _reply_address(handles)
    return shortcut | {"trigger_id": handles.trigger_id, "action_ts": message["ts"]}


def view_submission(view: Json, *, user: User, handles: Handles) -> Json:
    """Build the submission of a modal; view holds its state."""
    submission = interaction("view_submission", user) | {"trigger_id": handles.trigger_id}
    return submission | {"view": view, "response_urls": []}


def interaction(kind: str, user: User) -> Json:
    """Build what every interactive payload begins with."""
    who = {"id": user.id, "username": user.name, "name": user.name, "team_id": TEAM_ID}
    team = {"id": TEAM_ID, "domain": TEAM_DOMAIN}
    common = {"type": kind, "user": who, "team": team, "enterprise": None}
    return _app() | common | {"is_enterprise_install": False}


def channel_name(channel: Channel) -> str:
    """Give the name that interactive payloads carry."""
    return "privategroup" if channel.kind is ChannelKind.PRIVATE else channel.name


def _app() -> Json:
    return {"token": VERIFICATION, "team_id": TEAM_ID, "api_app_id": APP_ID}


def _reply_address(handles: Handles) -> Json:
    return {"response_url": handles.response_url}


def new_client_msg_id() -> str:
    """Give the id that a person's client makes up for a message."""
    return str(uuid.uuid4())
