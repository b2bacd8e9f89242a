"""views.*: the App Home of each person and the modals they have open."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from ..blocks import VIEW_BLOCKS, check_blocks
from ..calls import TIER_4, Method, required
from ..feed import Change, ChangeType
from ..model import APP_ID, BOT_ID, TEAM_ID, Json, SlackError
from ..workspace import Workspace

TRIGGER_SECONDS = 3.0
MAX_TRIGGERS = 200
MAX_MODALS = 3  # docs: views on a stack
MAX_TITLE_CHARACTERS = 24
MAX_METADATA_CHARACTERS = 3_000


@dataclass(frozen=True, slots=True)
class Trigger:
    """A person's click that allows one modal within three seconds."""

    user_id: str
    issued_at: float
    is_used: bool = False


class ViewMethods:
    """Keeps homes and modal stacks by user; every change goes to that user's page."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._triggers: dict[str, Trigger] = {}
        self._homes: dict[str, Json] = {}
        self._modals: dict[str, list[Json]] = {}

    def table(self) -> dict[str, Method]:
        """Give the methods by name."""
        return {
            "views.publish": Method(self.publish, (), TIER_4),
            "views.open": Method(self.open, (), TIER_4),
            "views.push": Method(self.push, (), TIER_4),
            "views.update": Method(self.update, (), TIER_4),
        }

    def issue_trigger(self, user_id: str) -> str:
        """Give the trigger_id of a click."""
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.token_hex(12)}"
        self._triggers[trigger_id] = Trigger(user_id, self._workspace.clock())
        while len(self._triggers) > MAX_TRIGGERS:
            del self._triggers[next(iter(self._triggers))]
        return trigger_id

    def home(self, user_id: str) -> Json | None:
        """Give the App Home that the bot published for a person."""
        return self._homes.get(user_id)

    def modal(self, user_id: str) -> Json | None:
        """Give the modal on top of a person's stack."""
        stack = self._modals.get(user_id)
        return stack[-1] if stack else None

    def find(self, user_id: str, view_id: str) -> Json:
        """Find a view that a person sees; raise not_found."""
        for view in (self.home(user_id), self.modal(user_id)):
            if view is not None and view["id"] == view_id:
                return view
        raise SlackError("not_found")

    def close(self, user_id: str, *, closes_all: bool = False) -> None:
        """Take the top modal, or all, off a person's stack."""
        stack = self._modals.get(user_id, [])
        del stack[0 if closes_all else -1 :]
        self._tell(user_id, self.modal(user_id), "modal")

    def put(self, user_id: str, view: object, *, replaces: bool) -> Json:
        """Put a modal on a person's stack, or in place of the top one."""
        built = self._build(view, "modal")
        stack = self._modals.setdefault(user_id, [])
        if replaces and stack:
            built["id"] = stack.pop()["id"]
        if len(stack) >= MAX_MODALS:
            raise SlackError("push_limit_reached")
        stack.append(built)
        self._tell(user_id, built, "modal")
        return built

    def publish(self, arguments: Json) -> Json:
        """Show an App Home to a person; a stale hash is refused."""
        user_id = required(arguments, "user_id")
        if user_id not in self._workspace.users:
            raise SlackError("user_not_found")
        known = self._homes.get(user_id, {})
        if arguments.get("hash") and arguments["hash"] != known.get("hash"):
            raise SlackError("hash_conflict")
        view = self._build(arguments.get("view"), "home")
        self._homes[user_id] = view | {"id": known.get("id", view["id"])}
        self._tell(user_id, self._homes[user_id], "home")
        return {"view": self._homes[user_id]}

    def open(self, arguments: Json) -> Json:
        """Open a modal in place of any other."""
        user_id = self._redeem(required(arguments, "trigger_id"))
        self._modals[user_id] = []
        return {"view": self.put(user_id, arguments.get("view"), replaces=False)}

    def push(self, arguments: Json) -> Json:
        """Put a modal on top of the open one."""
        user_id = self._redeem(required(arguments, "trigger_id"))
        return {"view": self.put(user_id, arguments.get("view"), replaces=False)}

    def update(self, arguments: Json) -> Json:
        """Replace an open modal, named by view_id or external_id."""
        view_id, external_id = arguments.get("view_id"), arguments.get("external_id")
        for user_id, stack in self._modals.items():
            for index, view in enumerate(stack):
                if view["id"] == view_id or (external_id and view["external_id"] == external_id):
                    built = self._build(arguments.get("view"), "modal") | {"id": view["id"]}
                    stack[index] = built
                    self._tell(user_id, self.modal(user_id), "modal")
                    return {"view": built}
        raise SlackError("not_found")

    def _redeem(self, trigger_id: str) -> str:
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.is_used:
            raise SlackError("exchanged_trigger_id")
        if self._workspace.clock() - trigger.issued_at > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        self._triggers[trigger_id] = Trigger(trigger.user_id, trigger.issued_at, is_used=True)
        return trigger.user_id

    def _build(self, view: object, kind: str) -> Json:
        if not isinstance(view, dict) or view.get("type") != kind:
            raise SlackError("invalid_arguments")
        title = (view.get("title") or {}).get("text", "")
        is_titled = kind == "home" or 0 < len(title) <= MAX_TITLE_CHARACTERS
        if not is_titled or len(view.get("private_metadata") or "") > MAX_METADATA_CHARACTERS:
            raise SlackError("invalid_arguments")
        defaults: Json = {"callback_id": "", "private_metadata": "", "external_id": ""}
        ids = {"id": f"V{secrets.token_hex(5).upper()}", "hash": secrets.token_hex(6)}
        owner = {"team_id": TEAM_ID, "app_id": APP_ID, "bot_id": BOT_ID, "state": {"values": {}}}
        blocks = check_blocks(view.get("blocks"), most=VIEW_BLOCKS)
        return defaults | view | ids | owner | {"blocks": blocks}

    def _tell(self, user_id: str, view: Json | None, kind: str) -> None:
        fields: Json = {"user": user_id, "kind": kind, "view": view}
        self._workspace.feed.publish(Change(ChangeType.VIEW, frozenset({user_id}), fields=fields))
