"""The state of the workspace: who, where, and every message; changes go to the feed."""

from __future__ import annotations

from collections.abc import Iterable

from . import seed
from .feed import Change, ChangeType, Feed
from .manifest import Manifest
from .model import (
    APP_ID,
    BOT_ID,
    BOT_USER_ID,
    TEAM_ID,
    Channel,
    ChannelKind,
    Clock,
    Json,
    SlackError,
)
from .threads import is_in_timeline, replies_by_root, with_counts, with_reaction

MAX_MESSAGES = 2_000  # a channel; the oldest go first
MAX_STATUSES = 200
STATUS_SECONDS = 120  # docs: a status disappears after two minutes


class Workspace:
    """Users, channels and messages; a message is Slack's own JSON object."""

    def __init__(self, manifest: Manifest, clock: Clock, feed: Feed) -> None:
        self.manifest = manifest
        self.clock = clock
        self.feed = feed
        members = seed.users(manifest.bot_name, manifest.app_name)
        self.users = {user.id: user for user in members}
        self.channels = {channel.id: channel for channel in seed.channels()}
        self.usergroups = dict(seed.USERGROUPS)
        self._messages: dict[str, dict[str, Json]] = {name: {} for name in self.channels}
        self._statuses: dict[tuple[str, str], tuple[str, float]] = {}
        self._last_micros = 0

    def next_ts(self) -> str:
        """Give the time as Slack writes it, greater than every one before."""
        self._last_micros = max(int(self.clock() * 1_000_000), self._last_micros + 1)
        return f"{self._last_micros // 1_000_000:010d}.{self._last_micros % 1_000_000:06d}"

    def channel(self, channel_id: str) -> Channel:
        """Find a channel, or the DM of a user id; raise channel_not_found."""
        for channel in self.channels.values():
            if channel_id in (channel.id, channel.user):
                return channel
        raise SlackError("channel_not_found")

    def can_see(self, user_id: str, channel: Channel) -> bool:
        """Tell whether a person has the channel in the sidebar."""
        return user_id in channel.members

    def message(self, channel_id: str, ts: object) -> Json:
        """Find a message that everyone in the channel sees; raise message_not_found."""
        message = self._messages[channel_id].get(str(ts))
        if message is None or "visible_to" in message:
            raise SlackError("message_not_found")
        return message

    def seen_message(self, channel_id: str, ts: object, viewer: str) -> Json:
        """Find a message as a viewer sees it, ephemeral ones included."""
        message = self._messages[channel_id].get(str(ts))
        if message is None or message.get("visible_to", viewer) != viewer:
            raise SlackError("message_not_found")
        return message

    def timeline(self, channel_id: str, viewer: str | None = None) -> list[Json]:
        """List thread roots and broadcasts, oldest first, with their reply counts."""
        replies = self._replies(channel_id)
        return [
            with_counts(message, replies.get(message["ts"], []))
            for message in self._visible(channel_id, viewer)
            if is_in_timeline(message)
        ]

    def thread(self, channel_id: str, thread_ts: object, viewer: str | None = None) -> list[Json]:
        """List a root and its replies, oldest first; raise thread_not_found."""
        root = self._messages[channel_id].get(str(thread_ts))
        if root is None or "visible_to" in root:
            raise SlackError("thread_not_found")
        presented = with_counts(root, self._replies(channel_id).get(str(thread_ts), []))
        return [presented] + [
            message
            for message in self._visible(channel_id, viewer)
            if message.get("thread_ts") == thread_ts and message["ts"] != thread_ts
        ]

    def post(
        self,
        channel_id: str,
        *,
        author: str,
        text: str,
        thread_ts: str | None = None,
        blocks: Iterable[Json] = (),
        visible_to: str | None = None,
        **fields: object,
    ) -> Json:
        """Add a message and tell the feed; the bot's posts end its status in that thread."""
        message: Json = {"type": "message", "user": author, "text": text, "ts": self.next_ts()}
        message |= {"team": TEAM_ID} | (self._bot_fields() if author == BOT_USER_ID else {})
        message |= {name: value for name, value in fields.items() if value}
        message |= {"blocks": list(blocks)} if blocks else {}
        message |= {"thread_ts": thread_ts} if thread_ts else {}
        if visible_to:
            message |= {"is_ephemeral": True, "visible_to": visible_to}
        messages = self._messages[channel_id]
        messages[message["ts"]] = message
        while len(messages) > MAX_MESSAGES:
            del messages[next(iter(messages))]
        if author == BOT_USER_ID and not visible_to:
            self.set_status(channel_id, thread_ts or message["ts"], "")
        self._tell(ChangeType.EPHEMERAL if visible_to else ChangeType.MESSAGE, channel_id, message)
        self._tell_root(channel_id, message)
        return message

    def change(self, channel_id: str, ts: str, **fields: object) -> Json:
        """Replace fields of a message; a field that is None goes away."""
        previous = self._messages[channel_id][ts]
        message = {**previous, **fields}
        message = {name: value for name, value in message.items() if value is not None}
        self._messages[channel_id][ts] = message
        self._tell(ChangeType.MESSAGE_CHANGED, channel_id, message, previous)
        return message

    def delete(self, channel_id: str, ts: str) -> None:
        """Remove a message; a root with replies stays as a tombstone, as in Slack."""
        message = self._messages[channel_id][ts]
        if self._replies(channel_id).get(ts):
            tomb = {"subtype": "tombstone", "text": "This message was deleted.", "blocks": None}
            self.change(channel_id, ts, **tomb)
            return
        del self._messages[channel_id][ts]
        is_hidden = "visible_to" in message
        kind = ChangeType.EPHEMERAL_DELETED if is_hidden else ChangeType.MESSAGE_DELETED
        self._tell(kind, channel_id, message, message)
        self._tell_root(channel_id, message)

    def react(self, channel_id: str, ts: object, user_id: str, name: str, *, adds: bool) -> None:
        """Add or remove a reaction; raise already_reacted, no_reaction, invalid_name."""
        message = self.message(channel_id, ts)
        message = message | {"reactions": with_reaction(message, user_id, name, adds=adds)}
        self._messages[channel_id][message["ts"]] = message
        self._tell(
            ChangeType.REACTION, channel_id, message, reaction=name, user=user_id, added=adds
        )

    def set_status(self, channel_id: str, thread_ts: str, text: str, **fields: object) -> None:
        """Show "is searching…" in a thread; an empty text clears it."""
        if not text and not self.status(channel_id, thread_ts):
            return
        self._statuses.pop((channel_id, thread_ts), None)
        if text:
            self._statuses[channel_id, thread_ts] = (text, self.clock() + STATUS_SECONDS)
        while len(self._statuses) > MAX_STATUSES:
            del self._statuses[next(iter(self._statuses))]
        audience = self.channels[channel_id].members
        change = Change(
            ChangeType.STATUS, audience, channel_id, thread_ts, fields={"status": text, **fields}
        )
        self.feed.publish(change)

    def status(self, channel_id: str, thread_ts: str) -> str:
        """Give the status shown in a thread, empty when there is none or it is too old."""
        text, until = self._statuses.get((channel_id, thread_ts), ("", 0.0))
        return text if self.clock() < until else ""

    def is_external(self, channel_id: str) -> bool:
        """Tell whether another company shares the channel."""
        return self.channels[channel_id].kind is ChannelKind.EXTERNAL

    def _visible(self, channel_id: str, viewer: str | None) -> list[Json]:
        messages = self._messages[channel_id].values()
        return [message for message in messages if message.get("visible_to", viewer) == viewer]

    def _replies(self, channel_id: str) -> dict[str, list[Json]]:
        return replies_by_root(self._messages[channel_id].values())

    def _bot_fields(self) -> Json:
        profile: Json = {"id": BOT_ID, "app_id": APP_ID, "team_id": TEAM_ID}
        profile |= {"name": self.manifest.bot_name, "deleted": False}
        return {"bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": profile}

    def _tell(
        self,
        kind: ChangeType,
        channel_id: str,
        message: Json,
        previous: Json | None = None,
        **fields: object,
    ) -> None:
        audience = self.channels[channel_id].members
        if "visible_to" in message:
            audience = frozenset({message["visible_to"]})
        thread_ts = message.get("thread_ts")
        fields = {"ts": message["ts"], **fields}
        self.feed.publish(
            Change(kind, audience, channel_id, thread_ts, message, previous, fields=fields)
        )

    def _tell_root(self, channel_id: str, reply: Json) -> None:
        root = self._messages[channel_id].get(reply.get("thread_ts", ""))
        if root is None or root is reply or "visible_to" in reply:
            return
        presented = with_counts(root, self._replies(channel_id).get(root["ts"], []))
        audience = self.channels[channel_id].members
        self.feed.publish(
            Change(
                ChangeType.MESSAGE_CHANGED,
                audience,
                channel_id,
                message=presented,
                is_derived=True,
                fields={"ts": root["ts"]},
            )
        )
