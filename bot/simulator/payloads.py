"""The events that Slack sends to an app, as plain functions of what happened."""

from __future__ import annotations

import secrets
import uuid

from .model import APP_ID, BOT_USER_ID, TEAM_ID, Channel, Json

VERIFICATION = "v"  # the deprecated verification token


def event_callback(event: Json, *, seconds: int, is_external: bool = False) -> Json:
    """Wrap an event as the Events API does."""
    authorization: Json = {"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER_ID}
    authorization |= {"is_bot": True, "is_enterprise_install": False}
    return {
        "token": VERIFICATION,
        "team_id": TEAM_ID,
        "context_team_id": TEAM_ID,
        "context_enterprise_id": None,
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
    hidden = {"metadata", "streaming", "reply_count", "latest_reply"}
    plain = {name: value for name, value in message.items() if name not in hidden}
    return plain | place | {"event_ts": message["ts"]}


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


def new_client_msg_id() -> str:
    """Give the id that a person's client makes up for a message."""
    return str(uuid.uuid4())
