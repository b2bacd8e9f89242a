"""Read a knowledge base: a merged Markdown file, a folder of pages, or one page.

Takes a path; gives clean articles with unique ids, warnings, and the files as they were read.
"""

from __future__ import annotations

import re
from bisect import bisect, bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from .cleaning import clean, heading, plain_line
from .files import FoundFile, SkippedError, decode, find_files, is_binary, read_bytes
from .frontmatter import split_front_matter
from .identity import article_id, check_url, digest, unique, words
from .markup import find_fences
from .types import Article, KnowledgeWarning

MAX_TITLE_CHARS = 200
MAX_ARTICLE_LINES = 100_000  # cleaning costs some microseconds a line, however short it is
_RAW_FACTOR = 4  # markup may be most of a text; beyond this it is not worth the cleaning
_MARK = b"[ARTICLE]"  # of a header in a merged file

_HEADER = re.compile(r"^ {0,3}#[ \t]+\[ARTICLE\][ \t]*(.*)$")
_ADDRESS = re.compile(
    r"^(?:[a-z][a-z0-9+.-]{0,20}://|(?:about|blob|data|file|javascript|mailto|tel|vbscript):)\S",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too large to be read; an article counts as cleaned."""

    max_file_bytes: int = 64 * 2**20
    max_article_bytes: int = 512 * 2**10


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was read."""

    path: str  # relative to the knowledge, with "/"
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All articles in order of file and position, with what was skipped or repaired."""

    articles: tuple[Article, ...]
    warnings: tuple[KnowledgeWarning, ...]
    files: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """An article as found: title and body still with their markup."""

    title: str
    url: str | None
    body: str
    line: int | None  # of its header in a merged file
    has_address: bool = True  # be it one that is not linked


def read_knowledge(
    path: Path,
    *,
    limits: Limits = Limits(),
    on_file: Callable[[int, int], None] | None = None,
) -> Knowledge:
    """Read every article below a path; what cannot be read is skipped with a warning.

    Raises KnowledgeError when the path itself is missing or unreadable. No article is no error.
    `on_file` is told how many files are done, of how many.
    """
    found, warnings = find_files(path)
    articles: list[Article] = []
    sources: list[SourceFile] = []
    unaddressed: list[str] = []
    for done, file in enumerate(found, start=1):
        reader = _FileReader(file, limits)
        articles += reader.read()
        warnings += reader.warnings
        unaddressed += reader.unaddressed
        sources += reader.sources
        if on_file is not None:
            on_file(done, len(found))
    kept = unique(articles, warnings)
    if any(article.url for article in kept):  # else it is the way of this knowledge
        reason = "no URL: cited by its title"
        warnings += [KnowledgeWarning(name, 1, reason, skipped=False) for name in unaddressed]
    warnings.sort(key=lambda warning: (warning.file, warning.line or 0))
    return Knowledge(kept, tuple(warnings), tuple(sources))


class _FileReader:
    """Reads the articles of one file and collects what there is to say about it."""

    def __init__(self, file: FoundFile, limits: Limits) -> None:
        self.file = file
        self.limits = limits
        self.warnings: list[KnowledgeWarning] = []
        self.sources: list[SourceFile] = []
        self.unaddressed: list[str] = []  # pages without a URL

    def read(self) -> list[Article]:
        name = self.file.name
        try:
            content = read_bytes(self.file.path, max_bytes=self.limits.max_file_bytes)
            self.sources.append(SourceFile(name, len(content), sha256(content).hexdigest()))
            if self.is_endless(content):
                limit = self.limits.max_article_bytes
                self.warn_too_large(words(name), f"{len(content):,} bytes", limit)
                return []
            text, repairs = decode(content)
        except SkippedError as error:
            self.warn(str(error), line=error.line, skipped=True)
            return []
        for repair in repairs:
            self.warn(repair.reason, line=repair.line)
        if not text.strip():
            self.warn("no text in it" if content else "file is empty", skipped=True)
            return []
        return [article for found in self.find(text) if (article := self.article(found))]

    def is_endless(self, content: bytes) -> bool:
        """Whether it is one page that is too large: told before it is taken apart, for its cost."""
        limit = self.limits.max_article_bytes * _RAW_FACTOR
        if len(content) <= limit or is_binary(content):
            return False
        return _MARK not in content.replace(b"\0", b"")  # NUL: in text of two or four bytes

    def warn(self, reason: str, *, line: int | None = None, skipped: bool = False) -> None:
        self.warnings.append(KnowledgeWarning(self.file.name, line, reason, skipped))

    def warn_too_large(self, title: str, has: str, limit: int, *, line: int | None = None) -> None:
        reason = f'article "{title:.80}" has {has}; the limit is {limit:,}'
        self.warn(reason, line=line, skipped=True)

    def find(self, text: str) -> Iterator[_Found]:
        """Find the articles of a merged file, or the one that a page is."""
        front = split_front_matter(text)
        if front.problem:
            self.warn(front.problem, line=1)
        lines = front.text.split("\n")
        headers = self.headers(lines, front.lines)
        top = lines[: headers[0]] if headers else lines
        if not headers and not any(line.strip() for line in top):
            self.warn("front matter only, no article below it", skipped=True)
        elif not headers or any(line.strip() for line in top):
            yield self.page(top, front.fields)
        for start, end in pairwise([*headers, len(lines)]):
            yield self.section(lines[start:end], start + front.lines + 1)

    def headers(self, lines: list[str], lines_above: int) -> list[int]:
        """Return the lines of article headers; those in a code fence are code."""
        headers = [n for n, line in enumerate(lines) if _HEADER.match(line)]
        if not headers:
            return []
        with_url = {n for n in headers if check_url(_address_below(lines, n)[0] or "")[0]}
        in_code: set[int] = set()
        for fence in find_fences(lines, begins_anew=with_url.__contains__):
            in_code.update(headers[bisect(headers, fence.start) : bisect_left(headers, fence.end)])
        for n in sorted(in_code):
            self.warn("article header in a code fence, read as code", line=n + lines_above + 1)
        return [n for n in headers if n not in in_code]

    def section(self, lines: list[str], line: int) -> _Found:
        """Read header and URL of one article of a merged file."""
        header = _HEADER.match(lines[0])
        title = plain_line(header[1]) if header else ""
        address, body_start = _address_below(lines, 0)
        label = f'article "{title:.80}"'
        url = None
        if address is None:
            if any(rest.strip() for rest in lines[1:]):
                self.warn(f"{label} has no URL", line=line)
        else:
            url, problem = check_url(address)
            if problem:
                self.warn(f"{label} loses its URL: {problem}", line=line + body_start - 1)
        if not title:
            title = words(urlsplit(url).path if url else self.file.name)
            self.warn(f'article without a title, called "{title:.80}"', line=line)
        return _Found(title, url, "\n".join(lines[body_start:]), line)

    def page(self, lines: list[str], fields: dict[str, str]) -> _Found:
        """Read title and URL of a page from its front matter, heading or file name."""
        url = None
        if fields.get("url"):
            url, problem = check_url(fields["url"])
            if problem:
                self.warn(f"URL ignored: {problem}", line=1)
        title = plain_line(fields.get("title", "")) or _first_heading(lines)
        has_address = bool(fields.get("url"))
        return _Found(title or words(self.file.name), url, "\n".join(lines), None, has_address)

    def article(self, found: _Found) -> Article | None:
        """Clean one article; None, with a warning, when nothing is left or it is too large."""
        title, line = found.title, found.line
        label = f'article "{title:.80}": ' if line else ""
        if len(title) > MAX_TITLE_CHARS:
            self.warn(f"{label}title of {len(title):,} characters cut", line=line)
            title = title[: MAX_TITLE_CHARS - 1].rstrip() + "…"
        if (lines := found.body.count("\n") + 1) > MAX_ARTICLE_LINES:
            self.warn_too_large(title, f"{lines:,} lines", MAX_ARTICLE_LINES, line=line)
            return None
        limit = self.limits.max_article_bytes
        size = len(found.body.encode())
        cleaned = clean(found.body, title=found.title) if size <= limit * _RAW_FACTOR else None
        size = len(cleaned.body.encode()) if cleaned else size
        if cleaned is None or size > limit:
            self.warn_too_large(title, f"{size:,} bytes", limit, line=line)
            return None
        for repair in cleaned.repairs:
            self.warn(f"{label}{repair}", line=line)
        if not cleaned.body:
            stub = "only a notice that its content is missing"
            self.warn(f"{label}{stub if cleaned.is_stub else 'no text'}", line=line, skipped=True)
            return None
        if line is None and not found.has_address:
            self.unaddressed.append(self.file.name)
        source = f"{self.file.name}:{line}" if line else self.file.name
        base = article_id(found.url, self.file.name, title)
        text_digest = digest(title, found.url, cleaned.body)
        return Article(base, title, found.url, cleaned.body, text_digest, source)


def _address_below(lines: list[str], header: int) -> tuple[str | None, int]:
    """Return what stands where the URL belongs, if it looks like one, and where the body starts."""
    for n in (header + 1, header + 2):
        text = lines[n].strip() if n < len(lines) else ""
        if text:
            is_address = _ADDRESS.match(text.lstrip("<"))
            return (
                (text.removeprefix("<").removesuffix(">"), n + 1)
                if is_address
                else (None, header + 1)
            )
    return None, header + 1


def _first_heading(lines: list[str]) -> str:
    """Return the text of the first heading of level one outside code, or ""."""
    fences = find_fences(lines)
    fence = next(fences, None)
    for n, line in enumerate(lines):
        while fence and n >= fence.end:
            fence = next(fences, None)
        if fence and n >= fence.start:
            continue
        found = heading(line)
        if found and found[0] == 1 and (text := plain_line(found[1])):
            return text
    return ""
