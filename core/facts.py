"""A claim → the facts that its snippet must hold: numbers, names, labels, roles, directions.

Takes text in any script; compares folded: 1,000 = 1 000, "five" = 5, $5 = 5 USD, Locked = lock.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from .numbers_in_text import Number, has_number, numbers_of
from .terms import STOP_WORDS, WORD, TermAnalyzer
from .wording import RUN_IN, meanings_of

STEP = re.compile(r"\bsteps? \d{1,3}(?:(?:-| to | and )\d{1,3})?\b", re.IGNORECASE)
_DATES = """
monday tuesday wednesday thursday friday saturday sunday january february march april june july
august september october november december
"""
DATES = frozenset(_DATES.split())
MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
LABEL = re.compile(
    r"\*\*(?P<bold>[^*\n]{1,120})\*\*|[\"“”„«](?P<quoted>[^\"“”„«»\n]{1,120})[\"“”»]|"
    r"`(?P<code>[^`\n]{1,300})`"
)
CHROME = re.compile(  # labels of the answer itself
    r"\W*(?:note|important|tip|warning|steps?|example|step \d+|remember|summary|only|not|cannot|"
    r"yes|no|answer|in short|never|always|all|caution|careful|limits?|requirements?)\W*",
    re.IGNORECASE,
)
POINTS_BACK = re.compile(
    r"\W*(?:it|they|this|that|these|those|its|their|both|such|otherwise|he|she|in that case)\b",
    re.IGNORECASE,
)
ACRONYMS = re.compile(r"(?<=[A-Z]{2})s$")  # PDFs
DASHES = str.maketrans("‐‑‒–—−’‘´`“”„«»", '------\'\'\'\'"""""')

# Words of one row exclude each other: who says "before" has no support in "after".
CONTRASTS = tuple(
    tuple(frozenset(member.split("/")) for member in row.split())
    for row in (
        "daily weekly monthly/month's yearly/annually quarterly hourly",
        "before after",
        "minimum/least maximum/most",
        "enable/activate/on/enabled/activated disable/deactivate/off/disabled/deactivated",
        "left right",
        "top/upper bottom/lower",
        "include/includes/included/including exclude/excludes/excluded/excluding",
        "required/mandatory/must optional/optionally",
        "public private",
        "free paid",
        "increase/increases/raise decrease/decreases/reduce",
        "allow/allows/allowed/permit prevent/prevents/prevented/block/blocks/blocked/forbid",
        "first last",
        "automatically/automatic manually/manual/hand",
        "lock/locked/locks unlock/unlocked/unlocks",
        "archive/archived/archives restore/restored/unarchive",
        "import/imports/imported export/exports/exported",
        "billable non-billable/nonbillable",
        "approve/approved/approves reject/rejected/rejects",
        "permanently/forever temporarily",
        "above below",
        "start/starts/begin/begins end/ends",
        "online offline",
        "past/previous/earlier future",
        "active inactive",
        "more fewer/less",
        "same different",
        "add/adds/added remove/removes/removed/delete/deletes/deleted",
        "once twice",
    )
)
COMMON = frozenset(("url", "ui", "pc", "faq", "id", "ok"))  # capitals that name no product
CURRENCIES, FOR_FREE = ("usd", "eur", "gbp"), frozenset(("free", "charg"))  # $0
ROLES = ("admin", "owner", "manager", "guest", "reviewer", "administrator", "supervisor")
ROLE = re.compile(rf"\b(?:(?:{'|'.join(ROLES)})(?:s|'s)?|regular(?= (?:users?|members?)))\b")
EVERYBODY = re.compile(
    r"\b(?:anyone|anybody|everyone|everybody|all (?:users|members|people|roles|plans)|"
    r"any (?:user|member|plan|role)|every (?:user|member|plan|role)|each plan)\b"
)
NOBODY = re.compile(r"\b(?:not|never|without)\b|n't\b")  # "does not stop anyone"
ALL = frozenset("all every each any anyone anybody everyone everybody everything".split())  # noqa: SIM905
_ANALYZER = TermAnalyzer()


@dataclass(frozen=True, slots=True)
class Facts:
    """What must occur in the support of a claim."""

    numbers: tuple[Number, ...]
    names: frozenset[str]  # terms
    labels: tuple[str, ...]
    heads: tuple[str, ...]  # run-in heads: labels only where the knowledge has them
    roles: frozenset[str]
    is_everybody: bool

    def __bool__(self) -> bool:
        return bool(self.numbers or self.names or self.labels or self.roles)


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that may support a claim, folded and taken apart once."""

    text: str
    folded: str  # with a space on either side and single spaces between words
    terms: frozenset[str]
    meanings: frozenset[str]  # terms, one for all that say the same
    words: frozenset[str]
    numbers: tuple[Number, ...]


def facts_of(claim: str, known: frozenset[str] = frozenset()) -> Facts:
    """Collect the facts of a claim; bold print and quotes mark labels.

    A known name counts as one at the beginning of a sentence, too.
    """
    folded = fold(STEP.sub(" ", claim))
    return Facts(
        numbers=tuple(numbers_of(folded, is_claim=True)),
        names=frozenset(_names(claim)) | (frozenset(_capitalised(claim)) & known),
        labels=tuple(_labels(RUN_IN.sub(" ", claim, count=1) if RUN_IN.match(claim) else claim)),
        heads=tuple(match["head"] for match in [RUN_IN.match(claim)] if match is not None),
        roles=frozenset(_roles(folded)),
        is_everybody=EVERYBODY.search(folded) is not None and not NOBODY.search(folded),
    )


def passage_of(text: str) -> Passage:
    """Take a text of the knowledge apart."""
    folded = fold(text)
    terms = frozenset(terms_of(text))
    return Passage(
        text=text,
        folded=f" {' '.join(WORD.findall(folded))} ",
        terms=terms,
        meanings=meanings_of(terms),
        words=frozenset(_words_with_parts(folded)),
        numbers=tuple(numbers_of(folded, is_claim=False)),
    )


def missing(facts: Facts, passage: Passage) -> str:
    """Name the first kind of fact that the passage lacks: "number", …; "" when it has all."""
    if any(not _has_number(number, passage) for number in facts.numbers):
        return "number"
    if any(not _has_label(label, passage) for label in facts.labels):
        return "label"
    if any(not _has_name(name, passage) for name in facts.names):
        return "name"
    if any(role not in passage.terms for role in facts.roles):
        return "role"
    return ""


def is_torn(facts: Facts, passage: Passage, whole: Passage) -> bool:
    """Tell whether a run-in head is a label of the whole that the passage lacks."""
    heads = [f" {' '.join(WORD.findall(fold(head)))} " for head in facts.heads]
    return any(head in whole.folded and head not in passage.folded for head in heads)


def is_two_sided(claim: str, passage: Passage) -> bool:
    """Tell whether the passage has a word of the claim and its opposite too."""
    said = frozenset(_words_with_parts(fold(claim)))
    rows = (row for row in CONTRASTS if any(member & said for member in row))
    return any(sum(bool(member & passage.words) for member in row) > 1 for row in rows)


def is_opposite(claim: str, passage: Passage) -> bool:
    """Tell whether the passage has only the opposite of a word of the claim."""
    said = frozenset(_words_with_parts(fold(claim)))
    for row in CONTRASTS:
        in_claim = {member for member in row if member & said}
        in_passage = {member for member in row if member & passage.words}
        if in_claim and in_passage and not in_claim & in_passage:
            return True
    return False


def is_widened(facts: Facts, passage: Passage) -> bool:
    """Tell whether a claim on everybody stands against a passage that does not speak of all."""
    return facts.is_everybody and not ALL & passage.words


@lru_cache(maxsize=2000)
def fold(text: str) -> str:
    """Fold case, widths, dashes and quotes, and all white space to one space."""
    text = unicodedata.normalize("NFKC", text.replace("…", " ")).translate(DASHES)
    return " ".join(text.casefold().split())


def terms_of(text: str) -> list[str]:
    """Give the terms of a text; "administrator" is the same as "admin"."""
    terms = _ANALYZER.terms(text.translate(DASHES))
    return ["admin" if term == "administr" else term for term in terms]


def _words_with_parts(folded: str) -> Iterator[str]:
    """Give words, hyphenated ones whole as well: "non-billable", "billable" only by itself."""
    for word in folded.replace("*", " ").split():
        bare = word.strip(".,;:!?()[]\"'`")
        if bare.startswith("non-"):
            yield bare
        else:
            yield from bare.replace("/", "-").split("-")


def _names(claim: str) -> Iterator[str]:
    """Give the terms of capitalised words inside of sentences, acronyms and camel case.

    None of a text with as many capitals as German, or A Title, has.
    """
    plain = claim.replace("**", "").replace("`", " ")
    found = list(WORD.finditer(plain))
    inside = [match for match in found if not _begins_sentence(plain, match.start())]
    capitals = [match for match in inside if match.group()[0].isupper()]
    capitals = [match for match in capitals if match.group() not in ("I", "A")]
    small = len(inside) - len(capitals)
    is_usual = len(capitals) <= max(small, 2)
    for match in found:
        word = match.group()
        is_odd = len(word) > 1 and any(c.isupper() for c in word[1:])
        has_digit = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
        if word.casefold() in STOP_WORDS and not is_odd:
            continue
        if word.casefold() in DATES:
            yield from terms_of(word)
        elif is_odd or (has_digit and word[0].isalpha()) or (is_usual and match in capitals):
            yield from terms_of(ACRONYMS.sub("", word))[:1]


def known_names(texts: Iterable[str]) -> frozenset[str]:
    """Collect the names of the knowledge: terms that are capitalised inside of sentences only."""
    named: set[str] = set()
    small: set[str] = set()
    for text in texts:
        for line in text.split("\n"):
            named.update(_names(line))
            for label in _labels(line):
                named.update(_capitalised(label))
            for word in WORD.findall(line):
                if word[0].islower():
                    small.update(terms_of(word))
    return frozenset(named - small)


def _capitalised(text: str) -> Iterator[str]:
    for word in WORD.findall(text):
        if word[0].isupper() and word.casefold() not in STOP_WORDS:
            yield from terms_of(word)[:1]


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 20) : start].rstrip(" \t\n\"'(*“„«")
    return not before or before[-1] in ".!?:;"


def _has_number(number: Number, passage: Passage) -> bool:
    is_nothing = number.readings == {"0"} and number.unit in CURRENCIES
    return (is_nothing and bool(FOR_FREE & passage.terms)) or has_number(number, passage.numbers)


def _has_name(name: str, passage: Passage) -> bool:
    if name in passage.terms or name in COMMON:
        return True
    # An inflected name in a language whose endings are not cut.
    return len(name) >= 6 and any(
        other[: len(name) - 2] == name[:-2] and abs(len(other) - len(name)) <= 2
        for other in passage.terms
        if len(other) >= 6
    )


def _labels(claim: str) -> Iterator[str]:
    for match in LABEL.finditer(claim):
        label = match["bold"] or match["quoted"] or match["code"]
        if not CHROME.fullmatch(label):
            yield label
    yield from MAIL.findall(claim)


def _has_label(label: str, passage: Passage) -> bool:
    """Tell whether a label stands in the passage, or at least each of its words does."""
    words = WORD.findall(fold(label))
    if not words or f" {' '.join(words)} " in passage.folded:
        return True
    if "@" in label:
        return False
    if label[0].isupper():
        return all(f" {word} " in passage.folded for word in words)
    return all(term in passage.terms for term in terms_of(label))


def _roles(folded: str) -> Iterator[str]:
    for match in ROLE.finditer(folded):
        yield from terms_of(match.group())
