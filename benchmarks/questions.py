"""Labelled questions for the scripts here: JSON lines with query, answerable, relevant_urls."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from core.config import Config

Row = dict[str, Any]


def read_rows(path: Path) -> list[Row]:
    """Read a labelled set."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def parse(description: str | None) -> tuple[list[Row], Config]:
    """Read the arguments that all scripts share: questions, --knowledge, --index."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("--knowledge", type=Path, default=Path("knowledge"))
    parser.add_argument("--index", type=Path)
    given = parser.parse_args()
    config = Config(knowledge=given.knowledge, index=given.index, answerer="extractive")
    return read_rows(given.questions), config
