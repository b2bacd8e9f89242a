"""conversations.history, replies, info, members, list, open, and users.conversations."""

from __future__ import annotations

from ..access import PREFIXES, check_scope, known_channel, readable_channel, scoped_channel
from ..calls import TIER_2, TIER_3, TIER_4, Method, flag, page, paged, required
from ..model import BOT_USER_ID, TEAM_ID, Channel, ChannelKind, Json, SlackError
from ..workspace import Workspace

KINDS = {
    "public_channel": (ChannelKind.PUBLIC, ChannelKind.EXTERNAL),
    "private_channel": (ChannelKind.PRIVATE,),
    "im": (ChannelKind.IM,),
    "mpim": (),
}


class ReadingMethods:
    """Reads the workspace as the bot; the scope depends on the kind of the channel."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def table(self) -> dict[str, Method]:
        """Give the methods by name."""
        return {
            "conversations.history": Method(self.history, (), TIER_3, reads=True),
            "conversations.replies": Method(self.replies, (), TIER_3, reads=True),
            "conversations.info": Method(self.info, (), TIER_3, reads=True),
            "conversations.members": Method(self.members, (), TIER_4, reads=True),
            "conversations.list": Method(self.channels, (), TIER_2, reads=True),
            "users.conversations": Method(self.memberships, (), TIER_3, reads=True),
            "conversations.open": Method(self.open, ("im:write",), TIER_3),
        }

    def history(self, arguments: Json) -> Json:
        """List thread roots and broadcasts, newest first."""
        channel = readable_channel(self._workspace, arguments)
        messages = _between(self._workspace.timeline(channel.id)[::-1], arguments)
        return _messages(messages, arguments, default=100)

    def replies(self, arguments: Json) -> Json:
        """List a thread, root first."""
        channel = readable_channel(self._workspace, arguments)
        root, *replies = self._workspace.thread(channel.id, required(arguments, "ts"))
        return _messages([root, *_between(replies, arguments)], arguments, default=1000)

    def info(self, arguments: Json) -> Json:
        """Describe a channel."""
        channel = scoped_channel(self._workspace, arguments, "read")
        details = _details(channel)
        if flag(arguments, "include_num_members") and channel.kind is not ChannelKind.IM:
            details["num_members"] = len(channel.members)
        return {"channel": details}

    def members(self, arguments: Json) -> Json:
        """List the ids of a channel's members."""
        channel = scoped_channel(self._workspace, arguments, "read")
        return paged("members", page(sorted(channel.members), arguments))

    def channels(self, arguments: Json) -> Json:
        """List the channels that the bot may know of."""
        return paged("channels", page(self._listed(arguments, joined=False), arguments))

    def memberships(self, arguments: Json) -> Json:
        """List the channels that the bot is in."""
        if arguments.get("user") not in (None, "", BOT_USER_ID):
            raise SlackError("user_not_found")  # of others a bot sees nothing here
        return paged("channels", page(self._listed(arguments, joined=True), arguments))

    def open(self, arguments: Json) -> Json:
        """Find the DM with a person."""
        given = str(arguments.get("channel") or "")
        if given:
            channel = known_channel(self._workspace, given)
            if channel.kind is not ChannelKind.IM:
                raise SlackError("channel_not_found")
            return {"channel": {"id": channel.id}, "no_op": True, "already_open": True}
        user = self._workspace.users.get(required(arguments, "users"))
        if user is None or user.id == BOT_USER_ID or user.team_id != TEAM_ID:
            raise SlackError("user_not_found")
        if user.is_deleted:
            raise SlackError("user_disabled")
        channel = self._workspace.channel(user.id)
        return {"channel": {"id": channel.id}, "no_op": True, "already_open": True}

    def _listed(self, arguments: Json, *, joined: bool) -> list[Json]:
        names = str(arguments.get("types") or "public_channel").replace(" ", "").split(",")
        if unknown := set(names) - KINDS.keys():
            raise SlackError("invalid_types", response_metadata={"messages": sorted(unknown)})
        kinds = [kind for name in names for kind in KINDS[name]]
        for kind in kinds:
            check_scope(self._workspace, f"{PREFIXES.get(kind, 'channels')}:read")
        hides_archived = flag(arguments, "exclude_archived")
        return [
            _details(channel)
            for channel in self._workspace.channels.values()
            if channel.kind in kinds
            and not (hides_archived and channel.is_archived)
            and (BOT_USER_ID in channel.members or not (joined or channel.kind in PREFIXES))
        ]


def _details(channel: Channel) -> Json:
    kind = channel.kind
    details: Json = {"id": channel.id, "is_archived": channel.is_archived}
    details |= {"is_im": kind is ChannelKind.IM, "is_group": kind is ChannelKind.PRIVATE}
    details |= {"is_private": kind in PREFIXES, "is_mpim": False}
    details |= {"is_ext_shared": kind is ChannelKind.EXTERNAL}
    details |= {"is_shared": kind is ChannelKind.EXTERNAL, "context_team_id": TEAM_ID}
    if kind is ChannelKind.IM:
        return details | {"user": channel.user}
    details |= {"name": channel.name, "name_normalized": channel.name}
    details |= {"is_channel": kind is not ChannelKind.PRIVATE, "is_general": False}
    return details | {"is_member": BOT_USER_ID in channel.members}


def _between(messages: list[Json], arguments: Json) -> list[Json]:
    oldest, latest = _bound(arguments, "oldest", "0"), _bound(arguments, "latest", "9" * 17)
    is_inclusive = flag(arguments, "inclusive")
    return [
        message
        for message in messages
        if oldest < float(message["ts"]) < latest
        or (is_inclusive and float(message["ts"]) in (oldest, latest))
    ]


def _bound(arguments: Json, name: str, default: str) -> float:
    try:
        return float(arguments.get(name) or default)
    except ValueError as error:
        raise SlackError(f"invalid_ts_{name}") from error


def _messages(messages: list[Json], arguments: Json, *, default: int) -> Json:
    hidden = set() if flag(arguments, "include_all_metadata") else {"metadata"}
    plain = [
        {name: message[name] for name in message if name not in hidden} for message in messages
    ]
    found = page(plain, arguments, default=default)
    return paged("messages", found) | {"has_more": bool(found[1])}
