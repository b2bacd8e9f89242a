"""Builds that fail, die or are not wanted: the live generation stays, what is embedded is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.build_state import BuildOutcome, read_state
from core.embedding import BATCH
from core.errors import KnowledgeError, LockTimeout, ModelUnavailable, RebuildRefused
from core.lock import build_lock
from core.rebuild import BuildRequest, rebuild
from core.report import BuildReport, BuildStatus
from core.store import Store
from core.types import Role, Vectors

from .fakes import HashingEmbedder, embed_and_die, hear, request, running, write_knowledge


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    return write_knowledge(tmp_path / "kb")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index")


@pytest.fixture
def wanted(knowledge: Path, store: Store) -> BuildRequest:
    return request(knowledge, store.folder)


def again(
    knowledge: Path, store: Store, *, force: bool = False
) -> tuple[BuildRequest, HashingEmbedder]:
    embedder = HashingEmbedder()
    return request(knowledge, store.folder, embedder=embedder, force=force), embedder


def many(count: int) -> dict[str, str]:
    """Give pages with one body chunk each, all different."""
    return {f"page-{n}": f"# Page {n}\n\nThe number {n} is written here.\n" for n in range(count)}


class TestFailures:
    """Whatever fails, the live generation stays as it was."""

    async def test_no_articles(self, wanted: BuildRequest, store: Store) -> None:
        await rebuild(wanted)
        before = store.current()
        write_knowledge(wanted.knowledge, {})
        (wanted.knowledge / "empty.md").write_text("")
        with pytest.raises(KnowledgeError) as refused:
            await rebuild(wanted)
        assert str(refused.value).startswith(
            f"{wanted.knowledge} holds no article; nothing is published (empty.md: file is empty)."
        )
        assert refused.value.exit_code == 2
        assert store.current() == before
        assert store.open().index.articles == 5

    async def test_no_knowledge(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(KnowledgeError, match="nowhere"):
            await rebuild(request(tmp_path / "nowhere", store.folder))
        assert store.current() is None

    async def test_no_text_to_quote(self, store: Store, tmp_path: Path) -> None:
        knowledge = write_knowledge(tmp_path / "kb", {"a": "# One\n\n## Two\n\n### Three\n"})
        with pytest.raises(RebuildRefused, match="nothing is published"):
            await rebuild(request(knowledge, store.folder))
        assert store.current() is None

    async def test_embedder_missing_from_the_start(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        await rebuild(wanted)
        before = store.current()
        broken, embedder = again(knowledge, store, force=True)
        embedder.down = True
        with pytest.raises(ModelUnavailable, match="hashing embedder is down"):
            await rebuild(broken)
        assert store.current() == before

    async def test_embedder_that_fails_half_way(self, tmp_path: Path, store: Store) -> None:
        knowledge = write_knowledge(tmp_path / "kb", many(30))
        embedder = HashingEmbedder()

        def fail_later(_: Sequence[str]) -> None:
            if len(embedder.documents) >= 2 * BATCH:
                raise ModelUnavailable("The third batch failed.")

        embedder.on_embed = fail_later
        with pytest.raises(ModelUnavailable, match="third batch"):
            await rebuild(request(knowledge, store.folder, embedder=embedder))
        assert store.current() is None
        assert store.numbers() == []
        second, fresh = again(knowledge, store)
        report = await rebuild(second)
        assert report.chunks == 60
        assert len(fresh.documents) == report.embeddings_computed == 60 - 2 * BATCH
        assert report.embeddings_reused == 2 * BATCH
        assert not {*fresh.documents} & {*embedder.documents}

    @pytest.mark.parametrize("factor", ["nan", "0", "3"])
    async def test_vectors_that_are_no_directions(
        self, wanted: BuildRequest, knowledge: Path, store: Store, factor: str
    ) -> None:
        embedder = Scaling(float(factor))
        with pytest.raises(RebuildRefused, match="has a vector that is not of length 1"):
            await rebuild(request(knowledge, store.folder, embedder=embedder))
        assert store.current() is None
        report = await rebuild(wanted)  # the same model, repaired: nothing bad was kept
        assert report.embeddings_computed == 15 - len(embedder.documents) + embedder.scaled

    async def test_the_lock_is_waited_for_and_freed(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        with build_lock(store.folder, timeout_seconds=1, purpose="the other build"):
            hasty = request(knowledge, store.folder, lock_timeout_seconds=0.1)
            with pytest.raises(LockTimeout, match="the other build"):
                await rebuild(hasty)
        assert store.current() is None
        write_knowledge(wanted.knowledge, {})
        with pytest.raises(KnowledgeError):
            await rebuild(wanted)
        write_knowledge(wanted.knowledge)
        assert (await rebuild(wanted)).status is BuildStatus.PUBLISHED


class Scaling(HashingEmbedder):
    """Gives one vector of each batch a wrong length."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.scaled = 0

    async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        rows = await super().embed(texts, role=role)
        rows[-1] *= np.float32(self.factor)
        self.scaled += 1
        return rows


class TestKilled:
    @pytest.mark.parametrize("batches", [0, 1, 3])
    def test_the_next_build_goes_on_from_there(
        self, tmp_path: Path, store: Store, batches: int
    ) -> None:
        knowledge = write_knowledge(tmp_path / "kb", many(40))
        with running(embed_and_die, knowledge, store.folder, batches) as (process, _):
            process.join(20)
            assert process.exitcode == -9
        assert store.current() is None
        wanted, embedder = again(knowledge, store)
        report = asyncio.run(rebuild(wanted))
        assert report.chunks == 80
        assert len(embedder.documents) == report.embeddings_computed == 80 - batches * BATCH
        assert report.embeddings_reused == batches * BATCH

    def test_killed_twice_every_text_is_embedded_once_in_all(
        self, tmp_path: Path, store: Store
    ) -> None:
        knowledge = write_knowledge(tmp_path / "kb", many(40))
        embedded: list[str] = []
        for batches in (1, 2):
            with running(embed_and_die, knowledge, store.folder, batches) as (process, pipe):
                for _ in range(batches):
                    embedded += hear(pipe)
                process.join(20)
                assert process.exitcode == -9
        wanted, embedder = again(knowledge, store)
        report = asyncio.run(rebuild(wanted))
        assert report.embeddings_reused == len(embedded) == 3 * BATCH
        chunks = store.open().index.chunks
        texts = sorted(chunk.indexed_text for chunk in chunks)
        assert sorted(embedded + embedder.documents) == texts


class TestNotWanted:
    """The process that asked has gone."""

    async def test_nothing_is_published(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        await rebuild(wanted)
        before = store.current()
        (knowledge / "new.md").write_text("# New\n\nAnother page.\n")
        leaving, embedder = again(knowledge, store)
        with pytest.raises(RebuildRefused, match="has gone; nothing is published"):
            await rebuild(replace(leaving, is_wanted=lambda: not embedder.documents))
        assert (store.current(), store.numbers()) == (before, ["00000001"])
        state = read_state(store.folder)
        assert state is not None
        assert state.outcome is BuildOutcome.FAILED
        resumed, embedder = again(knowledge, store)
        await rebuild(resumed)
        assert embedder.documents == []  # its cache stays

    async def test_it_is_asked_as_late_as_can_be(self, wanted: BuildRequest, store: Store) -> None:
        written: list[list[str]] = []

        def is_wanted() -> bool:
            written.append(sorted(f.name for f in (store.folder / "generations").glob("*/*")))
            return True

        await rebuild(replace(wanted, is_wanted=is_wanted))
        assert store.numbers() == ["00000001"]
        files = (store.folder / "generations" / "00000001").iterdir()
        assert written[-1] == sorted(path.name for path in files)  # all is there but the name

    async def test_it_is_asked_before_anything_is_embedded(
        self, knowledge: Path, store: Store
    ) -> None:
        wanted, embedder = again(knowledge, store)
        with pytest.raises(RebuildRefused, match="has gone"):
            await rebuild(replace(wanted, is_wanted=lambda: False))
        assert embedder.texts == []


def unpublish(store: Store, number: str) -> None:
    """Leave things as a builder does that is killed right before CURRENT is replaced."""
    (store.folder / "CURRENT").write_bytes((store.folder.parent / number).read_bytes())


def keep_current(store: Store) -> str:
    """Remember CURRENT for unpublish; gives the number of what is live."""
    (store.folder.parent / store.live()).write_bytes((store.folder / "CURRENT").read_bytes())
    return store.live()


class TestAdopted:
    @pytest.fixture
    async def crashed(self, wanted: BuildRequest, store: Store) -> BuildReport:
        """Give the report of a second generation that did not become live."""
        await rebuild(wanted)
        first = keep_current(store)
        (wanted.knowledge / "new.md").write_text("# New\n\nAnother page.\n")
        report = await rebuild(wanted)
        unpublish(store, first)
        assert (store.live(), store.numbers()) == ("00000001", ["00000001", "00000002"])
        return report

    async def test_a_whole_generation_is_made_live(
        self, crashed: BuildReport, knowledge: Path, store: Store
    ) -> None:
        wanted, embedder = again(knowledge, store)
        report = await rebuild(wanted)
        assert (report.status, report.generation) == (BuildStatus.PUBLISHED, "00000002")
        assert report.notes == (
            "Generation 00000002 was finished by a build that died before it was live.",
        )
        assert embedder.texts == []
        assert (report.embeddings_computed, report.embeddings_reused) == (0, 0)
        assert (report.added, report.changed, report.removed) == (("new",), (), ())
        assert (report.articles, report.chunks) == (crashed.articles, crashed.chunks)
        assert report.file_bytes == crashed.file_bytes
        assert store.live() == "00000002"
        assert store.numbers() == ["00000001", "00000002"]

    async def test_other_knowledge_is_built(
        self, crashed: BuildReport, knowledge: Path, store: Store
    ) -> None:
        (knowledge / "new.md").write_text("# New\n\nYet another page.\n")
        report = await rebuild(again(knowledge, store)[0])
        assert (report.generation, report.added, report.notes) == ("00000003", ("new",), ())

    async def test_not_for_a_process_that_has_gone(
        self, crashed: BuildReport, wanted: BuildRequest, store: Store
    ) -> None:
        with pytest.raises(RebuildRefused, match="has gone"):
            await rebuild(replace(wanted, is_wanted=lambda: False))
        assert store.live() == "00000001"


class TestRolledBack:
    async def test_its_knowledge_is_not_published_again_unless_forced(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        await rebuild(wanted)
        page = knowledge / "kiosk.md"
        before, after = page.read_text(), page.read_text() + "\nA bad edit.\n"
        page.write_text(after)
        await rebuild(wanted)
        with build_lock(store.folder, timeout_seconds=1, purpose="a test") as lock:
            assert store.rollback(None, lock=lock) == ("00000002", "00000001")
        refused, embedder = again(knowledge, store)
        with pytest.raises(RebuildRefused) as told:
            await rebuild(refused)
        assert str(told.value) == (
            "This knowledge is that of generation 00000002, which was rolled back. "
            "Nothing is published. If that is right, run: clockify-bot build --force "
            "(in Slack: /clockify-rebuild force)."
        )
        assert (store.live(), embedder.texts) == ("00000001", [])

        page.write_text(before)
        assert (await rebuild(wanted)).status is BuildStatus.UNCHANGED
        page.write_text(after)
        report = await rebuild(again(knowledge, store, force=True)[0])
        assert (report.status, report.generation) == (BuildStatus.PUBLISHED, "00000003")
        assert report.notes == (
            "Published by force: This knowledge is that of generation 00000002, which was "
            "rolled back.",
        )
        page.write_text(before)
        await rebuild(wanted)
        page.write_text(after)
        assert (await rebuild(wanted)).status is BuildStatus.PUBLISHED  # forgiven


async def test_old_generations_that_stay_do_not_fail_a_build_that_is_live(
    wanted: BuildRequest, knowledge: Path, store: Store
) -> None:
    await rebuild(wanted)

    def damage_the_old_one() -> bool:
        chunks = store.folder / "generations" / "00000001" / "chunks.jsonl"
        if chunks.exists():
            chunks.unlink()
            (store.folder / "quarantine").write_text("a file where a folder should be")
        return True

    (knowledge / "new.md").write_text("# New\n\nAnother page.\n")
    report = await rebuild(replace(wanted, is_wanted=damage_the_old_one))
    assert (report.status, store.live()) == (BuildStatus.PUBLISHED, "00000002")
