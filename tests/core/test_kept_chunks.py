"""Articles that did not change are not split again, and nobody can tell from the chunks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.rebuild import rebuild
from core.store import Store
from core.types import Chunk

from .fakes import ARTICLES, HashingEmbedder, request, write_knowledge


class CountingEmbedder(HashingEmbedder):
    """Remembers the texts whose tokens were counted."""

    def __init__(self, **settings: int) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self.counted: list[str] = []

    def count_tokens(self, text: str) -> int:
        self.counted.append(text)
        return super().count_tokens(text)


async def build(knowledge: Path, folder: Path, *, force: bool = False, dimension: int = 64) -> str:
    """Build, and give all that was counted."""
    embedder = CountingEmbedder(dimension=dimension)
    await rebuild(request(knowledge, folder, embedder=embedder, force=force))
    return "\n".join(embedder.counted)


def chunks(folder: Path) -> tuple[Chunk, ...]:
    return Store(folder).open().index.chunks


@pytest.fixture
async def built(tmp_path: Path) -> Path:
    """Give an index folder with the articles beside it in kb."""
    await build(write_knowledge(tmp_path / "kb"), tmp_path / "index")
    return tmp_path / "index"


async def test_only_the_changed_article_is_split(built: Path) -> None:
    changed = {**ARTICLES, "kiosk": ARTICLES["kiosk"].replace("tablet", "brass tablet")}
    counted = await build(write_knowledge(built.parent / "kb", changed), built)
    assert "brass tablet" in counted
    assert "Lock timesheets" not in counted
    await build(built.parent / "kb", built.parent / "fresh")
    assert chunks(built) == chunks(built.parent / "fresh")


async def test_an_article_of_another_address_is_split_again(built: Path) -> None:
    page = built.parent / "kb" / "kiosk.md"
    page.write_text(page.read_text().replace("docs.example", "help.example"))
    await build(built.parent / "kb", built)
    (url,) = {chunk.url for chunk in chunks(built) if chunk.title == "Kiosk"}
    assert url == "https://help.example/help/kiosk"


async def test_added_and_removed_articles_leave_the_order_of_a_fresh_build(built: Path) -> None:
    pages = {"a-first-one": "# A first one\n\nIt comes before the others.\n", **ARTICLES}
    del pages["reports"]
    await build(write_knowledge(built.parent / "kb", pages), built)
    await build(built.parent / "kb", built.parent / "fresh")
    assert chunks(built) == chunks(built.parent / "fresh")


async def test_force_splits_everything(built: Path) -> None:
    assert "Lock timesheets" in await build(built.parent / "kb", built, force=True)


async def test_another_embedder_splits_everything(built: Path) -> None:
    assert "Lock timesheets" in await build(built.parent / "kb", built, dimension=32)


@pytest.mark.parametrize("name", ["recipe", "target"])
async def test_chunks_of_another_recipe_are_not_kept(built: Path, name: str) -> None:
    folder = built / "generations" / "00000001"
    rewrite_meta(folder, name)
    (built / "CURRENT").unlink()
    page = built.parent / "kb" / "kiosk.md"
    page.write_text(page.read_text().replace("tablet", "brass tablet"))
    assert "Lock timesheets" in await build(built.parent / "kb", built)


def test_damaged_chunks_are_not_kept(built: Path) -> None:
    path = built / "generations" / "00000001" / "chunks.jsonl"
    assert Store(built).chunks() == (Store(built).open().meta, chunks(built))
    path.write_bytes(path.read_bytes().replace(b"owners", b"miners"))
    assert Store(built).chunks() == ({}, ())


def rewrite_meta(folder: Path, name: str) -> None:
    """Pretend that an earlier version of the program wrote this generation."""
    from core.generation_files import META, _meta_to_bytes

    meta = json.loads((folder / META).read_bytes())
    del meta["self"]
    meta[name] -= 1
    meta["inputs"] = "of then"
    (folder / META).write_bytes(_meta_to_bytes(meta))
