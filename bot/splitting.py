"""mrkdwn in, parts of it that Slack takes out: split where a reader would pause.

Never inside a link, an entity or inline code; a code block goes on as one in the next part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

FENCE = "```"
ROOM_FOR_FENCES = len(f"{FENCE}\n\n{FENCE}")
MIN_ROOM = 8  # an entity and a letter
FENCE_LINE = re.compile(rf"^(?:&gt; | )*{FENCE}$", re.MULTILINE)
LINK = re.compile(r"<[^<>|\n]*\|?([^<>\n]*)>")
# What stays in one piece, also when the end of the text seen cuts it: links, inline code, entities.
WHOLE = re.compile(r"<[^<>\n]*>?|`[^`\n]+`?|&[a-z]{0,3};?")
# Where to split, the best first; a part is filled at least half, else the next best is tried.
PAUSES = (
    re.compile(r"\n\n"),  # paragraphs
    re.compile(r"\n(?! )"),  # list items
    re.compile(r"\n"),
    re.compile(  # sentences, with the citation behind them
        r"(?:(?<!\d\.)(?<=[.!?…])['\"”)*_~]{0,3}|(?<=\]>))(?P<gap> )(?![<\[a-z])"
    ),
    re.compile(r"(?<=[;:,])(?P<gap> )"),
)
BLANK = re.compile(r"[ \n]")
CUT_ENTITY = re.compile(r"&[a-z]{0,3}$")


def cut(mrkdwn: str, limit: int) -> str:
    """Shorten to what fits within the limit, up to a pause, and show that it was.

    >>> cut("one two three four five", 20)
    'one two …'
    """
    if len(mrkdwn) <= limit:
        return mrkdwn
    return next(_parts(mrkdwn, limit - 2), "") + " …"


def split(mrkdwn: str, limit: int) -> list[str]:
    """Split into parts within the limit; blanks and line ends at their borders are dropped.

    Of a link that is longer than a part the label is left.
    """
    return list(_parts(mrkdwn, limit))


def _parts(rest: str, limit: int) -> Iterator[str]:
    room = max(MIN_ROOM, limit - ROOM_FOR_FENCES)
    opening = ""
    while rest:
        link = LINK.match(rest)
        if link is not None and len(link[0]) > room:
            rest = link[1] + rest[link.end() :]
        is_last = len(opening) + len(rest) <= limit
        end = len(rest) if is_last else _end_of_part(rest, room)
        head, rest = rest[:end], rest[end:]
        is_code = bool(opening) ^ len(FENCE_LINE.findall(head)) % 2 == 1
        rest = rest.lstrip("\n") if is_code or rest.startswith("\n") else rest.lstrip(" ")
        head = opening + head.rstrip(" \n")
        if rest and not is_code and _is_inside_inline_code(head):
            head, rest = f"{head}`", f"`{rest}"
        part = _closed(head) if is_code and rest else head
        opening = f"{FENCE}\n" if is_code else ""
        if part.strip():
            yield part


def _end_of_part(text: str, room: int) -> int:
    window = FENCE_LINE.sub(_blanked, text[: room + 1])
    pieces = WHOLE.sub(_hidden, window)
    for pause in PAUSES:
        end = _last(pause, pieces)
        if end >= room // 2:
            return end
    spans = [match.span() for match in WHOLE.finditer(window)]
    return _last(BLANK, pieces) or _hard_end(text, spans, room - 1)


def _last(pause: re.Pattern[str], text: str) -> int:
    """Give where the last pause begins, 0 when there is none."""
    group = "gap" if pause.groups else 0
    return max((match.start(group) for match in pause.finditer(text)), default=0)


def _hard_end(text: str, spans: list[tuple[int, int]], end: int) -> int:
    """Cut before what stays in one piece; inline code longer than a part is cut all the same."""
    end = next((start for start, stop in spans if 0 < start < end < stop), end)
    entity = CUT_ENTITY.search(text[:end])
    return entity.start() if entity and entity.start() else end


def _blanked(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _hidden(match: re.Match[str]) -> str:
    """Hide where one could split; the end of a link stays: a sentence may end with a citation."""
    end = "]>" if match[0].endswith("]>") else ""
    return "x" * (len(match[0]) - len(end)) + end


def _is_inside_inline_code(part: str) -> bool:
    last_line = part.rpartition("\n")[2]
    return FENCE not in last_line and last_line.count("`") % 2 == 1


def _closed(part: str) -> str:
    """End the code block that goes on in the next part, or leave it out when it just began."""
    begun = f"\n{FENCE}"
    return part.removesuffix(begun) if part.endswith(begun) else part + begun
