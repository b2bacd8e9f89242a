"""What a claim lets somebody do: "can delete invoices" is not what "can view invoices" says.

Takes text; gives the actions of a claim with what they are done to, and tells whether sentences of
a snippet hold them. Only verbs that matter: who sees, opens or tracks what, the meaning tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .clauses import FINITE
from .facts import LABEL
from .folding import fold, terms_of
from .wording import meanings_of

# What a claim says | what else an article says for it.
_ACTIONS = """
delete remove erase | clear wipe discard vanish lose lost revoke drop trash away disappear overwrite
archive |
deactivate | inactive disable suspend
approve | accept decide confirm grant
reject decline | deny refuse decide
submit submission | send sent hand
send sent | email mail forward deliver receive notify remind share invite inform reach submit
export download | save print extract
import | upload migrate bring transfer move
invite | add join
merge | combine join unite
split | divide break
restore recover | undo undone reverse bring reactivate activate
transfer | move hand pass pull
duplicate copy clone | same
assign reassign | give hand attach pick choose select set put add over change make tick
edit change modify update rename adjust | correct set manage customize amend fix switch overwrite \
replace alter turn move enter choose pick convert reset add remove select type write repair
create creation | add new make log start build generate set enter record open turn issue manage \
import
withdraw withdrawn withdrew | pull take back revoke undo undone cancel
cancel | stop end discard revoke withdraw terminate unsubscribe
lock | close shut freeze permanent
unlock | lift open undo off
"""
# Nouns, too: verbs only where the words around them say so.
_NOUNS = """
edit change update copy transfer export download import split lock cancel archive duplicate clone
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _accepted() -> dict[str, frozenset[str]]:
    """Give for each term of a claim's action the terms that say it in an article."""
    found = {}
    for row in filter(None, _ACTIONS.split("\n")):
        said, _, others = row.partition("|")
        for term in terms_of(said):
            found[term] = frozenset(terms_of(f"{said} {others}"))
    return found


_ACCEPTED = _accepted()
_NOUN_TERMS = frozenset(terms_of(_NOUNS))
_BEFORE_VERB = _words(
    "can cannot can't could may might must should will won't to not neither nor also only you they"
)
_BEHIND_VERB = _words(
    "the a an it them your their his her its all every any this these each anyone's everyone's"
)
_BEFORE_NOUN = _words("a an the no of this your their its bulk another every each")
_CONTROLS = _words("button option icon tab page link menu screen dialog rights")
_PARTICIPLES = _words("sent withdrawn")
_ADVERBS = _words("not yet never always also then still now only first again soon and or")
_BE = _words("be been being is are was were get gets isn't aren't")
_WORD = re.compile(r"[^\W\d_][\w'-]*")
_END = re.compile(
    rf"[.,;:!?]|{FINITE.pattern}|\b(?:if|when|by|from|in|on|at|before|after|until|with|without|to|"
    r"unless|and|or|but|while|once|as|for|which|that|takes?)\b"
)


@dataclass(frozen=True, slots=True)
class Action:
    """Something done in a claim, and to what."""

    terms: frozenset[str]  # one of which says it
    done_to: frozenset[str]  # meanings; empty where the claim does not say


@lru_cache(maxsize=500)
def actions_of(claim: str) -> tuple[Action, ...]:
    """Collect the actions of a claim; labels name none.

    >>> [sorted(action.done_to) for action in actions_of("Admins can delete their invoices.")]
    [['invoic']]
    """
    return tuple(_actions_in(fold(claim)))


def lacks_action(actions: Sequence[Action], head: str, texts: Sequence[str]) -> bool:
    """Tell whether an action of a claim is not done to the same thing in any of the texts.

    What their head speaks of may go unsaid in them.
    """
    return any(not _is_held(action, head, texts) for action in actions)


def _is_held(action: Action, head: str, texts: Sequence[str]) -> bool:
    said = [_said(text) for text in (head, *texts)]
    if action.terms & said[0][0] and action.done_to & said[0][1]:
        return True
    done_to = action.done_to - said[0][1]
    is_spoken_of = any(done_to & meanings for _, meanings in said)
    return any(
        action.terms & terms and (not is_spoken_of or done_to & meanings)
        for terms, meanings in said
    )


@lru_cache(maxsize=2000)
def _said(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Give the terms and the meanings of a text."""
    terms = terms_of(text)
    return frozenset(terms), meanings_of(terms)


def _actions_in(folded: str) -> Iterator[Action]:
    labels = [match.span() for match in LABEL.finditer(folded)]
    words = [w for w in _WORD.finditer(folded) if not any(a < w.start() < b for a, b in labels)]
    for i, word in enumerate(words):
        term = next(iter(terms_of(word[0])), "")
        if term not in _ACCEPTED or word[0].startswith("importan"):
            continue
        before = words[i - 1][0] if i else ""
        behind = words[i + 1][0] if i + 1 < len(words) else ""
        if word[0].endswith("ed") or word[0] in _PARTICIPLES:
            be = _be_before(words, i)
            if be is not None:
                yield Action(_ACCEPTED[term], _last_named(folded[: be.start()]))
        elif _is_verb(term, word[0], before, behind):
            done_to = _END.split(folded[word.end() :], maxsplit=1)[0]
            yield Action(_ACCEPTED[term], meanings_of(terms_of(done_to)))


def _be_before(words: Sequence[re.Match[str]], i: int) -> re.Match[str] | None:
    """Give the "is" of "is deleted", with adverbs or one other word between the two."""
    j = i - 1
    while j > 0 and (words[j][0].endswith("ly") or words[j][0] in _ADVERBS):
        j -= 1
    near = (word for word in (*words[max(0, i - 2) : i][::-1], *words[max(0, j) : j + 1]))
    return next((word for word in near if word[0] in _BE), None)


def _is_verb(term: str, word: str, before: str, behind: str) -> bool:
    if before in _BEFORE_NOUN or behind in _CONTROLS:
        return False
    if term not in _NOUN_TERMS or word.endswith("ing"):
        return True
    return before in _BEFORE_VERB or behind in _BEHIND_VERB


def _last_named(text: str) -> frozenset[str]:
    """Give the meanings of the last thing a text names: "if you manage it, invoices can be"."""
    parts = (meanings_of(terms_of(part)) for part in reversed(_END.split(text)))
    return next(filter(None, parts), frozenset())
