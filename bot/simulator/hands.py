"""What every deed of a person needs: who acts, where, on what, and how Slack answers a failure.

Raises ControlError with a sentence when a person cannot do it.
"""

from __future__ import annotations

from .announcer import Announcer
from .courier import Courier, Delivery
from .interactions import Handles
from .methods.streams import StreamMethods
from .methods.views import ViewMethods
from .model import BOT_USER_ID, Channel, ControlError, Json, SlackError, User
from .responses import ResponseUrls
from .workspace import Workspace

SLACKBOT = "USLACKBOT"
NOT_INTERACTIVE = (
    "This app is not configured to handle interactive responses: its manifest has no"
    " interactivity.is_enabled."
)


class Hands:
    """Finds people, channels, messages and views, and hands interactions to the app."""

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

    async def _interact(self, payload: Json, channel: Channel, user: User) -> None:
        self._check_interactive()
        ack = await self._courier.deliver("interactive", payload)
        if ack.delivery is not Delivery.ACKED:
            self._tell(channel, user, f'The action failed with the error "{ack.delivery.value}"')

    async def _ask(self, payload: Json, failure: str, *, accepts_response: bool = True) -> Json:
        """Give what the app answers in its acknowledgement; failure is for the person."""
        self._check_interactive()
        ack = await self._courier.deliver("interactive", payload, accepts_response=accepts_response)
        if ack.delivery is not Delivery.ACKED:
            raise ControlError(failure)
        return ack.payload

    def _check_interactive(self) -> None:
        if not self._workspace.manifest.is_interactive:
            raise ControlError(NOT_INTERACTIVE)

    def _tell(self, channel: Channel, user: User, text: str) -> None:
        self._workspace.post(channel.id, author=SLACKBOT, text=text, visible_to=user.id)

    def _new_handles(self, channel: Channel, user: User, message: Json | None = None) -> Handles:
        trigger_id = self._views.issue_trigger(user.id)
        response_url = self._responses.issue(channel.id, user.id, message, trigger_id=trigger_id)
        return Handles(trigger_id, response_url)

    def _exists(self, identifier: str) -> bool:
        return identifier in self._workspace.users or identifier in self._workspace.channels

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

    def _own_message(self, channel: Channel, ts: str, user_id: str) -> Json:
        message = self._message(channel, ts, user_id)
        if message["user"] != user_id:
            raise ControlError(f"The message {ts!r} is not by {user_id}.")
        return message

    def _view(self, user_id: str, view_id: str) -> Json:
        try:
            return self._views.find(user_id, view_id)
        except SlackError as error:
            raise ControlError(f"{user_id} has no view {view_id!r} open.") from error
