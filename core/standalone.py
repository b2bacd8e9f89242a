"""Read a follow-up together with its question: "and for iOS?" → a text that can be searched alone.

Takes a question with its history; gives one text. A few rules of English, no lists of products; a
follow-up that they do not fit is searched together with the whole question before.
"""

from __future__ import annotations

import re
from itertools import takewhile

from .terms import TermAnalyzer
from .types import Question

FOLLOW_UP_TERMS = 3  # only a question of so few terms may lean on the one before it
BEFORE_CHARACTERS = 300  # read of the question before, so that the follow-up is not cut off

_PLACES = "at in inside on through under using via with within"
_OTHERS = "about after before between by for from into of per to"
_CLAUSE_WORDS = """
how what when where which who whom whose why can could do does did is are was were will would should
may might must have has had am i we you he she it they them this that these those there its their
"""
PLACES = frozenset(_PLACES.split())
PREPOSITIONS = PLACES | frozenset(_OTHERS.split())
ARTICLES = frozenset({"a", "an", "the", "my", "our", "your"})
# A follow-up with one of these says more than a name: "and how do I stop it?", "who can see that?"
CLAUSE_WORDS = frozenset(_CLAUSE_WORDS.split())
# The small word belongs to these: "turn on notifications", "clock in".
PARTICLE_VERBS = re.compile(
    r"(?:check|clock|fill|hand|log|opt|plug|punch|set|sign|switch|turn|type)"
    r"(?:g?ed|[gt]?ing|e?s)?",
    re.IGNORECASE,
)
LEANS_ON = re.compile(
    r"\s*(?:and|or|but|also|then|same|what about|how about)\b"
    r"|\b(?:it|its|that|this|those|these|they|them|there|one|ones)\b",
    re.IGNORECASE,
)
OPENING = re.compile(
    r"\s*(?:(?:ok|okay|so|thanks|and|or|but|also|then|same|(?:what|how) about)\b[\s,]*)*", re.I
)
WORD = re.compile(r"\w(?:[\w'’./+-]*\w)?")
BREAK = re.compile(r"[,;:.!?()]|\b(?:and|or|but|if|when|while|so|that)$", re.IGNORECASE)

Span = tuple[int, int]


def standalone(question: Question, analyzer: TermAnalyzer) -> str:
    """Give what to search for: the question, or the last one that stands alone read with it."""
    before = text = ""
    for asked in (*(exchange.question for exchange in question.history), question.text):
        if not before or not _leans(asked, analyzer):
            before = text = asked
        elif swapped := _swapped(before, asked):
            before = text = swapped
        else:
            text = f"{before[:BEFORE_CHARACTERS]} {asked}"
    return text


def _leans(asked: str, analyzer: TermAnalyzer) -> bool:
    """Say whether a question is short and points back: "and weekly?", "on iOS?", "who owns it?"."""
    if len(set(analyzer.terms(asked))) > FOLLOW_UP_TERMS:
        return False
    words = _words(asked)
    bare = words[:1] and words[0] in PREPOSITIONS and not CLAUSE_WORDS.intersection(words)
    return bool(bare) or LEANS_ON.search(asked) is not None


def _swapped(before: str, asked: str) -> str:
    """Put what a follow-up names into the place of its like in the question before; "" if none.

    "on Android" gives way to "and for iOS?" or "on a Mac?", "the Windows app" to "the Mac one".
    """
    named = OPENING.sub("", asked, count=1).strip(" \t\n?!.,")
    words = _words(named)
    if not words or CLAUSE_WORDS.intersection(words):
        return ""
    if words[-1] in ("one", "ones"):
        named = named[: -len(words.pop())].strip()
    preposition = words[0] if words and words[0] in PREPOSITIONS else ""
    if len(words) == bool(preposition):
        return ""
    place = _phrase(before, preposition)
    if place is None:
        named = _bare(named[len(preposition) :])
        place = _name(before, named)
    return f"{before[: place[0]]}{named}{before[place[1] :]}" if place else ""


def _phrase(before: str, preposition: str) -> Span | None:
    """Find the last phrase with a like preposition: "on Android" for "on" and other places, "for".

    "for" is like any place, since it names what the question is asked of: a device, a plan.
    """
    if not preposition:
        return None
    is_place = preposition in PLACES or preposition == "for"
    found = list(WORD.finditer(before))
    for at in range(len(found) - 2, -1, -1):
        word = found[at].group().lower()
        if word != preposition and not (is_place and word in PLACES):
            continue
        if at and PARTICLE_VERBS.fullmatch(found[at - 1].group()):
            continue
        end = _end_of_phrase(before, found, at)
        if end > found[at].end():
            return found[at].start(), end
    return None


def _end_of_phrase(before: str, found: list[re.Match[str]], at: int) -> int:
    """Give where the phrase that begins at a preposition ends: at the next one, or at a break."""
    end = found[at].end()
    for match in found[at + 1 :]:
        is_over = match.group().lower() in PREPOSITIONS or BREAK.search(before[end : match.end()])
        if is_over:
            break
        end = match.end()
    return end


def _name(before: str, named: str) -> Span | None:
    """Find the last name in a question, if the follow-up is a name, or a name of the same thing."""
    found = list(WORD.finditer(before))
    last = max((at for at, word in enumerate(found) if at and _is_name(word.group())), default=None)
    given = named.split()
    if last is None or not given or not _is_name(given[0]):
        return None
    first = last - sum(
        1 for _ in takewhile(lambda w: _is_name(w.group()), found[last - 1 : 0 : -1])
    )
    tail = [word.lower() for word in given if not _is_name(word)]
    follows = [word.group().lower() for word in found[last + 1 : last + 1 + len(tail)]]
    if tail != follows:
        return None
    return found[first].start(), found[last + len(tail)].end()


def _is_name(word: str) -> bool:
    return word != "I" and any(character.isupper() for character in word)


def _bare(named: str) -> str:
    """Drop the article that the place has already."""
    words = named.split()
    return " ".join(words[1:] if words and words[0].lower() in ARTICLES else words)


def _words(text: str) -> list[str]:
    return [word.group().lower() for word in WORD.finditer(text)]
