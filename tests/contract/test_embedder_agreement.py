"""all-MiniLM through the embedded embedder and through a real Ollama: the same vectors.

Both then share thresholds, and moving from one to the other changes no answer by itself.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.articles import read_knowledge
from core.chunking import ChunkSizes, split_article
from core.embedders.embedded import EmbeddedEmbedder
from core.embedders.ollama import OllamaEmbedder
from core.types import Role

from ..ollama_asking import client
from .asking import EMBEDDING_MODEL, SECONDS

KNOWLEDGE = Path(__file__).parents[2] / "knowledge"
CHUNKS = 20
WORD_PIECES = 80  # within the 256 that the embedded one reads; long texts are slow on the real one


@pytest.mark.proof
@pytest.mark.beside
@pytest.mark.timeout(300)
async def test_embedded_and_ollama_agree(
    real_ollama: str, capsys: pytest.CaptureFixture[str]
) -> None:
    embedded = EmbeddedEmbedder(workers=1)
    texts = chunk_texts(embedded)
    assert len(texts) == CHUNKS
    ours = await embedded.embed(texts, role=Role.DOCUMENT)
    async with client(real_ollama, read_seconds=SECONDS) as asking:
        theirs = await OllamaEmbedder(asking, EMBEDDING_MODEL).embed(texts, role=Role.DOCUMENT)
    cosines = np.sum(ours * theirs, axis=1)
    with capsys.disabled():
        print(f"\nembedded and Ollama: cosine mean {cosines.mean():.5f}, min {cosines.min():.5f}")
    assert cosines.mean() >= 0.999
    assert cosines.min() >= 0.998
    # Each text is nearest to itself: the agreement is not that of vectors which are all alike.
    assert (np.argmax(ours @ theirs.T, axis=1) == np.arange(CHUNKS)).all()


def chunk_texts(embedded: EmbeddedEmbedder) -> list[str]:
    """Return chunks from all over our own knowledge base, as the index embeds them."""
    articles = read_knowledge(KNOWLEDGE).articles
    sizes = ChunkSizes(target=WORD_PIECES, most=WORD_PIECES)
    chunks = [
        chunk
        for article in articles
        for chunk in split_article(article, sizes=sizes, count_tokens=embedded.count_tokens)
    ]
    step = len(chunks) // CHUNKS
    return [chunk.indexed_text for chunk in chunks[::step][:CHUNKS]]
