"""What a heading of an answer may be: a short label, made of words that the knowledge has."""

from __future__ import annotations

import re

from .facts import terms_of
from .terms import WORD
from .wording import meanings_of

LONGEST_BOLD, LONGEST = 8, 12  # words; a bold line that is longer is a sentence
LONGEST_WITH_STOP = 2  # words: "Note!"
VERB = re.compile(
    r"\b(?:is|are|am|was|were|has|have|had|can|cannot|can['’]t|could|will|would|shall|should|must|"
    r"may|might|do|does|did|costs|needs|requires|lets|allows|gets|takes|works|applies|includes|"
    r"comes|stays|remains|expired|expires|\w+n['’]t)\b",
    re.IGNORECASE,
)
ASKS = re.compile(  # "When timesheets are locked", "If you are an admin"
    r"\W*(?:how|what|when|where|why|who|which|whether|if|before|after|while|things|wie|wann|"
    r"warum|wenn|comment|quand|cómo|qué|cuándo|como|quando)\b[^,;:–—]*",
    re.IGNORECASE,
)
CALLED = re.compile(r"\b(?:step|option|method|part|way|case|approach|phase) \d{1,2}\b", re.I)
_SECTIONS = """
step steps summary overview introduction intro conclusion note notes limit limits limitation
limitations requirement requirements prerequisite prerequisites before begin start getting started
example examples important tip tips warning answer detail details instruction instructions guide
procedure process using option options method methods alternative alternatively part way ways case
cases result results next more information additional also related other see key point points
feature features benefit benefits availability available faq question questions troubleshooting
issue issues problem problems solution solutions cause causes fix reason reasons quick short long
brief explanation main general common first second third finally after what happens happen need know
web app apps mobile desktop browser phone computer page default step-by-step good things thing
remember exception exceptions condition conditions role roles plan plans setting settings
schritt schritte zusammenfassung hinweis hinweise überblick übersicht voraussetzungen anleitung
wichtig beispiel einschränkungen antwort étape étapes résumé remarque aperçu conditions exemple
pasos paso resumen nota notas requisitos ejemplo respuesta passos passo resumo exemplo resposta
"""
_SECTION_WORDS = meanings_of(terms_of(_SECTIONS))


def is_label(text: str, *, is_bold: bool) -> bool:
    """Tell whether a line is short and states nothing: "Steps:", "How to lock timesheets".

    >>> is_label("Only admins can do it", is_bold=True)
    False
    """
    bare = text.strip("*_ \t")
    count = len(WORD.findall(bare))
    if count > (LONGEST if not is_bold or bare.endswith("?") else LONGEST_BOLD):
        return False
    if bare.endswith("?"):
        return True
    if bare.endswith((".", "!", "。")) and count > LONGEST_WITH_STOP:
        return False
    return VERB.search(bare) is None or ASKS.fullmatch(bare) is not None


def words_of(heading: str) -> frozenset[str]:
    """Give the words of a heading that only the knowledge can have given; numbers are facts."""
    terms = (term for term in terms_of(CALLED.sub(" ", heading)) if len(term) > 1)
    return meanings_of(term for term in terms if not term.isdigit()) - _SECTION_WORDS
