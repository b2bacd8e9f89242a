"""users.info and list, usergroups.*, reactions.*: who is there, and what they think."""

from __future__ import annotations

from ..access import joined_channel
from ..calls import TIER_2, TIER_3, TIER_4, Method, page, paged, required
from ..model import BOT_USER_ID, TEAM_ID, Json, SlackError, User
from ..workspace import Workspace


class PeopleMethods:
    """Describes users and user groups, and reacts as the bot."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def table(self) -> dict[str, Method]:
        """Give the methods by name."""
        groups = ("usergroups:read",)
        return {
            "users.info": Method(self.user, ("users:read",), TIER_4, reads=True),
            "users.list": Method(self.users, ("users:read",), TIER_2, reads=True),
            "usergroups.list": Method(self.usergroups, groups, TIER_2, reads=True),
            "usergroups.users.list": Method(self.usergroup, groups, TIER_2, reads=True),
            "reactions.add": Method(self.add_reaction, ("reactions:write",), TIER_3),
            "reactions.remove": Method(self.remove_reaction, ("reactions:write",), TIER_2),
        }

    def user(self, arguments: Json) -> Json:
        """Describe a user; the e-mail address needs its own scope."""
        user = self._workspace.users.get(required(arguments, "user"))
        if user is None:
            raise SlackError("user_not_found")
        return {"user": self._describe(user)}

    def users(self, arguments: Json) -> Json:
        """List the users of the workspace and those known through shared channels."""
        everybody = [self._describe(user) for user in self._workspace.users.values()]
        return paged("members", page(everybody, arguments))

    def usergroups(self, arguments: Json) -> Json:
        """List the user groups."""
        groups = [
            {"id": group_id, "team_id": TEAM_ID, "handle": group_id.lower(), "user_count": len(ids)}
            for group_id, ids in self._workspace.usergroups.items()
        ]
        return {"usergroups": groups}

    def usergroup(self, arguments: Json) -> Json:
        """List the members of a user group."""
        users = self._workspace.usergroups.get(required(arguments, "usergroup"))
        if users is None:
            raise SlackError("no_such_subteam")
        return {"users": list(users)}

    def add_reaction(self, arguments: Json) -> Json:
        """React as the bot."""
        return self._react(arguments, adds=True)

    def remove_reaction(self, arguments: Json) -> Json:
        """Take back a reaction of the bot."""
        return self._react(arguments, adds=False)

    def _react(self, arguments: Json, *, adds: bool) -> Json:
        channel = joined_channel(self._workspace, arguments)
        ts, name = required(arguments, "timestamp"), required(arguments, "name")
        self._workspace.react(channel.id, ts, BOT_USER_ID, name, adds=adds)
        return {}

    def _describe(self, user: User) -> Json:
        profile = {"real_name": user.real_name, "display_name": user.name}
        if "users:read.email" in self._workspace.manifest.scopes and not user.is_bot:
            profile["email"] = f"{user.name}@acme.example"
        details: Json = {"id": user.id, "team_id": user.team_id, "name": user.name}
        details |= {"deleted": user.is_deleted, "is_bot": user.is_bot, "profile": profile}
        if user.is_deleted:  # Slack leaves the rest out
            return details
        details |= {"real_name": user.real_name, "tz": "Etc/UTC", "tz_offset": 0}
        if user.team_id != TEAM_ID:  # known through a shared channel; a stranger is not
            return details | {"is_stranger": False}
        details |= {"is_admin": user.is_admin, "is_owner": False}
        return details | {"is_restricted": user.is_restricted, "is_ultra_restricted": False}
