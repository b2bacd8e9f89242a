"""Roles in a folded text: which are named, and which of them do what a claim says."""

from __future__ import annotations

import re

from .folding import terms_of

ROLES = ("admin", "owner", "manager", "guest", "reviewer", "administrator", "supervisor")
ROLE = re.compile(rf"\b(?:(?:{'|'.join(ROLES)})(?:s|'s)?|regular(?= (?:users?|members?)))\b")
EVERYBODY = re.compile(
    r"\b(?:anyone|anybody|everyone|everybody|all (?:users|members|people|roles|plans)|"
    r"any (?:user|member|plan|role)|every (?:user|member|plan|role)|each plan)\b(?!'s)"
)
EVERYBODYS = re.compile(r"\b(?:any|every)(?:one|body)'s\b")
NOBODY = re.compile(r"\b(?:not|never|without)\b|n't\b")  # "does not stop anyone"
DENIED = re.compile(r"\b(?:not|never|cannot|no|nobody|none|neither)\b|n't\b")
# "The date updates weekly": nobody does it, and nobody is left out as in "can be updated".
BY_ITSELF = re.compile(
    r"\W*(?:the|an?|each|every|all)\b(?!.*\b(?:be|been|is|are|was|were|you|your|they|people|"
    r"users?|members?)\b)",
    re.DOTALL,
)
# "Only the workspace owner and admins can …"
_BEFORE_ROLE = "only|even|the|an?|all|both|other|workspace|project|team|group|organization|and|or"
SUBJECT = re.compile(
    rf"\W*(?:(?:{_BEFORE_ROLE})\b\W*|regular (?:users?|members?)\W*|"
    rf"(?:{'|'.join(ROLES)})s?\b(?!'s)\W*)+"
)
# Behind one role, since "owner settings" are no owner.
DOES = re.compile(
    r"(?:can|cannot|can't|may|must|will|won't|is|isn't|has|does|doesn't|"
    r"[a-z]+s(?! (?:can|cannot|can't|may|must|will|are|have)\b))\b"
)


def roles_in(folded: str) -> frozenset[str]:
    """Give the terms of all roles that a text names."""
    return frozenset(term for match in ROLE.finditer(folded) for term in terms_of(match.group()))


def subjects_in(folded: str) -> frozenset[str]:
    """Give the roles that a claim begins with: "Only admins can …", "The owner sees …"."""
    match = SUBJECT.match(folded)
    if match is None:
        return frozenset()
    roles = [role.group() for role in ROLE.finditer(folded, 0, match.end())]
    if "regular" in match.group():
        roles.append("regular")
    if not roles or not (roles[-1].endswith("s") or "regular" in roles or _does(folded, match)):
        return frozenset()
    return frozenset(term for role in roles for term in terms_of(role))


def is_of_what_is_everybodys(folded: str) -> bool:
    """Tell whether a claim is on what all have: "everyone's time"."""
    return EVERYBODYS.search(folded) is not None


def without_subject(clause: str) -> str:
    """Drop the roles that a clause begins with, and what may stand before roles.

    >>> without_subject("Only admins can lock it")
    'can lock it'
    """
    match = SUBJECT.match(clause.lower())
    return clause[match.end() :] if match is not None else clause


def _does(folded: str, match: re.Match[str]) -> bool:
    return DOES.match(folded, match.end()) is not None


def is_of_everybody(folded: str) -> bool:
    """Tell whether a claim is on everybody."""
    return EVERYBODY.search(folded) is not None and not NOBODY.search(folded)
