"""views.*: the App Home of each person and the modals they have open."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from ..calls import TIER_4, Method, required
from ..elements import with_ids
from ..faults import FaultKind, Faults
from ..feed import Change, ChangeType
from ..inputs import initial_values
from ..model import APP_ID, BOT_ID, TEAM_ID, Json, Pace, SlackError
from ..view_rules import check_view
from ..workspace import Workspace

MAX_TRIGGERS = 2_000
MAX_MODALS = 3  # docs: views on a stack


@dataclass(frozen=True, slots=True)
class Trigger:
    """A person's click that allows one modal within three seconds."""

    user_id: str
    issued_at: float
    is_used: bool = False


class ViewMethods:
    """Keeps homes and modal stacks by user; every change goes to that user's page."""

    def __init__(self, workspace: Workspace, faults: Faults, pace: Pace) -> None:
        self._workspace = workspace
        self._faults = faults
        self._trigger_seconds = pace.trigger_seconds
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
        is_old = self._faults.take(FaultKind.EXPIRED_TRIGGER) is not None
        issued_at = float("-inf") if is_old else self._workspace.clock()
        self._triggers[trigger_id] = Trigger(user_id, issued_at)
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

    def fill(self, user_id: str, view_id: str, values: dict[str, Json]) -> Json:
        """Keep what a person has chosen and typed in a view so far; gives the view."""
        view = self.find(user_id, view_id) | {"state": {"values": values}}
        if view["type"] == "home":
            self._homes[user_id] = view
        else:
            self._modals[user_id][-1] = view
        return view

    def close(self, user_id: str, *, closes_all: bool = False) -> list[Json]:
        """Take the top modal, or all, off a person's stack; gives those, the top one first."""
        stack = self._modals.get(user_id, [])
        closed = stack[0 if closes_all else -1 :][::-1]
        del stack[0 if closes_all else -1 :]
        self._tell(user_id, self.modal(user_id), "modal")
        return closed

    def put(self, user_id: str, view: object, *, replaces: bool) -> Json:
        """Put a modal on a person's stack, or in place of the top one."""
        stack = self._modals.setdefault(user_id, [])
        if replaces and stack:
            stack[-1] = built = self._rebuild(view, stack[-1])
        else:
            built = self._build(view, "modal")
            if len(stack) >= MAX_MODALS:
                raise SlackError("push_limit_reached")
            top = stack[-1] if stack else None
            built["previous_view_id"] = top["id"] if top else None
            built["root_view_id"] = stack[0]["id"] if stack else built["id"]
            stack.append(built)
        self._tell(user_id, built, "modal")
        return built

    def publish(self, arguments: Json) -> Json:
        """Show an App Home to a person; a stale hash is refused."""
        user_id = required(arguments, "user_id")
        if not self._workspace.manifest.has_home:
            raise SlackError("not_enabled")
        user = self._workspace.users.get(user_id)
        if user is None or user.team_id != TEAM_ID or user.is_deleted:
            raise SlackError("user_not_found")
        known = self._homes.get(user_id)
        self._check_hash(arguments, known or {})
        view = arguments.get("view")
        built = self._rebuild(view, known) if known else self._build(view, "home")
        self._homes[user_id] = built
        self._tell(user_id, built, "home")
        return {"view": built}

    def open(self, arguments: Json) -> Json:
        """Open a modal in place of any other."""
        user_id = self._redeem(arguments)
        self._modals[user_id] = []
        return {"view": self.put(user_id, arguments.get("view"), replaces=False)}

    def push(self, arguments: Json) -> Json:
        """Put a modal on top of the open one."""
        user_id = self._redeem(arguments)
        if not self._modals.get(user_id):
            raise SlackError("invalid_trigger_id")
        return {"view": self.put(user_id, arguments.get("view"), replaces=False)}

    def update(self, arguments: Json) -> Json:
        """Replace an open modal, named by view_id or external_id; what was typed stays."""
        view_id, external_id = arguments.get("view_id"), arguments.get("external_id")
        for user_id, stack in self._modals.items():
            for index, view in enumerate(stack):
                if view["id"] == view_id or (external_id and view["external_id"] == external_id):
                    self._check_hash(arguments, view)
                    stack[index] = built = self._rebuild(arguments.get("view"), view)
                    self._tell(user_id, self.modal(user_id), "modal")
                    return {"view": built}
        raise SlackError("not_found")

    def _redeem(self, arguments: Json) -> str:
        trigger_id = required(arguments, "trigger_id")
        check_view(arguments.get("view"), "modal")  # a bad view leaves the trigger as it was
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.is_used:
            raise SlackError("exchanged_trigger_id")
        if self._workspace.clock() - trigger.issued_at > self._trigger_seconds:
            raise SlackError("expired_trigger_id")
        self._triggers[trigger_id] = Trigger(trigger.user_id, trigger.issued_at, is_used=True)
        return trigger.user_id

    def _check_hash(self, arguments: Json, view: Json) -> None:
        if arguments.get("hash") and arguments["hash"] != view.get("hash"):
            raise SlackError("hash_conflict")

    def _rebuild(self, view: object, known: Json) -> Json:
        built = self._build(view, known["type"])
        before = known["state"]["values"]
        for block_id, states in built["state"]["values"].items():
            for action_id, state in states.items():
                kept = before.get(block_id, {}).get(action_id, {})
                states[action_id] = kept if kept.get("type") == state["type"] else state
        return built | {name: known[name] for name in ("id", "previous_view_id", "root_view_id")}

    def _build(self, view: object, kind: str) -> Json:
        checked = check_view(view, kind)
        blocks = [with_ids(block) for block in checked["blocks"]]
        view_id = f"V{secrets.token_hex(5).upper()}"
        built: Json = {"id": view_id, "team_id": TEAM_ID, "type": kind, "blocks": blocks}
        built |= {"private_metadata": "", "callback_id": "", "external_id": ""}
        built |= {"state": {"values": initial_values(blocks)}, "hash": secrets.token_hex(6)}
        built |= {"title": None, "clear_on_close": False, "notify_on_close": False}
        built |= {"close": None, "submit": None, "previous_view_id": None, "root_view_id": view_id}
        owner = {"app_id": APP_ID, "app_installed_team_id": TEAM_ID, "bot_id": BOT_ID}
        return built | owner | checked | {"blocks": blocks}

    def _tell(self, user_id: str, view: Json | None, kind: str) -> None:
        fields: Json = {"user": user_id, "kind": kind, "view": view}
        self._workspace.feed.publish(Change(ChangeType.VIEW, frozenset({user_id}), fields=fields))
