"""What people do: write, use commands and shortcuts, click, open the Home, submit a modal.

Raises ControlError with a sentence when a person cannot do it.
"""

from __future__ import annotations

from . import payloads
from .announcer import Announcer
from .courier import Courier, Delivery
from .elements import find_element, press
from .methods.streams import StreamMethods
from .methods.views import ViewMethods
from .model import BOT_USER_ID, Channel, ControlError, Json, SlackError, User
from .payloads import Handles
from .responses import Address, ResponseUrls
from .typed import encode, escape, rich_text
from .workspace import Workspace

SLACKBOT = "USLACKBOT"
NO_COMMAND = (
    "`{}` is not a valid command. In Slack, all messages that start with the “/” character are"
    " interpreted as commands. If you are trying to send a message and not run a command, try"
    " preceding the “/” with an empty space."
)
NO_SUBMISSION = "We had some trouble connecting. Try again?"


class People:
    """The hands of the workspace's users."""

    def __init__(
        self,
        workspace: Workspace,
        courier: Courier,
        *,
        announcer: Announcer,
        responses: ResponseUrls,
        views: ViewMethods,
        streams: StreamMethods,
    ) -> None:
        self._workspace = workspace
        self._courier = courier
        self._announcer = announcer
        self._responses = responses
        self._views = views
        self._streams = streams

    def post(self, user_id: str, channel_id: str, text: str, thread_ts: str | None = None) -> str:
        """Write a message; "@name" becomes a mention; gives its ts."""
        user, channel = self._person(user_id), self._channel(user_id, channel_id)
        if not text.strip():
            raise ControlError("A message needs some text.")
        if thread_ts:
            self._message(channel, thread_ts, user_id)
        encoded = encode(text, self._names(user.id))
        message = self._workspace.post(
            channel.id,
            author=user.id,
            text=encoded,
            thread_ts=thread_ts,
            blocks=rich_text(encoded),
            client_msg_id=payloads.new_client_msg_id(),
        )
        return str(message["ts"])

    async def command(self, user_id: str, channel_id: str, name: str, text: str) -> None:
        """Use a slash command; returns when the app acknowledged it or Slack gave up."""
        user, channel = self._person(user_id), self._channel(user_id, channel_id)
        command = self._workspace.manifest.command(name)
        if command is None:
            self._tell(channel, user, NO_COMMAND.format(name))
            return
        typed = encode(text, self._names(user.id)) if command.should_escape else escape(text)
        handles = self._new_handles(channel, user)
        payload = payloads.slash_command(name, typed, user=user, channel=channel, handles=handles)
        ack = await self._courier.deliver("slash_commands", payload, accepts_response=True)
        if ack.delivery is not Delivery.ACKED:
            self._tell(channel, user, f'{name} failed with the error "{ack.delivery.value}"')
        elif ack.payload:
            address = Address(channel.id, user.id, self._workspace.clock())
            try:
                self._responses.show(address, ack.payload)
            except SlackError as error:
                self._tell(channel, user, f'{name} failed with the error "{error.code}"')

    async def action(
        self,
        user_id: str,
        channel_id: str,
        message_ts: str,
        *,
        block_id: str,
        action_id: str,
        value: str | None = None,
    ) -> None:
        """Click an element of a message, an ephemeral one too."""
        user, channel = self._person(user_id), self._channel(user_id, channel_id)
        message = self._message(channel, message_ts, user_id)
        action = press(find_element(message, block_id, action_id), value)
        action |= {"block_id": block_id, "action_ts": self._workspace.next_ts()}
        handles = self._new_handles(channel, user, message)
        payload = payloads.block_actions(
            action, user=user, source=message, channel=channel, handles=handles
        )
        await self._interact(payload, channel, user)

    async def view_action(
        self, user_id: str, view_id: str, *, block_id: str, action_id: str, value: str | None = None
    ) -> None:
        """Click an element of the App Home or of a modal."""
        user, view = self._person(user_id), self._view(user_id, view_id)
        action = press(find_element(view, block_id, action_id), value)
        action |= {"block_id": block_id, "action_ts": self._workspace.next_ts()}
        handles = Handles(self._views.issue_trigger(user.id), "")
        payload = payloads.block_actions(
            action, user=user, source=view, channel=None, handles=handles
        )
        await self._interact(payload, self._workspace.channel(user.id), user)

    async def shortcut(
        self, user_id: str, channel_id: str, message_ts: str, callback_id: str
    ) -> None:
        """Use a message shortcut."""
        user, channel = self._person(user_id), self._channel(user_id, channel_id)
        message = self._message(channel, message_ts, user_id)
        names = [shortcut.callback_id for shortcut in self._workspace.manifest.shortcuts]
        if callback_id not in names:
            raise ControlError(f"There is no shortcut {callback_id}; the manifest has {names}.")
        payload = payloads.message_action(
            callback_id,
            user=user,
            message=message,
            channel=channel,
            handles=self._new_handles(channel, user, message),
        )
        await self._interact(payload, channel, user)

    async def submit(self, user_id: str, view_id: str, values: Json) -> dict[str, str]:
        """Submit a modal; gives the app's errors by block_id, empty when it was accepted."""
        user, view = self._person(user_id), self._view(user_id, view_id)
        handles = Handles(self._views.issue_trigger(user.id), "")
        filled = view | {"state": {"values": values}}
        payload = payloads.view_submission(filled, user=user, handles=handles)
        ack = await self._courier.deliver("interactive", payload, accepts_response=True)
        if ack.delivery is not Delivery.ACKED:
            raise ControlError(NO_SUBMISSION)
        match ack.payload.get("response_action"):
            case "errors":
                return dict(ack.payload["errors"])
            case "update" | "push" as how:
                self._views.put(user.id, ack.payload["view"], replaces=how == "update")
            case how:
                self._views.close(user.id, closes_all=how == "clear")
        return {}

    def close_modal(self, user_id: str) -> None:
        """Close the modal on top."""
        self._views.close(self._person(user_id).id)

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

    async def _interact(self, payload: Json, channel: Channel, user: User) -> None:
        ack = await self._courier.deliver("interactive", payload)
        if ack.delivery is not Delivery.ACKED:
            self._tell(channel, user, f'The action failed with the error "{ack.delivery.value}"')

    def _tell(self, channel: Channel, user: User, text: str) -> None:
        self._workspace.post(channel.id, author=SLACKBOT, text=text, visible_to=user.id)

    def _new_handles(self, channel: Channel, user: User, message: Json | None = None) -> Handles:
        response_url = self._responses.issue(channel.id, user.id, message)
        return Handles(self._views.issue_trigger(user.id), response_url)

    def _names(self, user_id: str) -> dict[str, str]:
        names = {f"@{who.name.lower()}": f"<@{who.id}>" for who in self._workspace.users.values()}
        for channel in self._workspace.channels.values():
            if channel.user is None and self._workspace.can_see(user_id, channel):
                names[f"#{channel.name.lower()}"] = f"<#{channel.id}|{channel.name}>"
        return names

    def _person(self, user_id: str) -> User:
        user = self._workspace.users.get(user_id)
        if user is None or user.id == BOT_USER_ID:
            people = [name for name in self._workspace.users if name != BOT_USER_ID]
            raise ControlError(f"There is no person {user_id!r}; there are {', '.join(people)}.")
        return user

    def _channel(self, user_id: str, channel_id: str) -> Channel:
        channel = self._workspace.channels.get(channel_id)
        if channel is None or not self._workspace.can_see(user_id, channel):
            raise ControlError(f"{user_id} sees no channel {channel_id!r}.")
        return channel

    def _message(self, channel: Channel, ts: str, user_id: str) -> Json:
        try:
            return self._workspace.seen_message(channel.id, ts, user_id)
        except SlackError as error:
            raise ControlError(f"There is no message {ts!r} in #{channel.name}.") from error

    def _view(self, user_id: str, view_id: str) -> Json:
        try:
            return self._views.find(user_id, view_id)
        except SlackError as error:
            raise ControlError(f"{user_id} has no view {view_id!r} open.") from error
