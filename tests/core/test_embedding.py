"""A text that cannot be embedded costs that text, not the build; it is still found by its words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelUnavailable, TextRejected
from core.rebuild import rebuild
from core.report import BuildStatus
from core.store import Store
from core.terms import TermAnalyzer

from .fakes import ARTICLES, HashingEmbedder, request, write_knowledge


def rejecting(word: str) -> HashingEmbedder:
    """Make an embedder that cannot embed texts with a word."""

    def reject(texts: Sequence[str]) -> None:
        for index, text in enumerate(texts):
            if word in text:
                raise TextRejected(f"Text {index + 1} cannot be embedded.", index=index)

    return HashingEmbedder(on_embed=reject)


async def test_one_bad_text_costs_one_text(tmp_path: Path) -> None:
    pages = {**ARTICLES, "odd": "# Odd page\n\nA page about zorgle.\n\n## More\n\nPlain words.\n"}
    knowledge = write_knowledge(tmp_path / "kb", pages)
    report = await rebuild(request(knowledge, tmp_path / "index", embedder=rejecting("zorgle")))
    assert report.status is BuildStatus.PUBLISHED
    index = Store(tmp_path / "index").open().index
    (bad,) = (row for row, chunk in enumerate(index.chunks) if "zorgle" in chunk.text)
    (note,) = (note for note in report.notes if "cannot be embedded" in note)
    assert note == (
        f"1 chunks cannot be embedded and are found by words only: {index.chunks[bad].id}."
    )
    assert index.vectors is not None
    rows = index.vectors.vectors
    own = [r for r, c in enumerate(index.chunks) if c.article_id == "odd" and r != bad]
    middle = rows[own].mean(axis=0)
    np.testing.assert_allclose(rows[bad], middle / np.linalg.norm(middle), atol=1e-6)
    assert list(index.lexical.rows_of(TermAnalyzer().terms("zorgle"))) == [bad]


async def test_the_bad_text_is_not_kept_and_is_tried_again(tmp_path: Path) -> None:
    pages = {**ARTICLES, "odd": "# Odd page\n\nA page about zorgle.\n"}
    knowledge = write_knowledge(tmp_path / "kb", pages)
    await rebuild(request(knowledge, tmp_path / "index", embedder=rejecting("zorgle")))
    better = HashingEmbedder()
    report = await rebuild(request(knowledge, tmp_path / "index", embedder=better, force=True))
    assert [text for text in better.documents if "zorgle" in text]
    assert not [note for note in report.notes if "cannot be embedded" in note]


async def test_when_no_text_can_be_embedded_the_model_is_to_blame(tmp_path: Path) -> None:
    knowledge = write_knowledge(tmp_path / "kb", ARTICLES)
    with pytest.raises(ModelUnavailable, match="No article can be embedded"):
        await rebuild(request(knowledge, tmp_path / "index", embedder=rejecting("")))
