"""Pipeline.ask(): one question from text to reply: notice, or retrieve, judge, pack, answer, check.

The index is read once at the start of a question and used to its end, so a rebuild in between never
mixes generations.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from . import evidence, gate, grounding, injection, notices, packing, retrieval
from .drafts import Drafts
from .errors import EmbedderMismatch, ModelUnavailable
from .index import Index
from .protocols import Answerer, Embedder, EmbedderSpec, TokenMatcher
from .standalone import standalone
from .types import (
    Context,
    Draft,
    Question,
    Refusal,
    RefusalReason,
    Reply,
    Role,
    Timings,
    Turn,
    Vector,
)

logger = logging.getLogger(__name__)

LEXICAL_FOOTNOTE = "The embedding model did not answer: these are word matches only."
FALLBACK_FOOTNOTE = "The language model did not answer: these are quotes from the knowledge base."
HISTORY_SHARE = 5  # of the context's budget, one part of so many is for earlier exchanges


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """Limits of a question and of its context; threshold in [0, 1]."""

    retrieval: retrieval.RetrievalRules = retrieval.RetrievalRules()
    threshold: float = 0.4
    budget_tokens: int = 2800
    max_question_chars: int = 2000


class Pipeline:
    """Answers questions from one index at a time; swap() replaces it between questions."""

    def __init__(
        self,
        index: Index,
        *,
        embedder: Embedder | None,
        matcher: TokenMatcher | None,
        answerer: Answerer,
        fallback: Answerer | None,
        rules: AnswerRules,
        told_problem: str = "",
    ) -> None:
        """Take the parts; told_problem is what the operator knows already about the embedder."""
        self._index = index
        self._embedder = embedder
        self._matcher = matcher
        self._answerer = answerer
        self._fallback = fallback
        self._rules = rules
        self._told_problem = told_problem

    @property
    def generation(self) -> str:
        """Name the generation that the next question is answered from."""
        return self._index.generation

    @property
    def index(self) -> Index:
        """Give the index that the next question is answered from."""
        return self._index

    @property
    def embedder(self) -> str:
        """Name what made the vectors of the generation."""
        return _embedder_name(self._index.spec)

    @property
    def answerer(self) -> str:
        """Name what writes the answers."""
        return self._answerer.name

    def swap(self, index: Index) -> None:
        """Answer later questions from another index; running ones keep theirs."""
        self._index = index

    def quoting(self) -> Pipeline | None:
        """Give a pipeline over the same index that asks no language model; None if there is none.

        It keeps its index, whatever swap() does to this one.
        """
        if self._fallback is None:
            return None
        return Pipeline(
            self._index,
            embedder=self._embedder,
            matcher=self._matcher,
            answerer=self._fallback,
            fallback=None,
            rules=self._rules,
            told_problem=self._told_problem,
        )

    async def require_usable(self, index: Index) -> None:
        """Raise EmbedderMismatch for an index whose vectors no question could be compared with.

        Raises ModelUnavailable when that cannot be told now.
        """
        if index.spec is not None and self._embedder is not None and index.spec != self._index.spec:
            require_same(index.spec, await self._embedder.spec())

    async def ask(self, question: Question, on_draft: Callable[[str], None] | None = None) -> Turn:
        """Answer, refuse or notify; on_draft gets what is already certain of an answer's text.

        Raises EmbedderMismatch, and ModelUnavailable when there is no fallback.
        """
        started = time.perf_counter()
        index = self._index
        turn = Turn(question=question, reply=Refusal(RefusalReason.NOTHING_FOUND))
        turn = replace(turn, generation=index.generation, embedder=_embedder_name(index.spec))
        notice = notices.notice_for(question.text, max_chars=self._rules.max_question_chars)
        if notice is not None:
            return replace(turn, reply=notice, timings_ms=Timings(total=_ms(started)))
        text = standalone(question, index.analyzer)
        logger.debug("question %s is searched as %r", question.id, text)
        found, footnotes = await self._retrieve(index, text, question.folders)
        retrieved = _ms(started)
        reply, answerer, more = await self._reply(index, question, found, on_draft)
        total = _ms(started)
        return replace(
            turn,
            reply=reply,
            hits=found.hits,
            answerer=answerer,
            footnotes=(*footnotes, *more),
            standalone=text,
            timings_ms=Timings(retrieve=retrieved, answer=total - retrieved, total=total),
        )

    async def _retrieve(
        self, index: Index, asked: str, folders: tuple[str, ...]
    ) -> tuple[retrieval.Retrieval, tuple[str, ...]]:
        text = index.spelling.correct(asked)
        query, footnotes = await self._embed(index, text)
        allowed = index.rows_within(folders) if folders else None
        found = retrieval.search(index, text, query, self._rules.retrieval, allowed=allowed)
        return found, footnotes

    async def _embed(self, index: Index, text: str) -> tuple[Vector | None, tuple[str, ...]]:
        if index.vectors is None:
            return None, ()
        if self._embedder is None:
            return None, (LEXICAL_FOOTNOTE,)
        try:
            require_same(index.spec, await self._embedder.spec())
            vectors = await self._embedder.embed([text], role=Role.QUERY)
        except ModelUnavailable as error:
            level = logging.DEBUG if str(error) == self._told_problem else logging.WARNING
            logger.log(level, "a question could not be embedded: %s", error)
            self._told_problem = str(error)
            return None, (LEXICAL_FOOTNOTE,)
        self._told_problem = ""
        return vectors[0], ()

    async def _reply(
        self,
        index: Index,
        question: Question,
        found: retrieval.Retrieval,
        on_draft: Callable[[str], None] | None,
    ) -> tuple[Reply, str, tuple[str, ...]]:
        if not found.hits:
            return gate.refuse(found, RefusalReason.NOTHING_FOUND), "", ()
        if injection.orders_bot(question.text):
            return gate.refuse(found, RefusalReason.WEAK_EVIDENCE), "", ()
        readings = await evidence.measure(index, question.text, found, self._matcher)
        if gate.strength(readings) < self._rules.threshold:
            return gate.refuse(found, RefusalReason.WEAK_EVIDENCE), "", ()
        context = packing.pack(index, found.chosen, budget_tokens=self._rules.budget_tokens)
        weights = tuple(dict(zip(found.terms, found.term_weights, strict=True)).items())
        room = self._rules.budget_tokens // HISTORY_SHARE
        context = replace(context, term_weights=weights, history_tokens=room)
        draft, footnotes = await self._write(question, context, on_draft)
        reply = grounding.check(draft, context)
        if isinstance(reply, Refusal):
            reply = gate.refuse(found, reply.reason)
        return reply, draft.answerer, footnotes

    async def _write(
        self, question: Question, context: Context, on_draft: Callable[[str], None] | None
    ) -> tuple[Draft, tuple[str, ...]]:
        on_text = Drafts(context, on_draft).take if on_draft is not None else None
        try:
            return await self._answerer.answer(question, context, on_text), ()
        except ModelUnavailable as error:
            if self._fallback is None:
                raise
            logger.warning("%s did not answer: %s", self._answerer.name, error)
        return await self._fallback.answer(question, context), (FALLBACK_FOOTNOTE,)


def require_same(indexed: EmbedderSpec | None, asking: EmbedderSpec) -> None:
    """Raise EmbedderMismatch naming both when vectors could not be compared."""
    if indexed is not None and indexed != asking:
        raise EmbedderMismatch(
            f"The index was made with {indexed}, but questions would be embedded with {asking}. "
            "Run: clockify-bot build (or set EMBEDDER and EMB_MODEL back)."
        )


def _embedder_name(spec: EmbedderSpec | None) -> str:
    return "lexical only" if spec is None else f"{spec.name}:{spec.model}"


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
