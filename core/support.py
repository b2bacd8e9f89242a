"""Claim + the snippets it cites → a verdict: supported by which, or why not.

Facts come first and are strict (core/facts.py); then the meaning has to be near that of a passage
that holds these facts, and must not turn it round.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import numpy as np

from .errors import ModelUnavailable
from .facts import (
    POINTS_BACK,
    Facts,
    Passage,
    facts_of,
    is_opposite,
    is_widened,
    known_names,
    missing,
    terms_of,
)
from .nearness import BOTH_OF_DENIED, Reading, Similar, is_near, reading_of
from .passages import Passages, Unit, Window, is_scattered, passages_of
from .plans import denied_plans, gives, names_plans
from .polarity import is_flipped, share_of
from .protocols import Embedder
from .quoted import is_quoted
from .types import Context, Role, Vector, Vectors
from .wording import meanings_of, without_head

logger = logging.getLogger(__name__)

NEAR_BEST = 0.07  # units as similar as this to the best one speak for it
# Words of the question that a snippet lacks, and what they weigh in it: it is about other things.
ECHOED, ECHOED_SHARE = 2, 0.5
MAX_CLAIM_CHARACTERS = 2_000
EMBED_SECONDS = 10.0  # that claims wait for vectors; then they are compared by their words
MAX_CLAIMS = 120  # whose meaning is compared; what comes after is compared by words
UNRELATED = (
    "The ship left the harbour before sunrise.",
    "She painted the kitchen chairs green last summer.",
    "Whales sing in patterns that change over the years.",
    "Bread needs flour, water, salt and a warm place to rise.",
)

CLOSEST = (
    "words of the question not in snippet",
    "other meaning",
    "facts not together in snippet",
    "opposite in snippet",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The snippet numbers that support a claim; none, and the reason."""

    numbers: tuple[int, ...]
    reason: str = ""

    @property
    def is_supported(self) -> bool:
        """Tell whether a snippet holds the claim."""
        return bool(self.numbers)


class Support:
    """Judges claims against the snippets of one context; remembers what it embedded and found."""

    def __init__(
        self,
        context: Context,
        embedder: Embedder | None = None,
        *,
        question: str = "",
        embed_seconds: float = EMBED_SECONDS,
    ) -> None:
        self.problem = ""  # why there are no vectors, where there should be
        self._snippets = {snippet.number: snippet for snippet in context.snippets}
        self._embedder = embedder
        self._embed_seconds = embed_seconds
        self._passages: dict[int, Passages] = {}
        self._vectors: dict[int, Vectors] = {}
        self._claims: dict[str, Vector | None] = {}
        self._verdicts: dict[tuple[str, tuple[int, ...]], Verdict] = {}
        self._floor: float | None = None
        texts = ("\n".join((*s.chunk.headings, s.text)) for s in context.snippets)
        self._names = known_names(texts)
        hosts = (urlsplit(s.chunk.url or "").hostname or "" for s in context.snippets)
        self._homes = frozenset(term for host in hosts for term in terms_of(host.replace(".", " ")))
        asked = meanings_of(terms_of(question)) - self._homes
        self._asked = {term: 1.0 for term in asked} | _weighed(context, asked)

    async def verdict(self, claim: str, cited: tuple[int, ...]) -> Verdict:
        """Judge a claim against what it cites, then against each of the other snippets."""
        key = (claim, cited)
        if key not in self._verdicts:
            self._verdicts[key] = await self._judge(claim[:MAX_CLAIM_CHARACTERS], cited)
        return self._verdicts[key]

    def has_facts(self, text: str, question: str = "") -> bool:
        """Tell whether some snippet as a whole holds the facts of what is no claim.

        Names may come from the question; numbers and labels may not: it may want them said.
        """
        facts = self._facts_of(text, is_claim=False)
        asked = frozenset(terms_of(question))
        facts = replace(facts, names=facts.names - asked, roles=facts.roles - asked)
        return not facts or any(not missing(facts, whole) for whole in self._wholes())

    def echoes(self, text: str) -> bool:
        """Tell whether a text says in words of the question what no snippet has the words for.

        That is how a model answers what the knowledge does not hold: with "To issue a credit note:"
        above the steps for something else.
        """
        return all(self._echoes(text, whole) for whole in self._wholes())

    def _echoes(self, text: str, whole: Passage) -> bool:
        """Tell whether a snippet lacks such words, and all snippets one of them at least."""
        unheld = (self._asked.keys() & meanings_of(terms_of(text))) - whole.meanings
        weight = sum(self._asked[term] for term in unheld)
        return (
            len(unheld) >= ECHOED
            and weight >= ECHOED_SHARE * sum(self._asked.values())
            and bool(unheld.difference(*(other.meanings for other in self._wholes())))
        )

    def has_words(self, meanings: frozenset[str]) -> bool:
        """Tell whether some snippet as a whole has all these words, or such as say the same."""
        return not meanings or any(meanings <= whole.meanings for whole in self._wholes())

    def _wholes(self) -> Iterator[Passage]:
        return (self._passages_of(number).whole for number in self._snippets)

    def _facts_of(self, text: str, *, is_claim: bool = True) -> Facts:
        """Give the facts of a text; what the sites of the snippets are called is none."""
        facts = facts_of(text, self._names if is_claim else frozenset())
        return replace(facts, names=facts.names - self._homes, plans=facts.plans - self._homes)

    async def _judge(self, claim: str, cited: tuple[int, ...]) -> Verdict:
        facts = self._facts_of(claim)
        nearest = await self._nearest(claim)
        faults = []
        # What "it" is, only the cited snippet tells.
        given = () if POINTS_BACK.match(claim) else tuple(self._snippets)
        others = tuple(number for number in given if number not in cited)
        for number in (*cited, *others):
            fault = await self._fault(claim, facts, number, nearest)
            if not fault:
                return Verdict(cited if number in cited else (number,))
            faults.append(fault)
        return Verdict((), max(faults, key=_closeness, default="no citation"))

    async def _fault(self, claim: str, facts: Facts, number: int, nearest: Sequence[Unit]) -> str:
        """Say why a snippet does not support a claim; "" when it does."""
        passages = self._passages_of(number)
        denied = denied_plans(claim)
        if denied & facts.names and await self._denies(claim, facts, denied, number):
            return ""
        absent = missing(facts, passages.whole)
        if absent != "number" and is_quoted(claim, passages.units):
            return ""
        if absent or self._echoes(claim, passages.whole):
            return f"{absent or 'words of the question'} not in snippet"
        flips = is_flipped(claim, nearest)
        reason = "other meaning"
        for window, readings in await self._scored(claim, number):
            if not any(map(is_near, readings)):
                continue
            if is_scattered(claim, facts, window, passages.whole):
                reason = "facts not together in snippet"
            elif is_opposite(claim, window.own) != flips or any(
                gives(passages.units[i].text, denied) for i in window.units
            ):
                reason = "opposite in snippet"
            elif is_widened(facts, window.own):
                reason = "role not in snippet"
            else:
                return ""
        return reason

    async def _denies(self, claim: str, facts: Facts, plans: frozenset[str], number: int) -> bool:
        """Tell whether the snippet gives to other plans what the claim denies to these."""
        rest = replace(facts, names=facts.names - plans)
        for window, readings in await self._scored(claim, number):
            if len(window.units) > 1 or plans & window.passage.terms:
                continue
            if missing(rest, window.passage) or not names_plans(window.own.text):
                continue
            if any(is_near(reading, BOTH_OF_DENIED) for reading in readings):
                return True
        return False

    async def _nearest(self, claim: str) -> tuple[Unit, ...]:
        """Give the units of all snippets that are nearest to the claim."""
        wanted = meanings_of(terms_of(claim))
        scored: list[tuple[float, Unit]] = []
        for number in self._snippets:
            units = self._passages_of(number).units
            similar = await self._similarities(claim, number)
            if similar is not None:
                scored += zip(map(float, similar.of_units), units, strict=True)
            else:
                scored += ((share_of(wanted, unit.passage.meanings), unit) for unit in units)
        best = max((score for score, _ in scored), default=0.0)
        return tuple(unit for score, unit in scored if score >= best - NEAR_BEST)

    async def _scored(self, claim: str, number: int) -> list[tuple[Window, list[Reading]]]:
        """Give each window with how well the claim fits it, with its run-in head and without."""
        forms = []
        for text in dict.fromkeys((claim, without_head(claim))):
            forms.append((meanings_of(terms_of(text)), await self._similarities(text, number)))
        return [
            (window, [reading_of(window, wanted, similar) for wanted, similar in forms])
            for window in self._passages_of(number).windows
        ]

    async def _similarities(self, claim: str, number: int) -> Similar | None:
        vector = await self._claim_vector(claim)
        rows = await self._snippet_vectors(number) if vector is not None else None
        if vector is None or rows is None:
            return None
        count = len(rows) // 2
        floor = self._floor or 0.0
        best = np.maximum(rows[:count] @ vector, rows[count:] @ vector)
        return Similar((best - floor) / (1 - floor), rows[:count], vector, floor)

    async def _claim_vector(self, claim: str) -> Vector | None:
        plain = claim.replace("**", "").replace("`", "")
        if plain not in self._claims:
            rows = await self._embed([plain]) if len(self._claims) < MAX_CLAIMS else None
            self._claims[plain] = None if rows is None else rows[0]
        return self._claims[plain]

    async def _snippet_vectors(self, number: int) -> Vectors | None:
        if number not in self._vectors:
            texts = [
                text[:MAX_CLAIM_CHARACTERS].replace("**", "")
                for text in self._passages_of(number).embedded_texts()
            ]
            more = UNRELATED if self._floor is None else ()
            rows = await self._embed([*texts, *more])
            if rows is None:
                return None
            if more:
                foreign = rows[-len(more) :] @ rows[: len(texts)].T
                self._floor = min(max(float(foreign.mean()), 0.0), 0.95)
            self._vectors[number] = rows[: len(texts)]
        return self._vectors[number]

    async def _embed(self, texts: Sequence[str]) -> Vectors | None:
        if self._embedder is None:
            return None
        try:
            async with asyncio.timeout(self._embed_seconds):
                return await self._embedder.embed(texts, role=Role.DOCUMENT)
        except (ModelUnavailable, TimeoutError) as error:
            self.problem = str(error) or "no vectors in time"
            logger.debug("claims are compared by their words: %s", self.problem)
            self._embedder = None
            return None

    def _passages_of(self, number: int) -> Passages:
        if number not in self._passages:
            self._passages[number] = passages_of(self._snippets[number])
        return self._passages[number]


def _weighed(context: Context, asked: frozenset[str]) -> dict[str, float]:
    """Give the words of a question that the search has weighed; rare words weigh more."""
    weights: dict[str, float] = {}
    for term, weight in context.term_weights:
        for meaning in meanings_of([term]) & asked:
            weights[meaning] = max(weight, weights.get(meaning, 0.0))
    return dict.fromkeys(asked, 0.0) | weights if weights else {}


def _closeness(fault: str) -> int:
    """Rank a fault by how near the snippet came to support the claim."""
    return CLOSEST.index(fault) if fault in CLOSEST else -1
