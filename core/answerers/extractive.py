"""The answerer that needs no model: quotes the sentences, steps or table rows that answer.

Takes the context's snippets apart into units (paragraphs, lists, rows), scores each by its
snippet's score and by how much of the question it covers, and puts the best into reading order,
cited.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, takewhile

from core.disarm import outside_code
from core.injection import addresses_model
from core.outline import Block, BlockKind, outline
from core.terms import TermAnalyzer
from core.types import REFUSAL_TEXT, Context, Draft, Question, Snippet

COVERAGE_WEIGHT = 0.3  # of a unit's words against its snippet's score
HEADING_CREDIT = 0.8  # a unit says what its headings say, a little less surely
STEPS_BONUS = 0.1  # a question for a procedure is answered by a list
KEEP_RATIO = 0.8  # units weaker than this share of the best one are left out
ENOUGH_CHARS = 320  # below this, weaker units still help
SNIPPET_RATIO = 0.8  # snippets below this share of the best score are not quoted
MAX_SNIPPETS = 3  # quoted from at most, so that the answer reads as one
MIN_WORDS = 2  # of a paragraph worth quoting
WHOLE_CHARS = 420  # longer paragraphs are taken apart
WHOLE_LIST_CHARS = 640  # and longer lists: steps are of little use one by one
SENTENCE = re.compile(r"(?<=[.!?…])\s+(?=[\w\"'“(\[*`])")
LINE_OR_SENTENCE = re.compile(r"\n|(?<=[.!?…])\s+")
PROCEDURE = re.compile(
    r"\b(?:how (?:do|to|can|should)|where (?:do|can|should)|steps?|set ?up|way to|let|make|turn|"
    r"stop|get|hide|change)\b",
    re.IGNORECASE,
)
CELL = re.compile(r"(?<!\\)\|")
LIST_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s")
CITATION_LIKE = re.compile(r"\[(\d+(?:\s*,\s*\d+)*)\]")


@dataclass(frozen=True, slots=True)
class _Unit:
    """A quotable part of a snippet: position is its place in it, block the block it is of."""

    snippet: Snippet
    position: int
    block: int
    text: str
    lead_in: str = ""  # comes along when the unit is quoted


class ExtractiveAnswerer:
    """Implements core.protocols.Answerer."""

    def __init__(self, *, max_chars: int = 760) -> None:
        self._max_chars = max_chars
        self._analyzer = TermAnalyzer()

    @property
    def name(self) -> str:
        """Name this answerer in replies and logs."""
        return "extractive"

    async def answer(
        self,
        question: Question,
        context: Context,
        on_text: Callable[[str], None] | None = None,
        *,
        seconds: float | None = None,
    ) -> Draft:
        """Quote what answers; the refusal constant when nothing can be quoted."""
        weights = dict(context.term_weights) or dict.fromkeys(
            self._analyzer.terms(question.text), 1.0
        )
        wants_steps = PROCEDURE.search(question.text) is not None
        units = [
            unit
            for snippet in _relevant(context.snippets)
            for unit in _units(snippet)
            if not addresses_model(f"{unit.lead_in}\n{unit.text}")
        ]
        scored = sorted(
            ((self._score(unit, weights, wants_steps), unit) for unit in units),
            key=lambda pair: (-pair[0], pair[1].snippet.number, pair[1].position),
        )
        chosen = self._choose(scored)
        text = _layout(chosen, context.snippets) if chosen else REFUSAL_TEXT
        return Draft(text, self.name, is_quote=True)

    def _score(self, unit: _Unit, weights: dict[str, float], wants_steps: bool) -> float:
        own = f"{unit.lead_in} {unit.text}"
        below = f"{' '.join(unit.snippet.chunk.headings)} {own}"
        coverage = max(
            self._coverage(own, weights), HEADING_CREDIT * self._coverage(below, weights)
        )
        bonus = STEPS_BONUS if wants_steps and LIST_ITEM.match(unit.text) else 0.0
        return unit.snippet.score + COVERAGE_WEIGHT * coverage + bonus

    def _coverage(self, text: str, weights: dict[str, float]) -> float:
        total = sum(weights.values())
        present = set(self._analyzer.terms(text))
        covered = sum(weight for term, weight in weights.items() if term in present)
        return covered / total if total else 0.0

    def _choose(self, scored: Sequence[tuple[float, _Unit]]) -> list[_Unit]:
        chosen: list[_Unit] = []
        said: set[str] = set()
        quoted: set[int] = set()
        used = 0
        for score, unit in scored:
            weak = score < KEEP_RATIO * scored[0][0] and used >= ENOUGH_CHARS
            lead = unit.lead_in if unit.lead_in not in said else ""
            cost = len(unit.text) + len(lead) + 6
            one_more = unit.snippet.number not in quoted and len(quoted) >= MAX_SNIPPETS
            if weak or one_more or unit.text in said or (chosen and used + cost > self._max_chars):
                continue
            quoted.add(unit.snippet.number)
            chosen.append(unit)
            said.update((unit.text, lead))
            used += cost
        return chosen


def _relevant(snippets: Sequence[Snippet]) -> Iterator[Snippet]:
    best = max((snippet.score for snippet in snippets), default=0.0)
    return (snippet for snippet in snippets if snippet.score >= SNIPPET_RATIO * best)


def _units(snippet: Snippet) -> Iterator[_Unit]:
    """Take a snippet apart; a paragraph that introduces a list goes with it."""
    blocks = [block for section in outline(snippet.text) for block in section.blocks]
    position = 0
    for number, block in enumerate(blocks):
        if number + 1 < len(blocks) and _introduces(block, blocks[number + 1]):
            continue  # comes along with what it introduces
        if block.kind is BlockKind.PARAGRAPH and _is_fragment(block.text):
            continue
        lead = blocks[number - 1].text if number and _introduces(blocks[number - 1], block) else ""
        for text in _without_orders(block):
            yield _Unit(snippet, position, number, text, lead)
            position += 1


def _is_fragment(paragraph: str) -> bool:
    """Say whether a paragraph says nothing alone: "or", "Example:" with the example elsewhere."""
    return paragraph.rstrip().endswith(":") or len(paragraph.split()) < MIN_WORDS


def _introduces(before: Block, block: Block) -> bool:
    listed = block.kind is not BlockKind.PARAGRAPH
    return listed and before.kind is BlockKind.PARAGRAPH and before.text.rstrip().endswith(":")


def _without_orders(block: Block) -> Iterator[str]:
    """Give the parts of a block; of one that gives orders to a model, what stands before them."""
    for part in _parts(block):
        if block.kind is BlockKind.PARAGRAPH and addresses_model(part):
            sentences = LINE_OR_SENTENCE.split(part)
            part = " ".join(takewhile(lambda sentence: not addresses_model(sentence), sentences))
        if part.strip():
            yield part


def _parts(block: Block) -> Iterator[str]:
    match block.kind:
        case BlockKind.TABLE:
            yield from _rows(block)
        case BlockKind.LIST if len(block.text) > WHOLE_LIST_CHARS:
            edges = (0, *(cut for cut in block.cuts if cut), len(block.text))
            yield from (block.text[a:b].rstrip() for a, b in pairwise(edges))
        case BlockKind.PARAGRAPH if len(block.text) > WHOLE_CHARS:
            yield from (part for part in SENTENCE.split(block.text) if part.strip())
        case _:
            yield block.text


def _rows(block: Block) -> Iterator[str]:
    """Give each table row as "- Header: value; …", which any surface can show."""
    lines = block.text.split("\n")
    names = _cells(lines[0])
    for line in lines[2:]:
        pairs = zip(names, _cells(line), strict=False)
        yield "- " + "; ".join(f"{name}: {value}" if name else value for name, value in pairs)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in CELL.split(line.strip().strip("|"))]


def _layout(chosen: Sequence[_Unit], snippets: Sequence[Snippet]) -> str:
    """Put units into order: the best article first, each article as it reads, blocks cited."""
    quoted = {unit.snippet.chunk.article_id for unit in chosen}
    best = dict.fromkeys(quoted, 0.0)
    for snippet in (snippet for snippet in snippets if snippet.chunk.article_id in quoted):
        article = snippet.chunk.article_id
        best[article] = max(best[article], snippet.score)

    def place(unit: _Unit) -> tuple[float, str, int, int, int]:
        chunk = unit.snippet.chunk
        first = -best[chunk.article_id]
        return first, chunk.article_id, chunk.start, unit.snippet.number, unit.position

    ordered = groupby(sorted(chosen, key=place), key=lambda unit: unit.snippet.number)
    groups = [(number, list(units)) for number, units in ordered]
    parts: list[str] = []
    last_heading = ""
    for number, units in groups:
        heading = _heading(units[0].snippet, len(best) > 1) if len(groups) > 1 else ""
        shown = f"{heading}\n" if heading != last_heading else ""
        parts.append(shown + "\n\n".join(_cited(units, number)))
        last_heading = heading
    return "\n\n".join(parts)


def _heading(snippet: Snippet, several_articles: bool) -> str:
    """Name the section a group is from, and the article where there are several."""
    path = snippet.chunk.headings[-1:]
    named = (snippet.chunk.title, *path) if several_articles else path
    return f"**{_plain(': '.join(named).replace('*', ''))}**" if named else ""


def _cited(units: Sequence[_Unit], number: int) -> Iterator[str]:
    """Join the units of a block again, under their lead-in; cite at the end of each block."""
    for _, members in groupby(units, key=lambda unit: unit.block):
        of_block = list(members)
        listed = LIST_ITEM.match(of_block[0].text)
        text = ("\n" if listed else " ").join(_plain(unit.text) for unit in of_block)
        mark = f"\n[{number}]" if "```" in text else f" [{number}]"
        lead = f"{_plain(of_block[0].lead_in)}\n" if of_block[0].lead_in else ""
        yield lead + text + mark


def _plain(text: str) -> str:
    """Keep quoted text from looking like a citation of ours; code stays as it is."""
    return outside_code(text, lambda part: CITATION_LIKE.sub(r"(\1)", part)).strip()
