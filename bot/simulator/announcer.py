"""Changes of the workspace → events to the app, as far as its manifest subscribes to them."""

from __future__ import annotations

from . import payloads
from .courier import Courier
from .feed import Change, ChangeType
from .model import BOT_USER_ID, Channel, ChannelKind, Json
from .workspace import Workspace

CHANNEL_TYPES = {
    ChannelKind.PUBLIC: ("channel", "message.channels"),
    ChannelKind.EXTERNAL: ("channel", "message.channels"),
    ChannelKind.PRIVATE: ("group", "message.groups"),
    ChannelKind.IM: ("im", "message.im"),
}


class Announcer:
    """Listens to the feed; only channels that the bot is in are announced."""

    def __init__(self, workspace: Workspace, courier: Courier) -> None:
        self._workspace = workspace
        self._courier = courier
        workspace.feed.listen(self._hear)

    def send(self, event: Json, channel_id: str, subscription: str) -> None:
        """Send an event, when the manifest subscribes to it."""
        if subscription not in self._workspace.manifest.events:
            return
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
        if is_mention and channel.kind is not ChannelKind.IM:
            self.send(payloads.app_mention(message, channel), channel.id, "app_mention")
        channel_type, subscription = CHANNEL_TYPES[channel.kind]
        event = payloads.message_event(message, channel, channel_type)
        self.send(event, channel.id, subscription)

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
