"""Tell whether a model's text is a refusal: the constant, or the same in other words."""

from __future__ import annotations

import re

from .types import REFUSAL_TEXT

LONGEST_REFUSAL = 400  # characters; a longer text says more than "not in the snippets"
LEAD = (
    r"(?:(?:unfortunately|sorry|apologies|regrettably|i apologi[sz]e|i am sorry|i'm sorry)"
    r",? (?:but )?)?(?:based on [a-z ]{1,40}, )?"
)
NOT = r"(?:do not|don't|does not|doesn't|did not|didn't)"
SHOWN = r"(?:provided|given|available|above|supplied|retrieved) "
PLACE = r"(?:snippets?|contexts?|excerpts?|passages?|documentation|knowledge base|md)"
PLACE_IF_SHOWN = r"(?:information|text|texts|documents?|articles?|sources?|material)"
HOLD = (
    r"(?:contain|mention|include|provide|say|specify|cover|have|describe|address|explain|hold|"
    r"discuss|give|answer|state|tell)"
)
FACTS = r"(?:information|mention|details?|data|answer|instructions|documentation|snippets?)"

# Each is matched at the beginning of a sentence.
REFUSING = tuple(
    re.compile(LEAD + pattern)
    for pattern in (
        r"i (?:could not|couldn't|cannot|can't|can not|was unable to|am unable to|was not able to|"
        r"am not able to|did not|didn't|do not|don't) "
        r"(?:find|locate|see|answer|have|know|determine)",
        rf"(?:the |these |those )?(?:{SHOWN})?{PLACE}(?: (?:provided|given|above))? {NOT} {HOLD}",
        rf"(?:the |these |those )?{SHOWN}{PLACE_IF_SHOWN} {NOT} {HOLD}",
        rf"(?:the |these |those )?{PLACE_IF_SHOWN} (?:provided|given|above) {NOT} {HOLD}",
        rf"none of the (?:{SHOWN})?(?:{PLACE}|{PLACE_IF_SHOWN}) {HOLD}s?",
        rf"there (?:is|was|are) (?:no|not any|not enough|insufficient) (?:[a-z]+ ){{0,2}}{FACTS}",
        rf"no (?:relevant |specific |further )?{FACTS} (?:is|was|about|on|regarding|for|found)",
        rf"(?:the |these |those )?(?:{SHOWN})?{PLACE} only {HOLD}s? ",
        r"(?:i'm|i am) not (?:sure|aware|certain)",
        rf"nothing in the (?:{SHOWN})?(?:{PLACE}|{PLACE_IF_SHOWN}) ",
        r"(?:this|that|it|the answer) (?:is|was) not (?:mentioned|covered|described|specified|"
        r"provided|addressed|stated|explained|discussed|contained) (?:in|by) ",
    )
)
# The same in the other languages of the help center.
OTHER_LANGUAGES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:leider |es tut mir leid, (?:aber )?)?(?:ich (?:kann|konnte|weiß|habe|finde) "
        r"[^.]{0,80}\b(?:nicht|nichts|keine?n?)\b|(?:die|der|das|in den|in der|in dem|"
        r"im) (?:bereitgestellten |vorliegenden |angegebenen )?(?:dokumentation|ausschnitte?n?|"
        r"snippets?|kontext|auszügen?)\b[^.]{0,80}\b(?:nicht|nichts|keine?n?)\b)",
        r"(?:malheureusement,? |désolé,? (?:mais )?)?(?:je (?:ne|n')[^.]{0,20}"
        r"(?:trouve|sais|peux|dispose|ai)\b[^.]{0,30}\bpas\b|(?:la documentation|les extraits|"
        r"le contexte|les documents)[^.]{0,40}\bne [^.]{0,40}\bpas\b)",
        r"(?:lamentablemente,? |lo siento,? (?:pero )?)?(?:no (?:sé|puedo|encuentro|encontré|he|"
        r"tengo|pude)\b|(?:la documentación|los fragmentos|el contexto|los documentos)"
        r"[^.]{0,40}\bno (?:contiene|menciona|incluye|proporciona|especifica|indica)n?\b)",
        r"(?:infelizmente,? |desculpe,? (?:mas )?)?(?:(?:eu )?não (?:sei|posso|encontrei|encontro|"
        r"tenho|consegui|consigo)\b|(?:a documentação|os trechos|o contexto|os documentos)"
        r"[^.]{0,40}\bnão (?:contém|menciona|inclui|fornece|especifica|indica)m?\b)",
    )
)
TURN = re.compile(
    r"\b(?:aber|jedoch|mais|cependant|pero|sin embargo|mas|porém|"
    r"but|however|instead|although|you can|you could|to do this)\b"
)

LONGEST_REMARK = 24  # words
BREAK = re.compile(r"[,;:()]|(?<=\s)[-–—](?=\s)|[–—]|[.!?](?=\s)")
ASKING = re.compile(  # what follows is not said to be so
    r"\b(?:whether|if|how|what|when|where|which|who|whom|whose|why)\b"
)
ASKING_ELSEWHERE = re.compile(
    r"(?:ob|wie|was|wann|wo|welche[rsnm]?|wer|warum|si|comment|quand|où|quel(?:le)?s?|"
    r"cómo|qué|cuándo|dónde|cuál(?:es)?|se|como|quando|onde|qual|quais)\b"
)
STATING = re.compile(
    r"\b(?:is|are|was|were|has|had|can|cannot|can't|could|will|would|shall|should|must|may|costs|"
    r"needs|requires|lets|allows|gets|takes|works|applies|includes|comes|stays|remains)\b"
)
TELLING = re.compile(
    r"(?:(?:so|and|or|then|please) )*(?:call|write|send|visit|contact|click|open|go|e?-?mail|"
    r"reply|ask|use|pay|reset|enter|log|sign|type|give|tell|try|your|you)\b"
)
NOR = re.compile(rf"(?:(?:and|so|or|nor|therefore|thus) )*(?:it|they|i) (?:{NOT}|cannot|can't) ")
LISTED = 6  # words of what a remark goes on to list
FOREIGN_LEAD = re.compile(
    r"(?:leider|es tut mir leid|malheureusement|désolé|lamentablemente|lo siento|infelizmente|"
    r"desculpe),? (?:(?:aber|mais|pero|mas) )?"
)


def is_refusal(text: str) -> bool:
    """Tell whether the text says, in all, that the snippets do not hold the answer.

    True for the constant in any case, quotes or punctuation, with or without citations, also when
    more follows it; and for a short text whose first sentence refuses and that offers nothing else.
    """
    plain = _plain(text)
    if re.match(rf"{re.escape(REFUSAL)}(?:[.,;:!]| |$)", plain):
        return True
    if len(plain) > LONGEST_REFUSAL:
        return False
    first, *others = re.split(r"(?<=[.!?]) ", plain)
    if not _refuses(first) or TURN.search(_without_lead(first)):
        return False
    return all(_refuses(other) for other in others) or (
        len(others) == 1 and TURN.search(others[0]) is None
    )


def is_remark(sentence: str) -> bool:
    """Tell whether a sentence of an answer only says what the snippets do not hold.

    Not so when it goes on to state something, or names what it lacks in a clause of its own: "…
    only says that …", "…, the plan costs …", "… the fee that the plan has".
    """
    plain = _plain(sentence)
    if not _refuses(plain) or TURN.search(_without_lead(plain)) is not None:
        return False
    if len(plain.split()) > LONGEST_REMARK:
        return False
    refusing = next((match for pattern in REFUSING if (match := pattern.match(plain))), None)
    if refusing is None:
        _, *others = BREAK.split(FOREIGN_LEAD.sub("", plain, count=1))
        return all(ASKING_ELSEWHERE.match(other.strip()) for other in others if other.strip())
    first, *others = BREAK.split(plain[refusing.end() :])
    return not _states(first) and all(_goes_on(other.strip()) for other in others)


def without_refusal(text: str) -> str:
    """Remove the constant where a model wrote it behind an answer."""
    return CONSTANT.sub("", text)


def _states(text: str) -> bool:
    """Tell whether a text says that something is so, before it asks whether something is."""
    return STATING.search(ASKING.split(text, maxsplit=1)[0]) is not None


def _goes_on(text: str) -> bool:
    """Tell whether what follows a comma in a remark is more of the same, or a list's next item."""
    if not text or NOR.match(text) or ASKING.match(text):
        return True
    is_listed = len(text.split()) <= LISTED and TELLING.match(text) is None
    return (is_listed or _refuses(text)) and not _states(text)


def _refuses(sentence: str) -> bool:
    return any(pattern.match(sentence) for pattern in (*REFUSING, *OTHER_LANGUAGES))


def _without_lead(sentence: str) -> str:
    return re.sub(LEAD, "", sentence, count=1)


def _plain(text: str) -> str:
    """Fold case, quotes, emphasis, citations and spaces; drop the punctuation at the end."""
    text = text.casefold().replace("’", "'").replace("‘", "'")
    text = re.sub(r"[\[【]\s{0,3}[\d,;\s]{1,30}[\]】]", " ", text)
    text = re.sub(r"[*_`>\"“”«»„#]|(?<!\w)'|'(?!\w)", " ", text)
    text = re.sub(r"\s+(?=[.,;:!?])", "", " ".join(text.split()))
    return text.rstrip(" .!")


REFUSAL = _plain(REFUSAL_TEXT)
CONSTANT = re.compile(
    r"[\"“*_]{0,3}" + re.escape(REFUSAL_TEXT.rstrip(".")).replace("'", "['’]") + r"\.?[\"”*_]{0,3}",
    re.IGNORECASE,
)
