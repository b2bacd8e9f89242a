"""The questions of the determinism check: the two of the earlier command line, and a file's."""

from __future__ import annotations

import json
from pathlib import Path

from core.disk import opened_regular, read_exactly
from core.errors import SettingsError

from .typed import readable

DET_PROMPTS = ("How do I track time in Clockify?", "How do I cancel my subscription?")
MOST_BYTES = 1024 * 1024


def read_prompts(path: Path) -> tuple[str, ...]:
    """Read one question a line, as it is or as {"query": "…"}; raises SettingsError naming both."""
    try:
        with opened_regular(path) as (file, size):
            content = bytes(read_exactly(file, min(size, MOST_BYTES + 1)))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(content) > MOST_BYTES:
        raise SettingsError(f"{path} is larger than {MOST_BYTES // 1024} KiB; split it.")
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    prompts = tuple(
        _prompt(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()
    )
    if not prompts:
        raise SettingsError(f"{path} is empty: give one question a line.")
    return prompts


def _prompt(line: bytes, place: str) -> str:
    try:
        text = line.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise SettingsError(f"{place} is not UTF-8.") from error
    if not text.startswith("{"):
        return text
    try:
        query = json.loads(text).get("query")
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{place} begins with {{ but is no JSON object: {error}.") from error
    if not isinstance(query, str) or not query.strip():
        raise SettingsError(f'{place} has no question: a line is {{"query": "how do I …"}}.')
    return readable(query.strip())
