"""The state of a build on disk: true while it runs, at its end, and when another one waits."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.build_record import BuildRecord
from core.build_state import (
    STATE_NAME,
    WRITTEN_EVERY_SECONDS,
    BuildOutcome,
    BuildState,
    StateWriter,
    read_state,
    state_written,
    write_state,
)
from core.errors import KnowledgeError, LockTimeout, ModelUnavailable
from core.lock import GUARD_NAME, build_lock, is_locked
from core.protocols import EmbedderSpec
from core.rebuild import BuildRequest, rebuild
from core.report import BuildReport, BuildStatus, Phase, Progress, QualityReport
from core.types import Role, Vectors

from .fakes import (
    HashingEmbedder,
    embed_and_die,
    hear,
    hold_lock,
    request,
    running,
    write_knowledge,
)


@pytest.fixture
def wanted(tmp_path: Path) -> BuildRequest:
    knowledge = write_knowledge(tmp_path / "kb")
    return request(knowledge, tmp_path / "index", started_by="U0ADA", purpose="a test")


def seen_while(wanted: BuildRequest, folder: Path) -> list[BuildState]:
    """Collect the state on disk at each step of progress of a build."""
    states: list[BuildState] = []

    def look(_: Progress) -> None:
        state = read_state(folder)
        if state is not None:
            states.append(state)

    asyncio.run(rebuild(wanted, look))
    return states


class TestWhileItRuns:
    def test_it_names_process_person_and_phase(self, wanted: BuildRequest) -> None:
        states = seen_while(wanted, wanted.folder)
        assert {state.outcome for state in states} == {BuildOutcome.RUNNING}
        assert {state.started_by for state in states} == {"U0ADA"}
        assert {state.record.pid for state in states} == {os.getpid()}
        assert {state.record.purpose for state in states} == {"a test"}
        phases = list(dict.fromkeys(s.progress.phase for s in states if s.progress is not None))
        expected = [p for p in Phase if p not in (Phase.LOCKING, Phase.EVALUATING)]
        assert phases == expected

    def test_it_is_written_at_new_phases_and_once_a_second(self, tmp_path: Path) -> None:
        writer = StateWriter(tmp_path, purpose="a test", started_by="")
        writer.note(Progress(Phase.EMBEDDING, 1, 10_000))
        began = (tmp_path / STATE_NAME).stat()
        for done in range(2, 1000):
            writer.note(Progress(Phase.EMBEDDING, done, 10_000))
        assert WRITTEN_EVERY_SECONDS == 1.0
        state = read_state(tmp_path)
        assert state is not None
        assert state.progress == Progress(Phase.EMBEDDING, 1, 10_000)
        assert (tmp_path / STATE_NAME).stat().st_mtime_ns == began.st_mtime_ns
        writer.note(Progress(Phase.INDEXING, 0, 7))
        state = read_state(tmp_path)
        assert state is not None
        assert state.progress == Progress(Phase.INDEXING, 0, 7)

    def test_progress_goes_on_within_a_phase(self, tmp_path: Path) -> None:
        writer = StateWriter(tmp_path, purpose="a test", started_by="")
        writer.note(Progress(Phase.EMBEDDING, 1, 9))
        writer.written_at -= WRITTEN_EVERY_SECONDS  # as if a second had passed
        writer.note(Progress(Phase.EMBEDDING, 2, 9))
        state = read_state(tmp_path)
        assert state is not None
        assert state.progress == Progress(Phase.EMBEDDING, 2, 9)


class TestAtTheEnd:
    async def test_a_good_build_leaves_its_report(self, wanted: BuildRequest) -> None:
        for status in (BuildStatus.PUBLISHED, BuildStatus.UNCHANGED):
            report = await rebuild(wanted)
            state = read_state(wanted.folder)
            assert state is not None
            assert (state.outcome, state.report) == (BuildOutcome.DONE, report)
            assert report.status is status
            assert state.ended >= state.record.since
            assert (state.error, state.started_by) == ("", "U0ADA")

    async def test_a_refused_one_leaves_the_sentence(self, wanted: BuildRequest) -> None:
        write_knowledge(wanted.knowledge, {})
        with pytest.raises(KnowledgeError) as refused:
            await rebuild(wanted)
        state = read_state(wanted.folder)
        assert state is not None
        assert (state.outcome, state.error) == (BuildOutcome.FAILED, str(refused.value))
        assert state.report is None
        assert state.ended

    async def test_a_missing_model_is_told_as_well(self, wanted: BuildRequest) -> None:
        embedder = HashingEmbedder()
        embedder.down = True
        with pytest.raises(ModelUnavailable):
            await rebuild(replace(wanted, embedder=embedder))
        state = read_state(wanted.folder)
        assert state is not None
        assert (state.outcome, state.error) == (
            BuildOutcome.FAILED,
            "The hashing embedder is down.",
        )

    @pytest.mark.parametrize(
        ("error", "outcome", "told"),
        [
            (KeyboardInterrupt(), BuildOutcome.CANCELLED, ""),
            (SystemExit(1), BuildOutcome.CANCELLED, ""),
            (asyncio.CancelledError(), BuildOutcome.CANCELLED, ""),
            (OSError(28, "No space left"), BuildOutcome.FAILED, "OSError: [Errno 28] No space"),
            (ZeroDivisionError("x"), BuildOutcome.FAILED, "ZeroDivisionError: x"),
        ],
        ids=["Ctrl-C", "exit", "cancelled", "full disk", "mistake"],
    )
    def test_what_else_may_end_it(
        self, wanted: BuildRequest, error: BaseException, outcome: BuildOutcome, told: str
    ) -> None:
        def fail(_: Sequence[str]) -> None:
            raise error

        async def work() -> None:
            with pytest.raises(type(error)):
                await rebuild(replace(wanted, embedder=HashingEmbedder(on_embed=fail)))

        asyncio.run(work())
        state = read_state(wanted.folder)
        assert state is not None
        assert state.outcome is outcome
        assert state.error.startswith(told)

    async def test_a_task_that_is_cancelled(self, wanted: BuildRequest) -> None:
        class Hanging(HashingEmbedder):
            async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
                is_there.set()
                await asyncio.Event().wait()
                raise AssertionError("it hangs for ever")

        is_there = asyncio.Event()
        task = asyncio.ensure_future(rebuild(replace(wanted, embedder=Hanging())))
        await is_there.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        state = read_state(wanted.folder)
        assert state is not None
        assert state.outcome is BuildOutcome.CANCELLED
        assert state.progress is not None
        assert state.progress.phase is Phase.EMBEDDING

    def test_a_killed_one_was_interrupted(self, wanted: BuildRequest) -> None:
        with running(embed_and_die, wanted.knowledge, wanted.folder, 0) as (process, _):
            process.join(20)
            assert process.exitcode == -9
        state = read_state(wanted.folder)
        assert state is not None
        assert state.outcome is BuildOutcome.INTERRUPTED
        report = asyncio.run(rebuild(wanted))
        state = read_state(wanted.folder)
        assert state is not None
        assert (state.outcome, state.report) == (BuildOutcome.DONE, report)


class TestOutOfSight:
    """The process is on another host or in another container; the lock tells whether it lives."""

    def test_it_runs_as_long_as_the_lock_is_held(self, tmp_path: Path) -> None:
        away = replace(BuildRecord.of_this_process("a test"), host="elsewhere", start_token="")
        write_state(tmp_path, BuildState(BuildOutcome.RUNNING, away))
        with running(hold_lock, tmp_path, "a container") as (process, pipe):
            hear(pipe)
            assert outcome_in(tmp_path) is BuildOutcome.RUNNING
            process.kill()
            process.join(20)
            assert outcome_in(tmp_path) is BuildOutcome.INTERRUPTED
        (tmp_path / GUARD_NAME).unlink()
        assert outcome_in(tmp_path) is BuildOutcome.INTERRUPTED
        assert not (tmp_path / GUARD_NAME).exists()

    def test_the_look_leaves_the_lock_free(self, tmp_path: Path) -> None:
        with build_lock(tmp_path, timeout_seconds=0, purpose="a test"):
            assert is_locked(tmp_path)
        for _ in range(2):
            assert not is_locked(tmp_path)
        with build_lock(tmp_path, timeout_seconds=0, purpose="a test"):
            pass


def outcome_in(folder: Path) -> BuildOutcome:
    state = read_state(folder)
    assert state is not None
    return state.outcome


def test_a_long_error_keeps_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError), state_written(tmp_path, purpose="a test", started_by=""):
        raise KnowledgeError(f"Gone: {'x' * 5000}. Run: clockify-bot build --force")
    state = read_state(tmp_path)
    assert state is not None
    assert len(state.error) < 2100
    assert state.error.startswith("Gone: xxx")
    assert state.error.endswith("x. Run: clockify-bot build --force")


def test_a_path_that_is_no_text_can_be_written(tmp_path: Path) -> None:
    record = BuildRecord.of_this_process("build of kb-\udcff")
    write_state(tmp_path, BuildState(BuildOutcome.RUNNING, record))
    state = read_state(tmp_path)
    assert state is not None
    assert state.record.purpose == "build of kb-\udcff"


async def test_a_build_that_waits_in_vain_leaves_the_running_ones_state(
    wanted: BuildRequest,
) -> None:
    is_there, go_on = asyncio.Event(), asyncio.Event()

    class Waiting(HashingEmbedder):
        async def spec(self) -> EmbedderSpec:
            is_there.set()
            await go_on.wait()
            return await super().spec()

    first = asyncio.ensure_future(rebuild(replace(wanted, embedder=Waiting())))
    await is_there.wait()
    raw = (wanted.folder / STATE_NAME).read_bytes()
    late = replace(wanted, started_by="U0LATE", lock_timeout_seconds=0.0, embedder=None)
    with pytest.raises(LockTimeout):
        await rebuild(late)
    assert (wanted.folder / STATE_NAME).read_bytes() == raw
    go_on.set()
    report = await first
    state = read_state(wanted.folder)
    assert state is not None
    assert (state.started_by, state.report) == ("U0ADA", report)


class TestOnDisk:
    STATE = BuildState(
        BuildOutcome.DONE,
        BuildRecord.of_this_process("a test"),
        started_by="U0ADA",
        progress=Progress(Phase.PUBLISHING, 1, 1, 0.0),
        report=BuildReport(
            status=BuildStatus.PUBLISHED,
            generation="00000001",
            source="kb",
            articles=1,
            chunks=2,
            embeddings_computed=2,
            embeddings_reused=0,
            quality=QualityReport(questions=3, hits=2, live_hits=3, worse=("why?",)),
            notes=("Forced.",),
            file_bytes={"chunks.jsonl": 7},
            cache_bytes=9,
        ),
        ended="2030-01-01T00:00:00+00:00",
    )

    def test_it_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        assert read_state(tmp_path) is None
        write_state(tmp_path, self.STATE)
        assert read_state(tmp_path) == self.STATE
        assert [path.name for path in tmp_path.iterdir()] == [STATE_NAME]

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"[]", b"null", b"\xff", b'{"outcome": "done"}']
    )
    def test_a_torn_one_is_none(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / STATE_NAME).write_bytes(content)
        assert read_state(tmp_path) is None

    def test_a_folder_that_cannot_be_written_is_no_error(self, tmp_path: Path) -> None:
        (tmp_path / STATE_NAME).mkdir()
        write_state(tmp_path, self.STATE)
        assert read_state(tmp_path) is None
        assert [path.name for path in tmp_path.iterdir()] == [STATE_NAME]

    def test_reports_from_before_there_were_notes_are_read(self) -> None:
        assert self.STATE.report is not None
        raw = json.loads(json.dumps(self.STATE.report.as_json()))
        assert BuildReport.from_json(raw) == self.STATE.report
        for name in ("quality", "notes", "file_bytes", "cache_bytes"):
            del raw[name]
        old = BuildReport.from_json(raw)
        assert (old.quality, old.notes, old.file_bytes, old.cache_bytes) == (None, (), {}, 0)
