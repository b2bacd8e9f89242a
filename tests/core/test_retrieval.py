"""Search over a hand-made index: true scores, order, summaries, and words alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from core.chunking import ChunkSizes, split_article
from core.index import Index, build_index
from core.lexical import K1, B
from core.protocols import EmbedderSpec
from core.retrieval import ARTICLES_SHOWN, POOL, Retrieval, RetrievalRules, search, term_weights
from core.terms import TermAnalyzer
from core.types import Article, ChunkKind, Hit, Vector

from ..ollama import embedding

DIMENSION = 64
SPEC = EmbedderSpec("hashing", "words", DIMENSION, "", "", 200)
SIZES = ChunkSizes(target=60, most=80)
RULES = RetrievalRules()
ARTICLES = {
    "Lock timesheets": "Admins lock timesheets.\n\n## Unlock\n\nOpen a closed week.\n\n## Dates",
    "Track time": "Press start to track time.\n\n## Manual entries\n\nType the time in.",
    "Send invoices": "Create an invoice for a client.\n\n## Taxes\n\nAdd a tax to the invoice.",
    "Approve timesheets": "Managers approve timesheets each week.",
    "Time off": "Request time off.\n\n## Balances\n\nSee how much vacation is left.",
    "Kiosk": "Clock in on a shared tablet with a code.",
    "Reports": "Export reports as PDF.\n\n## Scheduled reports\n\nSend reports by email.",
    "Projects": "Create a project and add a team.",
    "Tags": "Mark entries with tags.",
    "Billing": "Change the plan or the card that pays.",
    "Security": "Turn on two-factor authentication.",
    "Mobile app": "Install the app on a phone.",
    "Expenses": "Record an expense with a receipt.",
    "Calendar": "Drag entries in the calendar.",
}


def embed(text: str) -> Vector:
    return np.array(embedding(text, DIMENSION), dtype=np.float32)


def make(articles: dict[str, str], *, lexical_only: bool = False) -> Index:
    chunks = [
        chunk
        for title, body in articles.items()
        for chunk in split_article(
            Article(title.lower().replace(" ", "-"), title, None, body, "", ""),
            sizes=SIZES,
            count_tokens=lambda text: len(text.split()),
        )
    ]
    if lexical_only:
        return build_index("1", chunks, None, None)
    vectors = np.stack([embed(chunk.indexed_text) for chunk in chunks])
    return build_index("1", chunks, vectors, SPEC)


def ask(index: Index, text: str, rules: RetrievalRules = RULES) -> Retrieval:
    return search(index, text, embed(text), rules)


def bm25_oracle(index: Index, text: str) -> NDArray[np.float64]:
    analyzer = TermAnalyzer()
    documents = [analyzer.terms(chunk.indexed_text) for chunk in index.chunks]
    model: Any = BM25Okapi(documents, k1=K1, b=B)
    scores: NDArray[np.float64] = model.get_scores(analyzer.terms(text))
    return scores


def assert_true_scores(index: Index, text: str, hits: tuple[Hit, ...]) -> None:
    """Check each hit against the library, the embedder, and the formula of the fusion."""
    oracle, query = bm25_oracle(index, text), embed(text).astype(np.float64)
    best = sum(term_weights(index, tuple(TermAnalyzer().terms(text)))) * (K1 + 1)
    summaries = {c.article_id: c for c in index.chunks if c.kind is ChunkKind.SUMMARY}
    for hit in hits:
        assert index.chunks[hit.row] == hit.chunk
        assert hit.bm25 == oracle[hit.row]
        similarity = float(embed(hit.chunk.indexed_text).astype(np.float64) @ query)
        assert hit.similarity == pytest.approx(similarity, abs=1e-6)
        of_summary = float(embed(summaries[hit.chunk.article_id].indexed_text) @ query)
        lexical = oracle[hit.row] / best if best > 0 else 0.0
        fused = (similarity + 0.5 * lexical + 0.25 * of_summary) / 1.75
        assert hit.score == pytest.approx(fused, abs=1e-6)


@pytest.fixture(scope="module")
def index() -> Index:
    return make(ARTICLES)


@pytest.fixture(scope="module")
def large() -> Index:
    """Make more chunks than a retriever gives candidates."""
    draw = random.Random(3)
    words = [f"{a}{b}{c}" for a in "bdfglmnprt" for b in "aeiou" for c in "klmnrst"]
    bodies = {
        f"Article {number}": " ".join(draw.choices(words, k=20)) + f". Needle{number}."
        for number in range(2 * POOL)
    }
    return make(bodies)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("How do I unlock a closed week?", "lock-timesheets#unlock.1"),
        ("track time", "track-time#intro.1"),
        ("add tax to an invoice", "send-invoices#taxes.1"),
        ("scheduled reports by email", "reports#scheduled-reports.1"),
        ("vacation balances", "time-off#balances.1"),
    ],
)
def test_finds_what_was_asked_for(index: Index, question: str, first: str) -> None:
    found = ask(index, question)
    assert found.text == question
    assert found.hits[0].chunk.id == first
    assert found.chosen[0] == found.hits[0]


@pytest.mark.parametrize(
    "question", ["lock timesheets", "time", "unknownword", "the time the time", "invoice taxes 🎉"]
)
def test_hits_have_their_true_scores_in_order(index: Index, question: str) -> None:
    found = ask(index, question)
    assert_true_scores(index, question, found.hits)
    assert_true_scores(index, question, found.chosen)
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)


def test_a_hit_per_article_and_at_least_ten_of_them(index: Index) -> None:
    found = ask(index, "lock timesheets")
    articles = [hit.chunk.article_id for hit in found.hits]
    assert len(articles) == len(set(articles)) == len(ARTICLES)
    shown = ask(make({f"Time {n}": "Track time." for n in range(40)}), "track time").hits
    assert len({hit.chunk.article_id for hit in shown}) == len(shown) == ARTICLES_SHOWN


@pytest.mark.parametrize("articles", [3, 2, 1])
def test_a_word_that_every_article_has_is_found(articles: int) -> None:
    """Its idf is 0 or less: BM25 alone would not tell the chunks that have it from the others."""
    bodies = ("Admins lock timesheets.", "Lock old entries.", "Managers lock a week.")
    made = {f"Locking {n}": body for n, body in enumerate(bodies[:articles])}
    index = make(made, lexical_only=True)
    found = search(index, "how do I lock timesheets", None, RULES)
    assert len(found.hits) == len(found.chosen) == articles
    assert found.hits[0].chunk.article_id == "locking-0"


def test_a_word_without_weight_is_found() -> None:
    index = make({"Kiosk": "Clock in.", "Tags": "Mark entries."}, lexical_only=True)
    assert index.lexical.scores(["kiosk"]).tolist() == [0.0] * len(index.chunks)
    found = search(index, "kiosk", None, RULES)
    assert [hit.chunk.article_id for hit in found.chosen] == ["kiosk"]


def test_hits_are_filled_up_to_ten_articles_in_order() -> None:
    index = make(ARTICLES, lexical_only=True)
    found = search(index, "kiosk", None, RULES)
    others = [title.lower().replace(" ", "-") for title in ARTICLES if title != "Kiosk"]
    assert [hit.chunk.article_id for hit in found.hits] == ["kiosk", *others[:9]]
    assert [hit.chunk.article_id for hit in found.chosen] == ["kiosk"]
    assert {(hit.bm25, hit.score) for hit in found.hits[1:]} == {(0.0, 0.0)}


def test_hits_are_filled_up_by_similarity() -> None:
    """The nearest chunks are all of one article, so that the others must be looked for."""
    bodies = "\n\n".join(f"## Part {n}\n\nTrack time {n}." for n in range(POOL + 50))
    index = make({"Track time": bodies, **{f"Note {n}": f"About {n}." for n in range(12)}})
    found = ask(index, "track time")
    articles = [hit.chunk.article_id for hit in found.hits]
    assert articles[0] == "track-time"
    assert len(articles) == len(set(articles)) == 10
    similarities = [hit.similarity for hit in found.hits[1:] if hit.similarity is not None]
    assert len(similarities) == 9
    assert similarities == sorted(similarities, reverse=True)
    assert_true_scores(index, "track time", found.hits)


def test_the_hit_of_an_article_is_its_best_chunk(index: Index) -> None:
    found = ask(index, "vacation left", RetrievalRules(pack=50, top_k=50, mmr_lambda=1.0))
    best: dict[str, Hit] = {}
    for hit in found.chosen:
        best.setdefault(hit.chunk.article_id, hit)
    assert found.hits == tuple(best.values())


def test_candidates_of_one_retriever_have_the_scores_of_the_other(large: Index) -> None:
    assert len(large.chunks) == 4 * POOL
    question = " ".join(large.chunks[row].text for row in (0, POOL, 2 * POOL))
    found = ask(large, question, RetrievalRules(top_k=500, pack=500, mmr_lambda=1.0))
    assert_true_scores(large, question, found.chosen)
    by_words = {hit.row for hit in found.chosen if hit.bm25}
    assert large.vectors is not None
    near = {int(row) for row in large.vectors.nearest(embed(question), POOL)[0]}
    assert by_words - near  # found by words alone, yet it has its cosine
    assert len(found.chosen) > len(by_words)
    rows = [hit.row for hit in found.chosen]
    assert len(rows) == len(set(rows)) < len(large.chunks) // 2


def test_no_summary_is_quoted(index: Index, large: Index) -> None:
    everything = RetrievalRules(top_k=1000, pack=1000)
    for searched, question in ((index, "dates"), (index, "Kiosk"), (large, "Article")):
        found = ask(searched, question, everything)
        kinds = {hit.chunk.kind for hit in (*found.chosen, *found.hits)}
        assert kinds == {ChunkKind.BODY}


def test_a_summary_brings_its_article_in() -> None:
    """ "Dates" is a heading without text: it stands in the summary alone."""
    index = make(ARTICLES, lexical_only=True)
    found = search(index, "dates", None, RULES)
    assert [hit.chunk.id for hit in found.chosen] == [
        "lock-timesheets#intro.1",
        "lock-timesheets#unlock.1",
    ]
    first = found.hits[0]
    assert (first.chunk.article_id, first.bm25, first.score) == ("lock-timesheets", 0.0, 0.0)


def test_words_alone() -> None:
    built = make(ARTICLES, lexical_only=True)
    question = "lock the timesheets"
    found = search(built, question, None, RULES)
    oracle = bm25_oracle(built, question)
    best = sum(found.term_weights) * (K1 + 1)
    expected = [row for row in np.lexsort((np.arange(len(oracle)), -oracle)) if oracle[row] > 0]
    rows = [int(row) for row in expected if built.is_body[row]]
    assert [hit.row for hit in found.chosen] == rows[: RULES.pack]
    for hit in found.hits:
        assert (hit.bm25, hit.similarity) == (oracle[hit.row], None)
        assert hit.score == oracle[hit.row] / best


@pytest.mark.parametrize("vectors", [True, False], ids=["outage", "built so"])
def test_words_alone_whether_built_so_or_not(index: Index, vectors: bool) -> None:
    searched = index if vectors else make(ARTICLES, lexical_only=True)
    query = None if vectors else embed("track time")
    found = search(searched, "track time", query, RULES)
    alone = search(make(ARTICLES, lexical_only=True), "track time", None, RULES)
    assert found == alone


def test_words_alone_find_nothing_unknown() -> None:
    found = search(make(ARTICLES, lexical_only=True), "zorkle", None, RULES)
    assert (found.hits, found.chosen, found.terms) == ((), (), ("zorkl",))


def test_an_empty_index_finds_nothing() -> None:
    nothing = build_index("1", [], np.zeros((0, DIMENSION), dtype=np.float32), SPEC)
    assert ask(nothing, "track time").hits == ()
    assert search(build_index("1", [], None, None), "track time", None, RULES).hits == ()


def test_terms_and_their_weights(index: Index) -> None:
    found = ask(index, "Lock the timesheets, zorkle lock")
    assert found.terms == ("lock", "timesheet", "zorkl", "lock")
    idf = {term: float(index.lexical.idf[n]) for term, n in index.lexical.vocabulary.items()}
    rarest = max(idf.values())
    assert found.term_weights == (idf["lock"], idf["timesheet"], rarest, idf["lock"])
    assert term_weights(build_index("1", [], None, None), ("lock",)) == (1.0,)


def test_equal_chunks_are_tied_by_row() -> None:
    """One text in many rows: a matrix product would give some of them another last bit."""
    chunks = [c for c in make(ARTICLES).chunks if c.article_id in ("kiosk", "tags")]
    copies = [
        replace(chunk, id=f"{chunk.id}{n}", article_id=f"{chunk.article_id}{n}")
        for n in range(15)
        for chunk in chunks
    ]
    vectors = np.stack([embed(chunk.indexed_text) for chunk in copies])
    for built in (build_index("1", copies, vectors, SPEC), build_index("1", copies, None, None)):
        found = ask(built, "mark entries", RetrievalRules(top_k=15, pack=15, mmr_lambda=1.0))
        assert [hit.chunk.article_id for hit in found.chosen[:15]] == [
            f"tags{n}" for n in range(15)
        ]


def test_top_k_and_pack_and_lambda(index: Index) -> None:
    ranked = ask(index, "timesheets", RetrievalRules(top_k=9, pack=9, mmr_lambda=1.0)).chosen
    assert len(ranked) == 9
    few = ask(index, "timesheets", RetrievalRules(top_k=4, pack=9, mmr_lambda=1.0)).chosen
    assert few == ranked[:4]
    assert (
        ask(index, "timesheets", RetrievalRules(top_k=9, pack=3, mmr_lambda=1.0)).chosen
        == (ranked[:3])
    )
    diverse = ask(index, "timesheets", RetrievalRules(top_k=9, pack=9, mmr_lambda=0.3)).chosen
    assert diverse != ranked
    assert sorted(diverse, key=lambda hit: hit.row) == sorted(ranked, key=lambda hit: hit.row)


def test_diversity_passes_over_a_copy() -> None:
    text = "Admins lock timesheets in the settings."
    built = make(
        {"Lock": text, "Lock ": text, "Approve": "Managers approve timesheets.", **ARTICLES}
    )
    chosen = ask(built, "lock timesheets in the settings", RetrievalRules(mmr_lambda=0.5)).chosen
    assert chosen[0].chunk.text == text
    assert text not in [hit.chunk.text for hit in chosen[1:3]]


class TestFolders:
    """Only what lies in the given folders is found: hits, chosen ones, and those added to ten."""

    TEXTS: ClassVar[dict[str, str]] = {
        "Lock": "Admins lock timesheets and open a week.\n\n## Dates\n\nPick a date.",
        "Approve": "Managers approve timesheets each week.",
        "Kiosk": "Clock in on a shared tablet.",
    }

    def split(self, folders: Sequence[str], *, lexical_only: bool = False) -> Index:
        """Make an index with the same three articles in each folder."""
        ids = [f"{folder}/{title.lower()}" for folder in folders for title in self.TEXTS]
        texts = [(title, body) for _ in folders for title, body in self.TEXTS.items()]
        chunks = [
            chunk
            for id, (title, body) in zip(ids, texts, strict=True)
            for chunk in split_article(
                Article(id, title, None, body, "", ""),
                sizes=SIZES,
                count_tokens=lambda text: len(text.split()),
            )
        ]
        vectors = np.stack([embed(chunk.indexed_text) for chunk in chunks])
        return build_index("1", chunks, *((None, None) if lexical_only else (vectors, SPEC)))

    @pytest.mark.parametrize("lexical_only", [False, True], ids=["vectors", "words"])
    @pytest.mark.parametrize("folders", [("b",), ("b", "d"), ("b/",), ("B",), ("b", "zz")])
    def test_nothing_comes_from_elsewhere(
        self, folders: tuple[str, ...], lexical_only: bool
    ) -> None:
        index = self.split(("a", "b", "bb", "c", "d"), lexical_only=lexical_only)
        query = None if lexical_only else embed("lock timesheets")
        found = search(index, "lock timesheets", query, RULES, allowed=index.rows_within(folders))
        within = {folder.strip("/").lower() for folder in folders} - {"zz"}
        for hits in (found.hits, found.chosen):
            assert {hit.chunk.article_id.partition("/")[0] for hit in hits} == within
        assert found.hits[0].chunk.article_id == "b/lock"
        assert len(found.hits) == 3 * len(within)

    def test_what_is_far_behind_elsewhere_is_found(self) -> None:
        """More chunks than a retriever gives candidates are nearer, and have more of the words."""
        index = self.split((*(f"a{n}" for n in range(POOL)), "z"))
        allowed = index.rows_within(["z"])
        for text in ("lock timesheets week date", "tablet"):
            for query in (embed(text), None):
                found = search(index, text, query, RULES, allowed=allowed)
                ids = {hit.chunk.article_id for hit in found.hits}
                assert ids == {"z/lock", "z/approve", "z/kiosk"}

    def test_scores_are_those_of_the_whole_index(self) -> None:
        index = self.split(("a", "b"))
        text = "approve timesheets"
        found = search(index, text, embed(text), RULES, allowed=index.rows_within(["b"]))
        assert_true_scores(index, text, found.hits)
        scores = [hit.score for hit in found.hits]
        assert scores == sorted(scores, reverse=True)

    def test_all_folders_give_what_none_gives(self) -> None:
        index = self.split(("a", "b", "c"))
        allowed = index.rows_within(index.folders())
        query = embed("lock timesheets")
        some = search(index, "lock timesheets", query, RULES, allowed=allowed)
        assert some == search(index, "lock timesheets", query, RULES)

    @pytest.mark.parametrize("folder", ["zz", "", "/", "a/lock/dates", "loc"])
    def test_an_unknown_folder_holds_nothing(self, folder: str) -> None:
        index = self.split(("a",))
        allowed = index.rows_within([folder])
        found = search(index, "lock timesheets", embed("lock timesheets"), RULES, allowed=allowed)
        assert (found.hits, found.chosen) == ((), ())

    def test_a_folder_may_lie_deeper_or_be_an_article(self) -> None:
        index = self.split(("a/b", "a/c"))
        for folder, ids in {
            "a/b": {"a/b/lock", "a/b/approve", "a/b/kiosk"},
            "a/c/kiosk": {"a/c/kiosk"},
        }.items():
            rows = np.flatnonzero(index.rows_within([folder]))
            assert {index.chunks[row].article_id for row in rows} == ids
        assert index.folders() == ("a",)

    def test_folders_are_named_in_order_once(self, index: Index) -> None:
        assert self.split(("b", "a", "c/d")).folders() == ("a", "b", "c")
        assert index.folders() == ()
