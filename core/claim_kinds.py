"""What a sentence of an answer is: a claim, or what leads to claims, or follows them."""

from __future__ import annotations

import re
from enum import StrEnum

from .citations import CITATION, without_citations
from .refusals import is_remark
from .tidying import is_bare
from .wording import without_opening

CITES_ONLY = re.compile(
    r"\W*(?:(?:sources?|references?|see(?: also)?|snippets?|according to)\W*)?", re.IGNORECASE
)
OPENER = re.compile(
    r"\W*(?:(?:that(?:'|’)s a )?(?:great|good) question|hello|hi|note|important|tip|warning|answer|"
    r"summary|(?:i(?:'|’)d be |i(?:'|’)m |i am |i would be )?(?:happy|glad) to help(?: you)?|"
    r"thank(?:s| you)(?: for (?:your question|asking|reaching out|your message))?|no problem|"
    r"let me explain|it depends|good news|i understand(?: your (?:concern|question))?|"
    r"you(?:'|’)re right|here(?:'s|’s| is) what you need to know|let(?:'|’)s see|"
    r"here(?:'s| is) how(?: to do (?:it|that|this))?)\W*",
    re.IGNORECASE,
)
CLOSING = re.compile(
    r"\W*(?:(?:i )?hope (?:this|that) helps|(?:please )?let me know|(?:please )?feel free|"
    r"if you (?:have|need) (?:any |more |further |other |additional )*(?:questions?|help|"
    r"assistance)\b|you(?:'|’)re welcome|good luck|that(?:'|’)s (?:it|all)\b|is there anything|"
    r"happy (?:tracking|to help)|done\W*$|(?:you are|you(?:'|’)re) (?:all set|done)\b)",
    re.IGNORECASE,
)
LINK = re.compile(r"\[(?P<label>[^\[\]\n]{1,300})\]\([^()\n]{1,2000}\)")
ORDINAL = re.compile(r"^(\*\*)?\d{1,3}[.)] ")  # of a step inside of its item
ADDRESS = re.compile(r"https?://[^\s<>()|]+")


class Kind(StrEnum):
    """What a part is; only claims are matched against snippets."""

    SENTENCE = "sentence"
    ROW = "row"
    CODE = "code"
    LEAD_IN = "lead-in"  # "To lock timesheets:", a table's header
    OPENER = "opener"  # "Note:", "Great question!"
    YES_OR_NO = "yes-or-no"  # "Yes.", "No, you can't."
    HEADING = "heading"
    CITATIONS = "citations"  # nothing but [n]
    REMARK = "remark"  # "The snippets do not mention X."
    CLOSING = "closing"  # "I hope this helps!"


def plain(text: str) -> str:
    """Drop citations, addresses and openers; bold print and quotes stay, since they mark labels."""
    text = LINK.sub(lambda match: match["label"], without_citations(text))
    return without_opening(ORDINAL.sub(r"\1", " ".join(ADDRESS.sub(" ", text).split())))


def kind_of(text: str, *, is_last: bool) -> Kind:
    """Say what a sentence is; is_last: of its paragraph or item."""
    bare = CITATION.sub("", text).strip()
    if CITES_ONLY.fullmatch(bare):
        return Kind.CITATIONS
    if is_bare(bare):
        return Kind.YES_OR_NO
    if is_last and bare.rstrip("*_ ").endswith((":", "：")):
        return Kind.LEAD_IN
    if OPENER.fullmatch(bare):
        return Kind.OPENER
    if CLOSING.match(bare):
        return Kind.CLOSING
    return Kind.REMARK if is_remark(bare) else Kind.SENTENCE
