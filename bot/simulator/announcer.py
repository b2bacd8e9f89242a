"""Changes of the workspace → events to the app, as far as its manifest subscribes to them."""

from __future__ import annotations

import random

from . import payloads
from .courier import Courier
from .faults import FaultKind, Faults
from .feed import Change, ChangeType
from .model import BOT_USER_ID, Channel, ChannelKind, Json
from .workspace import Workspace

CHANNEL_TYPES = {
    ChannelKind.PUBLIC: ("channel", "message.channels"),
    ChannelKind.EXTERNAL: ("channel", "message.channels"),
    ChannelKind.PRIVATE: ("group", "message.groups"),
    ChannelKind.IM: ("im", "message.im"),
}
SCOPES = {  # that an event needs beside its subscription; one not named needs none
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}


class Announcer:
    """Listens to the feed; only channels that the bot is in are announced.

    The two events of one mention come in either order, drawn from a fixed seed.
    """

    def __init__(self, workspace: Workspace, courier: Courier, faults: Faults) -> None:
        self._workspace = workspace
        self._courier = courier
        self._faults = faults
        self._chances = random.Random(0)
        workspace.feed.listen(self._hear)

    def send(self, event: Json, channel_id: str, subscription: str) -> None:
        """Send an event, when the manifest subscribes to it and has its scope."""
        if self._hears(subscription):
            self._send(event, channel_id)

    def _hears(self, subscription: str) -> bool:
        manifest = self._workspace.manifest
        needed = SCOPES.get(subscription)
        return subscription in manifest.events and (needed is None or needed in manifest.scopes)

    def _send(self, event: Json, channel_id: str) -> None:
        is_external = self._workspace.is_external(channel_id)
        seconds = int(self._workspace.clock())
        callback = payloads.event_callback(event, seconds=seconds, is_external=is_external)
        self._courier.send_event(callback)

    def _hear(self, change: Change) -> None:
        if change.channel is None or change.message is None or change.is_derived:
            return
        channel = self._workspace.channels[change.channel]
        if BOT_USER_ID not in channel.members or "visible_to" in change.message:
            return
        if change.type is ChangeType.MESSAGE:
            self._announce_message(change.message, channel)
        elif change.type is ChangeType.REACTION:
            self._announce_reaction(change, change.message, channel)
        elif change.previous is not None:
            self._announce_edit(change, change.message, channel)

    def _announce_message(self, message: Json, channel: Channel) -> None:
        is_mention = f"<@{BOT_USER_ID}>" in message["text"] and "bot_id" not in message
        channel_type, subscription = CHANNEL_TYPES[channel.kind]
        events: list[Json] = []
        if is_mention and channel.kind is not ChannelKind.IM and self._hears("app_mention"):
            events.append(payloads.app_mention(message, channel))
        has_twin = bool(events) and self._faults.take(FaultKind.TWIN) is not None
        if has_twin or self._hears(subscription):
            events.append(payloads.message_event(message, channel, channel_type))
        if len(events) > 1:
            self._chances.shuffle(events)
        for event in events:
            self._send(event, channel.id)

    def _announce_edit(self, change: Change, message: Json, channel: Channel) -> None:
        channel_type, subscription = CHANNEL_TYPES[channel.kind]
        place = {"channel": channel.id, "event_ts": self._workspace.next_ts()}
        previous = change.previous or {}
        if change.type is ChangeType.MESSAGE_DELETED:
            event = payloads.message_deleted(previous, channel_type, **place)
        else:
            event = payloads.message_changed(message, previous, channel_type, **place)
        self.send(event, channel.id, subscription)

    def _announce_reaction(self, change: Change, message: Json, channel: Channel) -> None:
        kind = "reaction_added" if change.fields["added"] else "reaction_removed"
        event: Json = {"type": kind, "user": change.fields["user"], "item_user": message["user"]}
        event |= {"reaction": change.fields["reaction"], "event_ts": self._workspace.next_ts()}
        event |= {"item": {"type": "message", "channel": channel.id, "ts": message["ts"]}}
        self.send(event, channel.id, kind)
