"""Rules of channels: defaults, replaced as a whole, found again after a restart."""

from __future__ import annotations

from pathlib import Path

from bot.channel_rules import ChannelRules, ChannelRulesTable, Mode
from bot.database import Database

STRICT = ChannelRules(Mode.AUTO, is_private=True, folders=("billing", "apps/ios"))


async def test_a_channel_without_rules_has_the_defaults(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    table = ChannelRulesTable(database)
    assert await table.get("C1") == ChannelRules(Mode.MENTIONS, False, (), False)
    assert await table.all() == {}
    await database.close()


async def test_rules_are_replaced_and_outlive_the_process(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    table = ChannelRulesTable(database)
    await table.set("C2", ChannelRules(Mode.OFF, allows_external=True), "U0ADA")
    await table.set("C1", ChannelRules(Mode.OFF), "U0ADA")
    await table.set("C1", STRICT, "U0BOB")
    await database.close()
    database = await Database.open(tmp_path / "bot.sqlite3")
    table = ChannelRulesTable(database)
    assert await table.get("C1") == STRICT
    assert await table.all() == {
        "C1": STRICT,
        "C2": ChannelRules(Mode.OFF, allows_external=True),
    }
    await database.close()
