"""A model's text → the same with citations behind what they are for, and without a bare yes or no.

What it gives for a beginning of a text begins what it gives for the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .citations import CITATION

ITEM = r"(?:[-*+•]|\d{1,3}[.)])[ \t]+"
FENCE = re.compile(r"[ \t]{0,12}(?:```|~~~)")
CITED = rf"(?:{re.sub(r'[?]P<[a-z]+>', '?:', CITATION.pattern)})"
CITED_FIRST = re.compile(  # "[1] Open …", "- [1]. Open …", "[2]: Open …"
    rf"(?P<start>[ \t]*(?:{ITEM})?)(?P<citations>{CITED}+)"
    r"[ \t]*(?P<mark>[.:)]|[-–—](?=\s))?[ \t]*(?P<rest>[^\s.,:;)].*)",
    re.IGNORECASE,
)
CITED_ONLY = re.compile(rf"[ \t]*(?:{ITEM})?{CITED}+[ \t]*[.:)]?\s*", re.IGNORECASE)
CITED_LAST = re.compile(rf"{CITED}[.。!?)*_]{{0,4}}\s*\Z", re.IGNORECASE)
ITEM_START = re.compile(rf"[ \t]*{ITEM}")

YES_NO = (
    r"(?:yes|no|yep|yeah|nope|sure|certainly|absolutely|definitely|indeed|correct|exactly|"
    r"(?:of course|certainly|absolutely|definitely) not|of course|not at all|yes and no|"
    r"ja|nein|jein|oui|non|s[ií]|sim|n[ãa]o)"
)
BEFORE_YES = (
    r"(?:\**(?:(?:unfortunately|sadly|sorry|actually|well|by default|leider|"
    r"malheureusement|lamentablemente|infelizmente)\b,?|"
    r"(?:the )?(?:short )?answer\b(?:[:,]| is:?)|in short\b[,:]?)[*:]*[ \t]+)?"
)
YOU_CAN = (
    r"(?:(?:you|they|we|it|this|that|i) (?:can|could|do|does|is|are|will|may|must|should|has|have)"
    r"(?:not| not|n['’]t)?|(?:it|this|that)(?: is|['’]s)(?: not|n['’]t)?"
    r"(?: (?:possible|correct|right|true|allowed|supported|available))?)"
)
BARE = re.compile(
    rf"\W*{BEFORE_YES}(?:{YES_NO}(?:\W{{1,3}}{YOU_CAN})?|{YOU_CAN})\W*", re.IGNORECASE
)
YES = (  # "Yes, ", "**No.** ", "Yes [1] – ", "Unfortunately, no: ", "Yes, you can. "
    rf"{BEFORE_YES}(?:\*\*{YES_NO}[,.:!]?\*\*|{YES_NO}){CITED}*"
    rf"(?:(?<=\*)|[ \t]*[,.:!;]|[ \t]+[-–—](?=\s))[ \t]+(?:{YOU_CAN}{CITED}*[.!][ \t]+)?"
    r"(?:(?:but|and|though|however)\b,?[ \t]+)?"
)
LEAD = re.compile(
    rf"(?P<before>\A[ \t]*(?:{ITEM})?|(?<=[.!?…\]][ ]))(?:{YES}){{1,3}}"
    r"(?P<first>`|[*_\"“„(]{0,3}[^\W\d_]\w*)",
    re.IGNORECASE,
)
SENTENCE_OVER = re.compile(rf"(?:\A|[.!?…]){CITED}*\s*\Z", re.IGNORECASE)
LONGEST_CITED = 200  # characters of citations behind a sentence


def tidied(text: str, *, is_whole: bool) -> str:
    """Put citations behind what they are for, and drop bare answers before a statement.

    With is_whole false a last line that begins with a citation is left out: it may go on.

    >>> tidied("[1] Yes, admins can.", is_whole=True)
    'Admins can. [1]'
    """
    kept = _with_citations_last(text.split("\n"), is_whole=is_whole)
    return "\n".join(line if is_code else LEAD.sub(_without_lead, line) for is_code, line in kept)


def is_bare(sentence: str) -> bool:
    """Tell whether a sentence is but a yes or no: what it is for, only the question tells."""
    return BARE.fullmatch(CITATION.sub("", sentence)) is not None


def _with_citations_last(lines: list[str], *, is_whole: bool) -> Iterator[tuple[bool, str]]:
    """Give each line, and whether it is code."""
    before = ""
    is_code = False
    for at, line in enumerate(lines):
        is_fence = FENCE.match(line) is not None
        is_code ^= is_fence
        may_lead = not is_code and _may_lead(line, before)
        if may_lead and not is_whole and at == len(lines) - 1 and CITED_ONLY.fullmatch(line):
            return
        match = CITED_FIRST.fullmatch(line) if may_lead else None
        if match is not None and (match["mark"] or not match["rest"][0].islower()):
            if not is_whole and at == len(lines) - 1:
                return
            line = match["start"] + _moved(match["citations"].strip(), match["rest"])
        before = line
        yield is_code or is_fence, line


def _may_lead(line: str, before: str) -> bool:
    """Tell whether a citation that begins the line is not for the line before."""
    before = before.strip()
    return (
        not before
        or before.startswith("#")
        or before.endswith((":", "**"))
        or ITEM_START.match(line) is not None
        or CITED_LAST.search(before) is not None
    )


def _moved(citations: str, rest: str) -> str:
    """Put each citation that begins a sentence behind it, unless it has one there.

    Where the last sentence has its own, those of the other sentences stand behind them, too.
    """
    if CITED_LAST.search(rest):
        return rest
    starts = [m for m in CITATION.finditer(rest) if rest[: m.start()].rstrip().endswith((".", "!"))]
    written, at = "", 0
    for match in starts:
        written += f"{rest[at : match.start()].rstrip()} {citations} "
        citations, at = match.group().strip(), match.end()
        at += len(rest[at:]) - len(rest[at:].lstrip(" \t.:"))
    return f"{written}{rest[at:].rstrip()} {citations}"


def _without_lead(match: re.Match[str]) -> str:
    start = match.start()
    is_in_code = match.string.count("`", 0, start) % 2 == 1
    if is_in_code or not SENTENCE_OVER.search(match.string, max(0, start - LONGEST_CITED), start):
        return match.group()
    first = match["first"]
    word = first.lstrip('*_"“„(')
    if word.islower():
        first = first[: len(first) - len(word)] + word[0].upper() + word[1:]
    return match["before"] + first
