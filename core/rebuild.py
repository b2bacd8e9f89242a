"""Knowledge → generation: read, split, embed what is new, index, check, publish.

    lock → repair → read (unchanged? rolled back? collapsed? left whole by a crash?) → chunk → embed
    → index → quality gate → canaries → is the knowledge still what was read? → publish → prune

One builder at a time (core/lock.py). Embeddings are kept as they are finished (embedding_cache.py),
so a killed build resumes. Identical inputs publish nothing. Knowledge that was edited meanwhile is
read once more; edited again, what was read is published and the report says so. Whatever fails, the
live generation stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import guards
from .articles import Limits
from .build_state import BuildOutcome, state_written
from .candidate import Candidate, Maker
from .embedding import Embedded
from .embedding_cache import cache_bytes, trim_cache
from .errors import RebuildRefused
from .filesystems import lock_warning
from .generation_meta import Ending, make_meta, make_report
from .index import Index
from .inputs import Inputs, read_inputs
from .lock import BuildLock, build_lock
from .phases import OnProgress, PhaseClock
from .protocols import Embedder, EmbedderSpec
from .report import BuildReport, BuildStatus, Phase
from .snapshot import edited_files
from .store import Store

ATTEMPTS = 2  # knowledge that is edited during the build is read once more, then published
NAMED = 5  # edited files in a note


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What to build, from what, with what."""

    knowledge: Path
    folder: Path  # of the index
    embedder: Embedder | None  # None: lexical only
    limits: Limits = Limits()
    lock_timeout_seconds: float = 10.0
    purpose: str = "clockify-bot build"
    started_by: str = ""  # a Slack user id; "" from the command line
    force: bool = False  # publish what is unchanged, rolled back, collapsed or worse as well
    quality_questions: Path | None = None  # None: questions.jsonl beside the articles, if any
    quality_floor: float = 0.0  # share of them, from 0 to 1, that must be found
    cache_max_bytes: int = 512 * 2**20
    is_wanted: Callable[[], bool] = lambda: True  # asked before embedding and before publishing


async def rebuild(request: BuildRequest, on_progress: OnProgress = lambda _: None) -> BuildReport:
    """Build and publish; the index folder tells everyone how it goes and how it ended.

    Raises KnowledgeError, SettingsError, RebuildRefused, ModelUnavailable, LockTimeout,
    DurabilityUnknown, and OSError unchanged.
    """
    clock = PhaseClock(on_progress)
    folder, purpose = request.folder, request.purpose
    with ExitStack() as stack:
        with clock.phase(Phase.LOCKING):
            seconds = request.lock_timeout_seconds
            lock = stack.enter_context(build_lock(folder, timeout_seconds=seconds, purpose=purpose))
        with state_written(folder, purpose=purpose, started_by=request.started_by) as state:
            clock.also_tell(state.note)
            report = await _Build(request, lock, clock).run()
            state.end(BuildOutcome.DONE, report=report)
        Store(folder).prune(lock=lock)  # also what a build left that died before its own
        return report


class _Build:
    """One build that holds the lock."""

    def __init__(self, request: BuildRequest, lock: BuildLock, clock: PhaseClock) -> None:
        self._request = request
        self._lock = lock
        self._clock = clock
        self._store = Store(request.folder)
        self._cache = request.folder / "cache"
        self._live: Mapping[str, Any] | None = None  # meta of what answers now
        self._notes: list[str] = []

    async def run(self) -> BuildReport:
        """Build, or find that there is nothing to build."""
        with self._clock.phase(Phase.PREPARING):
            spec = await self._prepare()
        report, attempts = None, 0
        while report is None:
            attempts += 1
            report = await self._attempt(spec, may_repeat=attempts < ATTEMPTS)
        return report

    async def _prepare(self) -> EmbedderSpec | None:
        """Mend what a crash left, see what is live, open the model."""
        self._note(lock_warning(self._request.folder))
        for sentence in self._store.repair(lock=self._lock):
            self._note(sentence)
        self._store.check_room()
        self._live = self._store.meta()
        embedder = self._request.embedder
        return await embedder.spec() if embedder is not None else None

    async def _attempt(self, spec: EmbedderSpec | None, *, may_repeat: bool) -> BuildReport | None:
        """Build once; None: the knowledge was edited meanwhile and shall be read again."""
        told = len(self._notes)
        inputs = self._read(spec)
        ending = self._without_building(inputs)
        if ending is None:
            candidate = await self._maker(spec).make(inputs)
            with self._clock.phase(Phase.CHECKING, 1):
                canaries = await guards.make_canaries(candidate.index, self._request.embedder)
                edited = edited_files(inputs.path, inputs.files, self._request.limits)
            if edited and may_repeat:
                del self._notes[told:]  # of an attempt that does not count
                self._note(
                    f"The knowledge was edited during the build ({_some(edited)}): "
                    "it was read again."
                )
                return None
            if edited:
                self._note(
                    f"It was edited once more ({_some(edited)}): published is what was read "
                    "before that. Build again to take the edits in."
                )
            ending = self._publish(inputs, candidate, canaries)
        return make_report(
            ending, inputs, spec, seconds=self._clock.seconds, notes=tuple(self._notes)
        )

    def _read(self, spec: EmbedderSpec | None) -> Inputs:
        with self._clock.phase(Phase.READING) as advance:
            return read_inputs(
                self._request.knowledge,
                limits=self._request.limits,
                named_questions=self._request.quality_questions,
                spec=spec,
                on_file=advance,
            )

    def _without_building(self, inputs: Inputs) -> Ending | None:
        """Give what is there already; refuse what must not be published. None: build."""
        live, force = self._live, self._request.force
        is_live = live is not None and live["generation"] == self._store.live()
        is_safe = is_live and self._store.is_durable()
        if live is not None and is_safe and live.get("inputs") == inputs.digest and not force:
            return self._ending(BuildStatus.UNCHANGED, live, cache_bytes(self._cache))
        if number := self._store.rolled_back_from(inputs.digest):
            self._refuse(f"This knowledge is that of generation {number}, which was rolled back.")
        self._refuse(guards.collapse(inputs, live))
        self._check_wanted()
        return None if force else self._adopted(inputs)

    def _adopted(self, inputs: Inputs) -> Ending | None:
        """Make live what an earlier build of the same inputs had finished before it died."""
        number = self._store.adopt(inputs.digest, lock=self._lock)
        meta = self._store.meta() if number is not None else None
        if meta is None:
            return None
        self._note(f"Generation {number} was finished by a build that died before it was live.")
        return self._ending(BuildStatus.PUBLISHED, meta, cache_bytes(self._cache))

    def _maker(self, spec: EmbedderSpec | None) -> Maker:
        return Maker(
            embedder=self._request.embedder,
            spec=spec,
            cache_folder=self._cache,
            store=self._store,
            quality_floor=self._request.quality_floor,
            is_fresh=self._request.force,
            clock=self._clock,
        )

    def _publish(
        self, inputs: Inputs, candidate: Candidate, canaries: Sequence[guards.Canary]
    ) -> Ending:
        evaluation = candidate.evaluation
        if evaluation is not None:
            self._refuse(evaluation.report.refusal)
        self._note(candidate.note)
        self._note(_unembedded(candidate.embedded))

        def check(index: Index) -> None:
            guards.check_index(index, canaries)
            self._check_wanted()

        recorded = evaluation.recorded if evaluation is not None else None
        meta = make_meta(inputs, candidate.index, candidate.embedded, recorded)
        with self._clock.phase(Phase.PUBLISHING, 1):
            number = self._store.publish(candidate.index, meta, lock=self._lock, check=check)
        size = trim_cache(
            self._cache, max_bytes=self._request.cache_max_bytes, used=candidate.cache_used
        )
        return replace(
            self._ending(BuildStatus.PUBLISHED, {**meta, "generation": number}, size),
            embedded=candidate.embedded,
            quality=evaluation.report if evaluation is not None else None,
        )

    def _ending(self, status: BuildStatus, meta: Mapping[str, Any], kept_bytes: int) -> Ending:
        return Ending(
            status=status,
            meta=meta,
            before=self._live,
            folder=self._store.folder / "generations" / meta["generation"],
            cache_bytes=kept_bytes,
        )

    def _check_wanted(self) -> None:
        if not self._request.is_wanted():
            raise RebuildRefused(
                "The process that asked for this build has gone; nothing is published."
            )

    def _refuse(self, reason: str) -> None:
        """Refuse for a reason that force overrules; forced, the report names it. "": go on."""
        if reason and not self._request.force:
            raise RebuildRefused(f"{reason} Nothing is published. {guards.FORCE}")
        if reason:
            self._note(f"Published by force: {reason}")

    def _note(self, sentence: str | None) -> None:
        """Take a sentence into the report, once."""
        if sentence and sentence not in self._notes:
            self._notes.append(sentence)


def _unembedded(embedded: Embedded | None) -> str:
    rejected = embedded.rejected if embedded is not None else ()
    if not rejected:
        return ""
    return (
        f"{len(rejected)} chunks cannot be embedded and are found by words only: {_some(rejected)}."
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
