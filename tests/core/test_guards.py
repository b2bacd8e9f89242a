"""Guards before publishing: unit by unit, and that a rebuild asks them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core import guards
from core.articles import Limits
from core.embedders.embedded import EmbeddedEmbedder
from core.errors import RebuildRefused
from core.index import Index
from core.inputs import Inputs, read_inputs
from core.protocols import Embedder
from core.rebuild import rebuild
from core.report import BuildStatus
from core.store import Store
from core.types import Role, Vectors
from core.vectors import VectorIndex, build_vectors

from .fakes import ARTICLES, HashingEmbedder, request, write_knowledge

HELP_CENTER = Path(__file__).parents[3] / "shared" / "data" / "knowledge_helpcenter.md"
SUBJECTS = """
invoice kiosk calendar expense payroll client budget reminder webhook approval scheduler template
screenshot estimate currency holiday overtime attendance dashboard integration password keyboard
shortcut browser extension mobile desktop backup archive onboarding
"""
NAMES = SUBJECTS.split()


def subjects(count: int = 30) -> dict[str, str]:
    """Give pages of which each is about something else."""
    return {
        subject: f"# About the {subject}\n\nOpen the {subject} page and choose {other}.\n"
        for subject, other in zip(NAMES[:count], NAMES[1:] + NAMES[:1], strict=False)
    }


def unit(rows: NDArray[np.float64]) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


async def built(folder: Path, *, embedder: Embedder | None, pages: Mapping[str, str]) -> Index:
    """Give the index of some pages, as it was published."""
    knowledge = write_knowledge(folder / "kb", pages)
    await rebuild(request(knowledge, folder / "index", embedder=embedder))
    return Store(folder / "index").open().index


class Replaced(HashingEmbedder):
    """A model that another one took the place of: its questions do not meet the kept vectors."""

    async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        rows = await super().embed(texts, role=role)
        return rows if role is Role.DOCUMENT else np.ascontiguousarray(-rows)


class LongQuestions(HashingEmbedder):
    """Gives questions vectors that are no directions."""

    async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        rows = await super().embed(texts, role=role)
        return rows if role is Role.DOCUMENT else rows * np.float32(3)


class HalfBlind:
    """A graph that finds only the even rows; it computes, exactly."""

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors

    def knn_query(self, query: Vectors, *, k: int, num_threads: int) -> tuple[Any, Any]:
        nearness = self.vectors[::2] @ query[0]
        rows = 2 * np.argsort(-nearness)[:k]
        return rows[np.newaxis], None


class TestRecall:
    def test_hnsw_finds_what_exact_search_finds(self) -> None:
        rows = unit(np.random.default_rng(0).normal(size=(600, 32)))
        assert guards.recall(build_vectors(rows)) == 1.0

    def test_what_is_not_found_counts(self) -> None:
        rows = unit(np.random.default_rng(0).normal(size=(600, 32)))
        assert 0.4 < guards.recall(VectorIndex(rows, HalfBlind(rows))) < 0.6

    def test_an_equal_neighbour_counts_as_well(self) -> None:
        pairs = np.repeat(np.random.default_rng(0).normal(size=(300, 32)), 2, axis=0)
        every_tenth = np.repeat(unit(pairs[:200:2]), 20, axis=0)  # 20 equal rows: 10 are enough
        assert guards.recall(VectorIndex(every_tenth, HalfBlind(every_tenth))) == 1.0

    @pytest.mark.parametrize("count", [0, 1, 4])
    def test_exact_search_and_few_rows_are_fine(self, count: int) -> None:
        rows = unit(np.random.default_rng(0).normal(size=(count, 8)))
        assert guards.recall(build_vectors(rows)) == 1.0
        assert guards.recall(VectorIndex(rows, None)) == 1.0

    async def test_an_index_that_misses_neighbours_is_refused(self, tmp_path: Path) -> None:
        index = await built(tmp_path, embedder=HashingEmbedder(), pages=subjects())
        assert index.vectors is not None
        rows = index.vectors.vectors
        half = replace(index, vectors=VectorIndex(rows, HalfBlind(rows)))
        canaries = await guards.make_canaries(index, HashingEmbedder())
        guards.check_index(index, canaries)
        with pytest.raises(RebuildRefused, match=r"HNSW finds only \d\d\.\d% of the nearest"):
            guards.check_index(half, ())

    async def test_a_rebuild_gives_up_a_graph_that_misses_neighbours(self, tmp_path: Path) -> None:
        """Many equal vectors cut it into parts; exact search answers, and the report says so."""
        scattered = Scattered(equal=300)
        pages = {f"p{n:03}": f"# Topic{n:03}\n\nText number{n:03}.\n" for n in range(300)}
        knowledge = write_knowledge(tmp_path / "kb", pages)
        report = await rebuild(request(knowledge, tmp_path / "index", embedder=scattered))
        index = Store(tmp_path / "index").open().index
        assert index.vectors is not None
        assert index.vectors.graph is None
        assert [note.split(":")[0] for note in report.notes] == [
            "So many chunks are alike that HNSW does not find all neighbours"
        ]


class Scattered(HashingEmbedder):
    """Gives every title the same vector and every text one of its own, at random but for ever."""

    def __init__(self, *, equal: int) -> None:
        super().__init__(model="scattered")
        self.equal = equal

    async def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        await super().embed(texts, role=role)
        seeds = [
            int("".join(filter(str.isdigit, text))[-3:]) if "\n" in text else 0 for text in texts
        ]
        if role is Role.QUERY:
            seeds = [int("".join(filter(str.isdigit, text))[-3:]) for text in texts]
        return unit(np.array([np.random.default_rng(s).normal(size=self.dimension) for s in seeds]))


class TestCanaries:
    async def test_questions_are_made_of_title_and_rarest_words(self, tmp_path: Path) -> None:
        index = await built(tmp_path, embedder=HashingEmbedder(), pages=ARTICLES)
        embedder = HashingEmbedder()
        canaries = await guards.make_canaries(index, embedder)
        assert len(canaries) == guards.CANARIES == 8
        assert [canary.question for canary in canaries[:2]] == [
            "Invoices create invoice billable hours send client email",
            "Invoices record payment invoice client paid",
        ]
        assert canaries[0].articles == {"invoices"}
        assert embedder.texts == [canary.question for canary in canaries]
        assert embedder.roles == [Role.QUERY]
        again = await guards.make_canaries(index, HashingEmbedder())
        assert [canary.question for canary in again] == embedder.texts

    @pytest.mark.parametrize("embedder", [HashingEmbedder(), None], ids=["vectors", "words"])
    async def test_every_page_finds_itself(self, tmp_path: Path, embedder: Embedder | None) -> None:
        index = await built(tmp_path, embedder=embedder, pages=subjects())
        guards.check_index(index, await guards.make_canaries(index, embedder))

    async def test_equal_pages_may_stand_for_each_other(self, tmp_path: Path) -> None:
        same = {f"copy-{n:02}": "# Contact\n\nWrite to the support team.\n" for n in range(40)}
        index = await built(tmp_path, embedder=HashingEmbedder(), pages=same)
        (canary, *_) = await guards.make_canaries(index, HashingEmbedder())
        assert len(canary.articles) == 40

    async def test_chunks_without_a_term_are_not_asked_for(self, tmp_path: Path) -> None:
        pages = {"what": "# How\n\nIs it so?\n", "tags": "# Tags\n\nCreate a tag.\n"}
        index = await built(tmp_path, embedder=None, pages=pages)
        canaries = await guards.make_canaries(index, None)
        assert [canary.question for canary in canaries] == ["Tags create tag"]

    @pytest.mark.parametrize("part", ["chunks", "words", "vectors"])
    async def test_an_index_that_is_mixed_up_is_refused(self, tmp_path: Path, part: str) -> None:
        index = await built(tmp_path, embedder=HashingEmbedder(), pages=subjects())
        canaries = await guards.make_canaries(index, HashingEmbedder())
        with pytest.raises(RebuildRefused, match="canary questions do not find their own") as told:
            guards.check_index(mixed_up(index, part), canaries)
        assert '"About the invoice ' in str(told.value)
        assert "(invoice)" in str(told.value)

    async def test_half_may_be_lost_and_no_more(self, tmp_path: Path) -> None:
        index = await built(tmp_path, embedder=None, pages=subjects())
        canaries = list(await guards.make_canaries(index, None))
        stranger = replace(canaries[0], articles=frozenset({"elsewhere"}))
        guards.check_index(index, [*canaries[4:], *[stranger] * 4])
        with pytest.raises(RebuildRefused, match="5 of 8 canary questions"):
            guards.check_index(index, [*canaries[5:], *[stranger] * 5])

    @pytest.mark.parametrize("embedder", [HashingEmbedder(), None], ids=["vectors", "words"])
    async def test_pages_that_differ_in_a_number_are_honest(
        self, tmp_path: Path, embedder: Embedder | None
    ) -> None:
        text = "# Release notes\n\nVersion {} fixes several problems and improves the speed.\n"
        pages = {f"r{n:02}": text.format(f"{n // 10}.{n % 10}") for n in range(40)}
        index = await built(tmp_path, embedder=embedder, pages=pages)
        guards.check_index(index, await guards.make_canaries(index, embedder))

    @pytest.mark.parametrize(
        ("embedder", "reason"),
        [
            (Replaced(), "canary questions do not find .* delete the folder cache"),
            (LongQuestions(), "A question has a vector that is not of length 1"),
        ],
        ids=["another model", "no directions"],
    )
    async def test_a_rebuild_whose_questions_find_nothing_is_refused(
        self, tmp_path: Path, embedder: HashingEmbedder, reason: str
    ) -> None:
        knowledge = write_knowledge(tmp_path / "kb", subjects())
        store = Store(tmp_path / "index")
        await rebuild(request(knowledge, store.folder))
        before = store.current()
        write_knowledge(knowledge, {**subjects(), "new": "# New\n\nAnother page.\n"})
        for force in (False, True):
            with pytest.raises(RebuildRefused, match=reason):
                await rebuild(request(knowledge, store.folder, embedder=embedder, force=force))
        assert store.current() == before
        assert store.numbers() == ["00000001"]

    @pytest.mark.proof
    async def test_the_real_help_center_finds_itself(self, tmp_path: Path) -> None:
        if not HELP_CENTER.exists():
            pytest.skip(f"{HELP_CENTER} is not on this machine")
        report = await rebuild(request(HELP_CENTER, tmp_path / "index", embedder=None))
        assert (report.articles, report.notes) == (250, ())

    async def test_the_real_embedder_finds_its_own(self, tmp_path: Path) -> None:
        embedder = EmbeddedEmbedder()
        index = await built(tmp_path, embedder=embedder, pages=ARTICLES)
        guards.check_index(index, await guards.make_canaries(index, embedder))


def mixed_up(index: Index, part: str) -> Index:
    """Let chunks, postings or vectors belong to other rows."""
    rows = np.roll(np.arange(len(index.chunks)), 14)
    match part:
        case "chunks":
            return replace(index, chunks=tuple(index.chunks[row] for row in rows))
        case "words":
            lexical = index.lexical
            wrong = ((lexical.rows + 14) % lexical.count).astype(np.int32)
            return replace(index, lexical=replace(lexical, rows=wrong))
        case _:
            assert index.vectors is not None
            return replace(index, vectors=build_vectors(index.vectors.vectors[rows]))


class TestCollapse:
    @pytest.fixture
    def read(self, tmp_path: Path) -> Callable[[int, int], Inputs]:
        def read(count: int, words: int) -> Inputs:
            pages = {f"p{n:02}": f"# Page {n:02}\n\n{'word ' * words}\n" for n in range(count)}
            knowledge = write_knowledge(tmp_path / "kb", pages)
            return read_inputs(
                knowledge,
                limits=Limits(),
                named_questions=None,
                spec=None,
                on_file=lambda done, of: None,
            )

        return read

    def live(self, inputs: Inputs, **counts: int) -> dict[str, Any]:
        known = {"articles": len(inputs.articles), "bytes": inputs.bytes, **counts}
        digests = inputs.article_digests
        return {"source": inputs.source, "counts": known, "article_digests": digests}

    @pytest.mark.parametrize(("left", "is_refused"), [(10, False), (7, False), (6, True)])
    def test_more_than_30_percent_of_the_articles(
        self, read: Callable[[int, int], Inputs], left: int, is_refused: bool
    ) -> None:
        live = self.live(read(10, 20), bytes=0)
        inputs = read(left, 20)
        said = guards.collapse(inputs, live)
        assert bool(said) is is_refused
        if is_refused:
            assert said == (
                f"Only 6 of 10 articles are left of {inputs.path}. Gone: p06, p07, p08, p09."
            )

    @pytest.mark.parametrize(("words", "is_refused"), [(100, False), (71, False), (69, True)])
    def test_more_than_30_percent_of_the_text(
        self, read: Callable[[int, int], Inputs], words: int, is_refused: bool
    ) -> None:
        before = read(10, 100)
        said = guards.collapse(read(10, words), self.live(before))
        assert bool(said) is is_refused
        if is_refused:
            assert "Only 3,440 of 4,990 bytes are left" in said
            assert said.endswith("No article is gone; what is left has become shorter.")

    def test_what_is_not_compared(self, read: Callable[[int, int], Inputs]) -> None:
        live = self.live(read(30, 20))
        inputs = read(2, 20)
        assert "and 8 more." in guards.collapse(inputs, live)
        assert guards.collapse(inputs, None) == ""
        moved = {**live, "source": "/elsewhere"}
        assert "and 8 more." in guards.collapse(inputs, moved)  # its articles are known
        others = {f"other-{n}": "" for n in range(30)}
        assert guards.collapse(inputs, {**moved, "article_digests": others}) == ""
        del live["counts"]["bytes"]  # a generation from before sizes were recorded
        assert "Only 2 of 30 articles are left" in guards.collapse(inputs, live)

    async def test_a_rebuild_is_refused_unless_forced(self, tmp_path: Path) -> None:
        knowledge = write_knowledge(tmp_path / "kb", subjects(20))
        store = Store(tmp_path / "index")
        await rebuild(request(knowledge, store.folder))
        before = store.current()
        write_knowledge(knowledge, subjects(13))
        embedder = HashingEmbedder()
        with pytest.raises(RebuildRefused) as refused:
            await rebuild(request(knowledge, store.folder, embedder=embedder))
        said = str(refused.value)
        assert said.startswith("Only 13 of 20 articles ")
        assert "Gone: archive" not in said
        assert "overtime" in said
        assert said.endswith("clockify-bot build --force (in Slack: /clockify-rebuild force).")
        assert (store.current(), embedder.texts) == (before, [])
        report = await rebuild(request(knowledge, store.folder, force=True))
        assert report.status is BuildStatus.PUBLISHED
        assert [note[:42] for note in report.notes] == [
            "Published by force: Only 13 of 20 articles"
        ]
        assert len(report.removed) == 7

    async def test_another_source_may_be_small(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "index")
        large = write_knowledge(tmp_path / "large", subjects())
        pages = {f"small-{name}": text for name, text in subjects(3).items()}
        small = write_knowledge(tmp_path / "small", pages)
        await rebuild(request(large, store.folder))
        assert (await rebuild(request(small, store.folder))).status is BuildStatus.PUBLISHED

    async def test_the_comparison_is_with_what_is_served(self, tmp_path: Path) -> None:
        """The live generation of 30 is damaged: one of 12 is served, so 12 are no collapse."""
        knowledge, store = tmp_path / "kb", Store(tmp_path / "index")
        for count in (12, 30):
            write_knowledge(knowledge, subjects(count))
            await rebuild(request(knowledge, store.folder))
        (store.folder / "generations" / "00000002" / "chunks.jsonl").write_text("")
        write_knowledge(knowledge, {**subjects(12), "kiosk": "# Kiosk\n\nAnother text.\n"})
        report = await rebuild(request(knowledge, store.folder))
        assert report.status is BuildStatus.PUBLISHED
        assert (report.articles, report.changed) == (12, ("kiosk",))


async def test_headings_alone_are_refused_before_anything_is_embedded(tmp_path: Path) -> None:
    knowledge = write_knowledge(tmp_path / "kb", {"a": "# One\n\n## Two\n\n### Three\n"})
    embedder = HashingEmbedder()
    with pytest.raises(RebuildRefused, match="has text to quote; nothing is published"):
        await rebuild(request(knowledge, tmp_path / "index", embedder=embedder, force=True))
    assert embedder.texts == []
