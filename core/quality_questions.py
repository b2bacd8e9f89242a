"""Read the questions that a rebuild must still find.

Takes questions.jsonl, {"query": "...", "urls": ["...", ...]} a line, where the id of an article may
stand for its URL; gives questions, and a warning for each line that cannot be used.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .errors import SettingsError
from .files import SkippedError, decode, read_bytes, strip_invisible

FILE_NAME = "questions.jsonl"
MAX_FILE_BYTES = 4 * 2**20
MAX_LINES = 20_000
MAX_QUESTIONS = 2_000
MAX_QUERY_CHARS = 2_000
MAX_WARNINGS = 20
EXAMPLE = '{"query": "how do I lock a timesheet", "urls": ["https://example.com/lock"]}'

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,20}://", re.IGNORECASE)
_TRACKING = re.compile(
    r"utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|_ga|_gl|_hsenc|_hsmi", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class QualityQuestion:
    """A question and the articles that answer it, by URL or id; line is where it stands."""

    query: str
    urls: tuple[str, ...]
    line: int

    @property
    def pages(self) -> frozenset[str]:
        """The keys of its articles."""
        return frozenset(map(page_key, self.urls))


def find_questions(knowledge: Path, named: Path | None) -> Path | None:
    """Give the file of questions: the named one, else the one that lies with the knowledge, if any.

    Raises SettingsError for a named file without a question that can be asked.
    """
    if named is None:
        beside = (knowledge if knowledge.is_dir() else knowledge.parent) / FILE_NAME
        return beside if os.path.lexists(beside) else None
    questions, warnings = read_questions(named)
    if not questions:
        reason = f": {warnings[0]}" if warnings else ""
        raise SettingsError(
            f"QUALITY_QUESTIONS is {named}, which gives no question{reason}. "
            f"Name a file with lines like {EXAMPLE}, or leave it empty."
        )
    return named


def read_questions(path: Path) -> tuple[tuple[QualityQuestion, ...], tuple[str, ...]]:
    """Read all questions; what cannot be used is left out with a warning "file:line: reason".

    Empty lines and lines that begin with # are passed over. Of equal queries the articles are
    joined. A file that cannot be read gives no question and one warning.
    """
    try:
        content = read_bytes(os.path.realpath(path), max_bytes=MAX_FILE_BYTES)
        text, repairs = decode(content)
    except SkippedError as error:
        where = str(path.name or path) + (f":{error.line}" if error.line else "")
        return (), (f"{where}: {error}; no question of it is asked",)
    problems = [(repair.line or 1, repair.reason) for repair in repairs]
    questions: dict[str, QualityQuestion] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if number > MAX_LINES or len(questions) == MAX_QUESTIONS:
            limits = f"at most {MAX_QUESTIONS:,} questions on {MAX_LINES:,} lines are asked"
            problems.insert(0, (number, f"not read from here on: {limits}"))
            break
        try:
            problem = _add(questions, _question(line, number))
        except (ValueError, RecursionError) as error:
            problem = f"skipped, {error}"
        if problem:
            problems.append((number, problem))
    if not questions and not problems:
        problems.append((1, f"holds no question; write lines like {EXAMPLE}"))
    return tuple(questions.values()), tuple(_warnings(path.name, problems))


def _add(questions: dict[str, QualityQuestion], question: QualityQuestion) -> str:
    """Take a question in; give what there is to say about it, or ""."""
    key = question.query.casefold()
    earlier = questions.setdefault(key, question)
    if earlier is question:
        return ""
    urls = tuple(dict.fromkeys((*earlier.urls, *question.urls)))
    questions[key] = replace(earlier, urls=urls)
    return f"same query as line {earlier.line}; asked once, with the URLs of both"


def _question(line: str, number: int) -> QualityQuestion:
    """Read one line; raises ValueError with the reason why it cannot be asked."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg})") from error
    query = row.get("query") if isinstance(row, dict) else None
    urls = row.get("urls") if isinstance(row, dict) else None
    if not isinstance(query, str) or not (query := _clean(query)):
        raise ValueError(f"a line is an object like {EXAMPLE}")
    if len(query) > MAX_QUERY_CHARS:
        raise ValueError(f"the query is longer than {MAX_QUERY_CHARS:,} characters")
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise ValueError('"urls" is a list of URLs or article ids')
    cleaned = tuple(dict.fromkeys(filter(None, map(_clean, urls))))
    if not cleaned:
        raise ValueError('"urls" names no article')
    return QualityQuestion(query, cleaned, number)


def _clean(text: str) -> str:
    """Make one line of valid Unicode of what JSON may hold: lone surrogates, controls."""
    return " ".join(strip_invisible(text.encode(errors="replace").decode()).split())


def _warnings(name: str, problems: Sequence[tuple[int, str]]) -> Iterable[str]:
    for line, reason in sorted(problems[:MAX_WARNINGS]):
        yield f"{name}:{line}: {reason}"
    more = len(problems) - MAX_WARNINGS
    if more > 0:
        yield f"{name}: {more:,} more lines have something wrong with them"


def page_key(name: str) -> str:
    """Give what is equal for all ways to write the URL of one page, or the id of one article.

    No scheme, fragment, last slash, percent code or tracking parameter; the host in lower case.
    """
    name = name.strip()
    try:
        parts = urlsplit(name if _SCHEME.match(name) else f"//{name.lstrip('/')}")
    except ValueError:
        return name
    parameters = [
        parameter
        for parameter in sorted(parts.query.split("&"))
        if parameter and not _TRACKING.fullmatch(parameter.partition("=")[0])
    ]
    page = parts.netloc.lower() + unquote(parts.path).rstrip("/")
    return f"{page}?{'&'.join(parameters)}" if parameters else page
