"""Split YAML front matter from a page, with strings only: no aliases, no tags, bounded depth.

Takes a page's text; gives its fields, the text below, and why front matter was ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

MAX_BYTES = 4 * 1024
MAX_LINES = 100
MAX_DEPTH = 8
_USUAL_FIELDS = """
    title url link permalink canonical slug category categories tags description summary date
    updated author lang language id layout"""
USUAL_FIELDS = frozenset(_USUAL_FIELDS.split())
_KEY_LINE = re.compile(r"^[A-Za-z_][\w.-]*:(?:\s|$)")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The string fields of a page, the text below, and the number of lines above that text."""

    text: str
    fields: dict[str, str] = field(default_factory=dict)
    lines: int = 0
    problem: str | None = None


class _RefusedError(Exception):
    """Raised for YAML that we do not want to load."""


def split_front_matter(text: str) -> FrontMatter:
    """Take the front matter off a page; a page without any comes back whole.

    Text between two "---" rules is front matter only when each line has the shape of a field
    and a usual field is among them, so that a body with rules loses nothing.
    """
    block = _block(text)
    if block is None:
        return FrontMatter(text)
    source, rest, lines = block
    try:
        fields = _load(source)
    except (_RefusedError, yaml.YAMLError, RecursionError, ValueError) as error:
        reason = str(error) if isinstance(error, _RefusedError) else "not valid YAML"
        return FrontMatter(rest, lines=lines, problem=f"front matter ignored: {reason}")
    if not USUAL_FIELDS & fields.keys():
        return FrontMatter(text)
    return FrontMatter(rest, fields, lines)


def _block(text: str) -> tuple[str, str, int] | None:
    """Return (YAML, text below, lines of both rules and YAML), or None."""
    lines = text.split("\n", MAX_LINES + 1)
    if lines[0].rstrip() != "---":
        return None
    within = lines[1 : MAX_LINES + 1]
    end = next((n for n, line in enumerate(within) if line.rstrip() in {"---", "..."}), None)
    if not end:  # never closed, or nothing between the rules
        return None
    inside = within[:end]
    if not all(map(_could_be_field, inside)) or not _KEY_LINE.match(inside[0]):
        return None
    return "\n".join(inside), "\n".join(lines[end + 2 :]), end + 2


def _could_be_field(line: str) -> bool:
    """Whether a line has the shape of YAML: a key, or what continues one."""
    return line[:1] in {"", " ", "\t", "#", "-", "]", "}"} or bool(_KEY_LINE.match(line))


def _load(source: str) -> dict[str, str]:
    """Load string fields; refuse aliases, anchors, tags and depth before anything is built."""
    if len(source.encode()) > MAX_BYTES:
        raise _RefusedError(f"longer than {MAX_BYTES // 1024} KiB")
    depth = 0
    for event in yaml.parse(source, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _RefusedError("it has an alias")
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise _RefusedError("it has an anchor")
        if getattr(event, "tag", None) is not None:
            raise _RefusedError("it has a tag")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _RefusedError(f"nested deeper than {MAX_DEPTH}")
    loaded = yaml.load(source, Loader=yaml.BaseLoader)  # strings only
    if not isinstance(loaded, dict):
        raise _RefusedError("not a list of fields")
    return {
        key.lower(): _valid_unicode(value).strip()
        for key, value in loaded.items()
        if isinstance(key, str) and isinstance(value, str)
    }


def _valid_unicode(text: str) -> str:
    """Replace lone surrogates, which YAML escapes can make and UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
