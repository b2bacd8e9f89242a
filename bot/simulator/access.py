"""Which channels the bot may write to, read and know of, as the Web API answers it."""

from __future__ import annotations

from .calls import required
from .model import BOT_USER_ID, Channel, ChannelKind, Json, SlackError
from .workspace import Workspace

PREFIXES = {ChannelKind.PRIVATE: "groups", ChannelKind.IM: "im"}  # of scopes; else "channels"
SECRET = (ChannelKind.PRIVATE, ChannelKind.IM)  # the bot is told nothing of those it is not in


def known_channel(workspace: Workspace, channel_id: str) -> Channel:
    """Find a channel that the bot may know of; raise channel_not_found."""
    channel = workspace.channel(channel_id)
    if channel.kind in SECRET and BOT_USER_ID not in channel.members:
        raise SlackError("channel_not_found")
    return channel


def joined_channel(workspace: Workspace, arguments: Json) -> Channel:
    """Find a channel that the bot is in and that is in use."""
    channel = known_channel(workspace, required(arguments, "channel"))
    if BOT_USER_ID not in channel.members:
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def writable_channel(workspace: Workspace, arguments: Json) -> Channel:
    """Find a channel that the bot may write to; chat:write.public opens the public ones."""
    channel = known_channel(workspace, required(arguments, "channel"))
    is_open = "chat:write.public" in workspace.manifest.scopes
    if BOT_USER_ID not in channel.members and not is_open:
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def readable_channel(workspace: Workspace, arguments: Json) -> Channel:
    """Find a channel whose messages the bot may read, archived ones too."""
    channel = scoped_channel(workspace, arguments, "history")
    if BOT_USER_ID not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def scoped_channel(workspace: Workspace, arguments: Json, verb: str) -> Channel:
    """Find a channel for whose kind the bot has a scope (verb "history" or "read")."""
    channel = known_channel(workspace, required(arguments, "channel"))
    check_scope(workspace, f"{PREFIXES.get(channel.kind, 'channels')}:{verb}")
    return channel


def check_scope(workspace: Workspace, scope: str) -> None:
    """Raise missing_scope when the manifest does not grant a scope."""
    if scope not in workspace.manifest.scopes:
        provided = ",".join(workspace.manifest.scopes)
        raise SlackError("missing_scope", needed=scope, provided=provided)
