"""conversations.*, users.info, usergroups.users.list, reactions.*: who and what is there."""

from __future__ import annotations

from ..calls import TIER_2, TIER_3, TIER_4, Method, flag, page, required
from ..model import BOT_USER_ID, TEAM_ID, Channel, ChannelKind, Json, SlackError
from ..workspace import Workspace

PREFIXES = {ChannelKind.PRIVATE: "groups", ChannelKind.IM: "im"}  # of the scopes


class ReadingMethods:
    """Reads the workspace as the bot; the scope depends on the kind of the channel."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def table(self) -> dict[str, Method]:
        """Give the methods by name."""
        return {
            "conversations.history": Method(self.history, (), TIER_3),
            "conversations.replies": Method(self.replies, (), TIER_3),
            "conversations.info": Method(self.info, (), TIER_3),
            "conversations.members": Method(self.members, (), TIER_4),
            "conversations.open": Method(self.open, ("im:write",), TIER_3),
            "users.info": Method(self.user, ("users:read",), TIER_4),
            "usergroups.users.list": Method(self.usergroup, ("usergroups:read",), TIER_2),
            "reactions.add": Method(self.add_reaction, ("reactions:write",), TIER_3),
            "reactions.remove": Method(self.remove_reaction, ("reactions:write",), TIER_2),
        }

    def history(self, arguments: Json) -> Json:
        """List thread roots and broadcasts, newest first."""
        channel = self._readable(arguments)
        messages = _between(self._workspace.timeline(channel.id)[::-1], arguments)
        return _messages(messages, arguments, default=100)

    def replies(self, arguments: Json) -> Json:
        """List a thread, root first."""
        channel = self._readable(arguments)
        root, *replies = self._workspace.thread(channel.id, required(arguments, "ts"))
        return _messages([root, *_between(replies, arguments)], arguments, default=1000)

    def info(self, arguments: Json) -> Json:
        """Describe a channel."""
        channel = self._listed(arguments)
        kind, members = channel.kind, len(channel.members)
        details: Json = {"id": channel.id, "is_archived": channel.is_archived}
        details |= {"is_im": kind is ChannelKind.IM, "is_group": kind is ChannelKind.PRIVATE}
        details |= {"is_private": kind in (ChannelKind.PRIVATE, ChannelKind.IM), "is_mpim": False}
        details |= {"is_ext_shared": kind is ChannelKind.EXTERNAL}
        details |= {"is_shared": kind is ChannelKind.EXTERNAL, "context_team_id": TEAM_ID}
        if kind is ChannelKind.IM:
            return {"channel": details | {"user": channel.user}}
        details |= {"name": channel.name, "name_normalized": channel.name}
        details |= {"is_channel": kind is not ChannelKind.PRIVATE, "is_general": False}
        details |= {"is_member": BOT_USER_ID in channel.members}
        details |= {"num_members": members} if flag(arguments, "include_num_members") else {}
        return {"channel": details}

    def members(self, arguments: Json) -> Json:
        """List the ids of a channel's members."""
        found = page(sorted(self._listed(arguments).members), arguments)
        return {"members": found["items"], "response_metadata": found["response_metadata"]}

    def open(self, arguments: Json) -> Json:
        """Find the DM with a person."""
        user_id = str(arguments.get("users") or arguments.get("channel"))
        if user_id == BOT_USER_ID or user_id not in {*self._workspace.users, *self._direct()}:
            raise SlackError("user_not_found")
        return {"channel": {"id": self._workspace.channel(user_id).id}, "already_open": True}

    def user(self, arguments: Json) -> Json:
        """Describe a user; the e-mail address needs its own scope."""
        user = self._workspace.users.get(required(arguments, "user"))
        if user is None:
            raise SlackError("user_not_found")
        profile = {"real_name": user.real_name, "display_name": user.name}
        if "users:read.email" in self._workspace.manifest.scopes and not user.is_bot:
            profile["email"] = f"{user.name}@acme.example"
        details: Json = {"id": user.id, "team_id": user.team_id, "name": user.name}
        details |= {"deleted": user.is_deleted, "is_bot": user.is_bot, "profile": profile}
        if user.is_deleted:  # Slack leaves the rest out
            return {"user": details}
        details |= {"real_name": user.real_name, "tz": "Etc/UTC", "tz_offset": 0}
        if user.team_id != TEAM_ID:  # known through a shared channel; a stranger is not
            return {"user": details | {"is_stranger": False}}
        details |= {"is_admin": user.is_admin, "is_owner": False}
        details |= {"is_restricted": user.is_restricted, "is_ultra_restricted": False}
        return {"user": details}

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
        channel = self._workspace.channel(required(arguments, "channel"))
        ts, name = required(arguments, "timestamp"), required(arguments, "name")
        self._workspace.react(channel.id, ts, BOT_USER_ID, name, adds=adds)
        return {}

    def _readable(self, arguments: Json) -> Channel:
        channel = self._scoped(arguments, "history")
        if BOT_USER_ID not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def _listed(self, arguments: Json) -> Channel:
        channel = self._scoped(arguments, "read")
        if channel.kind is ChannelKind.PRIVATE and BOT_USER_ID not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    def _scoped(self, arguments: Json, verb: str) -> Channel:
        channel = self._workspace.channel(required(arguments, "channel"))
        scope = f"{PREFIXES.get(channel.kind, 'channels')}:{verb}"
        if scope not in self._workspace.manifest.scopes:
            provided = ",".join(self._workspace.manifest.scopes)
            raise SlackError("missing_scope", needed=scope, provided=provided)
        return channel

    def _direct(self) -> list[str]:
        channels = self._workspace.channels.values()
        return [channel.id for channel in channels if channel.kind is ChannelKind.IM]


def _between(messages: list[Json], arguments: Json) -> list[Json]:
    oldest, latest = str(arguments.get("oldest") or "0"), str(arguments.get("latest") or "9" * 17)
    is_inclusive = flag(arguments, "inclusive")
    return [
        message
        for message in messages
        if float(oldest) < float(message["ts"]) < float(latest)
        or (is_inclusive and message["ts"] in (oldest, latest))
    ]


def _messages(messages: list[Json], arguments: Json, *, default: int) -> Json:
    hidden = set() if flag(arguments, "include_all_metadata") else {"metadata"}
    plain = [
        {name: message[name] for name in message if name not in hidden} for message in messages
    ]
    found = page(plain, arguments, default=default)
    return {"messages": found.pop("items")} | found
