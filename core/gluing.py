"""Part words that a scrape ran together where there was a link or bold text.

Takes a line and the words of its article; gives the line with spaces where the glue is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

_SMALL_WORDS = (
    "the|a|an|click|clicking|on|in|at|to|and|or|your|their|our|choose|choosing|select|selecting|"
    "open|see|from|of|with|as|by|for|press|tap|hit|under|via|if|is|like|named|called|paste|enable|"
    "disable|out|off"
)
_CAPITAL_WORDS = "Click|Choose|Select|Tap|Toggle|Press|The|Open|In|Under|With|Check|Use"
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
_SHORT = ("are", "by", "if", "in", "is", "on", "the")
_LONG_TAILS = "to and next can for from have that when will with your"
_NOUN_TAILS = """
    plan plans article feature section column screen icon field fields option options menu window
    popup dropdown checkbox switch switcher"""
_PLACES = ("page", "pages", "tab", "tabs", "button", "buttons")  # after any capitalised word
_SMALL_TAILS = (*_LONG_TAILS.split(), *_SHORT)
_TAILS = (*_SMALL_TAILS, *_NOUN_TAILS.split(), *_PLACES)
_TAILS_BEFORE_CAPITAL = ("under", "and", "for", "from", "to", "or", "in", "on", "by", "as", "is")
_STARTS = ("the", "your")
_VERBS = (
    "add|approve|assign|cancel|choose|create|delete|disable|download|edit|enable|export|import|"
    "lock|log|open|reject|save|select|send|share|submit|switch|track|update|upgrade|upload|withdraw"
)
_NOUNS = """
    three dots click account app calendar client column dashboard date entry entries expense filter
    invoice page password plan project report screen setting settings tag task team text time
    timer timesheet user users week workspace"""
_COMMON = frozenset((*_NOUNS.split(), *_VERBS.split("|")))
_WHOLE_WORDS = """
    homepage webpage thereto hereto yourself themselves within plugin therein wherein herein signin
    therefor goodwill nearby passerby standby thereby whereby hereby"""
_WHOLE = frozenset(_WHOLE_WORDS.split())

# A word starts here: not inside a path, an address or an identifier.
_START = r"(?<![\w.@/$-])"
# A capital follows, but no call or assignment such as "toString(": that is code.
_CAPITAL = r"(?=[A-Z]\w*+(?![(=]))"
_MIXED_CASE = re.compile(r"[a-z][A-Z]|[A-Z]{3}[a-z]")
_BEFORE_CAPITAL = re.compile(
    rf"{_START}(?!(?:{_NAMES})s?(?![a-z]))({_SMALL_WORDS}|{_CAPITAL_WORDS}){_CAPITAL}"
)
_BEFORE_URL = re.compile(r"(?<![\w.@/-])([A-Za-z]{1,20})(?=https?://)")
_AFTER_CAPS = re.compile(rf"(?<![A-Za-z0-9_])([A-Z]{{3,20}})(?=(?:{_AFTER_CAPITALS})(?![\w(=]))")
_LONG_BEFORE_CAPITAL = re.compile(rf"{_START}[A-Za-z][a-z]{{4,40}}+{_CAPITAL}")
_LONG = re.compile(rf"{_START}[A-Za-z]{{5,40}}+(?![\w(=@])")
_BY_DOING = re.compile(r"\bby(?!pass)([a-z]{4,20}ing)(your|the|to)?\b")
_BEFORE_VERB = re.compile(rf"{_START}([Tt]o|[Cc]an|[Ww]ill)({_VERBS})(an?|the|your)?(?![\w(=@])")
_THREE_DOTS = re.compile(
    rf"{_START}(Click|Open|Select|Tap|on|the)(?=three[ -])|(?<=three[ -]dots)(?=[a-z])"
)
_COMMAS = re.compile(r"(?<![^\s(])[A-Za-z]{2,40}+(?:,[A-Za-z]{2,40}+){1,40}(?=[\s.,:;)]|$)")
_SENTENCE_END = re.compile(r"(?<=[a-z]{3}[.?!])(?=[A-Z][a-z]{0,30}+\s)")
_AROUND_SUPPORT = re.compile(r"\b(at|to)(?=support@)|(@[a-z]{2,30}+\.(?:com|me))(?=(?:and|or)\b)")
_FIRST_STEP = re.compile(r"(?:^|(?<=:))(1\. )")
_STEP = re.compile(r"^(\d{1,2}\.) *")
_MAX_STEPS = 50
_BULLET = re.compile(r"^([ \t]*)[-*+][ \t]+(?=\S)")
_MAX_CHILDREN = 100  # keeps a long list of equal items from taking quadratic time
_MIN_TAIL_CHARS = 12  # a shorter end may be chance, as in "Click Save" above "Save"
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


def nest_items(lines: Sequence[str]) -> list[str]:
    """Part sub-lists that were run together with the item above them, and indent them below it.

    "- Info:Name: ALogo: B", "- Name: A", "- Logo: B" → "- Info:", "  - Name: A", "  - Logo: B"
    """
    bullets = [_BULLET.match(line) for line in lines]
    indents = [match[1] if match else None for match in bullets]
    texts = [
        "".join(line[match.end() :].split()) if match else ""
        for line, match in zip(lines, bullets, strict=True)
    ]
    ends = list(range(1, len(lines) + 1))  # of each item with what is below it
    tails = [0] * len(lines)  # characters to cut
    for n in range(len(lines) - 2, -1, -1):
        if bullets[n]:
            tails[n], ends[n] = _sub_list(n, texts, indents, ends)
    nested: list[str] = []
    open_lists: list[int] = []
    for n, line in enumerate(lines):
        while open_lists and open_lists[-1] <= n:
            open_lists.pop()
        kept = _without_tail(line, tails[n]) if tails[n] else line
        nested.append("  " * len(open_lists) + kept)
        if tails[n]:
            open_lists.append(ends[n])
    return nested


def _sub_list(
    item: int, texts: list[str], indents: list[str | None], ends: list[int]
) -> tuple[int, int]:
    """Return how many characters at an item's end are the items below it, and where they end."""
    best = 0, item + 1
    tail, child = "", item + 1
    for _ in range(_MAX_CHILDREN):
        if child >= len(texts) or indents[child] != indents[item]:
            break
        tail += texts[child]
        if len(tail) >= len(texts[item]):
            break
        child = ends[child]
        if texts[item].endswith(tail):
            is_sure = texts[item][: -len(tail)].endswith(":") or len(tail) >= _MIN_TAIL_CHARS
            best = (len(tail), child) if is_sure else best
    return best


def _without_tail(line: str, length: int) -> str:
    """Cut a number of characters off a line, not counting spaces."""
    end = len(line)
    while length:
        end -= 1
        length -= not line[end].isspace()
    return line[:end].rstrip()


def _unglue_text(text: str, words: frozenset[str]) -> str:
    text = _part_bold(text) if "**" in text else text
    text = _AROUND_SUPPORT.sub(lambda found: f"{found[0]} ", text) if "support@" in text else text
    text = _BY_DOING.sub(_part_by, text) if "by" in text else text
    text = _COMMAS.sub(lambda found: found[0].replace(",", ", "), text) if "," in text else text
    text = _THREE_DOTS.sub(r"\1 ", text) if "three" in text else text
    text = _BEFORE_VERB.sub(_spaced, text)
    if _MIXED_CASE.search(text):
        text = _BEFORE_CAPITAL.sub(r"\1 ", text)
        text = _AFTER_CAPS.sub(r"\1 ", text)
        text = _LONG_BEFORE_CAPITAL.sub(lambda found: _part_before_capital(found[0], words), text)
    text = _LONG.sub(lambda found: _part(found[0], words), text)
    return _SENTENCE_END.sub(" ", text)


def _part_by(found: re.Match[str]) -> str:
    """Part "byupgradingyour" into "by upgrading your"."""
    return " ".join(filter(None, ("by", found[1], found[2])))


def _spaced(found: re.Match[str]) -> str:
    """Part "Todeletea" into "To delete a"."""
    return " ".join(filter(None, found.groups()))


def _part_before_capital(word: str, words: frozenset[str]) -> str:
    """Part "policiesin", which a capital follows, into "policies in "."""
    for tail in _TAILS_BEFORE_CAPITAL:
        head = word.removesuffix(tail)
        if head != word and (head.lower() in words or head.lower() in _COMMON):
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
                if word[end:] != tail and tail not in _SMALL_TAILS:  # camelCase
                    continue
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
