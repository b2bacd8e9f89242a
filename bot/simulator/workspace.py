"""The state of the workspace: who, where, and every message; changes go to the feed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

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
from .seed import Scale
from .threads import with_reaction
from .transcript import Transcript

MAX_STATUSES = 200
STATUS_SECONDS = 120  # docs: a status disappears after two minutes


class Workspace:
    """Users, channels and messages; a message is Slack's own JSON object."""

    def __init__(
        self, manifest: Manifest, clock: Clock, feed: Feed, scale: Scale = seed.SMALL
    ) -> None:
        self.manifest = manifest
        self.clock = clock
        self.feed = feed
        members = seed.users(manifest.bot_name, manifest.app_name, scale)
        self.users = {user.id: user for user in members}
        self.channels = {channel.id: channel for channel in seed.channels(scale)}
        self._directs = {it.user: it.id for it in self.channels.values() if it.user}
        self.usergroups = dict(seed.USERGROUPS)
        self._transcripts = {name: Transcript(scale.messages_per_channel) for name in self.channels}
        self._statuses: dict[tuple[str, str], tuple[str, float]] = {}
        self._last_micros = 0

    def next_ts(self) -> str:
        """Give the time as Slack writes it, greater than every one before."""
        self._last_micros = max(int(self.clock() * 1_000_000), self._last_micros + 1)
        return f"{self._last_micros // 1_000_000:010d}.{self._last_micros % 1_000_000:06d}"

    def channel(self, channel_id: str) -> Channel:
        """Find a channel, or the DM of a user id; raise channel_not_found."""
        channel = self.channels.get(self._directs.get(channel_id, channel_id))
        if channel is None:
            raise SlackError("channel_not_found")
        return channel

    def join(self, channel_id: str, user_id: str) -> None:
        """Add a user to a channel."""
        channel = self.channels[channel_id]
        self.channels[channel_id] = replace(channel, members=channel.members | {user_id})

    def can_see(self, user_id: str, channel: Channel) -> bool:
        """Tell whether a person has the channel in the sidebar."""
        return user_id in channel.members and not channel.is_archived

    def message(self, channel_id: str, ts: object) -> Json:
        """Find a message that everyone in the channel sees; raise message_not_found."""
        return self._transcripts[channel_id].seen(ts)

    def seen_message(self, channel_id: str, ts: object, viewer: str) -> Json:
        """Find a message as a viewer sees it, ephemeral ones included."""
        return self._transcripts[channel_id].seen(ts, viewer)

    def timeline(self, channel_id: str, viewer: str | None = None) -> list[Json]:
        """List thread roots and broadcasts, oldest first, with their reply counts."""
        return self._transcripts[channel_id].timeline(viewer)

    def thread(self, channel_id: str, thread_ts: object, viewer: str | None = None) -> list[Json]:
        """List a root and its replies, oldest first; raise thread_not_found."""
        return self._transcripts[channel_id].thread(str(thread_ts), viewer)

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
        message |= self._author_fields(author)
        message |= {name: value for name, value in fields.items() if value}
        message |= {"blocks": list(blocks)} if blocks else {}
        message |= self._thread_fields(channel_id, thread_ts)
        if visible_to:
            message |= {"is_ephemeral": True, "visible_to": visible_to}
        self._transcripts[channel_id].add(message)
        if author == BOT_USER_ID and not visible_to:
            self.set_status(channel_id, thread_ts or message["ts"], "")
        self._tell(ChangeType.EPHEMERAL if visible_to else ChangeType.MESSAGE, channel_id, message)
        self._tell_root(channel_id, message)
        return message

    def change(self, channel_id: str, ts: str, **fields: object) -> Json:
        """Replace fields of a message; a field that is None goes away."""
        previous = self._transcripts[channel_id].any(ts)
        message = {**previous, **fields}
        message = {name: value for name, value in message.items() if value is not None}
        self._transcripts[channel_id].replace(message)
        self._tell(ChangeType.MESSAGE_CHANGED, channel_id, message, previous)
        return message

    def delete(self, channel_id: str, ts: str) -> None:
        """Remove a message; a root with replies stays as a tombstone, as in Slack."""
        transcript = self._transcripts[channel_id]
        if transcript.replies(ts):
            tomb = {"subtype": "tombstone", "text": "This message was deleted.", "blocks": None}
            self.change(channel_id, ts, **tomb)
            return
        message = transcript.remove(ts)
        is_hidden = "visible_to" in message
        kind = ChangeType.EPHEMERAL_DELETED if is_hidden else ChangeType.MESSAGE_DELETED
        self._tell(kind, channel_id, message, message)
        self._tell_root(channel_id, message)

    def react(self, channel_id: str, ts: object, user_id: str, name: str, *, adds: bool) -> None:
        """Add or remove a reaction; raise already_reacted, no_reaction, invalid_name."""
        message = self.message(channel_id, ts)
        message = message | {"reactions": with_reaction(message, user_id, name, adds=adds)}
        self._transcripts[channel_id].replace(message)
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

    def _thread_fields(self, channel_id: str, thread_ts: str | None) -> Json:
        if not thread_ts:
            return {}
        transcript = self._transcripts[channel_id]
        known = thread_ts in transcript and transcript.any(thread_ts)["user"]
        return {"thread_ts": thread_ts} | ({"parent_user_id": known} if known else {})

    def _author_fields(self, author: str) -> Json:
        if author == BOT_USER_ID:
            profile: Json = {"id": BOT_ID, "app_id": APP_ID, "team_id": TEAM_ID}
            profile |= {"name": self.manifest.bot_name, "deleted": False}
            bot = {"bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": profile}
            return {"team": TEAM_ID} | bot
        user = self.users.get(author)
        if user is None or user.team_id == TEAM_ID:
            return {"team": TEAM_ID}
        profile = {"name": user.name, "real_name": user.real_name, "team": user.team_id}
        teams = {"team": user.team_id, "user_team": user.team_id, "source_team": user.team_id}
        return teams | {"user_profile": profile | {"is_restricted": user.is_restricted}}

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
        transcript, root_ts = self._transcripts[channel_id], reply.get("thread_ts", "")
        if root_ts not in transcript or root_ts == reply["ts"] or "visible_to" in reply:
            return
        root = transcript.any(root_ts)
        presented = transcript.presented(root)
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
