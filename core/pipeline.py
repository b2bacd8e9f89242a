"""Pipeline.ask(): one question from text to reply: notice, or retrieve, judge, pack, write.

The index is read once at the start of a question and used to its end, so a rebuild in between never
mixes generations.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from . import evidence, gate, injection, notices, packing, retrieval
from .deadline import Deadline
from .errors import EmbedderMismatch, ModelPaused, ModelUnavailable
from .index import Index
from .protocols import Embedder, EmbedderSpec, TokenMatcher
from .rerank import Reranker
from .rewriting import Rewriter, may_lean
from .standalone import standalone
from .types import (
    Context,
    Question,
    Refusal,
    RefusalReason,
    Role,
    Timings,
    Turn,
    Vector,
)
from .writing import Writer

logger = logging.getLogger(__name__)

OnDraft = Callable[[str], None] | None

LEXICAL_FOOTNOTE = "The embedding model did not answer: these are word matches only."
HISTORY_SHARE = 5  # of the context's budget, one part of so many is for earlier exchanges
# What the model may spend, at most, on what only prepares the answer.
REWRITING_SHARE, REWRITING_SECONDS = 0.25, 15.0
RERANKING_SHARE, RERANKING_SECONDS = 0.33, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """Limits of a question and of its context; threshold in [0, 1]."""

    retrieval: retrieval.RetrievalRules = retrieval.RetrievalRules()
    threshold: float = 0.4
    budget_tokens: int = 2800
    chars_per_token: float = 4.0
    max_question_chars: int = 2000
    deadline_seconds: float = 240.0


class Pipeline:
    """Answers questions from one index at a time; swap() replaces it between questions."""

    def __init__(
        self,
        index: Index,
        writer: Writer,
        *,
        embedder: Embedder | None,
        matcher: TokenMatcher | None,
        rules: AnswerRules,
        rewriter: Rewriter | None = None,
        reranker: Reranker | None = None,
        told_problem: str = "",
    ) -> None:
        """Take the parts; told_problem is what the operator knows already about the embedder."""
        self._index = index
        self._writer = writer
        self._embedder = embedder
        self._matcher = matcher
        self._rules = rules
        self._rewriter = rewriter
        self._reranker = reranker
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
        return self._writer.answerer.name

    @property
    def language_model(self) -> str:
        """Name the model that writes the answers; "" when none does."""
        return self._writer.model

    @property
    def model_problem(self) -> str:
        """Tell why that model did not answer last; "" when it did."""
        return self._writer.problem

    @property
    def model_problem_since(self) -> float | None:
        """Tell since when it has not answered, in seconds since the epoch; None: it does."""
        return self._writer.problem_since

    def swap(self, index: Index) -> None:
        """Answer later questions from another index; running ones keep theirs."""
        self._index = index

    def quoting(self) -> Pipeline | None:
        """Give a pipeline over the same index that asks no language model; None if there is none.

        It keeps its index, whatever swap() does to this one.
        """
        writer = self._writer.quoting()
        if writer is None:
            return None
        return Pipeline(
            self._index,
            writer,
            embedder=self._embedder,
            matcher=self._matcher,
            rules=self._rules,
            told_problem=self._told_problem,
        )

    async def require_usable(self, index: Index) -> None:
        """Raise EmbedderMismatch for an index whose vectors no question could be compared with.

        Raises ModelUnavailable when that cannot be told now.
        """
        if index.spec is not None and self._embedder is not None and index.spec != self._index.spec:
            require_same(index.spec, await self._embedder.spec())

    async def ask(self, question: Question, on_draft: OnDraft = None) -> Turn:
        """Answer, refuse or notify; on_draft gets what is already certain of an answer's text.

        Raises EmbedderMismatch, and ModelUnavailable when there is no fallback.
        """
        started = time.perf_counter()
        deadline = Deadline(self._rules.deadline_seconds)
        index = self._index
        turn = Turn(question=question, reply=Refusal(RefusalReason.NOTHING_FOUND))
        turn = replace(turn, generation=index.generation, embedder=_embedder_name(index.spec))
        notice = notices.notice_for(question.text, max_chars=self._rules.max_question_chars)
        if notice is not None:
            return replace(turn, reply=notice, timings_ms=Timings(total=_ms(started)))
        turn = await self._read(turn, index, deadline)
        found, footnotes = await self._retrieve(index, turn.standalone, question.folders)
        times = replace(turn.timings_ms, retrieve=_ms(started))
        turn = replace(turn, hits=found.hits, footnotes=footnotes, timings_ms=times)
        turn = await self._reply(turn, index, found, on_draft, deadline)
        total = _ms(started)
        times = replace(turn.timings_ms, answer=total - times.retrieve, total=total)
        return replace(turn, timings_ms=times)

    async def _read(self, turn: Turn, index: Index, deadline: Deadline) -> Turn:
        """Read a follow-up together with what it follows."""
        question = turn.question
        text = standalone(question, index.analyzer)
        if self._rewriter is not None and may_lean(question, index.analyzer):
            started = time.perf_counter()
            seconds = deadline.part(REWRITING_SHARE, at_most=REWRITING_SECONDS)
            safe = injection.without_orders_of(question)
            rewriting = await self._rewriter.rewrite(safe, text, seconds=seconds)
            turn = _remarked(turn, "follow-up read by rules", rewriting.reason)
            turn = replace(turn, timings_ms=Timings(rewrite=_ms(started)))
            text = rewriting.text
        logger.debug("question %s is searched as %r", question.id, text)
        return replace(turn, standalone=text)

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
            is_pause = isinstance(error, ModelPaused) and bool(self._told_problem)
            is_known = is_pause or str(error) == self._told_problem
            level = logging.DEBUG if is_known else logging.WARNING
            logger.log(level, "a question could not be embedded: %s", error)
            if not is_known:
                self._told_problem = str(error)
            return None, (LEXICAL_FOOTNOTE,)
        self._told_problem = ""
        return vectors[0], ()

    async def _reply(
        self,
        turn: Turn,
        index: Index,
        found: retrieval.Retrieval,
        on_draft: OnDraft,
        deadline: Deadline,
    ) -> Turn:
        question = turn.question
        if not found.hits:
            return replace(turn, reply=gate.refuse(found, RefusalReason.NOTHING_FOUND))
        weak = gate.refuse(found, RefusalReason.WEAK_EVIDENCE)
        if injection.orders_bot(question.text):
            return replace(turn, reply=weak)
        readings = await evidence.measure(index, question.text, found, self._matcher)
        if gate.strength(readings) < self._rules.threshold:
            return replace(turn, reply=weak)
        turn, found = await self._rerank(turn, found, deadline)
        context = self._pack(index, found)
        safe = injection.without_orders_of(question)
        written = await self._writer.write(safe, context, on_draft, deadline)
        reply, draft = written.reply, written.draft
        return replace(
            turn,
            reply=gate.refuse(found, reply.reason) if isinstance(reply, Refusal) else reply,
            answerer=draft.answerer,
            footnotes=(*turn.footnotes, *written.footnotes),
            remarks=(*turn.remarks, *written.remarks),
            model=draft.model,
            prompt_version=draft.prompt_version,
            usage=draft.usage,
            draft=draft.text,
            context=context,
        )

    async def _rerank(
        self, turn: Turn, found: retrieval.Retrieval, deadline: Deadline
    ) -> tuple[Turn, retrieval.Retrieval]:
        """Let the model sort what will be packed."""
        if self._reranker is None:
            return turn, found
        started = time.perf_counter()
        seconds = deadline.part(RERANKING_SHARE, at_most=RERANKING_SECONDS)
        reranking = await self._reranker.rerank(found.text, found.chosen, seconds=seconds)
        turn = _remarked(turn, "not reranked", reranking.reason)
        turn = replace(turn, timings_ms=replace(turn.timings_ms, rerank=_ms(started)))
        return turn, replace(found, chosen=reranking.hits)

    def _pack(self, index: Index, found: retrieval.Retrieval) -> Context:
        rules = self._rules
        context = packing.pack(
            index,
            found.chosen,
            budget_tokens=rules.budget_tokens,
            chars_per_token=rules.chars_per_token,
        )
        weights = tuple(dict(zip(found.terms, found.term_weights, strict=True)).items())
        room = rules.budget_tokens // HISTORY_SHARE
        return replace(context, term_weights=weights, history_tokens=room)


def require_same(indexed: EmbedderSpec | None, asking: EmbedderSpec) -> None:
    """Raise EmbedderMismatch naming both when vectors could not be compared."""
    if indexed is not None and indexed != asking:
        raise EmbedderMismatch(
            f"The index was made with {indexed}, but questions would be embedded with {asking}. "
            "Run: clockify-bot build (or set EMBEDDER and EMB_MODEL back)."
        )


def _remarked(turn: Turn, what: str, reason: str) -> Turn:
    return replace(turn, remarks=(*turn.remarks, f"{what}: {reason}")) if reason else turn


def _embedder_name(spec: EmbedderSpec | None) -> str:
    return "lexical only" if spec is None else f"{spec.name}:{spec.model}"


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
