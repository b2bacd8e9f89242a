"""Part words that a scrape ran together where there was a link or bold text.

Takes a line and the words of its article; gives the line with spaces where the glue is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

_SMALL_WORDS = (
    "the|a|an|click|clicking|on|in|at|to|and|or|your|their|our|choose|choosing|select|selecting|"
    "open|see|from|of|with|as|by|for|press|tap|hit|under|via|if|is|like|named|called|paste|enable|"
    "disable|out|off"
)
_CAPITAL_WORDS = "Click|Choose|Select|Tap|Press|The|Open|In|Under|With|Check|Use"
_NAMES = (
    "ClickFunnels|ClickHouse|ClickUp|InDesign|InVision|OpenAI|OpenAPI|OpenCart|OpenID|OpenOffice|"
    "OpenProject|OpenSSL|OpenStack|OpenStreetMap|OpenTable|OpenText|OpenVPN"
)
_AFTER_CAPITALS = (
    "and|as|at|box|button|buttons|by|column|field|fields|file|files|for|format|formats|from|icon|"
    "if|in|into|is|link|menu|of|on|only|option|options|or|page|pages|plan|plans|section|tab|tabs|"
    "that|to|under|via|with|you"
)
# Endings that are parted from a word of the article; those of _SHORT need one of four letters.
_SHORT = ("are", "if", "in", "is", "on")
_LONG_TAILS = """
    to and next can for from have will with your plan plans article feature section column screen
    icon field fields option options menu window popup dropdown checkbox"""
_PLACES = ("page", "pages", "tab", "tabs", "button", "buttons")  # after any capitalised word
_TAILS = (*_LONG_TAILS.split(), *_PLACES, *_SHORT)
_TAILS_BEFORE_CAPITAL = ("under", "and", "for", "from", "to", "or", "in", "on", "by", "as", "is")
_STARTS = ("the", "your")
_COMMON_WORDS = "three dots click add save delete submit create cancel send approve reject edit"
_COMMON = frozenset(_COMMON_WORDS.split())
_WHOLE_WORDS = """
    homepage webpage thereto hereto yourself themselves within plugin therein wherein herein signin
    therefor goodwill"""
_WHOLE = frozenset(_WHOLE_WORDS.split())

# A word starts here: not inside a path, an address or an identifier.
_START = r"(?<![\w.@/$-])"
# A capital follows, but no call or assignment such as "toString(": that is code.
_CAPITAL = r"(?=[A-Z]\w*+(?![(=]))"
_MIXED_CASE = re.compile(r"[a-z][A-Z]|[A-Z]{3}[a-z]")
_BEFORE_CAPITAL = re.compile(rf"{_START}(?!{_NAMES})({_SMALL_WORDS}|{_CAPITAL_WORDS}){_CAPITAL}")
_BEFORE_URL = re.compile(r"(?<![\w.@/-])([A-Za-z]{1,20})(?=https?://)")
_AFTER_CAPS = re.compile(rf"(?<![A-Za-z0-9_])([A-Z]{{3,20}})(?=(?:{_AFTER_CAPITALS})(?![\w(=]))")
_LONG_BEFORE_CAPITAL = re.compile(rf"{_START}[A-Za-z][a-z]{{4,40}}+{_CAPITAL}")
_LONG = re.compile(rf"{_START}[A-Za-z]{{5,40}}+(?![\w(=@])")
_BY_DOING = re.compile(r"\bby(?!pass)([a-z]{4,20}ing)(your|the|to)?\b")
_SENTENCE_END = re.compile(r"(?<=[a-z]{3}[.?!])(?=[A-Z][a-z]{0,30}+\s)")
_AROUND_SUPPORT = re.compile(r"\b(at|to)(?=support@)|(@[a-z]{2,30}+\.(?:com|me))(?=(?:and|or)\b)")
_FIRST_STEP = re.compile(r"(?:^|(?<=:))(1\. )")
_STEP = re.compile(r"^(\d{1,2}\.) *")
_MAX_STEPS = 50
_BOLD_POINT = re.compile(r"\*\*([.,:;])\*\*")
_UNTOUCHED = re.compile(r"(`[^`]*`|\b(?:https?://|www\.)\S+)")
_WORD = re.compile(r"[A-Za-z]{3,40}+")


def words_of(lines: Iterable[str]) -> frozenset[str]:
    """Collect the words of a text, in lower case, as evidence for `unglue`."""
    return frozenset(word.lower() for line in lines for word in _WORD.findall(line))


def unglue(line: str, words: frozenset[str]) -> str:
    """Part words that were run together: "clickSAVEto" → "click SAVE to", "Teampage" → "Team page".

    Only a small word before a capital or URL, after capitals, or next to a word that the article
    has on its own. Code spans and URLs stay, and so do QuickBooks, JavaScript, iPhone or macOS.
    """
    if "`" not in line and "http" not in line and "www." not in line:
        return _unglue_text(line, words)
    parts = _UNTOUCHED.split(_BEFORE_URL.sub(r"\1 ", line))
    for n in range(0, len(parts), 2):  # the odd ones are code spans and URLs
        parts[n] = _unglue_text(parts[n], words)
    return "".join(parts)


def part_steps(line: str) -> list[str]:
    """Part steps that were run together: "1. Open it2. Close it" → one line for each.

    They count up from 1, at the start of the line or after a colon.
    """
    first = _FIRST_STEP.search(line)
    if first is None:
        return [line]
    starts = [first.start(1)]
    for number in range(2, _MAX_STEPS + 1):
        step = re.compile(rf"(?<=[^\s\d.]){number}\. {{0,2}}(?=[A-Z])").search(line, starts[-1] + 3)
        if step is None:
            break
        starts.append(step.start())
    if len(starts) == 1:
        return [line]
    before = [line[: starts[0]], ""] if starts[0] else []
    steps = [line[start:end] for start, end in pairwise([*starts, len(line)])]
    return before + [_STEP.sub(r"\1 ", step) for step in steps]


def _unglue_text(text: str, words: frozenset[str]) -> str:
    text = _part_bold(text) if "**" in text else text
    text = _AROUND_SUPPORT.sub(lambda found: f"{found[0]} ", text) if "support@" in text else text
    text = _BY_DOING.sub(_part_by, text) if "by" in text else text
    if _MIXED_CASE.search(text):
        text = _BEFORE_CAPITAL.sub(r"\1 ", text)
        text = _AFTER_CAPS.sub(r"\1 ", text)
        text = _LONG_BEFORE_CAPITAL.sub(lambda found: _part_before_capital(found[0], words), text)
    text = _LONG.sub(lambda found: _part(found[0], words), text)
    return _SENTENCE_END.sub(" ", text)


def _part_by(found: re.Match[str]) -> str:
    """Part "byupgradingyour" into "by upgrading your"."""
    return " ".join(filter(None, ("by", found[1], found[2])))


def _part_before_capital(word: str, words: frozenset[str]) -> str:
    """Part "policiesin", which a capital follows, into "policies in "."""
    for tail in _TAILS_BEFORE_CAPITAL:
        head = word.removesuffix(tail)
        if head != word and head.lower() in words:
            return f"{head} {tail} "
    return word


def _part(word: str, words: frozenset[str]) -> str:
    """Part "Teampage", "thethree" or "theplaybutton" when what remains is in the article."""
    lower = word.lower()
    if not (lower.endswith(_TAILS) or lower.startswith(_STARTS)) or lower in _WHOLE:
        return word
    for start in ("", *_STARTS):
        if not lower.startswith(start):
            continue
        for tail in (*_TAILS, ""):
            middle = lower[len(start) : len(lower) - len(tail)]
            if lower.endswith(tail) and (start or tail) and _is_known(middle, word, tail, words):
                end = len(start) + len(middle)
                pieces = (word[: len(start)], word[len(start) : end], word[end:])
                return " ".join(filter(None, pieces))
    return word


def _is_known(middle: str, word: str, tail: str, words: frozenset[str]) -> bool:
    """Whether the middle of a word stands on its own."""
    if len(middle) < (3 if tail and tail not in _SHORT else 4):
        return False
    is_place = tail in _PLACES and word[0].isupper() and len(middle) >= 4
    return is_place or middle in words or middle in _COMMON


def _part_bold(text: str) -> str:
    """Part bold text from the words that it touches: "**Save**button"; "**N**ew" stays."""
    parts = _BOLD_POINT.sub(r"\1", text.replace("****", "")).split("**")
    if len(parts) % 2 == 0:  # one mark has no partner
        return text
    for n in range(1, len(parts), 2):
        bold, before, after = parts[n], parts[n - 1], parts[n + 1]
        if len(bold) < 3 or bold != bold.strip():
            continue
        if before[-1:].islower() and bold[0].isupper():
            parts[n - 1] = f"{before} "
        if after[:2].isalpha():
            parts[n + 1] = f" {after}"
    return "**".join(parts)
