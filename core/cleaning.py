"""Clean the text of one article: navigation, feedback forms and scraping noise go.

Takes Markdown as found and the title; gives a body whose code fences are as they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .files import strip_invisible
from .gluing import nest_items, part_steps, unglue, words_of
from .markup import find_fences, plain_markup

MAX_WORD_CHARS = 200
MAX_LIST_LEVELS = 6
_FOOTER_LINES = 15  # a feedback form is short; with more below it, the line was content

_HEADING = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_TOO_MANY_HASHES = re.compile(r"^ {0,3}#{7,}[ \t]*")
_LANGUAGE = re.compile(r"\b[CF]$")  # "C#" is a name, not a stray mark
_LIST_ITEM = re.compile(r"^([ \t]*)(?:[-*+]|\d{1,9}[.)])(?=\s|$)")
_LINKED_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[")
_READING_TIME = re.compile(r"^\d{1,3} min(?:utes?)? read$", re.IGNORECASE)
_UNDERLINE = re.compile(r"^ {0,3}=+$")
_EMPHASIS = re.compile(r"`|\*+(?=\S)|(?<=\S)\*+")
_SPACES = re.compile(r"(?<=\S) {2,}")
_FEEDBACK = "was this article helpful"
_STUB = "content could not be scraped reliably"
_CONTENTS = frozenset(("in this article", "table of contents", "on this page"))
_EMPTY_MARKS = frozenset(("****", "**", "__", "____", "-", "*", "+", "|"))


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A body, whether the page was no more than a stub, and what was repaired."""

    body: str
    is_stub: bool = False
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    is_code: bool = False


def clean(text: str, *, title: str) -> Cleaned:
    """Clean an article; the body has neither its title nor any list of contents."""
    raw = _without_linked_contents(text.split("\n"))
    repairs: list[str] = []
    lines = list(_plain_lines(raw, repairs))
    is_stub = any(_STUB in line.text.lower() for line in lines[:20])
    lines = _without_noise(lines, repairs)
    lines = _without_contents(lines)
    lines = _without_footer(lines)
    lines = _without_title(lines, title)
    lines = _with_sub_lists(lines)
    lines = _with_flat_lists(lines, repairs)
    lines = list(_with_steps(lines))
    words = words_of(line.text for line in lines if not line.is_code)
    lines = [line if line.is_code else _finished(line, words, repairs) for line in lines]
    body = "\n".join(_single_blanks(lines))
    return Cleaned(body, is_stub and not body, tuple(dict.fromkeys(repairs)))


def plain_line(text: str) -> str:
    """Return a title without markup and emphasis, each run of spaces as one."""
    return " ".join(_EMPHASIS.sub("", strip_invisible(plain_markup(text))).split())


def heading(line: str) -> tuple[int, str] | None:
    """Return level and text of a heading without its trailing marks, or None."""
    match = _HEADING.match(line)
    if match is None:
        return None
    text = (match[2] or "").strip()
    stem = text.rstrip("#")
    if stem != text and _LANGUAGE.search(stem):
        stem += "#"
    return len(match[1]), stem.rstrip()


def _without_linked_contents(lines: list[str]) -> list[str]:
    """Drop a list of anchors such as "* [Steps](#steps)" at the top, below the title."""
    kept: list[str] = []
    for position, line in enumerate(lines):
        if _LINKED_ITEM.match(line) and "](#" in line and line.rstrip().endswith(")"):
            continue
        level = heading(line)
        if line.strip() and not (level and level[0] == 1) and not _READING_TIME.match(line.strip()):
            return kept + lines[position:]
        kept.append(line)
    return kept


def _plain_lines(lines: list[str], repairs: list[str]) -> Iterator[_Line]:
    """Resolve the markup between code fences; an unclosed fence is closed."""
    position = 0
    dropped: list[str] = []
    for fence in find_fences(lines):
        yield from _plain(lines[position : fence.start], dropped)
        for line in lines[fence.start : fence.end]:
            yield _Line(line.rstrip(), is_code=True)
        if not fence.is_closed:
            repairs.append("code fence is never closed")
            yield _Line(_closing_mark(lines[fence.start].strip()), is_code=True)
        position = fence.end
    yield from _plain(lines[position:], dropped)
    if dropped:
        repairs.append(f"HTML dropped with its contents: {', '.join(dropped)}")


def _closing_mark(opening: str) -> str:
    return opening[: len(opening) - len(opening.lstrip(opening[0]))]


def _plain(lines: list[str], dropped: list[str]) -> Iterator[_Line]:
    if lines:
        text = strip_invisible(plain_markup("\n".join(lines), dropped=dropped))
        for line in text.split("\n"):
            yield _Line(line.rstrip())


def _without_noise(lines: list[_Line], repairs: list[str]) -> list[_Line]:
    """Mend headings; drop reading times, stub notices and lines that markup left empty."""
    kept: list[_Line] = []
    for line in lines:
        text = line.text
        if line.is_code:
            kept.append(line)
            continue
        if _UNDERLINE.match(text) and kept and _is_paragraph(kept[-1]):
            kept[-1] = _Line(f"# {kept[-1].text.strip()}")
            continue
        if _is_noise(text.strip()):
            continue
        if level := heading(text):
            words = level[1].replace("**", "").strip()
            text = f"{'#' * level[0]} {words}" if words else ""
        if _TOO_MANY_HASHES.match(text):
            repairs.append("headings with more than six # read as text")
            text = _TOO_MANY_HASHES.sub("", text)
        kept.append(_Line(text))
    return kept


def _is_noise(text: str) -> bool:
    return bool(_READING_TIME.match(text)) or _STUB in text.lower() or text in _EMPTY_MARKS


def _is_paragraph(line: _Line) -> bool:
    text = line.text
    return bool(text) and not (line.is_code or heading(text) or _LIST_ITEM.match(text))


def _without_contents(lines: list[_Line]) -> list[_Line]:
    """Drop "In this article" with the list below it."""
    kept: list[_Line] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        if not line.is_code and _bare(line.text) in _CONTENTS:
            end = _list_end(lines, position + 1)
            if end is not None:
                position = end
                continue
        kept.append(line)
        position += 1
    return kept


def _list_end(lines: list[_Line], start: int) -> int | None:
    """Return the position after a list that begins at start or after one blank line."""
    if start < len(lines) and not lines[start].text:
        start += 1
    end = start
    while end < len(lines) and not lines[end].is_code and _LIST_ITEM.match(lines[end].text):
        end += 1
    return end if end > start else None


def _without_footer(lines: list[_Line]) -> list[_Line]:
    """Drop the feedback form, when little and no heading comes after its title."""
    following = 0
    for position in range(len(lines) - 1, -1, -1):
        text = "" if lines[position].is_code else lines[position].text
        if _FEEDBACK in text.lower() and len(text) < 60:
            return lines[:position]
        following += bool(lines[position].text)
        if following > _FOOTER_LINES or heading(text):
            break
    return lines


def _without_title(lines: list[_Line], title: str) -> list[_Line]:
    """Drop the headings at the top that repeat the title."""
    wanted = _bare(title)
    for position, line in enumerate(lines):
        level = None if line.is_code else heading(line.text)
        if line.text and not (level and level[0] == 1 and _bare(level[1]) == wanted):
            return lines[position:]
    return []


def _bare(text: str) -> str:
    """Return the words alone: no marks around them, no case."""
    return " ".join(text.casefold().strip("#*_: ").split())


def _with_sub_lists(lines: list[_Line]) -> list[_Line]:
    nested = nest_items(["" if line.is_code else line.text for line in lines])
    pairs = zip(lines, nested, strict=True)
    return [line if line.is_code else _Line(text) for line, text in pairs]


def _with_flat_lists(lines: list[_Line], repairs: list[str]) -> list[_Line]:
    """Bring list items below the sixth level up to it, with what belongs to them."""
    kept: list[_Line] = []
    indents: list[int] = []
    for line in lines:
        text = line.text
        item = None if line.is_code else _LIST_ITEM.match(text)
        if item:
            indent = len(item[1])
            while indents and indents[-1] >= indent:
                indents.pop()
            indents.append(indent)
        elif text and not text.startswith((" ", "\t")):
            indents.clear()
        if len(indents) > MAX_LIST_LEVELS and not line.is_code:
            repairs.append(f"lists deeper than {MAX_LIST_LEVELS} levels flattened")
            cut = indents[-1] - indents[MAX_LIST_LEVELS - 1]
            text = text[min(cut, len(text) - len(text.lstrip())) :]
        kept.append(_Line(text, line.is_code))
    return kept


def _with_steps(lines: Iterable[_Line]) -> Iterator[_Line]:
    for line in lines:
        if line.is_code or "1. " not in line.text or "`" in line.text:
            yield line
        else:
            yield from map(_Line, part_steps(line.text))


def _finished(line: _Line, words: frozenset[str], repairs: list[str]) -> _Line:
    """Collapse spaces, part glued words and break endless ones."""
    text = line.text
    if "  " in text and "`" not in text:
        text = _SPACES.sub(" ", text)
    text = unglue(text, words)
    if len(text) > MAX_WORD_CHARS and any(len(word) > MAX_WORD_CHARS for word in text.split()):
        repairs.append(f"words longer than {MAX_WORD_CHARS} characters split")
        text = re.sub(r"\S+", _split_word, text)
    return _Line(text)


def _split_word(match: re.Match[str]) -> str:
    word = match[0]
    pieces = (word[n : n + MAX_WORD_CHARS] for n in range(0, len(word), MAX_WORD_CHARS))
    return " ".join(pieces)


def _single_blanks(lines: Iterable[_Line]) -> Iterator[str]:
    """Yield the texts without blank lines at either end or two in a row outside code."""
    pending = False
    started = False
    for line in lines:
        if not line.text and not line.is_code:
            pending = started
            continue
        if pending:
            yield ""
        yield line.text
        pending, started = False, True
