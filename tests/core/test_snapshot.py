"""Knowledge that is edited while it is built: noticed, read once more, told, never for ever."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from core.articles import Limits, read_knowledge
from core.rebuild import rebuild
from core.report import BuildReport, BuildStatus, Phase, Progress
from core.snapshot import edited_files
from core.store import Store

from .fakes import HashingEmbedder, request, write_knowledge

LIMITS = Limits(max_file_bytes=4096)


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    """Give five pages, and what cannot be read: a large one, a pipe, a link that leads out."""
    folder = write_knowledge(tmp_path / "kb")
    (tmp_path / "outside.md").write_text("# Outside\n\nNot ours.\n")
    (folder / "large.md").write_text("# Large\n\n" + "word " * 2000)
    (folder / "link.md").symlink_to(tmp_path / "outside.md")
    os.mkfifo(folder / "pipe.md")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index")


def write(name: str, text: str = "# Another\n\nAnother text.\n") -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / name).write_text(text)

    return edit


def put_behind_a_link(folder: Path) -> None:
    target = folder / "kiosk.md"
    target.rename(folder.parent / "kiosk.md")
    target.symlink_to(folder.parent / "kiosk.md")


class TestWhatIsEdited:
    def edited(self, knowledge: Path, edit: Callable[[Path], object]) -> tuple[str, ...]:
        read = read_knowledge(knowledge, limits=LIMITS)
        edit(knowledge)
        return edited_files(knowledge, read.files, LIMITS)

    @pytest.mark.parametrize(
        ("edit", "names"),
        [
            (lambda folder: None, ()),
            (lambda folder: os.utime(folder / "kiosk.md", (1, 1)), ()),
            (write("notes.txt"), ()),
            (write(".hidden.md"), ()),
            (lambda folder: write_knowledge(folder.parent / "outside"), ()),
            (write("../outside.md"), ()),
            (write("large.md", "# Large\n\n" + "more " * 2000), ()),
            (write("kiosk.md"), ("kiosk.md",)),
            (write("new.md"), ("new.md",)),
            (write("large.md"), ("large.md",)),
            (lambda folder: (folder / "kiosk.md").unlink(), ("kiosk.md",)),
            (lambda folder: (folder / "kiosk.md").rename(folder / "a.md"), ("a.md", "kiosk.md")),
            (lambda folder: write_knowledge(folder / "sub", {"a": "# A\n\nB.\n"}), ("sub/a.md",)),
            (put_behind_a_link, ("kiosk.md",)),
            (lambda folder: folder.rename(folder.parent / "gone"), ("kb",)),
        ],
        ids=[
            "nothing",
            "touched",
            "no Markdown",
            "hidden",
            "beside it",
            "behind a link that leads out",
            "too large as before",
            "another text",
            "one more",
            "no longer too large",
            "one less",
            "another name",
            "one more below",
            "a link that leads out now",
            "all of it",
        ],
    )
    def test_files_are_named(
        self, knowledge: Path, edit: Callable[[Path], object], names: tuple[str, ...]
    ) -> None:
        assert self.edited(knowledge, edit) == names

    def test_one_merged_file(self, tmp_path: Path) -> None:
        merged = tmp_path / "all.md"
        merged.write_text("# One\n\nA text.\n")
        assert self.edited(merged, lambda path: None) == ()
        assert self.edited(merged, lambda path: merged.write_text("# Two\n")) == ("all.md",)


class Editing(HashingEmbedder):
    """Edits the knowledge each time that documents are embedded, so many times at most."""

    def __init__(self, knowledge: Path, times: int) -> None:
        super().__init__(on_embed=self.edit)
        self.knowledge = knowledge
        self.times = times
        self.edits = 0

    def edit(self, texts: Sequence[str]) -> None:
        if self.edits < self.times and any("\n" in text for text in texts):
            self.edits += 1
            text = f"# Kiosk\n\nEdited {self.edits} times during the build.\n"
            (self.knowledge / "kiosk.md").write_text(text)


def kiosk_of(store: Store) -> str:
    """Give what the live generation says of the kiosk."""
    (chunk,) = [c for c in store.open().index.chunks if c.id.startswith("kiosk#") and c.text]
    return chunk.text


class TestRebuild:
    async def build(
        self, knowledge: Path, store: Store, times: int
    ) -> tuple[BuildReport, Editing, list[Progress]]:
        embedder = Editing(knowledge, times)
        seen: list[Progress] = []
        wanted = request(knowledge, store.folder, embedder=embedder)
        return await rebuild(wanted, seen.append), embedder, seen

    async def test_untouched_knowledge_is_read_once(self, tmp_path: Path, store: Store) -> None:
        report, _, seen = await self.build(write_knowledge(tmp_path / "kb"), store, 0)
        assert report.notes == ()
        assert [p.phase for p in seen].count(Phase.CHUNKING) == 7  # begin, five articles, end

    async def test_edited_once_it_is_read_again(self, tmp_path: Path, store: Store) -> None:
        knowledge = write_knowledge(tmp_path / "kb")
        report, embedder, seen = await self.build(knowledge, store, 1)
        assert kiosk_of(store) == "Edited 1 times during the build."
        assert report.notes == (
            "The knowledge was edited during the build (kiosk.md): it was read again.",
        )
        assert store.numbers() == ["00000001"]
        assert len(embedder.documents) == 15 + 1  # nothing is embedded twice
        phases = [p.phase for p in seen]
        assert phases.index(Phase.PUBLISHING) > max(
            place for place, phase in enumerate(phases) if phase is Phase.READING
        )
        assert list(report.seconds) == [p.name.lower() for p in Phase if p is not Phase.EVALUATING]

    async def test_edited_again_what_was_read_is_published(
        self, tmp_path: Path, store: Store
    ) -> None:
        knowledge = write_knowledge(tmp_path / "kb")
        report, embedder, _ = await self.build(knowledge, store, 50)
        assert embedder.edits == 2
        assert kiosk_of(store) == "Edited 1 times during the build."
        assert (report.status, report.generation) == (BuildStatus.PUBLISHED, "00000001")
        assert report.notes == (
            "The knowledge was edited during the build (kiosk.md): it was read again.",
            "It was edited once more (kiosk.md): published is what was read before that. "
            "Build again to take the edits in.",
        )
        again = await rebuild(request(knowledge, store.folder))
        assert (again.status, again.changed) == (BuildStatus.PUBLISHED, ("kiosk",))
        assert kiosk_of(store) == "Edited 2 times during the build."

    async def test_edited_back_to_what_is_live_nothing_is_published(
        self, tmp_path: Path, store: Store
    ) -> None:
        knowledge = write_knowledge(tmp_path / "kb")
        await rebuild(request(knowledge, store.folder))
        before = (knowledge / "kiosk.md").read_text()
        (knowledge / "kiosk.md").write_text("# Kiosk\n\nHalf edi")

        def undo(_: Sequence[str]) -> None:
            (knowledge / "kiosk.md").write_text(before)

        embedder = HashingEmbedder(on_embed=undo)
        report = await rebuild(request(knowledge, store.folder, embedder=embedder))
        assert (report.status, report.generation) == (BuildStatus.UNCHANGED, "00000001")
        assert "edited during the build (kiosk.md)" in report.notes[0]

    async def test_many_edited_files_are_counted(self, tmp_path: Path, store: Store) -> None:
        knowledge = write_knowledge(tmp_path / "kb")

        def edit(_: Sequence[str]) -> None:
            write_knowledge(knowledge / "more", {f"p{n}": f"# P{n}\n\nText.\n" for n in range(8)})

        embedder = HashingEmbedder(on_embed=edit)
        report = await rebuild(request(knowledge, store.folder, embedder=embedder))
        named = ", ".join(f"more/p{n}.md" for n in range(5))
        assert f"({named} and 3 more)" in report.notes[0]
        assert report.articles == 13
