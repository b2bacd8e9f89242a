"""Articles in, the lines of the list under a reply out: numbered, linked, with section names."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from . import answer_texts
from .escaping import ADDRESS, Links, escape, link
from .splitting import cut

MAX_LINES = 10
MAX_LINE_CHARS = 1_900  # Slack: 2,000 in an element of a context block
MAX_LIST_CHARS = 3_800  # of JSON
MAX_HEADING_CHARS = 150


@dataclass(frozen=True, slots=True)
class Listed:
    """An article to list; number is what [n] in the reply stands for, 0 when nothing does."""

    title: str
    url: str | None
    section: str = ""
    number: int = 0


def listed(articles: Sequence[Listed], links: Links, *, heading: str) -> tuple[str, ...]:
    """Give a heading and a line for each article that has room, then how many have none."""
    room = MAX_LIST_CHARS
    lines: list[str] = []
    for article in articles[:MAX_LINES]:
        line = _line(article, links)
        room -= len(json.dumps(line))
        if room < 0:
            break
        lines.append(line)
    left = len(articles) - len(lines)
    more = [answer_texts.more_sources(left)] if left else []
    return (heading, *lines, *more) if articles else ()


def packed(lines: Sequence[str]) -> list[str]:
    """Join lines to texts that an element of a context block takes."""
    texts: list[str] = []
    for line in lines:
        joined = f"{texts[-1]}\n{line}" if texts else line
        if texts and len(joined) <= MAX_LINE_CHARS:
            texts[-1] = joined
        else:
            texts.append(line)
    return texts


def _line(article: Listed, links: Links) -> str:
    """Link an article; one whose address is too long for a line is only named."""
    mark = f"{article.number}." if article.number else "•"
    behind = f" › {cut(escape(article.section), MAX_HEADING_CHARS)}" if article.section else ""
    title = readable_title(article.title, article.url)
    line = f"{mark} {link(article.url, title, links)}{behind}"
    return line if len(line) <= MAX_LINE_CHARS else f"{mark} {link(None, title, links)}{behind}"


def readable_title(title: str, url: str | None) -> str:
    """Give the title, or what the address says when the title is one.

    >>> readable_title("https://a.test/help/lock-timesheets.html", None)
    'Lock timesheets'
    """
    if not ADDRESS.search(title):
        return title
    try:
        segments = urlsplit(title if "://" in title else url or "").path.split("/")
    except ValueError:
        return title
    named = [unquote(segment) for segment in segments if re.search(r"[^\W\d]", unquote(segment))]
    last = re.sub(r"\.[a-z]{1,5}$", "", named[-1]) if named else ""
    words = " ".join(re.split(r"[\s_+-]+", last)).strip()
    return words[:1].upper() + words[1:] or title
