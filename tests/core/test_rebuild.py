"""Rebuilds: only what is new is embedded, equal inputs publish nothing, failures change nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.articles import read_knowledge
from core.guards import CANARIES
from core.rebuild import BuildRequest, rebuild
from core.recipe import RECIPE
from core.report import BuildReport, BuildStatus, Phase, Progress
from core.store import Store
from core.types import ChunkKind, Role

from .fakes import (
    ARTICLES,
    HashingEmbedder,
    build_once,
    hear,
    request,
    running,
    write_knowledge,
)

UNASKED = [phase for phase in Phase if phase is not Phase.EVALUATING]  # there are no questions


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    return write_knowledge(tmp_path / "kb")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index")


@pytest.fixture
def wanted(knowledge: Path, store: Store) -> BuildRequest:
    return request(knowledge, store.folder)


def again(knowledge: Path, store: Store, **settings: Any) -> tuple[BuildRequest, HashingEmbedder]:
    embedder = HashingEmbedder()
    return request(knowledge, store.folder, **{"embedder": embedder, **settings}), embedder


def many(count: int) -> dict[str, str]:
    """Give pages with one body chunk each, all different."""
    return {f"page-{n}": f"# Page {n}\n\nThe number {n} is written here.\n" for n in range(count)}


class TestReports:
    async def test_first_build(self, wanted: BuildRequest, store: Store) -> None:
        report = await rebuild(wanted)
        index = store.open().index
        assert report.status is BuildStatus.PUBLISHED
        assert report.generation == index.generation == "00000001"
        assert report.source == str(wanted.knowledge)
        assert report.articles == index.articles == len(ARTICLES)
        assert report.chunks == len(index.chunks) == 15
        assert (report.embeddings_computed, report.embeddings_reused) == (15, 0)
        assert report.added == tuple(sorted(ARTICLES))
        assert (report.changed, report.removed, report.warnings, report.skipped) == ((), (), (), 0)
        assert report.embedder == "hashing:hashed-words"
        files = (store.folder / "generations" / "00000001").iterdir()
        assert report.bytes_on_disk == sum(path.stat().st_size for path in files)
        assert list(report.seconds) == [phase.name.lower() for phase in UNASKED]

    async def test_every_chunk_is_embedded_as_a_document(self, knowledge: Path) -> None:
        wanted, embedder = again(knowledge, Store(knowledge.parent / "index"))
        await rebuild(wanted)
        chunks = Store(wanted.folder).open().index.chunks
        assert sorted(embedder.documents) == sorted(chunk.indexed_text for chunk in chunks)
        assert len(embedder.texts) == 15 + CANARIES  # which are embedded as questions
        summaries = [chunk for chunk in chunks if chunk.kind is ChunkKind.SUMMARY]
        assert [chunk.article_id for chunk in summaries] == sorted(ARTICLES)

    async def test_what_was_skipped_is_told(self, wanted: BuildRequest) -> None:
        (wanted.knowledge / "empty.md").write_text("")
        report = await rebuild(wanted)
        assert report.warnings == ("empty.md: file is empty",)
        assert report.skipped == 1

    async def test_json_round_trip(self, wanted: BuildRequest) -> None:
        (wanted.knowledge / "empty.md").write_text("")
        for report in (await rebuild(wanted), await rebuild(wanted)):
            read = BuildReport.from_json(json.loads(json.dumps(report.as_json())))
            assert read == report
            assert isinstance(read.status, BuildStatus)

    async def test_the_generation_records_what_it_was_made_of(
        self, wanted: BuildRequest, store: Store
    ) -> None:
        await rebuild(wanted)
        meta = store.meta()
        assert meta is not None
        assert meta["source"] == str(wanted.knowledge.resolve())
        size = sum(
            len(article.body.encode()) for article in read_knowledge(wanted.knowledge).articles
        )
        assert meta["counts"] == {"articles": 5, "chunks": 15, "bytes": size}
        assert (meta["recipe"], meta["quality"]) == (RECIPE, None)
        assert meta["embeddings"] == {"computed": 15, "reused": 0}
        assert sorted(meta["article_digests"]) == sorted(ARTICLES)
        assert meta["embedder"]["model"] == "hashed-words"
        listed = (store.folder / "generations" / "00000001" / "articles.jsonl").read_text()
        assert [json.loads(line)["title"] for line in listed.splitlines()] == [
            "Invoices",
            "Kiosk",
            "Lock timesheets",
            "Reports",
            "Track time",
        ]


class TestWhatIsNew:
    async def test_equal_inputs_publish_nothing(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        first = await rebuild(wanted)
        before = store.current()
        second, embedder = again(knowledge, store)
        report = await rebuild(second)
        assert report.status is BuildStatus.UNCHANGED
        assert embedder.documents == []
        assert store.current() == before
        assert store.numbers() == ["00000001"]
        assert (report.generation, report.chunks) == (first.generation, first.chunks)
        assert (report.embeddings_computed, report.embeddings_reused) == (0, 0)
        assert (report.added, report.changed, report.removed) == ((), (), ())
        assert (report.embedder, report.bytes_on_disk) == (first.embedder, first.bytes_on_disk)

    async def test_a_touched_file_is_no_change(self, wanted: BuildRequest) -> None:
        await rebuild(wanted)
        for page in wanted.knowledge.iterdir():
            page.write_bytes(page.read_bytes())
        assert (await rebuild(wanted)).status is BuildStatus.UNCHANGED

    async def test_force_publishes_all_the_same(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        await rebuild(wanted)
        forced, embedder = again(knowledge, store, force=True)
        report = await rebuild(forced)
        assert (report.status, report.generation) == (BuildStatus.PUBLISHED, "00000002")
        assert embedder.documents == []
        assert (report.embeddings_computed, report.embeddings_reused) == (0, 15)
        assert (report.added, report.changed, report.removed) == ((), (), ())

    async def test_only_a_changed_article_is_embedded(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        await rebuild(wanted)
        page = knowledge / "reports.md"
        page.write_text(page.read_text() + "\nSchedule a report by email.\n")
        second, embedder = again(knowledge, store)
        report = await rebuild(second)
        assert embedder.documents == [
            "Reports > Export\nExport a report as a spreadsheet or a document from the report "
            "page.\n\nSchedule a report by email."
        ]
        assert (report.embeddings_computed, report.embeddings_reused) == (1, 14)
        assert (report.added, report.changed, report.removed) == ((), ("reports",), ())
        assert report.generation == "00000002"
        hits = [c for c in store.open().index.chunks if "Schedule" in c.text]
        assert [chunk.id for chunk in hits] == ["reports#export.1"]

    async def test_removed_and_added_articles(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        await rebuild(wanted)
        (knowledge / "kiosk.md").rename(knowledge / "terminal.md")
        page = knowledge / "terminal.md"
        page.write_text(page.read_text().replace("help/kiosk", "help/terminal"))
        second, embedder = again(knowledge, store)
        report = await rebuild(second)
        assert (report.added, report.changed, report.removed) == (("terminal",), (), ("kiosk",))
        assert embedder.documents == []  # the same words under another address
        assert {c.article_id for c in store.open().index.chunks} == {
            *ARTICLES.keys() - {"kiosk"},
            "terminal",
        }

    async def test_a_new_address_alone_is_a_change(self, wanted: BuildRequest) -> None:
        await rebuild(wanted)
        page = wanted.knowledge / "kiosk.md"
        page.write_text(page.read_text().replace("docs.example", "help.example"))
        report = await rebuild(wanted)
        assert (report.status, report.changed) == (BuildStatus.PUBLISHED, ("kiosk",))

    async def test_another_embedder_embeds_all_again(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        await rebuild(wanted)
        other = HashingEmbedder(model="other", dimension=32)
        report = await rebuild(request(knowledge, store.folder, embedder=other))
        assert (report.status, report.embeddings_computed) == (BuildStatus.PUBLISHED, 15)
        spec = store.open().index.spec
        assert spec is not None
        assert (spec.model, spec.dimension) == ("other", 32)

    async def test_identical_chunks_are_embedded_once(self, tmp_path: Path, store: Store) -> None:
        page = "# Contact\n\nWrite to us at any time.\n"
        knowledge = write_knowledge(tmp_path / "kb", {"a": page, "b": page, "c": page})
        wanted, embedder = again(knowledge, store)
        report = await rebuild(wanted)
        assert sorted(embedder.documents) == ["Contact", "Contact\nWrite to us at any time."]
        assert (report.chunks, report.embeddings_computed, report.embeddings_reused) == (6, 2, 0)
        index = store.open().index
        assert index.vectors is not None
        rows = [row for row, chunk in enumerate(index.chunks) if chunk.kind is ChunkKind.BODY]
        assert len(rows) == 3
        assert (index.vectors.vectors[rows] == index.vectors.vectors[rows[0]]).all()
        report = await rebuild(again(knowledge, store, force=True)[0])
        assert (report.chunks, report.embeddings_computed, report.embeddings_reused) == (6, 0, 2)
        reused = store.open().index.vectors
        assert reused is not None
        assert np.array_equal(reused.vectors, index.vectors.vectors)

    async def test_vectors_belong_to_their_chunks(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        await rebuild(wanted)
        (knowledge / "aaa.md").write_text("# Aaa\n\nSomething that comes before all others.\n")
        await rebuild(wanted)
        index = store.open().index
        texts = [chunk.indexed_text for chunk in index.chunks]
        expected = await HashingEmbedder().embed(texts, role=Role.DOCUMENT)
        assert index.vectors is not None
        assert np.array_equal(index.vectors.vectors, expected)

    async def test_a_damaged_cache_entry_is_computed_again(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        await rebuild(wanted)
        before = store.open().index
        entries = sorted((store.folder / "cache").rglob("*.vec"))
        assert len(entries) == 15
        raw = entries[3].read_bytes()
        entries[3].write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
        forced, embedder = again(knowledge, store, force=True)
        report = await rebuild(forced)
        assert len(embedder.documents) == report.embeddings_computed == 1
        after = store.open().index
        assert before.vectors is not None
        assert after.vectors is not None
        assert np.array_equal(before.vectors.vectors, after.vectors.vectors)

    async def test_without_the_cache_all_is_computed_again(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        await rebuild(wanted)
        shutil.rmtree(store.folder / "cache")
        forced, embedder = again(knowledge, store, force=True)
        await rebuild(forced)
        assert len(embedder.documents) == 15

    async def test_the_cache_is_capped_after_publishing(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        entry_bytes = 32 + 4 * 64
        first = await rebuild(wanted)
        assert first.cache_bytes == 15 * entry_bytes
        write_knowledge(knowledge, {**ARTICLES, "kiosk": "# Kiosk\n\nAnother text.\n"})
        capped, embedder = again(knowledge, store, cache_max_bytes=15 * entry_bytes)
        second = await rebuild(capped)
        assert len(embedder.documents) == 1
        assert second.cache_bytes == 15 * entry_bytes  # the text of before is gone
        forced, embedder = again(knowledge, store, force=True, cache_max_bytes=entry_bytes)
        third = await rebuild(forced)
        assert (embedder.documents, third.cache_bytes) == ([], entry_bytes)
        assert (await rebuild(again(knowledge, store)[0])).cache_bytes == entry_bytes

    async def test_lexical_only(self, knowledge: Path, store: Store) -> None:
        phases: list[Phase] = []
        wanted = request(knowledge, store.folder, embedder=None)
        report = await rebuild(wanted, lambda progress: phases.append(progress.phase))
        assert report.embedder == "lexical only"
        assert (report.embeddings_computed, report.embeddings_reused) == (0, 0)
        assert Phase.EMBEDDING not in phases
        index = store.open().index
        assert (index.vectors, index.spec) == (None, None)
        assert (await rebuild(wanted)).status is BuildStatus.UNCHANGED
        with_vectors, _ = again(knowledge, store)
        assert (await rebuild(with_vectors)).status is BuildStatus.PUBLISHED

    async def test_old_generations_are_pruned(self, wanted: BuildRequest, store: Store) -> None:
        for n in range(5):
            (wanted.knowledge / "kiosk.md").write_text(f"# Kiosk\n\nVersion {n} of the text.\n")
            await rebuild(wanted)
        assert store.numbers() == ["00000003", "00000004", "00000005"]


class TestDamagedStore:
    async def test_a_damaged_generation_is_rebuilt_without_force(
        self, wanted: BuildRequest, store: Store
    ) -> None:
        await rebuild(wanted)
        (store.folder / "generations" / "00000001" / "chunks.jsonl").unlink()
        report = await rebuild(wanted)
        assert report.status is BuildStatus.PUBLISHED
        assert report.embeddings_computed == 0
        assert "00000001 is damaged" in report.notes[0]
        assert store.open().damaged == ()

    async def test_an_equal_older_generation_takes_its_place(
        self, knowledge: Path, store: Store
    ) -> None:
        for _ in range(2):
            await rebuild(again(knowledge, store, force=True)[0])
        (store.folder / "generations" / "00000002" / "chunks.jsonl").unlink()
        assert len(store.open().damaged) == 1
        report = await rebuild(again(knowledge, store)[0])
        assert (report.status, report.generation) == (BuildStatus.UNCHANGED, "00000001")
        assert any("00000002" in note for note in report.notes)
        assert store.open().damaged == ()

    async def test_a_lost_current_is_written_again(
        self, wanted: BuildRequest, store: Store
    ) -> None:
        await rebuild(wanted)
        (store.folder / "CURRENT").unlink()
        report = await rebuild(wanted)
        assert store.live() == store.open().index.generation == report.generation == "00000001"
        assert "CURRENT is missing" in report.notes[0]


class TestProgress:
    async def test_phases_in_order_and_never_more_done_than_there_is(
        self, tmp_path: Path, store: Store
    ) -> None:
        knowledge = write_knowledge(tmp_path / "kb", many(30))
        seen: list[Progress] = []
        await rebuild(request(knowledge, store.folder), seen.append)
        phases = list(dict.fromkeys(progress.phase for progress in seen))
        assert phases == UNASKED
        assert [p.phase for p in seen] == sorted((p.phase for p in seen), key=phases.index)
        for phase in phases:
            of_phase = [progress for progress in seen if progress.phase is phase]
            done = [progress.done for progress in of_phase]
            assert done == sorted(done)
            assert done[0] == 0
            assert all(progress.done <= progress.total for progress in of_phase)
            assert all(p.seconds_left is None or p.seconds_left >= 0 for p in of_phase)
        embedding = [(p.done, p.total) for p in seen if p.phase is Phase.EMBEDDING]
        assert embedding == [(0, 0), (16, 60), (32, 60), (48, 60), (60, 60)]

    async def test_embedding_counts_what_is_left_to_embed(
        self, wanted: BuildRequest, knowledge: Path, store: Store
    ) -> None:
        await rebuild(wanted)
        (knowledge / "kiosk.md").write_text("# Kiosk\n\nAnother text.\n")
        seen: list[Progress] = []
        await rebuild(wanted, seen.append)
        last = [p for p in seen if p.phase is Phase.EMBEDDING][-1]
        assert (last.done, last.total) == (1, 1)

    async def test_an_unchanged_build_stops_after_reading(self, wanted: BuildRequest) -> None:
        await rebuild(wanted)
        seen: list[Progress] = []
        report = await rebuild(wanted, seen.append)
        phases = {progress.phase for progress in seen}
        assert phases == {Phase.LOCKING, Phase.PREPARING, Phase.READING}
        assert list(report.seconds) == ["locking", "preparing", "reading"]


def test_the_same_input_gives_the_same_bytes(knowledge: Path, store: Store) -> None:
    """Twice in processes of their own, so that nothing depends on the order of hashes."""
    for _ in range(2):
        with running(build_once, knowledge, store.folder) as (_process, pipe):
            hear(pipe)
    first, second = store.numbers()
    checksums = []
    for number in (first, second):
        meta = json.loads((store.folder / "generations" / number / "meta.json").read_bytes())
        checksums.append(meta["files"])
        assert len(meta["files"]) == 6
    assert checksums[0] == checksums[1]


async def test_one_changed_article_of_250_costs_its_own_embeddings(
    tmp_path: Path, store: Store
) -> None:
    pages = {f"page-{n:03}": f"# Page {n:03}\n\nNumber n{n:03} is here.\n" for n in range(250)}
    knowledge = write_knowledge(tmp_path / "kb", pages)
    wanted, embedder = again(knowledge, store)
    assert (await rebuild(wanted)).embeddings_computed == 500
    page = knowledge / "page-117.md"
    page.write_text(page.read_text() + "\n## More\n\nOne more section.\n")
    wanted, embedder = again(knowledge, store)
    report = await rebuild(wanted)
    assert embedder.documents == ["Page 117\nMore", "Page 117 > More\nOne more section."]
    assert len(embedder.texts) == 2 + CANARIES
    assert (report.embeddings_computed, report.embeddings_reused) == (2, 499)
    assert (report.added, report.changed, report.removed) == ((), ("page-117",), ())
    wanted, embedder = again(knowledge, store)
    assert (await rebuild(wanted)).status is BuildStatus.UNCHANGED
    assert embedder.texts == []
