"""The Ollama embedder: prefixes, shapes, limits, and texts that are too long."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from tokenizers import BertWordPieceTokenizer

from core.embedders.ollama import OllamaEmbedder, prefixes
from core.embedding import embed_what_can
from core.errors import ModelMissing, ModelUnavailable
from core.ollama import InputRejected
from core.types import Role

from ..ollama import Fault, ScriptedOllama, embedding
from ..ollama_asking import client, closed_port

MODELS = ("nomic-embed-text", "all-minilm")


@pytest_asyncio.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama(models=MODELS, dimension=32) as server:
        yield server


async def test_spec_is_asked_once(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "nomic-embed-text:latest")
        spec = await embedder.spec()
        assert await embedder.spec() is spec
    assert str(spec) == "ollama:nomic-embed-text (32 dimensions)"
    assert (spec.document_prefix, spec.query_prefix) == ("search_document: ", "search_query: ")
    assert [request.path for request in ollama.requests] == ["/api/show", "/api/embed"]


@pytest.mark.parametrize(
    ("context_length", "parameters", "max_tokens", "expected"),
    [
        (2048, "", None, 512),
        (2048, "", 300, 300),
        (512, "", None, 510),
        (512, "num_ctx    256", None, 254),
        (512, "num_ctx    256", 400, 254),
        (None, "", None, 254),
    ],
    ids=["bounded", "as set", "context", "model file", "set too high", "untold"],
)
async def test_text_limit(
    ollama: ScriptedOllama,
    context_length: int | None,
    parameters: str,
    max_tokens: int | None,
    expected: int,
) -> None:
    ollama.context_length, ollama.parameters = context_length, parameters
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm", max_tokens=max_tokens)
        assert (await embedder.spec()).max_tokens == expected


async def test_prefix_counts_against_the_context(ollama: ScriptedOllama) -> None:
    ollama.context_length = 512
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "nomic-embed-text")
        spent = embedder.count_tokens("search_document: ")
        assert spent == 6
        assert (await embedder.spec()).max_tokens == 512 - 2 - spent


async def test_gives_unit_rows_in_order(ollama: ScriptedOllama) -> None:
    texts = [f"topic {number} of the guide" for number in range(40)]
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "nomic-embed-text")
        together = await embedder.embed(texts, role=Role.DOCUMENT)
        alone = await embedder.embed(texts[25:26], role=Role.DOCUMENT)
        nothing = await embedder.embed([], role=Role.QUERY)
    assert together.shape == (40, 32)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(together[25], alone[0])
    expected = np.array(embedding("topic 25 of the guide", 32), dtype=np.float32)
    np.testing.assert_allclose(together[25], expected, atol=1e-6)
    assert nothing.shape == (0, 32)
    assert nothing.dtype == np.float32


async def test_normalises_what_is_not(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm")
        await embedder.spec()
        ollama.bad_vector = [3.0, 4.0] + [0.0] * 30
        ollama.fail(Fault.BAD_VALUES)
        (row,) = await embedder.embed(["x"], role=Role.QUERY)
    np.testing.assert_allclose(row[:2], [0.6, 0.8], atol=1e-6)


@pytest.mark.parametrize(
    ("role", "sent"),
    [(Role.DOCUMENT, "search_document: Refunds"), (Role.QUERY, "search_query: Refunds")],
)
async def test_sends_the_prefix_of_the_role(ollama: ScriptedOllama, role: Role, sent: str) -> None:
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "nomic-embed-text")
        await embedder.embed(["Refunds"], role=role)
    assert ollama.texts_embedded[-1] == sent


SEARCHING = "Represent this sentence for searching relevant passages: "


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("nomic-embed-text:v1.5", ("search_document: ", "search_query: ")),
        ("hf.co/nomic-ai/nomic-embed-text-v1.5-GGUF", ("search_document: ", "search_query: ")),
        ("mxbai-embed-large", ("", SEARCHING)),
        ("snowflake-arctic-embed:33m", ("", SEARCHING)),
        ("snowflake-arctic-embed2", ("", "query: ")),
        ("jeffh/intfloat-multilingual-e5-large:f16", ("passage: ", "query: ")),
        ("e5-small-v2", ("passage: ", "query: ")),
        ("e5-mistral-7b-instruct", ("", "")),
        ("all-minilm", ("", "")),
        ("bge-m3", ("", "")),
        ("qwen3-embedding:0.6b", ("", "")),
    ],
)
def test_prefixes_by_model(model: str, expected: tuple[str, str]) -> None:
    assert prefixes(model) == expected


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("Cancel a plan", 4),  # two for the six letters
        ("Überstunden", 4),
        ("跟踪时间", 4),
        ("| --- | 2024", 7),
        ("🎉", 4),
        ("internationalization", 5),
    ],
)
def test_counts_more_than_there_are(text: str, tokens: int) -> None:
    embedder = OllamaEmbedder(client("http://127.0.0.1"), "all-minilm")
    assert embedder.count_tokens(text) == tokens


async def test_a_text_that_is_too_long_is_halved(
    ollama: ScriptedOllama, caplog: pytest.LogCaptureFixture
) -> None:
    front, back = "billing invoice refund " * 4, "kiosk device tablet " * 4
    long = front + back  # 24 words
    ollama.context_length = 15
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm")
        rows = await embedder.embed(["first", long, "last"], role=Role.DOCUMENT)
        halves = await embedder.embed([front, back], role=Role.DOCUMENT)
        (first,) = await embedder.embed(["first"], role=Role.DOCUMENT)
        (last,) = await embedder.embed(["last"], role=Role.DOCUMENT)
    np.testing.assert_array_equal(rows[0], first)
    np.testing.assert_array_equal(rows[2], last)
    assert float(np.linalg.norm(rows[1])) == pytest.approx(1.0, abs=1e-6)
    assert min(float(rows[1] @ half) for half in halves) > 0.6  # neither end is lost
    assert caplog.messages == [
        f"all-minilm cannot take a text of {len(long)} characters at once; its pieces are averaged"
    ]


async def test_halves_weigh_as_much_as_they_hold(ollama: ScriptedOllama) -> None:
    front, back = "refund " * 5 + "card", " " + "kiosk" * 40
    ollama.context_length = 6
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm")
        (row,) = await embedder.embed([front + back], role=Role.DOCUMENT)
    assert ollama.texts_embedded[-2:] == [front, back]
    parts = [len(text) * np.array(embedding(text, 32)) for text in (front, back)]
    expected = sum(parts) / np.linalg.norm(sum(parts))
    np.testing.assert_allclose(row, expected, atol=1e-6)


async def test_halves_are_halved_again(ollama: ScriptedOllama) -> None:
    ollama.context_length = 10
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "nomic-embed-text")
        rows = await embedder.embed(["invoice number " * 16], role=Role.DOCUMENT)
        (single,) = await embedder.embed(["invoice number"], role=Role.DOCUMENT)
    assert float(rows[0] @ single) == pytest.approx(1.0, abs=1e-3)
    assert all(text.startswith("search_document: ") for text in ollama.texts_embedded[1:])


async def test_a_bad_place_costs_a_piece_of_the_text(
    ollama: ScriptedOllama, caplog: pytest.LogCaptureFixture
) -> None:
    ollama.bad_input = "poison"
    text = "billing invoice refund " * 8 + "poison " + "billing invoice refund " * 8
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm")
        rows = await embedder.embed(["first", text, "last"], role=Role.DOCUMENT)
        (like,) = await embedder.embed(["billing invoice refund " * 8], role=Role.DOCUMENT)
        (last,) = await embedder.embed(["last"], role=Role.DOCUMENT)
    assert float(rows[1] @ like) > 0.99
    np.testing.assert_array_equal(rows[2], last)
    assert any("characters that it cannot take at all" in message for message in caplog.messages)
    assert "poison" not in caplog.text


async def test_a_text_without_a_good_piece_is_named_after_all_others_were_tried(
    ollama: ScriptedOllama,
) -> None:
    ollama.bad_input = "poison"
    texts = [f"text {number}" for number in range(12)]
    texts[2] = "poison " * 20
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm")
        with pytest.raises(InputRejected, match=r"number 3 .*NaN or Inf") as raised:
            await embedder.embed(texts, role=Role.DOCUMENT)
    assert raised.value.index == 2
    assert {"text 1", "text 11"} <= set(ollama.texts_embedded)


@pytest.mark.parametrize(("bad", "requests"), [(0, 3), (1, 16), (2, 28), (4, 48), (16, 128)])
async def test_bad_texts_cost_a_few_requests_each(
    ollama: ScriptedOllama, bad: int, requests: int
) -> None:
    """One to learn the dimension, two for sixteen texts; then 14 for each bad text at most."""
    ollama.bad_input = "poison"
    texts = [f"{number} " + "invoice " * 93 for number in range(16)]
    for at in range(bad):
        place = at * 16 // bad
        texts[place] = f"{place} " + "poison  " * 93
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm")
        outcomes = await embedder.embed_each(texts, role=Role.DOCUMENT)
    assert ollama.embed_calls == requests <= 3 + 14 * bad
    rejected = [found.index for found in outcomes if isinstance(found, InputRejected)]
    assert rejected == [at for at, text in enumerate(texts) if "poison" in text]


async def test_what_can_be_embedded_is_embedded_once(ollama: ScriptedOllama) -> None:
    ollama.bad_input = "poison"
    texts = [f"text {number}" for number in range(8)]
    texts[3] = "poison"
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm")
        found = await embed_what_can(texts, embedder, role=Role.DOCUMENT)
    assert list(found) == texts[:3] + texts[4:]
    sizes = [len(request.payload["input"]) for request in ollama.asked("/api/embed")]
    assert sizes == [1, 8, 4, 2, 2, 1, 1, 1, 4]  # a word, all, halves, and a word once more


async def test_pieces_of_opposite_directions_reject_their_text_alone(
    ollama: ScriptedOllama,
) -> None:
    ollama.bad_input = "xy"
    ollama.vector_of = lambda text: [-1.0 if "y" in text else 1.0] + [0.0] * 31
    text = "x" * 80 + "y" * 80
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm")
        good, opposite = await embedder.embed_each(["fine", text], role=Role.DOCUMENT)
    assert isinstance(opposite, InputRejected)
    assert not isinstance(good, InputRejected)


async def test_a_broken_model_blames_no_text(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm")
        await embedder.spec()
        ollama.fail(Fault.NAN)
        with pytest.raises(ModelUnavailable, match="cannot embed anything") as raised:
            await embedder.embed(["invoice " * 50], role=Role.DOCUMENT)
    assert not isinstance(raised.value, InputRejected)
    assert len(ollama.requests) == 4


async def test_a_short_text_is_not_halved_for_ever(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm")
        await embedder.spec()
        ollama.context_length = 0
        with pytest.raises(InputRejected) as raised:
            await embedder.embed(["word " * 40], role=Role.QUERY)
    assert raised.value.is_too_long
    assert len(ollama.texts_embedded) < 20


async def test_another_dimension_is_an_error(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        embedder = OllamaEmbedder(asking, "all-minilm")
        await embedder.spec()
        ollama.dimension = 16
        with pytest.raises(ModelUnavailable, match="gave 16 dimensions after 32"):
            await embedder.embed(["x"], role=Role.QUERY)


async def test_missing_and_unreachable_models(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        with pytest.raises(ModelMissing, match="ollama pull bge-m3"):
            await OllamaEmbedder(asking, "bge-m3").spec()
    async with client(f"http://127.0.0.1:{closed_port()}") as asking:
        with pytest.raises(ModelUnavailable, match="Cannot reach Ollama"):
            await OllamaEmbedder(asking, "all-minilm").embed(["x"], role=Role.QUERY)


def test_estimate_covers_the_tokens_of_the_knowledge() -> None:
    root = Path(__file__).parents[2]
    vocabulary = str(root / "core" / "embedders" / "bert-base-uncased-vocab.txt")
    tokenizer = BertWordPieceTokenizer(vocabulary, lowercase=True)
    embedder = OllamaEmbedder(client("http://127.0.0.1"), "all-minilm")
    texts = [path.read_text("utf-8") for path in sorted((root / "knowledge").rglob("*.md"))]
    pieces = [text[at : at + 800] for text in texts for at in range(0, len(text), 800)]
    ratios = [
        embedder.count_tokens(piece) / len(tokenizer.encode(piece, add_special_tokens=False).ids)
        for piece in pieces
        if len(piece) > 400
    ]
    assert len(ratios) > 20
    assert min(ratios) >= 1.0
    assert max(ratios) < 2.0
