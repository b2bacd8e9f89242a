"""Numbers in words, of folded text, and their values: "twenty-five", "a hundred and fifty".

"half a million" and "two and a half" count, too; so do "hundreds of", as what they are.
"""

from __future__ import annotations

from decimal import Decimal

_ONES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
SMALL = {word: n for n, word in enumerate(_ONES.split())} | {
    word: 10 * n for n, word in enumerate(_TENS.split(), 2)
}
MULTIPLIERS = {"dozen": Decimal(12), "hundred": Decimal(100)}
_SCALES = {"thousand": 10**3, "k": 10**3, "million": 10**6, "m": 10**6, "billion": 10**9}
SCALES = {word: Decimal(scale) for word, scale in _SCALES.items()}
HALVES = {  # half of it, in a smaller unit
    "year": ("6", "month"),
    "day": ("12", "hour"),
    "hour": ("30", "minute"),
    "minute": ("30", "second"),
}

SCALE = "hundred|dozen|thousand|million|billion"
_SMALL = (
    rf"(?:(?:{'|'.join(_TENS.split())})(?:[ -](?:{'|'.join(_ONES.split()[1:10])})\b)?|"
    rf"(?:{'|'.join(_ONES.split())}))\b"
)
_PART = rf"(?:(?:{_SMALL}|(?:half )?an?)(?:[ -](?:{SCALE})\b){{1,2}}"
PHRASE = (
    rf"{_PART}(?: and |[ -])){{0,3}}{_SMALL}(?: and a half\b)?(?:[ -](?:{SCALE})\b){{0,2}}|"
    rf"{_PART}(?: and |[ -])){{0,3}}{_PART})|"
    r"(?:dozens|hundreds|thousands|millions)\b(?= of\b)"
)


def value_of(phrase: str) -> str:
    """Give the digits of a number in words; the word itself for "hundreds".

    >>> value_of("one hundred and twenty-five thousand"), value_of("two and a half million")
    ('125000', '2500000')
    """
    total = current = Decimal(0)
    for word in phrase.replace("-", " ").split():
        if word == "half":
            current += Decimal("0.5")
        elif word in SMALL:
            current += SMALL[word]
        elif word in MULTIPLIERS:
            current = (current or Decimal(1)) * MULTIPLIERS[word]
        elif word in SCALES:
            total, current = total + (current or Decimal(1)) * SCALES[word], Decimal(0)
        elif word not in ("a", "an", "and"):
            return word
    return _digits(total + current)


def scaled(digits: str, scale: str) -> str:
    """Give the digits of "2.5 million" or "10k"."""
    return _digits(Decimal(digits) * (MULTIPLIERS | SCALES)[scale])


def _digits(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
