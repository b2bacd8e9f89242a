"""Check a model's draft against its context: an Answer that its sources support, or a Refusal.

Takes text that may hold anything; gives inert Markdown with [n] numbered in the order of use. What
no snippet supports is left out (core/support.py); what is left has to be an answer still:

- A claim cites for itself, or inherits: the next citation of its item, paragraph or list, else the
  one before it. In a part of the answer without any it gets that of the snippet that supports it.
- A citation at the beginning of a line is for what follows, and a bare yes or no is left out: what
  it is for, only the question tells.
- What another snippet supports than the one it cites is cited anew. Each clause of a sentence may
  come from another one of those it cites; one that the knowledge contradicts is enough to drop it.
- From an unsupported step on, nothing more of a numbered list is shown but where the rest is.
- A sentence that points back ("It also …") goes with the one that it points to; a lead-in or a
  heading goes when nothing is left below it, or the snippets lack its words.
- It is a refusal when its first claim is unsupported, or most of them.
"""

from __future__ import annotations

import re
from functools import partial

from .citations import CITATION, QUOTED_CITATION, Numbers
from .claims import parts_of
from .disarm import disarm
from .prompt import SYSTEM_PROMPT
from .protocols import Embedder
from .refusals import is_refusal, without_refusal
from .review import Review
from .similarity import EMBED_SECONDS
from .support import Support
from .tidying import tidied
from .types import Answer, Context, Draft, Refusal, RefusalReason

PROMPT_CHARACTERS = 20  # a text that ends like so many of the prompt may be a recital of it
UNSUPPORTED = Refusal(RefusalReason.UNSUPPORTED)


def check(draft: Draft, context: Context) -> Answer | Refusal:
    """Check citations only: what is enough for a quote.

    UNSUPPORTED for a refusal in any wording, for an empty text, and for a text that cites none of
    the snippets it was given. Citations inside code are left alone and do not count.
    """
    text = _prepared(draft.text, context)
    numbers = Numbers(context)
    text = numbers.renumbered(text)
    sources = numbers.sources()
    if not sources or not re.search(r"\w", CITATION.sub("", text)):
        return UNSUPPORTED
    return Answer(text=text.strip(), sources=sources)


class Checker:
    """Checks the drafts of one context; remembers what it found out about each claim."""

    def __init__(
        self,
        context: Context,
        *,
        question: str = "",
        embedder: Embedder | None = None,
        embed_seconds: float = EMBED_SECONDS,
    ) -> None:
        """Take what may be cited, and what compares meanings; words are compared without it.

        What the snippets do not mention, an answer may name in the words of the question.
        """
        self._context = context
        self._question = question
        self._given = frozenset(snippet.number for snippet in context.snippets)
        self._make_support = partial(
            Support, context, embedder, question=question, embed_seconds=embed_seconds
        )
        self._support: Support | None = None  # made for the first claim: quotes need none
        self._shown = ""  # what was given of a beginning last
        self._cuts: set[int] = set()  # where sentences that were shown ended
        self._dropped: tuple[str, ...] = ()

    @property
    def dropped(self) -> tuple[str, ...]:
        """Why sentences of the last checked draft are missing; for operators, without texts."""
        return self._dropped

    @property
    def remarks(self) -> tuple[str, ...]:
        """What operators should know of the last check."""
        problem = self._support.problem if self._support is not None else ""
        by_words = (f"claims compared by words: {problem}",) if problem else ()
        return (*by_words, *(f"dropped: {reason}" for reason in self._dropped))

    async def check(self, draft: Draft) -> Answer | Refusal:
        """Return what the snippets support of a draft; UNSUPPORTED when that is no answer.

        What was shown of it meanwhile plays no part: the same draft gets the same answer, however
        it came in pieces.
        """
        self._dropped = ()
        if draft.is_quote:
            return check(draft, self._context)
        review = await self._review(draft.text, set(), is_whole=True)
        self._dropped = review.dropped
        return review.answer() or UNSUPPORTED

    async def check_beginning(self, text: str) -> str:
        """Return what is certain of an answer of which this much is written; "" for nothing new.

        The text has to end with a whole sentence. What is returned begins with what was returned
        before; so does, but for odd text, the answer that check() gives in the end, unless it is a
        refusal.
        """
        review = await self._review(text, self._cuts, is_whole=False)
        answer = review.answer()
        if answer is None or answer.text == self._shown or not answer.text.startswith(self._shown):
            return ""
        if _may_recite(answer.text):
            return ""
        self._shown = answer.text
        if review.is_kept_to_its_end:
            self._cuts.add(len(self._tidied(text, is_whole=False)))
        return answer.text

    async def _review(self, text: str, cuts: set[int], *, is_whole: bool) -> Review:
        parts = parts_of(self._tidied(text, is_whole=is_whole), self._given, cuts)
        review = Review(self._context, parts, question=self._question, is_whole=is_whole)
        self._support = self._support or self._make_support()
        await review.judge(self._support)
        return review

    def _tidied(self, text: str, *, is_whole: bool) -> str:
        return tidied(_prepared(text, self._context), is_whole=is_whole)


def _prepared(text: str, context: Context) -> str:
    """Make a draft inert, without the constant refusal behind it; "" when it is a refusal."""
    urls = [snippet.chunk.url for snippet in context.snippets if snippet.chunk.url]
    text = disarm(text, urls=urls, hidden=SYSTEM_PROMPT)
    if is_refusal(text):
        return ""
    return QUOTED_CITATION.sub(r"\1", without_refusal(text))


def _may_recite(text: str) -> bool:
    """Say whether the end may be that of a piece of the prompt, which the check would remove."""
    folded = " ".join(text.lower().split())
    return folded[-PROMPT_CHARACTERS:] in " ".join(SYSTEM_PROMPT.lower().split())
