"""Say which article is which: URLs that may be linked, ids, and duplicates.

Takes articles with the id that they ask for; gives articles whose ids are unique.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import PurePosixPath
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

from .files import strip_invisible
from .types import Article, KnowledgeWarning

MAX_ID_CHARS = 200
MAX_URL_CHARS = 2_000
_MAX_COMPARED = 20  # texts under one URL that are searched for in each other

_NOT_IN_URL = re.compile(r"""[\s<>"\\|^`{}]""")
_UNSAFE_IN_ID = re.compile(r"[^\w./-]+")


def check_url(text: str) -> tuple[str | None, str | None]:
    """Return (URL, None) for a plain web address, else (None, what is wrong with it)."""
    if _NOT_IN_URL.search(text) or strip_invisible(text) != text:
        return None, "a URL has no spaces, quotes or control characters"
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for a bad one
    except ValueError as error:
        return None, f"not a URL ({error})"
    if parts.scheme not in {"http", "https"}:
        return None, "only http and https URLs are linked"
    if not parts.hostname or "@" in parts.netloc or len(text) > MAX_URL_CHARS:
        return None, f"a URL has a host, no user name and at most {MAX_URL_CHARS:,} characters"
    return text, None


def canonical_url(url: str) -> str:
    """Return what is equal for URLs of one page: no scheme, query, fragment or last slash."""
    parts = urlsplit(url)
    return parts.netloc.lower() + parts.path.rstrip("/")


def article_id(url: str | None, name: str, title: str) -> str:
    """Name an article after its URL's path, or after its file and title."""
    if url:
        parts = urlsplit(url)
        path = _slug(unquote(parts.path, errors="replace")).removeprefix("help/")
        return path or _slug(parts.netloc)
    stem, last = _slug(str(PurePosixPath(name).with_suffix(""))), _slug(title.replace("/", "-"))
    return stem if stem.rpartition("/")[2] == last else _slug(f"{stem}/{last}")


def _slug(text: str) -> str:
    safe = _UNSAFE_IN_ID.sub("-", normalize("NFC", normalize("NFC", text).lower()))
    parts = (re.sub("-{2,}", "-", part).strip("-.") for part in safe.split("/"))
    return "/".join(filter(None, parts))[:MAX_ID_CHARS].rstrip("/-.") or ""


def words(path: str) -> str:
    """Make a title of a file name or URL: "cant-add_time.md" → "Cant add time"."""
    stem = PurePosixPath(unquote(path)).stem
    words = " ".join(re.sub(r"[-_\s]+", " ", strip_invisible(stem)).split())
    return words[:1].upper() + words[1:] or "Untitled"


def digest(title: str, url: str | None, body: str) -> str:
    """Return the SHA-256 of what an article says and where it points."""
    return sha256("\0".join((title, url or "", body)).encode()).hexdigest()


def unique(articles: Iterable[Article], warnings: list[KnowledgeWarning]) -> tuple[Article, ...]:
    """Merge articles of one URL where one has all that the other says; make the ids unique.

    Articles of one URL with differing texts are all kept, each under an id of its own.
    """
    registry = _Registry(warnings)
    for article in articles:
        registry.add(article)
    return tuple(registry.articles)


@dataclass(slots=True)
class _Registry:
    warnings: list[KnowledgeWarning]
    articles: list[Article] = field(default_factory=list)
    holders: dict[str, Article] = field(default_factory=dict)  # by id
    numbers: dict[str, int] = field(default_factory=dict)  # the last one tried, by id
    first: dict[str, int] = field(default_factory=dict)  # place of a canonical URL's first article
    bodies: dict[str, set[str]] = field(default_factory=dict)  # all bodies of a canonical URL

    def add(self, article: Article) -> None:
        """Take an article in, alone or as part of one that has the same URL."""
        key = canonical_url(article.url) if article.url else None
        if key is None:
            self.keep(article, warn=True)
        elif key not in self.first:
            self.first[key] = len(self.articles)
            self.bodies[key] = {article.body}
            self.keep(article, warn=True)
        elif not self.merge(article, key):
            self.bodies[key].add(article.body)
            earlier = self.articles[self.first[key]]
            self.warn(article, f"same URL as {earlier.source} but another text; both are kept")
            self.keep(article, warn=False)

    def merge(self, article: Article, key: str) -> bool:
        """Drop an article whose text is there, or let it replace a part of it."""
        place = self.first[key]
        earlier = self.articles[place]
        if article.body in self.bodies[key]:
            self.warn(article, f"same URL and text as {earlier.source}; dropped", skipped=True)
            return True
        if len(self.bodies[key]) > _MAX_COMPARED:
            return False
        if article.body in earlier.body:
            self.warn(article, f"same URL as {earlier.source}, which has all of its text; merged")
        elif earlier.body in article.body:
            self.warn(article, f"same URL as {earlier.source} and all of its text; merged")
            self.articles[place] = replace(
                earlier,
                body=article.body,
                source=article.source,
                digest=digest(earlier.title, earlier.url, article.body),
            )
        else:
            return False
        self.bodies[key].add(article.body)
        return True

    def keep(self, article: Article, *, warn: bool) -> None:
        """Add an article; when its id is taken, "-2", "-3" and so on is put behind it."""
        wanted = article.id
        while article.id in self.holders:
            self.numbers[wanted] = self.numbers.get(wanted, 1) + 1
            article = replace(article, id=f"{wanted}-{self.numbers[wanted]}")
        if warn and article.id != wanted:
            other = self.holders[wanted].source
            self.warn(article, f'id "{wanted}" belongs to {other}; "{article.id}" is used')
        self.holders[article.id] = article
        self.articles.append(article)

    def warn(self, article: Article, reason: str, *, skipped: bool = False) -> None:
        file, separator, line = article.source.rpartition(":")
        if separator and line.isdecimal():
            self.warnings.append(KnowledgeWarning(file, int(line), reason, skipped))
        else:
            self.warnings.append(KnowledgeWarning(article.source, None, reason, skipped))
