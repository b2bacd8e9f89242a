"""The workspace everyone starts with: one team, its people and the bot, eleven conversations."""

from __future__ import annotations

from dataclasses import dataclass

from .model import BOT_USER_ID, PARTNER_TEAM_ID, Channel, ChannelKind, User

USERGROUPS: dict[str, tuple[str, ...]] = {"S0ADM": ("U0ADA",)}


@dataclass(frozen=True, slots=True)
class Scale:
    """More agents (U0X001…, each with a direct message D0X001…) and channels (C0X001…).

    Of each channel the newest messages are kept.
    """

    users: int = 0
    channels: int = 0
    messages_per_channel: int = 2_000

    @property
    def user_ids(self) -> tuple[str, ...]:
        """List the ids of the people."""
        return tuple(f"U0X{number:03}" for number in range(1, self.users + 1))

    @property
    def channel_ids(self) -> tuple[str, ...]:
        """List the ids of the public channels; every one of them and of the staff is in."""
        return tuple(f"C0X{number:03}" for number in range(1, self.channels + 1))


SMALL = Scale()


def users(bot_name: str, app_name: str, scale: Scale = SMALL) -> tuple[User, ...]:
    """List an agent, an admin, a guest, somebody who left, a partner, the bot, and more agents."""
    return (
        User("U0ANN", "ann", "Ann Agent"),
        User("U0ADA", "ada", "Ada Admin", is_admin=True),
        User("U0GUS", "gus", "Gus Guest", is_restricted=True),
        User("U0DEE", "dee", "Dee Departed", is_deleted=True),
        User("U0PAT", "pat", "Pat Partner", team_id=PARTNER_TEAM_ID),
        User(BOT_USER_ID, bot_name, app_name, is_bot=True),
        *(
            User(user_id, f"agent-{user_id[3:]}", f"Agent {int(user_id[3:])}")
            for user_id in scale.user_ids
        ),
    )


def channels(scale: Scale = SMALL) -> tuple[Channel, ...]:
    """List the channels, and one DM with the bot for each person but the partner."""
    people = frozenset({"U0ANN", "U0ADA"})
    staff = people | {BOT_USER_ID}
    everybody = staff | frozenset(scale.user_ids)
    return (
        Channel("C0GEN", "support", ChannelKind.PUBLIC, everybody | {"U0GUS"}),
        Channel("C0RND", "random", ChannelKind.PUBLIC, staff),
        Channel("G0PRV", "leads", ChannelKind.PRIVATE, staff),
        Channel("C0EXT", "partner-shared", ChannelKind.EXTERNAL, staff | {"U0PAT"}),
        Channel("C0OUT", "without-the-bot", ChannelKind.PUBLIC, people),
        Channel("C0OLD", "archived", ChannelKind.PUBLIC, staff, is_archived=True),
        *(_direct(user) for user in ("U0ANN", "U0ADA", "U0GUS", "U0DEE", *scale.user_ids)),
        *(
            Channel(channel_id, f"team-{channel_id[3:]}", ChannelKind.PUBLIC, everybody)
            for channel_id in scale.channel_ids
        ),
    )


def _direct(user_id: str) -> Channel:
    members = frozenset({user_id, BOT_USER_ID})
    return Channel(f"D{user_id[1:]}", "directmessage", ChannelKind.IM, members, user=user_id)
