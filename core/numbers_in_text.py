"""Numbers in a folded text, in all the ways they can be read, with what they measure or count.

1,000 = 1 000 = 1k = one thousand; 1.5 = 1,5; $5 = 5 USD; 09:00 = 9; "no limit" = unlimited.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import takewhile

from .number_context import TIMES, Bound, bound_of, nouns_of, rates_agree, rates_of
from .number_words import HALVES, PHRASE, SCALE, scaled, value_of
from .terms import STOP_WORDS

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
PLAIN = re.compile(r"\d+(?:\.\d+)?")  # no time of day, no version
NUMBER = re.compile(
    r"(?P<currency>[$€£]|\b(?:usd|eur|gbp)\b)?[ ]?"
    r"(?<![\w.])(?P<number>\d{1,20}(?:[.,:'’ ]\d{1,20}){0,6})"
    rf"(?:[ ]?(?P<scale>{SCALE})\b|(?P<letter>[km])\b)?"
    r"(?:[ ]?(?P<sign>[%$€£])|(?P<glued>[a-z]{1,10}\b)|(?P<after>(?:[ -][a-z]{1,12}\b){0,2}))"
)
WORDED = re.compile(rf"\b(?P<number>{PHRASE})(?P<after>(?:[ -][a-z]{{1,12}}\b){{0,2}})")
_LONG_UNITS = "|".join(unit for unit in UNITS if len(unit) > 3)
SINGLE = re.compile(rf"\b(?P<half>half )?an? (?P<unit>{_LONG_UNITS})\b")  # "a minute"
SPAN = re.compile(r"\b(?:within|for|after|lasts?|takes?|than|up to|about|around|over) $")
COUNTED = re.compile(  # of what the model lists itself: "three ways", "the two options"
    r"(?:ways?|options?|steps?|methods?|things?|places?|types?|kinds?|choices|cases|reasons?|"
    r"causes|modes?|possibilities|parts?|of|or|and)\b"
)
UNLIMITED = re.compile(
    r"(?:\b(?:unlimited|limitless|uncapped|endless|infinite)(?:ly)?\b|"
    r"\b(?:no|without(?: an?y?)?)(?: [a-z]+)? (?:limits?|limitations?|maximum|cap)\b|"
    r"(?:\bnot|\bnever|n't)(?: [a-z]+)?(?: an?y?)? (?:limits?|limited|capped)\b(?! to)|"
    r"\bas many(?: [a-z]+){0,3} as (?:you|they|needed|required)\b)"
    r"(?: (?:on|to|for)(?: the number of)?(?= ))?"
)
FOREVER = re.compile(r"\b(?:forever|indefinitely|for (?:life|all time)|lifetime)\b")
LASTING = re.compile(  # how a passage may say so
    rf"{FOREVER.pattern}|\b(?:permanent|for good|irrevers|no longer|as long as|"
    r"(?:always|never) (?:kept|stored|valid|there|expire|end|delete|remove))|"
    r"(?:\bnot|\bcannot|n't|\bno)(?: be)?(?: way to)? (?:undo|restor|recover|br[io])"
)
LISTED = re.compile(r",(?: and| or)? |;| and | or ")
OTHER = "?"  # a unit that is not in the list


@dataclass(frozen=True, slots=True)
class Number:
    """A number in all the ways it can be read, and what is said of it."""

    readings: frozenset[str]  # digits; or "unlimited", "forever", "hundreds"
    unit: str  # "" when it has none we know
    nouns: frozenset[str] = frozenset()  # terms of the words right behind it
    rates: frozenset[str] = frozenset()  # what it is for each of
    bound: Bound = Bound.NONE
    is_article: bool = False  # "for a year": a passage on what is yearly says enough


def numbers_of(folded: str, *, is_claim: bool) -> Iterator[Number]:
    """Give the numbers of a folded text; of a claim without those that count what it lists."""
    folded = folded.replace("**", "")
    for match in NUMBER.finditer(folded):
        yield from _written(folded, match, is_claim=is_claim)
    for match in WORDED.finditer(folded):
        value, unit = value_of(match["number"]), _unit(match["after"]).replace(OTHER, "")
        is_counting = value.isdigit() and COUNTED.match(match["after"].strip(" -"))
        if is_claim and not unit and (value in ("1", "0") or is_counting):
            continue
        if is_claim and not unit and _counts_a_list(folded, match, value):
            continue
        yield _number(frozenset((value,)), unit, folded, match.span("number"))
    for match in SINGLE.finditer(folded):
        yield from _single(folded, match, is_claim=is_claim)
    for match in UNLIMITED.finditer(folded):
        yield Number(frozenset(("unlimited",)), "", nouns_of(folded, match.end(), UNITS))
    if (FOREVER if is_claim else LASTING).search(folded):
        yield Number(frozenset(("forever",)), "")


def has_number(number: Number, others: Collection[Number], said: Collection[str]) -> bool:
    """Tell whether a number is among others: in some reading, in no other unit, of no other thing.

    said: what the text with the others speaks of, for rates that it names far from its numbers.
    """
    same = [
        other
        for other in others
        if number.readings & other.readings
        and (number.unit == other.unit or not number.unit or not other.unit)
    ]
    if not same and number.is_article:
        return number.unit in said
    is_meant = any(
        not number.bound.excludes(other.bound) and rates_agree(number.rates, other.rates, said)
        for other in same
    )
    return is_meant and not _counts_other_things(number, same, others)


def _counts_other_things(
    number: Number, same: Collection[Number], others: Collection[Number]
) -> bool:
    """Tell whether "5 tasks" stands against "100 tasks and 5 templates"."""
    counted_there = any(
        number.nouns & other.nouns and not number.readings & other.readings for other in others
    )
    return counted_there and all(other.nouns and not number.nouns & other.nouns for other in same)


def _written(folded: str, match: re.Match[str], *, is_claim: bool) -> Iterator[Number]:
    """Give the numbers that stand in digits at one place."""
    glued = match["glued"] or ""
    if glued and glued not in UNITS and glued not in ("st", "nd", "rd", "th", "x"):
        return  # 3D, 2FA: a name
    scale = match["scale"] or match["letter"] or ""
    start = match.start("currency" if match["currency"] else "number")
    end = max(match.end(group) for group in ("number", "scale", "letter"))
    sign = match["currency"] or match["sign"] or glued
    unit = UNITS.get(sign, "") or _unit(match["after"] or "")
    is_time = ":" in match["number"]  # 1:30m
    if scale == "m" and (is_time or not unit or re.search(r"\dh $", folded[:start][-5:])):  # 1h 30m
        scale, unit = "", "minute" if is_claim else ""
    for readings in _read(match["number"], is_claim=is_claim):
        whole = frozenset(
            scaled(digits, scale) if scale and PLAIN.fullmatch(digits) else digits
            for digits in readings
        )
        span = (start, end + len(match["sign"] or glued))
        yield _number(whole, unit, folded, span)


def _number(readings: frozenset[str], unit: str, folded: str, span: tuple[int, int]) -> Number:
    start, end = span
    nouns = nouns_of(folded, end, UNITS) if unit in ("", OTHER) else frozenset[str]()
    return Number(readings, unit, nouns, rates_of(folded, end), bound_of(folded, start, end))


def _single(folded: str, match: re.Match[str], *, is_claim: bool) -> Iterator[Number]:
    """Give "a month" and "half an hour"; of a claim, "a month" only where it is a span of time."""
    unit = UNITS[match["unit"]]
    if match["half"]:
        digits, smaller = HALVES.get(unit, ("0.5", unit))
        yield Number(frozenset((digits,)), smaller)
    elif not is_claim:
        yield Number(frozenset("1"), unit)
    elif unit in TIMES and unit != "second" and SPAN.search(folded[: match.start()][-20:]):
        yield Number(frozenset("1"), unit, is_article=True)


def _counts_a_list(folded: str, match: re.Match[str], value: str) -> bool:
    """Tell whether "three formats: a, b and c" counts right, or a lead-in what comes below it."""
    before, colon, after = folded[match.end() :].partition(":")
    if not colon or "." in before:
        return False
    items = [item for item in LISTED.split(after) if item.strip(" .*")]
    return not items or str(len(items)) == value


def _unit(after: str) -> str:
    """Name the unit in the two words after a number; OTHER when they count something else."""
    words = after.replace("-", " ").split()
    own = list(takewhile(lambda word: word not in ("per", "each", "every"), words))
    known = (UNITS[word] for word in own if word in UNITS)
    return next(known, OTHER if own and own[0] not in STOP_WORDS and own[0] != "up" else "")


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
