"""The parts of an answer + verdicts → what is kept of it, cited; None when that is no answer.

The rules are those of core/grounding.py. With is_whole false more text may follow: the review ends
before the first part that this could change.
"""

from __future__ import annotations

import asyncio
import re

from .citations import Numbers
from .claim_kinds import Kind
from .claims import Part
from .facts import POINTS_BACK
from .headings import is_label, words_of
from .support import Support, Verdict
from .types import Answer, Context

MAX_CLAIMS = 150  # different ones of one answer; what comes after is dropped
LEVELS = 7  # of headings
NOT = re.compile(
    r"\bnot\b|n['’]t\b|\bno\b", re.IGNORECASE
)  # who lacks "a limit" has not "no limit"
CITING = (Kind.SENTENCE, Kind.ROW, Kind.CODE, Kind.LEAD_IN, Kind.CITATIONS)  # for others, too
REST = "… The remaining steps are in the source{citation}."


class Review:
    """Goes through the parts of one text and decides what is kept."""

    def __init__(
        self, context: Context, parts: tuple[Part, ...], *, question: str = "", is_whole: bool
    ) -> None:
        self._context = context
        self._parts = parts
        self._question = question
        self._is_whole = is_whole
        self._donors = _donors(parts, is_whole=is_whole)
        self._verdicts: dict[int, Verdict] = {}
        self._end = len(parts)
        self._kept: set[int] = set()
        self._cut_at: dict[int, int] = {}  # list → the first of its steps that is missing
        self.dropped: tuple[str, ...] = ()

    @property
    def is_kept_to_its_end(self) -> bool:
        """Tell whether nothing is missing at the end."""
        return len(self._parts) - 1 in self._kept

    async def judge(self, support: Support) -> None:
        """Find the verdicts on all claims whose citation is known, then decide what is kept."""
        judged: set[str] = set()
        for at, part in enumerate(self._parts[: self._end]):
            if not part.is_claim:
                if fault := self._fault_of_lead(part, support):
                    self._verdicts[at] = Verdict((), fault)
                continue
            if self._donors[at] is None:
                self._end = at
                break
            judged.add(part.claim)
            if len(judged) > MAX_CLAIMS:
                self._verdicts[at] = Verdict((), "too many claims")
                continue
            self._verdicts[at] = await support.verdict(part.claim, self._cited(at))
            await asyncio.sleep(0)  # others have their turn
        self._keep()
        self._drop_bare_leads()
        if not self._is_whole:
            self._hold_back()

    def _hold_back(self) -> None:
        """Leave out what follows the last claim: a heading above it may have to come first.

        With a lead-in go the claims that are to get their citation from it.
        """
        held: set[int] = set()
        for at in sorted(self._kept, reverse=True):
            part = self._parts[at]
            is_settled = part.is_claim or part.kind is Kind.CITATIONS
            if is_settled and self._donors[at] not in held:
                return
            held.add(at)
            self._kept.discard(at)

    def _fault_of_lead(self, part: Part, support: Support) -> str:
        """Say why something that is no claim must not be shown; "" when it may be."""
        match part.kind:
            case Kind.LEAD_IN if support.echoes(part.claim) or not support.has_facts(part.claim):
                return "lead-in not in snippet"
            case Kind.REMARK if not support.has_facts(NOT.sub(" ", part.claim), self._question):
                return "remark not in snippet"
            case Kind.HEADING if not is_label(part.claim, is_bold=part.level == LEVELS):
                return "heading is a sentence"
            case Kind.HEADING if not (
                support.has_facts(part.claim) and support.has_words(words_of(part.claim))
            ):
                return "heading not in snippet"
            case _:
                return ""

    def _cited(self, at: int) -> tuple[int, ...]:
        """Give what a claim cites; one that cites nothing and points back cites what is before."""
        donor = self._donors[at]
        cited = self._parts[at if donor is None else donor].cited
        before = self._verdicts.get(at - 1)
        if cited or self._parts[at].is_first or before is None:
            return cited
        return before.numbers[:1] if POINTS_BACK.match(self._parts[at].claim) else ()

    def answer(self) -> Answer | None:
        """Put together what is kept; None for what has lost its core, or never had one."""
        claims = [at for at in range(self._end) if self._parts[at].is_claim]
        held = [at for at in claims if at in self._kept]
        if not held or (held[0] != claims[0] and not self._is_of_one_list(claims[0], held[0])):
            return None
        if self._is_whole and 2 * len(held) < len(claims):
            return None
        numbers = Numbers(self._context)
        text = "".join(self._written(numbers)).strip()
        sources = numbers.sources()
        return Answer(text, sources) if sources and re.search(r"\w", text) else None

    def _is_of_one_list(self, first: int, other: int) -> bool:
        """Tell whether both are bullets of one list, or rows of one table: none is the core."""
        a, b = self._parts[first], self._parts[other]
        if a.kind is Kind.ROW:
            return b.kind is Kind.ROW and a.group == b.group
        return a.listed >= 0 and a.listed == b.listed and not a.is_step

    def _keep(self) -> None:
        reasons: list[str] = []
        lost_items: set[int] = set()
        lost_groups: set[int] = set()
        was_lost = False  # the sentence before, of the same paragraph or item
        for at, part in enumerate(self._parts[: self._end]):
            verdict = self._verdicts.get(at)
            reason = verdict.reason if verdict is not None else ""
            if part.kind is Kind.LEAD_IN and reason:
                lost_groups.add(part.group)
            elif part.kind in (Kind.CLOSING, Kind.YES_OR_NO):
                continue
            elif part.is_claim and not reason:
                if part.listed in self._cut_at:
                    reason = "after a missing step"
                elif part.group in lost_groups:
                    reason = "below an unsupported lead-in"
                elif part.item in lost_items:
                    reason = "in an unsupported item"
                elif was_lost and not part.is_first and POINTS_BACK.match(part.claim):
                    reason = "points back to a dropped sentence"
            was_lost = bool(reason)
            if not reason:
                self._kept.add(at)
                continue
            reasons.append(reason)
            if part.is_claim and part.is_first and part.item >= 0:
                lost_items.add(part.item)
                if part.is_step:
                    self._cut_at.setdefault(part.listed, at)
        self.dropped = tuple(reasons)

    def _drop_bare_leads(self) -> None:
        """Drop lead-ins and headings that lead to nothing, and citations of nothing."""
        has_below = [False] * (LEVELS + 1)  # by level, up to the next heading of that level
        groups: set[int] = set()
        is_next_kept = False
        for at in range(self._end - 1, -1, -1):
            part = self._parts[at]
            if part.is_claim:
                is_next_kept = at in self._kept
                if is_next_kept:
                    groups.add(part.group)
                    has_below = [True] * (LEVELS + 1)
            elif part.kind is Kind.HEADING:
                if not has_below[part.level]:
                    self._kept.discard(at)
                has_below[part.level :] = [False] * (LEVELS + 1 - part.level)
                is_next_kept = False
            elif not is_next_kept and (
                part.kind is Kind.OPENER or (part.kind is Kind.LEAD_IN and part.group not in groups)
            ):
                self._kept.discard(at)
        was_kept = False
        for at, part in enumerate(self._parts[: self._end]):
            if part.is_claim:
                was_kept = at in self._kept
            elif part.kind is Kind.CITATIONS and not was_kept:
                self._kept.discard(at)

    def _written(self, numbers: Numbers) -> list[str]:
        written: list[str] = []
        gap = ""
        last: dict[int, int] = {}  # list → the snippet of its last item
        for at, part in enumerate(self._parts[: self._end]):
            gap = max(gap, part.gap, key=lambda text: (text.count("\n"), len(text)))
            if self._cut_at.get(part.listed) == at and part.listed in last:
                citation = numbers.renumbered(f" [{last[part.listed]}]")
                written += ("\n", REST.format(citation=citation))
            if at not in self._kept:
                continue
            verdict = self._verdicts.get(at)
            text = numbers.renumbered(part.text, self._corrected(at))
            if part.listed >= 0 and verdict is not None:
                last[part.listed] = verdict.numbers[0]
            written += (gap, text)
            gap = ""
        return written

    def _corrected(self, at: int) -> int | None:
        """Give the snippet that a claim has to cite instead; None when it stays as written."""
        verdict, donor = self._verdicts.get(at), self._donors[at]
        if verdict is None or donor is None or not verdict.numbers or self._is_cited_behind(at):
            return None
        stays = verdict.numbers == self._parts[donor].cited and (
            donor == at or (donor in self._kept and not self._is_moved(donor))
        )
        return None if stays else verdict.numbers[0]

    def _is_cited_behind(self, at: int) -> bool:
        """Tell whether the next sentence, as uncited, gets the same citation: one is enough."""
        after = at + 1
        if after >= self._end or after not in self._kept or self._parts[after].is_first:
            return False
        are_uncited = all(self._donors[i] == i and not self._parts[i].cited for i in (at, after))
        verdict = self._verdicts.get(after)
        return (
            are_uncited
            and verdict is not None
            and (verdict.numbers[:1] == self._verdicts[at].numbers[:1])
        )

    def _is_moved(self, donor: int) -> bool:
        verdict = self._verdicts.get(donor)
        return verdict is not None and verdict.numbers != self._parts[donor].cited


def _donors(parts: tuple[Part, ...], *, is_whole: bool) -> list[int | None]:
    """Give for each part where its citation stands: itself, a later or an earlier part.

    A part without any is its own; None while a citation may follow.
    """
    donors: list[int | None] = [None] * len(parts)
    following: int | None = None
    may_follow = not is_whole  # in the group at the end
    for at in range(len(parts) - 1, -1, -1):
        if at + 1 < len(parts) and parts[at + 1].group != parts[at].group:
            is_trailing = parts[at + 1].kind is Kind.CITATIONS and parts[at + 1].cited
            following, may_follow = at + 1 if is_trailing else None, False
        if parts[at].cited and parts[at].kind in CITING:
            following = at
        donors[at] = following if following is not None else None if may_follow else at
    last: int | None = None
    for at, part in enumerate(parts):
        if at and parts[at - 1].group != part.group:
            last = None
        if part.cited and part.kind in CITING:
            last = at
        elif donors[at] == at and last is not None:
            donors[at] = last
    return donors
