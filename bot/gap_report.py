"""`clockify-bot gaps`: what people asked in vain, from the state file, as a table or JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from .json_errors import json_errors
from .options import log_option, read_environment

if TYPE_CHECKING:
    from .config import SlackConfig
    from .remembered import Gap

MOST = 1_000
WIDTH_OF_A_FILE = 240  # columns, where the output is no terminal
COLUMNS = ("times", "last", "why", "question", "nearest articles")
NEAREST = 3


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--limit",
    default=20,
    show_default=True,
    type=click.IntRange(1, MOST),
    help="How many questions at most.",
)
@log_option("WARNING")
def gaps(as_json: bool, limit: int, log_level: str) -> None:
    """List what people asked in vain: refused questions and thumbs down, most frequent first."""
    from core.settings import read_settings

    from .config import SlackConfig
    from .logs import set_up_logging

    set_up_logging(log_level.upper())
    with json_errors(as_json):
        slack = read_settings(SlackConfig, read_environment())
        found = asyncio.run(find_gaps(slack, limit))
        if as_json:
            click.echo(json.dumps(gaps_to_json(found, slack), ensure_ascii=False))
        elif found:
            print_table(found)
        else:
            click.echo(_nothing(slack))


async def find_gaps(slack: SlackConfig, limit: int) -> tuple[Gap, ...]:
    """Read them; none when there is no state file. Raises StorageError."""
    from .conversations import Conversations
    from .database import Database

    if not slack.state_file.exists():
        return ()
    database = await Database.open(slack.state_file)
    try:
        return await Conversations(database, retention_days=slack.retention_days).gaps(limit)
    finally:
        await database.close()


def _nothing(slack: SlackConfig) -> str:
    """Say why there are none."""
    if not slack.retention_days:
        return (
            "QUESTION_RETENTION_DAYS is 0, so no question is kept and nobody can say what was "
            "asked in vain. Set it to 7, for instance, and restart the bot."
        )
    if not slack.state_file.exists():
        return (
            f"Nobody has asked anything yet: {slack.state_file} does not exist. "
            "Run this where the bot runs, or set STATE_FILE."
        )
    days = "day" if slack.retention_days == 1 else f"{slack.retention_days:,} days"
    return f"Nothing was asked in vain in the last {days}, as far as {slack.state_file} knows."


def gaps_to_json(found: Sequence[Gap], slack: SlackConfig) -> dict[str, Any]:
    """Give the object that `gaps --json` prints."""
    return {
        "state_file": str(slack.state_file),
        "retention_days": slack.retention_days,
        "gaps": [
            {
                "question": gap.question,
                "times": gap.times,
                "last_asked": datetime.fromtimestamp(gap.last_asked, UTC).isoformat(),
                "why": gap.why,
                "reasons": list(gap.reasons),
                "nearest": [asdict(link) for link in gap.links],
            }
            for gap in found
        ],
    }


def print_table(found: Sequence[Gap]) -> None:
    """Print one row for each on standard output."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*COLUMNS, box=None, pad_edge=False)
    for gap in found:
        table.add_row(*_row(gap, time.time()))
    width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def _row(gap: Gap, now: float) -> tuple[str, ...]:
    from .durations import duration

    nearest = "\n".join(_flat(link.url or link.title) for link in gap.links[:NEAREST])
    ago = f"{duration(max(0.0, now - gap.last_asked))} ago"
    why = "refused" if gap.why == "refused" else "thumb down"
    reasons = f" ({', '.join(map(_flat, gap.reasons))})" if gap.reasons else ""
    return str(gap.times), ago, why + reasons, _flat(gap.question), nearest or "-"


def _flat(text: str) -> str:
    """Give text on one line, without what a terminal would act on."""
    from .escaping import clean

    return " ".join(clean(text).split())
