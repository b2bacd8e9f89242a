"""The workspace everyone starts with: one team, its people and the bot, eight conversations."""

from __future__ import annotations

from .model import BOT_USER_ID, PARTNER_TEAM_ID, Channel, ChannelKind, User

USERGROUPS: dict[str, tuple[str, ...]] = {"S0ADM": ("U0ADA",)}


def users(bot_name: str, app_name: str) -> tuple[User, ...]:
    """List an agent, an admin, a guest, somebody who left, a partner and the bot user."""
    return (
        User("U0ANN", "ann", "Ann Agent"),
        User("U0ADA", "ada", "Ada Admin", is_admin=True),
        User("U0GUS", "gus", "Gus Guest", is_restricted=True),
        User("U0DEE", "dee", "Dee Departed", is_deleted=True),
        User("U0PAT", "pat", "Pat Partner", team_id=PARTNER_TEAM_ID),
        User(BOT_USER_ID, bot_name, app_name, is_bot=True),
    )


def channels() -> tuple[Channel, ...]:
    """List the channels, and one DM with the bot for each person."""
    staff = frozenset({"U0ANN", "U0ADA", BOT_USER_ID})
    return (
        Channel("C0GEN", "support", ChannelKind.PUBLIC, staff | {"U0GUS"}),
        Channel("C0RND", "random", ChannelKind.PUBLIC, staff),
        Channel("G0PRV", "leads", ChannelKind.PRIVATE, staff),
        Channel("C0EXT", "partner-shared", ChannelKind.EXTERNAL, staff | {"U0PAT"}),
        _direct("D0ANN", "U0ANN"),
        _direct("D0ADA", "U0ADA"),
        _direct("D0GUS", "U0GUS"),
        _direct("D0DEE", "U0DEE"),
    )


def _direct(channel_id: str, user_id: str) -> Channel:
    members = frozenset({user_id, BOT_USER_ID})
    return Channel(channel_id, "directmessage", ChannelKind.IM, members, user=user_id)
