"""What people do with buttons, menus, shortcuts and modals."""

from __future__ import annotations

from . import interactions
from .elements import find_element, press
from .hands import Hands
from .inputs import fill_in, has_state, refusals
from .manifest import Shortcut
from .model import ControlError, Json, SlackError, User

NO_SUBMISSION = "We had some trouble connecting. Try again?"
NO_SHORTCUT = "The shortcut failed. Try again?"
NO_OPTIONS = "The options could not be loaded."
MAX_OPTIONS = 100


class Clicks(Hands):
    """Clicks in messages, in the App Home and in modals; see inputs.py for what a wish is."""

    async def action(
        self,
        user_id: str,
        channel_id: str,
        message_ts: str,
        *,
        block_id: str,
        action_id: str,
        value: object = None,
    ) -> str:
        """Use an element of a message, an ephemeral one too; gives the trigger_id."""
        user, channel = self._person(user_id), self._channel(user_id, channel_id)
        message = self._message(channel, message_ts, user_id)
        action = self._press(message, block_id, action_id, value)
        handles = self._new_handles(channel, user, message)
        payload = interactions.message_click(
            action, user=user, message=message, channel=channel, handles=handles
        )
        await self._interact(payload, channel, user)
        return handles.trigger_id

    async def view_action(
        self,
        user_id: str,
        view_id: str,
        *,
        block_id: str,
        action_id: str,
        value: object = None,
        values: Json | None = None,
    ) -> str:
        """Use an element of the App Home or of a modal; gives the trigger_id.

        values are wishes for the view's other elements, chosen or typed before the click.
        """
        user, view = self._person(user_id), self._view(user_id, view_id)
        element = find_element(view, block_id, action_id)
        action = self._press(view, block_id, action_id, value)
        wishes = dict(values or {})
        if has_state(element):
            wishes[block_id] = wishes.get(block_id, {}) | {action_id: value}
        view = self._views.fill(user.id, view_id, fill_in(view, wishes, self._exists))
        trigger_id = self._views.issue_trigger(user.id)
        payload = interactions.view_click(action, user=user, view=view, trigger_id=trigger_id)
        await self._interact(payload, self._workspace.channel(user.id), user)
        return trigger_id

    async def suggest(
        self, user_id: str, view_id: str, *, block_id: str, action_id: str, value: str
    ) -> list[Json]:
        """Type into an external select of a view; gives the app's options."""
        user, view = self._person(user_id), self._view(user_id, view_id)
        element = find_element(view, block_id, action_id)
        if len(value) < element.get("min_query_length", 3):
            return []
        payload = interactions.suggestion(
            value, user=user, view=view, block_id=block_id, action_id=action_id
        )
        answer = await self._ask(payload, NO_OPTIONS)
        options = answer.get("options")
        if not isinstance(options, list) or len(options) > MAX_OPTIONS:
            raise ControlError(NO_OPTIONS)
        element["options"] = options
        return options

    async def shortcut(
        self, user_id: str, channel_id: str, message_ts: str, callback_id: str
    ) -> str:
        """Use a message shortcut; gives the trigger_id."""
        user, channel = self._person(user_id), self._channel(user_id, channel_id)
        message = self._message(channel, message_ts, user_id)
        self._declared(callback_id, "message")
        if message.get("is_ephemeral"):
            raise ControlError("A message that only you see has no shortcuts.")
        handles = self._new_handles(channel, user)  # another's message is nothing to replace
        payload = interactions.message_shortcut(
            callback_id,
            user=user,
            message=message,
            channel=channel,
            ts=self._workspace.next_ts(),
            handles=handles,
        )
        await self._interact(payload, channel, user)
        return handles.trigger_id

    async def global_shortcut(self, user_id: str, callback_id: str) -> str:
        """Use a global shortcut, from anywhere; gives the trigger_id."""
        user = self._person(user_id)
        self._declared(callback_id, "global")
        trigger_id = self._views.issue_trigger(user.id)
        ts = self._workspace.next_ts()
        payload = interactions.global_shortcut(callback_id, user=user, ts=ts, trigger_id=trigger_id)
        await self._ask(payload, NO_SHORTCUT, accepts_response=False)
        return trigger_id

    async def submit(
        self, user_id: str, view_id: str, values: Json | None = None
    ) -> dict[str, str]:
        """Submit a modal; gives errors by block_id, empty when it was accepted.

        The errors are Slack's own for what is missing or too long, else those of the app.
        """
        user, view = self._person(user_id), self._view(user_id, view_id)
        view = self._views.fill(user.id, view_id, fill_in(view, values or {}, self._exists))
        if refused := refusals(view["blocks"], view["state"]["values"]):
            return refused
        trigger_id = self._views.issue_trigger(user.id)
        payload = interactions.view_submission(view, user=user, trigger_id=trigger_id)
        answer = await self._ask(payload, NO_SUBMISSION)
        try:
            return self._answered(user, view, answer)
        except SlackError as error:
            raise ControlError(f"{NO_SUBMISSION} ({error.code})") from error

    def close_modal(self, user_id: str) -> None:
        """Close the modal on top, or all of them where it clears on close."""
        user = self._person(user_id)
        top = self._views.modal(user.id)
        closes_all = bool(top and top["clear_on_close"])
        for view in self._views.close(user.id, closes_all=closes_all):
            if view["notify_on_close"]:
                payload = interactions.view_closed(view, user=user, is_cleared=closes_all)
                self._courier.send_interaction(payload)

    def _answered(self, user: User, view: Json, answer: Json) -> dict[str, str]:
        match answer.get("response_action"):
            case "errors":
                inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
                errors = dict(answer.get("errors") or {})
                if not errors or not errors.keys() <= inputs:
                    raise SlackError("invalid_arguments")
                return errors
            case "update":
                self._views.put(user.id, answer.get("view"), replaces=True)
            case "push":
                self._views.put(user.id, answer.get("view"), replaces=False)
            case how:
                self._views.close(user.id, closes_all=how == "clear")
        return {}

    def _press(self, source: Json, block_id: str, action_id: str, value: object) -> Json:
        action = press(find_element(source, block_id, action_id), value, self._exists)
        return action | {"block_id": block_id, "action_ts": self._workspace.next_ts()}

    def _declared(self, callback_id: str, kind: str) -> Shortcut:
        declared = [it for it in self._workspace.manifest.shortcuts if it.type == kind]
        for shortcut in declared:
            if shortcut.callback_id == callback_id:
                return shortcut
        names = [shortcut.callback_id for shortcut in declared]
        raise ControlError(
            f"There is no {kind} shortcut {callback_id!r}; the manifest has {names}."
        )
