"""What admins allow in each channel, on disk."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from .database import Database
from .tables import channel_rules


class Mode(StrEnum):
    """When the bot answers in a channel."""

    OFF = "off"
    MENTIONS = "mentions"
    AUTO = "auto"  # questions that it overhears, too


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """The rules of one channel; without any that were set, these defaults."""

    mode: Mode = Mode.MENTIONS
    is_private: bool = False  # only the asker sees the answer
    folders: tuple[str, ...] = ()  # of the knowledge that is searched; empty: all of it
    allows_external: bool = False  # answers although the channel is shared with other companies


class ChannelRulesTable:
    """Keeps the rules of every channel where an admin has set some."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def get(self, channel: str) -> ChannelRules:
        """Give the rules of a channel; the defaults when none were set."""
        query = select(channel_rules).where(channel_rules.c.channel == channel)
        found = await self._database.read(lambda connection: connection.execute(query).first())
        return ChannelRules() if found is None else _rules(found)

    async def set(self, channel: str, rules: ChannelRules, by: str) -> None:
        """Replace the rules of a channel; by is the admin's user id."""
        row = {
            "channel": channel,
            "mode": rules.mode.value,
            "is_private": rules.is_private,
            "folders": json.dumps(rules.folders),
            "allows_external": rules.allows_external,
            "changed_by": by,
            "changed_at": self._clock(),
        }

        def replace(connection: Connection) -> None:
            connection.execute(delete(channel_rules).where(channel_rules.c.channel == channel))
            connection.execute(insert(channel_rules).values(row))

        await self._database.write(replace)

    async def all(self) -> dict[str, ChannelRules]:
        """Give the rules of every channel that has some, by channel id."""
        query = select(channel_rules).order_by(channel_rules.c.channel)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.channel: _rules(row) for row in rows}


def _rules(row: Row[Any]) -> ChannelRules:
    return ChannelRules(
        Mode(row.mode), row.is_private, tuple(json.loads(row.folders)), row.allows_external
    )
