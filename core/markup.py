"""Find code fences, and turn the markup in the text between them into plain words.

Takes Markdown with HTML; gives it without links, images, tags, entities, escapes; linear time.
"""

from __future__ import annotations

import html
import re
import string
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_FENCE = re.compile(r"^\s*(`{3,}|~{3,})(.*)$")
# Not html.parser: it is quadratic for "<a <a <a …" in the Python versions that we support.
_SPECIAL = re.compile(r"[\\`\]<&]|!?\[")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9-]{0,30})(?=[\s/>])")
_TAG_STEP = re.compile(r"""[>"'<]""")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^\s<>]{1,2000}+)>", re.IGNORECASE)
_TARGET_STEP = re.compile(r"[()\n]")
_TARGET_START = re.compile(r"[/#.?<]|[A-Za-z][A-Za-z0-9+.-]{0,20}:")
_MAX_PARENTHESES = 32  # CommonMark's limit inside a link target
_MAX_TAG_CHARS = 10_000
_PUNCTUATION = frozenset(string.punctuation)
_ANCHOR_MARKS = frozenset(("", "#", "¶", "§", "🔗"))

_DROPPED_NAMES = "script style iframe noscript template svg math object head"
_BLOCK_NAMES = """
    address article aside blockquote body center dd details div dl dt fieldset figcaption figure
    footer form header hr html main nav ol p pre section summary table tbody tfoot thead ul"""
_INLINE_NAMES = """
    a abbr acronym audio b bdi bdo big button canvas cite code col colgroup del dfn em embed font i
    img input ins kbd label link mark meta option param picture q s samp select small source span
    strike strong sub sup textarea track tt u var video wbr"""
_DROPPED = frozenset(_DROPPED_NAMES.split())
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_INLINE = frozenset(_INLINE_NAMES.split())
_MARKS = {"br": "\n", "li": "\n- ", "tr": "\n|", "td": " ", "th": " "}
_END_MARKS = {"td": " |", "th": " |", "tr": "\n", "li": "\n", "br": "\n"}
_MARKS |= {f"h{n}": "\n\n" + "#" * n + " " for n in range(1, 7)}
_END_MARKS |= dict.fromkeys((f"h{n}" for n in range(1, 7)), "\n\n")


@dataclass(frozen=True, slots=True)
class Fence:
    """A code fence: lines [start, end) with its marks, or up to where the text ends."""

    start: int
    end: int
    is_closed: bool


def find_fences(
    lines: list[str], *, begins_anew: Callable[[int], bool] = lambda _: False
) -> Iterator[Fence]:
    """Find the code fences, in order; one that nothing closes ends where the text begins anew."""
    marks = [(n, match) for n, line in enumerate(lines) if (match := _FENCE.match(line))]
    unclosed: dict[str, int] = {}  # "`" or "~" → the shortest run that nothing below closes
    position = 0
    while position < len(marks):
        start, opening = marks[position]
        run = opening[1]
        position += 1
        if run[0] == "`" and "`" in opening[2]:  # a code span
            continue
        closing = None
        if len(run) < unclosed.get(run[0], len(run) + 1):
            below = range(position, len(marks))
            closing = next((n for n in below if _closes(marks[n][1], run)), None)
        if closing is not None:
            yield Fence(start, marks[closing][0] + 1, is_closed=True)
            position = closing + 1
            continue
        unclosed[run[0]] = len(run)
        end = next((n for n in range(start + 1, len(lines)) if begins_anew(n)), len(lines))
        yield Fence(start, end, is_closed=False)
        while position < len(marks) and marks[position][0] < end:
            position += 1


def _closes(mark: re.Match[str], opening: str) -> bool:
    return mark[1].startswith(opening) and not mark[2].strip()


def plain_markup(text: str, *, dropped: list[str] | None = None) -> str:
    """Resolve the markup of text that holds no code fence; code spans stay verbatim.

    Links become their text, images go, known HTML tags go with script and style contents,
    entities and backslash escapes become characters. Placeholders such as <user name> stay.
    `dropped` is told the name of each element that goes with its contents.
    """
    if not _SPECIAL.search(text):
        return text
    return _Scanner(text, dropped=[] if dropped is None else dropped).run()


@dataclass(slots=True)
class _Scanner:
    """One pass over a text; `absent` remembers what no longer follows, to stay linear."""

    text: str
    out: list[str] = field(default_factory=list)
    brackets: list[int] = field(default_factory=list)  # open "[" or "![", as indexes of out
    absent: set[str] = field(default_factory=set)
    runs: dict[int, list[int]] | None = None  # positions of backtick runs by length, last first
    dropped: list[str] = field(default_factory=list)  # names of elements

    def run(self) -> str:
        position = 0
        while match := _SPECIAL.search(self.text, position):
            start = match.start()
            if start > position:
                self.out.append(self.text[position:start])
            position = self.step(match.group(), start)
        self.out.append(self.text[position:])
        return "".join(self.out)

    def step(self, mark: str, start: int) -> int:
        """Handle one special character; return where to go on."""
        match mark:
            case "\\":
                return self.escape(start)
            case "`":
                return self.code_span(start)
            case "]":
                return self.close_bracket(start)
            case "<":
                return self.angle(start)
            case "&":
                return self.entity(start)
        self.brackets.append(len(self.out))
        return self.literal(start, len(mark))

    def literal(self, start: int, length: int = 1) -> int:
        self.out.append(self.text[start : start + length])
        return start + length

    def escape(self, start: int) -> int:
        following = self.text[start + 1 : start + 2]
        if following in _PUNCTUATION:
            self.out.append(following)
            return start + 2
        return start + 1 if following == "\n" else self.literal(start)

    def code_span(self, start: int) -> int:
        if self.runs is None:
            self.runs = defaultdict(list)
            for run in reversed(list(re.finditer("`+", self.text))):
                self.runs[len(run.group())].append(run.start())
        length = 1
        while self.text.startswith("`", start + length):
            length += 1
        ends = self.runs.get(length, [])
        while ends and ends[-1] <= start:
            ends.pop()
        if not ends or self.text.find("\n\n", start, ends[-1]) >= 0:
            return self.literal(start, length)
        return self.literal(start, ends[-1] + length - start)

    def entity(self, start: int) -> int:
        match = _ENTITY.match(self.text, start)
        if match is None:
            return self.literal(start)
        self.out.append(html.unescape(match.group()).replace("\n", " "))
        return match.end()

    def close_bracket(self, start: int) -> int:
        """Turn "[text](target)" into its text and "![text](target)" into nothing."""
        if not self.brackets:
            return self.literal(start)
        opening = self.brackets.pop()
        is_image = self.out[opening] == "!["
        end = self.target_end(start + 1, is_image=is_image)
        if end is None:
            return self.literal(start)
        self.out[opening] = ""
        is_anchor = self.text.startswith("(#", start + 1) and len(self.out) - opening <= 3
        if is_image or (is_anchor and "".join(self.out[opening:]).strip() in _ANCHOR_MARKS):
            del self.out[opening:]
        return end

    def target_end(self, start: int, *, is_image: bool) -> int | None:
        """Return the position after "(target)" when one starts here, on one line."""
        if not self.text.startswith("(", start):
            return None
        depth = 0
        for step in _TARGET_STEP.finditer(self.text, start):
            if step.group() == "\n" or depth > _MAX_PARENTHESES:
                return None
            depth += 1 if step.group() == "(" else -1
            if depth == 0:
                target = self.text[start + 1 : step.start()].strip()
                is_target = is_image or _TARGET_START.match(target) or " " not in target
                return step.end() if is_target else None
        return None

    def angle(self, start: int) -> int:
        if link := _AUTOLINK.match(self.text, start):
            self.out.append(link.group(1))
            return link.end()
        if self.text.startswith("<!--", start):
            return self.skip_to("-->", start)
        if self.text.startswith(("<!", "<?"), start):
            return self.skip_to(">", start)
        tag = _TAG.match(self.text, start)
        end = self.tag_end(tag.end()) if tag else None
        if tag is None or end is None:
            return self.literal(start)
        return self.tag(tag.group(1).lower(), start, end)

    def skip_to(self, mark: str, start: int) -> int:
        """Drop up to and with a mark; without one, drop the rest of the paragraph."""
        end = -1 if mark in self.absent else self.text.find(mark, start)
        if end >= 0:
            return end + len(mark)
        self.absent.add(mark)
        return self.paragraph_end(start)

    def paragraph_end(self, start: int) -> int:
        end = self.text.find("\n\n", start)
        return len(self.text) if end < 0 else end

    def tag_end(self, start: int) -> int | None:
        """Return the position after the ">" of a tag; ">" in quotes does not count."""
        quote = ""
        limit = min(len(self.text), start + _MAX_TAG_CHARS)
        for step in _TAG_STEP.finditer(self.text, start, limit):
            mark = step.group()
            if quote:
                quote = "" if mark == quote else quote
            elif mark in "\"'":
                quote = mark
            else:
                return step.end() if mark == ">" else None
        return None

    def tag(self, name: str, start: int, end: int) -> int:
        is_end = self.text.startswith("/", start + 1)
        if name in _DROPPED:
            return end if is_end else self.skip_element(name, end)
        if name in _BLOCKS:
            self.out.append("\n\n")
        elif name in _MARKS:
            self.out.append((_END_MARKS if is_end else _MARKS)[name])
        elif name not in _INLINE or self.is_comparison(start, end):
            return self.literal(start, end - start)
        return end

    def is_comparison(self, start: int, end: int) -> bool:
        """Whether "<b and c>" is rather text: words follow the name, but no attribute."""
        inside = self.text[start + 1 : end - 1]
        return " " in inside.strip(" /") and "=" not in inside

    def skip_element(self, name: str, start: int) -> int:
        """Drop an element with all that is in it; an unclosed iframe loses its tag only."""
        if name not in self.dropped:
            self.dropped.append(name)
        if name in self.absent:
            closing = None
        else:
            closing = re.compile(f"</{name}[^<>]{{0,200}}>", re.IGNORECASE).search(self.text, start)
        if closing is not None:
            return closing.end()
        self.absent.add(name)
        return self.paragraph_end(start) if name in {"script", "style"} else start
