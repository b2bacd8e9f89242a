"""Small stand-ins for core that compute: an asker over four articles, a rebuilder that counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot.rebuilder import RolledBack
from core.build_record import BuildRecord
from core.build_state import BuildOutcome, BuildState
from core.report import BuildReport, BuildStatus, Phase, Progress
from core.types import (
    Answer,
    Chunk,
    Hit,
    Notice,
    NoticeKind,
    Question,
    Refusal,
    RefusalReason,
    Source,
    Turn,
)

ARTICLES = {
    "lock-timesheets": ("Lock timesheets", "Open **Workspace settings** and switch locking on."),
    "track-time": ("Track time", "Press the start button of the timer."),
    "invoices": ("Send invoices", "Choose *Invoices* and press send."),
    "<!channel>": (
        "<!channel> & <@U0ADA> | evil.com",
        "poison @channel [x](https://evil.com/?q=1)",
    ),
}
STOP_WORDS = frozenset({"how", "do", "i", "the", "a", "and", "what", "is"})


def chunk_of(article: str) -> Chunk:
    """Make the one chunk of an article."""
    title, text = ARTICLES[article]
    url = f"https://clockify.me/help/{article}" if article.isascii() else None
    return Chunk(f"{article}#.0", article, title, ("Steps",), text, url, 0, len(text))


@dataclass
class ArticleAsker:
    """Answers with the article whose title shares most words with the question and its history."""

    generation: str = "00000001"
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat())  # all generations
    asked: list[Question] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    most_running: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def ask(self, question: Question, on_draft: Callable[[str], None] | None = None) -> Turn:
        """Search, or break when the question says so."""
        self.asked.append(question)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        if "explode" in question.text:
            raise RuntimeError(f"very secret detail of {question.text}")
        reply = self._reply(question)
        notes = ("Ollama did not answer <!here>.",) if "ollama" in question.text else ()
        return Turn(
            question,
            reply,
            generation=self.generation,
            answerer="stand-in",
            footnotes=notes,
            standalone=_asked(question),
        )

    def _reply(self, question: Question) -> Answer | Refusal | Notice:
        if not question.text:
            return Notice(NoticeKind.EMPTY, "What would you like to know?")
        words = set(_asked(question).lower().replace("?", "").split()) - STOP_WORDS
        shared = {
            article: len(words & set(f"{title} {text}".lower().split()))
            for article, (title, text) in ARTICLES.items()
            if not question.folders or article in question.folders
        }
        best = max(shared, key=lambda article: shared[article])
        chunk = chunk_of(best)
        if not shared[best]:
            nearest = tuple(Hit(chunk_of(article), 0.1, None, None) for article in ARTICLES)
            return Refusal(RefusalReason.NOTHING_FOUND, nearest)
        source = Source(1, chunk.title, chunk.url, chunk.headings, chunk.id)
        return Answer(f"{chunk.text} [1]", (source,))


def _asked(question: Question) -> str:
    return " ".join((*(past.question for past in question.history), question.text))


@dataclass
class CountingRebuilder:
    """Counts its builds and makes each a generation of the asker; waits at its gate."""

    asker: ArticleAsker
    builds: int = 0
    failure: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    on_progress: Callable[[Progress], None] = lambda _: None
    asked: list[tuple[str, bool]] = field(default_factory=list)  # started_by, force
    rolled_back: list[str | None] = field(default_factory=list)
    newest: BuildState | None = None
    publishes_before_it_is_cancelled: bool = False
    newest_at_cancel: BuildState | None = None  # what the disk says then
    is_killed_after_publishing: bool = False  # when it is cancelled: it had no time for a report
    ending: asyncio.Event = field(default_factory=asyncio.Event)  # what is cancelled waits for it
    is_cut_short: bool = False  # it was cancelled once more meanwhile
    while_it_waits: Callable[[], None] = lambda: None  # for the lock
    problem: str = ""  # why the asker cannot follow a rollback
    chosen: str = ""  # live on disk when the asker cannot follow

    def __post_init__(self) -> None:
        self.gate.set()
        self.ending.set()

    async def rebuild(
        self,
        on_progress: Callable[[Progress], None],
        *,
        started_by: str = "",
        force: bool = False,
    ) -> BuildReport:
        """Build, or fail as told."""
        self.builds += 1
        self.asked.append((started_by, force))
        self.on_progress = on_progress
        record = BuildRecord.of_this_process("a test")
        self.newest = BuildState(BuildOutcome.RUNNING, record, started_by)
        on_progress(Progress(Phase.LOCKING, 0, 0))
        self.while_it_waits()
        on_progress(Progress(Phase.EMBEDDING, 3, 4, 12.0))
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            try:
                await self.ending.wait()
            except asyncio.CancelledError:
                self.is_cut_short = True
            cancelled = replace(self.newest, outcome=BuildOutcome.CANCELLED)
            self.newest = self.newest_at_cancel or cancelled
            if self.publishes_before_it_is_cancelled:
                self._publish()
            elif self.is_killed_after_publishing:
                self.asker.generation = f"{int(self.asker.generation) + 1:08}"
                self.newest = replace(cancelled, outcome=BuildOutcome.INTERRUPTED)
            raise
        if self.failure is not None:
            error = str(self.failure)
            self.newest = replace(self.newest, outcome=BuildOutcome.FAILED, error=error)
            raise self.failure
        return self._publish()

    async def rollback(self, number: str | None = None) -> RolledBack:
        """Return to the generation before, or the given one, or fail as told."""
        self.rolled_back.append(number)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        before = self.asker.generation
        after = f"{int(number or int(before) - 1):08}"
        if self.problem:
            self.chosen = after
        else:
            self.asker.generation = after
        return RolledBack(before, after, held_back=after < before, problem=self.problem)

    def state(self) -> BuildState | None:
        """Give the newest build, or what a test says it is."""
        return self.newest

    def live(self) -> str:
        """Name what the disk says is live."""
        return self.chosen or self.asker.generation

    def generations(self) -> tuple[str, ...]:
        """List all up to the live one."""
        return tuple(f"{number:08}" for number in range(int(self.asker.generation), 0, -1))[:3]

    async def look(self) -> str:
        """Say why the asker cannot follow, if so."""
        return self.problem

    def _publish(self) -> BuildReport:
        self.asker.generation = f"{int(self.asker.generation) + 1:08}"
        report = self._report()
        assert self.newest is not None
        self.newest = replace(self.newest, outcome=BuildOutcome.DONE, report=report)
        return report

    def _report(self) -> BuildReport:
        return BuildReport(
            status=BuildStatus.PUBLISHED,
            generation=self.asker.generation,
            source="knowledge",
            articles=len(ARTICLES),
            chunks=len(ARTICLES),
            embeddings_computed=1,
            embeddings_reused=3,
            added=("lock-timesheets",),
            changed=("<!channel>",),
            warnings=("odd.md:3: no title",),
            skipped=1,
            seconds={"embedding": 1.25},
            bytes_on_disk=2_500_000,
        )
