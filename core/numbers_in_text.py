"""Numbers in a folded text, in all the ways they can be read, with their units.

1,000 = 1 000 = 1000; 1.5 = 1,5; "five" = 5; $5 = 5 USD; 09:00 = 9.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .terms import STOP_WORDS

_NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve"
NUMBER_WORDS = {word: str(n) for n, word in enumerate(_NUMBER_WORDS.split())}
UNITS = {
    unit: name
    for name, spellings in {
        "second": "s sec secs second seconds",
        "minute": "min mins minute minutes",
        "hour": "h hr hrs hour hours",
        "day": "day days",
        "week": "week weeks",
        "month": "month months mo",
        "year": "year years yr",
        "kb": "kb kib kilobyte kilobytes",
        "mb": "mb mib megabyte megabytes",
        "gb": "gb gib gigabyte gigabytes",
        "usd": "usd dollar dollars $",
        "eur": "eur euro euros €",
        "gbp": "gbp pound pounds £",
        "%": "% percent percentage",
        "am": "am",
        "pm": "pm",
    }.items()
    for unit in spellings.split()
}
NUMBER = re.compile(
    r"(?P<currency>[$€£]|\b(?:usd|eur|gbp)\b)?[ ]?"
    r"(?<![\w.])(?P<number>\d{1,20}(?:[.,:'’ ]\d{1,20}){0,6})"
    r"(?:[ ]?(?P<sign>[%$€£])|(?P<glued>[a-z]{1,10}\b)|(?P<after>(?:[ -][a-z]{1,12}\b){0,2}))"
)
WORDED = re.compile(
    rf"\b(?P<number>{'|'.join(NUMBER_WORDS)})(?P<after>(?:[ -][a-z]{{1,12}}\b){{1,2}})"
)
SINGLE = re.compile(rf"\ban? (?P<unit>{'|'.join(u for u in UNITS if len(u) > 3)})\b")  # "a minute"
COUNTED = re.compile(  # of what the model lists itself: "three ways", "the two options"
    r"(?:ways?|options?|steps?|methods?|things?|places?|types?|kinds?|choices|cases|reasons?|"
    r"causes|modes?|possibilities|parts?|of|or|and)\b"
)
LISTED = re.compile(r",(?: and| or)? |;| and | or ")
OTHER = "?"  # a unit that is not in the list


@dataclass(frozen=True, slots=True)
class Number:
    """A number in all the ways it can be read, with its unit; "" when it has none we know."""

    readings: frozenset[str]
    unit: str


def numbers_of(folded: str, *, is_claim: bool) -> Iterator[Number]:
    """Give the numbers of a folded text; of a claim without those that count what it lists."""
    for match in NUMBER.finditer(folded):
        glued = match["glued"] or ""
        if glued and glued not in UNITS and glued not in ("st", "nd", "rd", "th", "x"):
            continue  # 3D, 2FA: a name
        sign = UNITS.get(match["currency"] or match["sign"] or glued, "")
        unit = sign or _unit(match["after"] or "")
        for readings in _read(match["number"], is_claim=is_claim):
            yield Number(readings, unit)
    for match in WORDED.finditer(folded):
        unit = _unit(match["after"]).replace(OTHER, "")
        is_counting = COUNTED.match(match["after"].strip(" -")) is not None
        if is_claim and not unit and (match["number"] in ("one", "zero") or is_counting):
            continue
        if is_claim and not unit and _counts_a_list(folded, match):
            continue
        yield Number(frozenset((NUMBER_WORDS[match["number"]],)), unit)
    if not is_claim:
        for match in SINGLE.finditer(folded):
            yield Number(frozenset("1"), UNITS[match["unit"]])


def _counts_a_list(folded: str, match: re.Match[str]) -> bool:
    """Tell whether "three formats: a, b and c" counts right, or a lead-in what comes below it."""
    before, colon, after = folded[match.end() :].partition(":")
    if not colon or "." in before:
        return False
    items = [item for item in LISTED.split(after) if item.strip(" .*")]
    return not items or str(len(items)) == NUMBER_WORDS[match["number"]]


def _unit(after: str) -> str:
    """Name the unit in the two words after a number; OTHER when they count something else."""
    words = after.replace("-", " ").split()
    known = (UNITS[word] for word in words if word in UNITS)
    counts = bool(words) and words[0] not in STOP_WORDS and words[0] not in ("per", "each", "up")
    return next(known, OTHER if counts else "")


def _read(written: str, *, is_claim: bool) -> Iterator[frozenset[str]]:
    """Give the readings of a number; digits in groups may be one number, or several."""
    if ":" in written:
        times = written.split(" ")
        for time in times:
            hours, _, minutes = time.partition(":")
            short = f"{_plain_digits(hours)}:{minutes}"
            whole = {_plain_digits(hours)} if minutes == "00" else set()
            yield frozenset({short, *whole} if ":" in time else {_plain_digits(time)})
        return
    groups = written.split(" ")
    joined = re.fullmatch(r"\d{1,3}(?: \d{3})+", written) is not None
    if joined:
        yield frozenset((_plain_digits("".join(groups)),))
    if not joined or not is_claim:
        for group in groups:
            yield frozenset(_readings(group))


def _readings(group: str) -> set[str]:
    group = group.strip(".,'’")
    if re.fullmatch(r"\d{1,3}(?:[,'’]\d{3})+(?:\.\d+)?", group):
        return {_plain_digits(re.sub(r"[,'’]", "", group))}
    if re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?", group):
        return {_plain_digits(group.replace(".", "").replace(",", "."))}
    if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", group):
        return {_plain_digits(group), group.replace(".", "")}
    return {_plain_digits(group.replace(",", "."))}


def _plain_digits(digits: str) -> str:
    """Drop zeros that say nothing, in any script's digits: 05 → 5, 5.00 → 5."""
    digits = "".join(str(unicodedata.digit(c, 0)) if c.isdigit() else c for c in digits)
    whole, point, part = digits.partition(".")
    part = part.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}{point}{part}" if part else whole


def has_number(number: Number, others: Iterable[Number]) -> bool:
    """Tell whether a number is among others, in some reading and in no other unit."""
    return any(
        number.readings & other.readings
        and (number.unit == other.unit or not number.unit or not other.unit)
        for other in others
    )
