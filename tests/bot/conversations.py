"""What the bot remembers in tests: a sample, and a way to wait for what it keeps after a post."""

from __future__ import annotations

import asyncio

from bot.conversations import Conversation, Conversations, Link
from bot.database import Database

from .conftest import Bench

KEPT = Conversation(
    answer_id="a1",
    team="T0SIM",
    channel="C0GEN",
    thread="",
    user="U0ANN",
    surface="command",
    question="and <!channel> on iOS?",
    standalone="",
    reply="Open *settings* [1] and [2].",
    outcome="answered",
    links=(Link("Lock", "https://clockify.me/help/lock", "Steps"), Link("Other", None, "")),
    generation="00000001",
    asked_at=0.0,
)


async def kept(bench: Bench, user: str) -> None:
    """Wait until the bot remembers something that a person asked: it does so after the reply."""
    database = await Database.open(bench.slack.state_file)
    try:
        conversations = Conversations(database, retention_days=1)
        async with asyncio.timeout(5):
            while not await conversations.recent(user):
                await asyncio.sleep(0.01)
    finally:
        await database.close()
