"""Evidence: what of a question the best chunk covers, and what the knowledge has never heard of."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.evidence import MOST_UNKNOWN, Evidence, measure, names
from core.index import Index
from core.rebuild import rebuild
from core.retrieval import Retrieval, RetrievalRules, search
from core.store import Store
from core.types import Role

from .fakes import HashingEmbedder, WordMatcher, request, write_knowledge


@pytest.fixture
async def index(tmp_path: Path) -> Index:
    await rebuild(request(write_knowledge(tmp_path / "kb"), tmp_path / "index"))
    return Store(tmp_path / "index").open().index


async def find(index: Index, text: str, *, lexical: bool = False) -> Retrieval:
    query = None
    if not lexical:
        (query,) = await HashingEmbedder().embed([text], role=Role.QUERY)
    found = search(index, text, query, RetrievalRules())
    assert found.hits
    return found


async def read(index: Index, text: str, matcher: WordMatcher | None = None) -> Evidence:
    return await measure(index, text, await find(index, text), matcher)


class TestCoverage:
    async def test_all_of_the_question(self, index: Index) -> None:
        evidence = await read(index, "Who can lock timesheets?")
        assert evidence == Evidence(None, coverage=1.0, unknown_terms=0, unknown_names=0)

    async def test_rarer_words_weigh_more(self, index: Index) -> None:
        found = await find(index, "lock")
        weights = dict(zip(found.terms, found.term_weights, strict=True))
        assert found.hits[0].chunk.article_id == "lock-timesheets"
        without = (await read(index, "lock invoice")).coverage
        found = await find(index, "lock invoice")
        weights = dict(zip(found.terms, found.term_weights, strict=True))
        held = set(index.analyzer.terms(found.hits[0].chunk.indexed_text))
        expected = sum(weights[t] for t in weights if t in held) / sum(weights.values())
        assert without == pytest.approx(expected)
        assert 0 < without < 1

    async def test_a_repeated_word_counts_once(self, index: Index) -> None:
        once = await read(index, "lock zebra")
        assert await read(index, "lock lock lock zebra") == once

    async def test_title_and_headings_count(self, index: Index) -> None:
        text = "payments"  # only in a heading and a title path
        assert (await read(index, text)).coverage == 1.0

    async def test_without_words_there_is_none(self, index: Index) -> None:
        evidence = await read(index, "how do i get the?", WordMatcher())
        assert evidence == Evidence(0.0, coverage=0.0, unknown_terms=0, unknown_names=0)


class TestTokenMatch:
    async def test_none_without_a_matcher_or_without_a_vector(self, index: Index) -> None:
        assert (await read(index, "lock timesheets")).token_match is None
        found = await find(index, "lock timesheets", lexical=True)
        matcher = WordMatcher()
        assert (await measure(index, "lock timesheets", found, matcher)).token_match is None
        assert matcher.asked == []

    async def test_every_word_that_counts_is_matched_by_its_weight(self, index: Index) -> None:
        matcher = WordMatcher()
        evidence = await read(index, "How do I lock zebra timesheets?", matcher)
        assert matcher.asked == [("lock", "zebra", "timesheets")]
        assert evidence.token_match is not None
        assert 0.0 < evidence.token_match < 1.0
        assert evidence.token_match == pytest.approx(evidence.coverage)

    async def test_words_that_the_knowledge_lacks_do_not_match(self, index: Index) -> None:
        assert (await read(index, "zebra giraffe", WordMatcher())).token_match == 0.0

    async def test_stop_words_alone_ask_nothing(self, index: Index) -> None:
        matcher = WordMatcher()
        assert (await read(index, "how do i get the?", matcher)).token_match == 0.0
        assert matcher.asked == []


class TestUnknown:
    async def test_words_are_counted_up_to_a_bound(self, index: Index) -> None:
        vocabulary = index.lexical.vocabulary
        known = " ".join([w for w in vocabulary if index.analyzer.terms(w) == [w]][:6])
        counts = [
            (await read(index, text)).unknown_terms
            for text in (
                known,
                f"{known} zebra",
                f"{known} zebra zebra",
                f"{known} zebra giraffe oryx",
            )
        ]
        assert counts == [0, 1, 1, MOST_UNKNOWN]

    async def test_gibberish_has_no_known_words_to_vouch_for_it(self, index: Index) -> None:
        counts = [
            (await read(index, text)).unknown_terms
            for text in ("zebra giraffe", "lock zebra giraffe", "lock project zebra giraffe")
        ]
        assert counts == [0, 0, 1]

    async def test_names_are_counted_apart(self, index: Index) -> None:
        evidence = await read(index, "How do I lock the project in Salesforce and zebra?")
        assert (evidence.unknown_terms, evidence.unknown_names) == (1, 1)
        three = await read(index, "Can I lock a project zebra in Salesforce, Okta or Slack?")
        assert (three.unknown_terms, three.unknown_names) == (1, MOST_UNKNOWN)

    async def test_a_name_that_the_knowledge_has_is_none(self, index: Index) -> None:
        evidence = await read(index, "What is a Kiosk or the Timesheets page?")
        assert evidence.unknown_names == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("how can I sync ADP with Power BI?", ["adp", "power", "bi"]),
        ("Send the invoices to Acme? Reports as well, please.", ["acme"]),
        ("it works with QuickBooks", ["quickbooks"]),
        ("SSO does not work here", ["sso"]),
        ("I think I can", []),
        ("HOW DO I LOCK IT", []),
        ("How To Lock Timesheets", []),
        ("how to lock timesheets", []),
        ("Note: Lock it. (Now) do as I say", []),
        ("日本語 and ÖBB tickets", ["obb"]),
        ("", []),
    ],
)
def test_names(text: str, found: list[str]) -> None:
    assert list(names(text)) == found
