"""Question + context → checked reply: the model within its time, or quotes that say so.

A model that fails, hangs or is left alone never costs an answer: what the fallback quotes is marked
as such. The marks are left out only where no model was ever expected (ANSWERER=auto without one).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from . import grounding
from .deadline import Deadline
from .drafts import shown_drafts
from .errors import ModelPaused, ModelTimeout, ModelUnavailable
from .protocols import Answerer, Embedder
from .types import Answer, Context, Draft, Question, Refusal

logger = logging.getLogger(__name__)

FALLBACK_FOOTNOTE = "Answered without the language model: these are quotes from the knowledge base."

CHECKING_SHARE, CHECKING_SECONDS = 0.2, 10.0  # of the time, for the vectors of a draft

OnDraft = Callable[[str], None] | None


@dataclass(frozen=True, slots=True)
class Written:
    """A checked reply, the draft it was made of, and what to say about it."""

    reply: Answer | Refusal
    draft: Draft
    footnotes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Writer:
    """Asks the answerer, then the fallback. Lives on one event loop."""

    def __init__(
        self,
        answerer: Answerer,
        fallback: Answerer | None,
        *,
        embedder: Embedder | None = None,
        model: str = "",
        problem: str = "",
        expects_model: bool = True,
        stands_in: bool = False,
    ) -> None:
        """Take the parts; with expects_model quotes are marked even before a model has answered.

        stands_in marks what the answerer writes, too: it is there in place of a model. model names
        the answerer's language model, problem tells why it cannot answer now.
        """
        self.answerer = answerer
        self.fallback = fallback
        self.model = model
        self.problem = problem  # "" once it has answered
        self.problem_since = time.time() if problem else None  # seconds since the epoch
        self._embedder = embedder
        self._expects_model = expects_model
        self._stands_in = stands_in

    def quoting(self) -> Writer | None:
        """Give a writer that asks no language model; None if there is none."""
        return Writer(self.fallback, None) if self.fallback is not None else None

    async def write(
        self, question: Question, context: Context, on_draft: OnDraft, deadline: Deadline
    ) -> Written:
        """Write and check before the deadline; raises ModelUnavailable without a fallback."""
        try:
            written = await self._by_answerer(question, context, on_draft, deadline)
        except ModelUnavailable as error:
            if self.fallback is None:
                raise
            self._failed(error)
            return await self._by_fallback(question, context, str(error))
        self.problem, self.problem_since = "", None
        self._expects_model = True
        return written

    async def _by_answerer(
        self, question: Question, context: Context, on_draft: OnDraft, deadline: Deadline
    ) -> Written:
        checker = grounding.Checker(
            context,
            question=question.text,
            embedder=self._embedder,
            embed_seconds=deadline.part(CHECKING_SHARE, at_most=CHECKING_SECONDS),
        )
        showing = nullcontext() if on_draft is None else shown_drafts(checker, on_draft)
        try:
            # The answerer keeps the time itself and says more when it has passed; this is for the
            # check, which may ask an embedding model that hangs.
            async with asyncio.timeout(deadline.left_seconds + deadline.reserve_seconds / 2):
                async with showing as on_text:
                    draft = await self.answerer.answer(
                        question, context, on_text, seconds=deadline.left_seconds
                    )
                reply = await checker.check(draft)
        except TimeoutError as error:
            raise ModelTimeout("The answer could not be checked in time.") from error
        footnotes = (FALLBACK_FOOTNOTE,) if self._stands_in else ()
        return Written(reply, draft, footnotes, (*draft.remarks, *checker.remarks))

    async def _by_fallback(self, question: Question, context: Context, why: str) -> Written:
        assert self.fallback is not None
        draft = await self.fallback.answer(question, context)
        reply = await grounding.Checker(context).check(draft)
        footnotes = (FALLBACK_FOOTNOTE,) if self._expects_model else ()
        return Written(reply, draft, footnotes, (f"no language model: {why}",))

    def _failed(self, error: ModelUnavailable) -> None:
        is_known = isinstance(error, ModelPaused) and bool(self.problem)
        if not isinstance(error, ModelPaused) and not is_nobody_there(error):
            self._expects_model = True  # whoever runs a server wants a model
        level = logging.DEBUG if is_known else logging.WARNING
        logger.log(level, "%s did not answer: %s", self.answerer.name, error)
        self.problem = str(error)
        if self.problem_since is None:
            self.problem_since = time.time()


def is_nobody_there(error: ModelUnavailable) -> bool:
    """Say whether no server at all is at the address: the connection was refused."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED
