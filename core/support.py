"""Claim + the snippets it cites → a verdict: supported by which, or why not.

Facts come first and are strict (core/facts.py); then the meaning has to be near that of a passage
that holds these facts, and must not turn it round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from .actions import actions_of, lacks_action
from .clauses import is_conditional, is_sentence, splits_of, with_those_before
from .echoes import Echoes
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
from .folding import fold
from .keyed import is_entry
from .nearness import BOTH_OF_DENIED, Reading, is_near, reading_of
from .passages import Passages, Unit, Window, is_scattered, passages_of
from .plans import denied_plans, gives, names_plans
from .polarity import is_flipped, share_of
from .protocols import Embedder
from .quoted import is_quoted
from .roles import DENIED, without_subject
from .similarity import EMBED_SECONDS, MAX_CLAIM_CHARACTERS, Similarity
from .types import Context
from .wording import meanings_of, without_head

NEAR_BEST = 0.07  # units as similar as this to the best one speak for it
OPPOSITE = "opposite in snippet"
OTHER_ACTION = "action not in snippet"
NOT_THERE = "{} not in snippet"
NO_ROLE = NOT_THERE.format("role")
MOST_TRIES = 12  # to put a claim together from snippets
CLOSEST = (
    "words of the question not in snippet",
    "other meaning",
    OTHER_ACTION,
    "facts not together in snippet",
    OPPOSITE,
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
        self._snippets = {snippet.number: snippet for snippet in context.snippets}
        self._similarity = Similarity(embedder, embed_seconds=embed_seconds)
        self._passages: dict[int, Passages] = {}
        self._verdicts: dict[tuple[str, tuple[int, ...]], Verdict] = {}
        texts = ("\n".join((*s.chunk.headings, s.text)) for s in context.snippets)
        self._names = known_names(texts)
        hosts = (urlsplit(s.chunk.url or "").hostname or "" for s in context.snippets)
        self._homes = frozenset(term for host in hosts for term in terms_of(host.replace(".", " ")))
        self._of_question = Echoes(question, context, self._homes)

    @property
    def problem(self) -> str:
        """Why claims are compared by their words alone, where there should be vectors; or ""."""
        return self._similarity.problem

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
        """Tell whether a text says in words of the question what no snippet has the words for."""
        return all(self._echoes(text, whole.meanings) for whole in self._wholes())

    def _echoes(self, text: str, held: frozenset[str]) -> bool:
        wholes = (whole.meanings for whole in self._wholes())
        return self._of_question.is_echo(text, held, wholes)

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
            fault = fault or await self._fault_of_clauses(claim, number)
            if not fault:
                return Verdict(cited if number in cited else (number,))
            faults.append(fault)
        if await self._is_joined(claim, cited, iter(range(MOST_TRIES))):
            return Verdict(cited)
        return Verdict((), max(faults, key=_closeness, default="no citation"))

    async def _fault_of_clauses(self, claim: str, number: int) -> str:
        """Say why a clause of a claim that is supported as a whole is not; "" when all are."""
        if is_quoted(claim, self._passages_of(number).units):
            return ""
        for split in splits_of(claim):
            firsts = () if is_conditional(split.rest) else (split.first,)
            for clause in filter(is_sentence, (*firsts, split.rest)):
                if await self._is_contradicted(clause):
                    return "a clause not in snippet"
        return ""

    async def _is_contradicted(self, clause: str) -> bool:
        """Tell whether no snippet supports a clause, and one says the opposite, or it of others."""
        facts = self._facts_of(clause)
        faults = await self._faults(clause, facts, tuple(self._snippets))
        if not all(faults):
            return False
        unnamed = [n for n, fault in zip(self._snippets, faults, strict=True) if fault == NO_ROLE]
        done = without_subject(clause)
        is_of_others = done != clause and not all(
            await self._faults(done, self._facts_of(done), unnamed)
        )
        return is_of_others or OPPOSITE in faults

    async def _is_joined(
        self, claim: str, cited: tuple[int, ...], tries: Iterator[int], before: str = ""
    ) -> bool:
        """Tell whether each clause of a claim has its support in one of the cited snippets."""
        for split, _ in zip(splits_of(claim), tries, strict=False):
            said = f"{before} {split.before}"
            if await self._holds(split.first, before, cited) and (
                await self._holds(split.rest, said, cited)
                or await self._is_joined(split.rest, cited, tries, said)
            ):
                return True
        return False

    async def _holds(self, clause: str, before: str, cited: tuple[int, ...]) -> bool:
        """Tell whether a cited snippet supports a clause with what is said before it."""
        facts = with_those_before(self._facts_of(clause), clause, before)
        return not all(await self._faults(clause, facts, cited))

    async def _faults(self, clause: str, facts: Facts, numbers: Sequence[int]) -> list[str]:
        """Say for each snippet why it does not support a clause, and "" for the first that does."""
        nearest = await self._nearest(clause)
        faults: list[str] = []
        for number in numbers:
            faults.append(await self._fault(clause, facts, number, nearest))
            if not faults[-1]:
                break
        return faults

    async def _fault(self, claim: str, facts: Facts, number: int, nearest: Sequence[Unit]) -> str:
        """Say why a snippet does not support a claim; "" when it does."""
        passages = self._passages_of(number)
        denied = denied_plans(claim)
        if denied & facts.names and await self._denies(claim, facts, denied, number):
            return ""
        absent = missing(facts, passages.whole)
        if absent != "number" and is_quoted(claim, passages.units):
            return ""
        if absent or self._echoes(claim, passages.whole.meanings):
            return NOT_THERE.format(absent or "words of the question")
        flips = is_flipped(claim, nearest)
        turns = not DENIED.search(fold(claim)) and all(
            is_opposite(claim, unit.passage) for unit in nearest
        )
        reason, actions = "other meaning", actions_of(claim)
        for window, readings in await self._scored(claim, number):
            unit = window.parts[0]
            if not any(map(is_near, readings)) and not (
                len(window.parts) == 1 and is_entry(claim, unit.key, unit.passage)
            ):
                continue
            texts = [f"{part.lead_in} {part.text}" for part in window.parts]
            if lacks_action(actions, passages.head, texts):
                reason = OTHER_ACTION
            elif is_scattered(claim, facts, window, passages.whole):
                reason = "facts not together in snippet"
            elif (turns or is_opposite(claim, window.own)) != flips or any(
                gives(passages.units[i].text, denied) for i in window.units
            ):
                reason = OPPOSITE
            elif is_widened(facts, window.own):
                reason = "not of everybody in snippet"
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
            similar = await self._similarity.of(claim, number, self._passages_of(number))
            if similar is not None:
                scored += zip(map(float, similar.of_units), units, strict=True)
            else:
                scored += ((share_of(wanted, unit.passage.meanings), unit) for unit in units)
        best = max((score for score, _ in scored), default=0.0)
        return tuple(unit for score, unit in scored if score >= best - NEAR_BEST)

    async def _scored(self, claim: str, number: int) -> list[tuple[Window, list[Reading]]]:
        """Give each window with how well the claim fits it, with its run-in head and without."""
        passages = self._passages_of(number)
        forms = []
        for text in dict.fromkeys((claim, without_head(claim))):
            similar = await self._similarity.of(text, number, passages)
            forms.append((meanings_of(terms_of(text)), similar))
        return [
            (window, [reading_of(window, wanted, similar) for wanted, similar in forms])
            for window in passages.windows
        ]

    def _passages_of(self, number: int) -> Passages:
        if number not in self._passages:
            self._passages[number] = passages_of(self._snippets[number])
        return self._passages[number]


def _closeness(fault: str) -> int:
    """Rank a fault by how near the snippet came to support the claim."""
    return CLOSEST.index(fault) if fault in CLOSEST else -1
