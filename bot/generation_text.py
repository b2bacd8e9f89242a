"""A generation as a row of a table for people, and as a JSON object."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from core.store import GenerationInfo

AGES = ((86_400, "day"), (3_600, "hour"), (60, "minute"))  # seconds of each, longest first
WIDTH_OF_A_FILE = 240  # columns, where the output is no terminal
COLUMNS = ("", "generation", "age", "articles", "chunks", "size", "embedder", "state", "source")
UNKNOWN = "-"


def print_table(found: Iterable[GenerationInfo]) -> None:
    """Print one row for each generation on standard output."""
    table = Table(*COLUMNS, box=None, pad_edge=False)
    now = datetime.now(UTC)
    for info in found:
        table.add_row(*_row(info, now))
    width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def _row(info: GenerationInfo, now: datetime) -> Sequence[str]:
    known = generation_to_json(info)
    age = age_text(known["created"], now)
    columns = (known["articles"], known["chunks"], megabytes(info.bytes_on_disk), known["embedder"])
    cells = ("live" if info.is_live else "", info.number, age, *columns, state_text(info))
    return [UNKNOWN if cell is None else str(cell) for cell in (*cells, known["source"])]


def generation_to_json(info: GenerationInfo) -> dict[str, Any]:
    """Give the object that `generations --json` prints; None for what is not known."""
    meta, embedder = info.meta, info.meta.get("embedder")
    counts = meta.get("counts", {})
    name = f"{embedder['name']}:{embedder['model']}" if embedder else "lexical only"
    return {
        "number": info.number,
        "live": info.is_live,
        "rolled_back": info.is_rolled_back,
        "damage": info.reason or None,
        "created": meta.get("created"),
        "articles": counts.get("articles"),
        "chunks": counts.get("chunks"),
        "bytes": info.bytes_on_disk,
        "embedder": name if meta else None,
        "recipe": meta.get("recipe"),
        "source": meta.get("source"),
        "quality": meta.get("quality"),
    }


def state_text(info: GenerationInfo) -> str:
    """Say whether a generation is whole, and whether it was rolled back from."""
    state = f"damaged: {info.reason}" if info.reason else "whole"
    return f"{state}, rolled back" if info.is_rolled_back else state


def age_text(created: str | None, now: datetime) -> str:
    """Say how old something is in its largest unit; "-" when that is not known."""
    try:
        seconds = (now - datetime.fromisoformat(created or "")).total_seconds()
    except (TypeError, ValueError):
        return UNKNOWN
    for unit_seconds, unit in AGES:
        if seconds >= unit_seconds:
            count = int(seconds // unit_seconds)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "just now"


def megabytes(size: int) -> str:
    """Give bytes as megabytes with one decimal."""
    return f"{size / 10**6:.1f} MB"
