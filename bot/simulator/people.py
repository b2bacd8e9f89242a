"""What people do: write, edit, share a file, use commands, react, open the Home, and the clicks.

Raises ControlError with a sentence when a person cannot do it.
"""

from __future__ import annotations

from typing import Any

from . import interactions, payloads
from .clicks import Clicks
from .courier import Delivery
from .model import BOT_USER_ID, TEAM_ID, Channel, ChannelKind, ControlError, Json, SlackError, User
from .responses import Address
from .typed import encode, escape, rich_text

NO_COMMAND = (
    "`{}` is not a valid command. In Slack, all messages that start with the “/” character are"
    " interpreted as commands. If you are trying to send a message and not run a command, try"
    " preceding the “/” with an empty space."
)
NOT_HERE = "<@{}> is not in this channel. Add it first, or it will not see this."
NO_MESSAGES = "Sending messages to this app has been turned off."


class People(Clicks):
    """The hands of the workspace's users."""

    def post(
        self,
        user_id: str,
        channel_id: str,
        text: str,
        thread_ts: str | None = None,
        *,
        broadcast: bool = False,
    ) -> str:
        """Write a message; "@name" becomes a mention; gives its ts.

        broadcast sends a reply to the channel as well (subtype thread_broadcast).
        """
        user, channel = self._person(user_id), self._channel(user_id, channel_id)
        if not text.strip():
            raise ControlError("A message needs some text.")
        if broadcast and not thread_ts:
            raise ControlError("Only a reply in a thread can be sent to the channel as well.")
        fields = {"subtype": "thread_broadcast" if broadcast else None}
        return self._write(user, channel, text, thread_ts, **fields)

    def share_file(
        self, user_id: str, channel_id: str, name: str, text: str = "", thread_ts: str | None = None
    ) -> str:
        """Share a file with a comment (subtype file_share); gives the message's ts."""
        user, channel = self._person(user_id), self._channel(user_id, channel_id)
        file_id = f"F{payloads.new_client_msg_id()[:8].upper()}"
        file = {"id": file_id, "name": name, "title": name, "mode": "hosted", "user": user.id}
        file |= {"mimetype": "application/octet-stream", "filetype": name.rpartition(".")[2]}
        fields = {"subtype": "file_share", "files": [file], "upload": False}
        return self._write(user, channel, text, thread_ts, **fields)

    def edit(self, user_id: str, channel_id: str, ts: str, text: str) -> None:
        """Change the text of one's own message (event message_changed)."""
        user, channel = self._person(user_id), self._channel(user_id, channel_id)
        self._own_message(channel, ts, user_id)
        encoded = encode(text, self._names(user.id))
        edited = {"user": user.id, "ts": self._workspace.next_ts()}
        blocks = rich_text(encoded)
        self._workspace.change(channel.id, ts, text=encoded, blocks=blocks, edited=edited)

    def remove(self, user_id: str, channel_id: str, ts: str) -> None:
        """Delete one's own message (event message_deleted)."""
        channel = self._channel(self._person(user_id).id, channel_id)
        self._own_message(channel, ts, user_id)
        self._workspace.delete(channel.id, ts)

    def invite(self, user_id: str, channel_id: str, invited: str) -> None:
        """Add a user, the bot too, to a channel (event member_joined_channel)."""
        channel = self._channel(self._person(user_id).id, channel_id)
        if channel.kind is ChannelKind.IM or invited not in self._workspace.users:
            raise ControlError(f"{invited} cannot join #{channel.name}.")
        self._workspace.join(channel.id, invited)
        event: Json = {"type": "member_joined_channel", "user": invited, "channel": channel.id}
        event |= {"channel_type": channel.id[0], "team": TEAM_ID, "inviter": user_id}
        event |= {"event_ts": self._workspace.next_ts()}
        self._announcer.send(event, channel.id, "member_joined_channel")

    async def command(self, user_id: str, channel_id: str, name: str, text: str) -> str:
        """Use a slash command; returns when the app acknowledged it or Slack gave up.

        Gives the trigger_id, "" when the app has no such command.
        """
        user, channel = self._person(user_id), self._channel(user_id, channel_id)
        command = self._workspace.manifest.command(name)
        if command is None:
            self._tell(channel, user, NO_COMMAND.format(name))
            return ""
        typed = encode(text, self._names(user.id)) if command.should_escape else escape(text)
        handles = self._new_handles(channel, user)
        payload = interactions.slash_command(
            name, typed, user=user, channel=channel, handles=handles
        )
        ack = await self._courier.deliver("slash_commands", payload, accepts_response=True)
        if ack.delivery is not Delivery.ACKED:
            self._tell(channel, user, f'{name} failed with the error "{ack.delivery.value}"')
        elif ack.payload:
            address = Address(channel.id, user.id, self._workspace.clock(), handles.trigger_id)
            try:
                self._responses.show(address, ack.payload)
            except SlackError as error:
                self._tell(channel, user, f'{name} failed with the error "{error.code}"')
        return handles.trigger_id

    def open_home(self, user_id: str, tab: str = "home") -> None:
        """Open the app's Home or Messages tab."""
        user = self._person(user_id)
        if tab not in ("home", "messages"):
            raise ControlError('The tab is "home" or "messages".')
        channel = self._workspace.channel(user.id)
        event: Json = {"type": "app_home_opened", "user": user.id, "channel": channel.id}
        event |= {"tab": tab, "event_ts": self._workspace.next_ts()}
        view = self._views.home(user.id)
        event |= {"view": view} if view and tab == "home" else {}
        self._announcer.send(event, channel.id, "app_home_opened")

    def react(
        self, user_id: str, channel_id: str, message_ts: str, name: str, *, adds: bool = True
    ) -> None:
        """Add or take back a reaction."""
        channel = self._channel(self._person(user_id).id, channel_id)
        try:
            self._workspace.react(channel.id, message_ts, user_id, name.strip(":"), adds=adds)
        except SlackError as error:
            raise ControlError(f"The reaction :{name}: failed: {error.code}.") from error

    def stop(self, user_id: str, channel_id: str, thread_ts: str) -> None:
        """Press the stop button of a thread: live streams end, the app hears of it."""
        channel = self._channel(self._person(user_id).id, channel_id)
        self._message(channel, thread_ts, user_id)
        stopped = self._streams.interrupt(channel.id, thread_ts)
        self._workspace.set_status(channel.id, thread_ts, "")
        event: Json = {"type": "agent_session_stopped", "channel": channel.id, "user": user_id}
        event |= {"thread_ts": thread_ts, "streaming_message_ts": stopped}
        event |= {"event_ts": self._workspace.next_ts()}
        self._announcer.send(event, channel.id, "agent_session_stopped")

    def _write(
        self, user: User, channel: Channel, text: str, thread_ts: str | None, **fields: Any
    ) -> str:
        if channel.kind is ChannelKind.IM and not self._workspace.manifest.takes_messages:
            raise ControlError(NO_MESSAGES)
        if thread_ts:
            self._message(channel, thread_ts, user.id)
        encoded = encode(text, self._names(user.id))
        message = self._workspace.post(
            channel.id,
            author=user.id,
            text=encoded,
            thread_ts=thread_ts,
            blocks=rich_text(encoded) if encoded else (),
            client_msg_id=payloads.new_client_msg_id(),
            **fields,
        )
        if f"<@{BOT_USER_ID}>" in encoded and BOT_USER_ID not in channel.members:
            self._tell(channel, user, NOT_HERE.format(BOT_USER_ID))
        return str(message["ts"])

    def _names(self, user_id: str) -> dict[str, str]:
        names = {f"@{who.name.lower()}": f"<@{who.id}>" for who in self._workspace.users.values()}
        for channel in self._workspace.channels.values():
            if channel.user is None and self._workspace.can_see(user_id, channel):
                names[f"#{channel.name.lower()}"] = f"<#{channel.id}|{channel.name}>"
        return names
