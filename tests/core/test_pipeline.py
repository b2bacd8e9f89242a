"""Pipeline.ask over real generations: answers, refusals, notices, and models that fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.answerers.extractive import ExtractiveAnswerer
from core.answerers.ollama import OllamaAnswerer
from core.errors import (
    EmbedderMismatch,
    ModelMissing,
    ModelPaused,
    ModelTimeout,
    ModelUnavailable,
)
from core.index import Index
from core.notices import TEXTS
from core.ollama import OllamaClient
from core.pipeline import LEXICAL_FOOTNOTE, AnswerRules, Pipeline
from core.protocols import Answerer, Embedder, EmbedderSpec, TokenMatcher
from core.rebuild import rebuild
from core.retrieval import RetrievalRules
from core.store import Store
from core.types import (
    REFUSAL_TEXT,
    Answer,
    Exchange,
    Notice,
    NoticeKind,
    Question,
    Refusal,
    RefusalReason,
    Role,
    Timings,
    Turn,
)
from core.writing import FALLBACK_FOOTNOTE, Writer

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import client, closed_port
from .fakes import ARTICLES, HashingEmbedder, WordMatcher, request, versioned, write_knowledge

QUESTION = Question("How do I lock timesheets?", id="q1")


async def build(
    tmp_path: Path, *, pages: Mapping[str, str] = ARTICLES, **settings: object
) -> Index:
    """Publish one more generation of the pages."""
    for name in pages:
        (tmp_path / "kb" / name).parent.mkdir(parents=True, exist_ok=True)
    knowledge = write_knowledge(tmp_path / "kb", pages)
    await rebuild(request(knowledge, tmp_path / "index", force=True, **settings))
    return Store(tmp_path / "index").open().index


@pytest.fixture
async def index(tmp_path: Path) -> Index:
    return await build(tmp_path)


@pytest.fixture
async def words_only(tmp_path: Path) -> Index:
    return await build(tmp_path, embedder=None)


@pytest.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama() as server:
        yield server


@pytest.fixture
async def asking(ollama: ScriptedOllama) -> AsyncIterator[OllamaClient]:
    async with client(ollama.url, read_seconds=0.6) as opened:
        yield opened


def generator(asking: OllamaClient, model: str = "llama3.2") -> OllamaAnswerer:
    return OllamaAnswerer(asking, model, seed=42, num_ctx=4096, num_predict=512)


def pipeline(
    index: Index,
    *,
    embedder: Embedder | None = None,
    matcher: TokenMatcher | None = None,
    answerer: Answerer | None = None,
    fallback: Answerer | None = None,
    rules: AnswerRules | None = None,
) -> Pipeline:
    """Make a pipeline that quotes, embeds by hashing, and lets the default threshold decide."""
    return Pipeline(
        index,
        Writer(answerer or ExtractiveAnswerer(), fallback),
        embedder=embedder or HashingEmbedder(),
        matcher=matcher,
        rules=rules or AnswerRules(),
    )


def answer(turn: Turn) -> Answer:
    assert isinstance(turn.reply, Answer), turn.reply
    return turn.reply


def refusal(turn: Turn) -> Refusal:
    assert isinstance(turn.reply, Refusal), turn.reply
    return turn.reply


class TestAnswered:
    async def test_a_turn_holds_all_that_came_of_it(self, index: Index) -> None:
        turn = await pipeline(index).ask(QUESTION)
        reply = answer(turn)
        assert "[1]" in reply.text
        assert {source.n for source in reply.sources} == {*range(1, len(reply.sources) + 1)}
        assert reply.sources[0].url == "https://docs.example/help/lock-timesheets"
        assert reply.sources[0].chunk_id in {chunk.id for chunk in index.chunks}
        assert turn.question == QUESTION
        assert turn.generation == index.generation == "00000001"
        assert turn.embedder == "hashing:hashed-words"
        assert turn.answerer == "extractive"
        assert turn.footnotes == ()
        assert turn.hits[0].chunk.article_id == "lock-timesheets"
        articles = [hit.chunk.article_id for hit in turn.hits]
        assert len(articles) == len(set(articles))
        assert [hit.score for hit in turn.hits] == sorted(
            (h.score for h in turn.hits), reverse=True
        )

    @pytest.mark.parametrize("matcher", [None, WordMatcher()], ids=["words", "token vectors"])
    @pytest.mark.parametrize(
        ("text", "article"),
        [
            ("How do I lock timesheets?", "lock-timesheets"),
            ("hi, how do I export a report?", "reports"),
            ("record a payment on an invoice", "invoices"),
            ("clock in at a kiosk", "kiosk"),
        ],
    )
    async def test_each_from_its_article(
        self, index: Index, matcher: WordMatcher | None, text: str, article: str
    ) -> None:
        turn = await pipeline(index, matcher=matcher).ask(Question(text))
        assert answer(turn).sources[0].chunk_id.partition("#")[0] == article

    async def test_a_misspelt_word_is_read_as_the_knowledge_spells_it(self, index: Index) -> None:
        embedder = HashingEmbedder()
        turn = await pipeline(index, embedder=embedder).ask(Question("lock timeshets"))
        assert embedder.texts == ["lock timesheets"]
        assert answer(turn).sources[0].title == "Lock timesheets"

    async def test_timings_are_filled(self, index: Index) -> None:
        timings = (await pipeline(index).ask(QUESTION)).timings_ms
        assert timings.retrieve > 0
        assert timings.answer > 0
        assert timings.total == pytest.approx(timings.retrieve + timings.answer)

    async def test_the_question_is_embedded_once_as_a_query(self, index: Index) -> None:
        embedder = HashingEmbedder()
        await pipeline(index, embedder=embedder).ask(QUESTION)
        assert embedder.texts == [QUESTION.text]
        assert embedder.roles == [Role.QUERY]

    async def test_rules_are_kept(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        rules = AnswerRules(retrieval=RetrievalRules(top_k=4, pack=2), budget_tokens=2000)
        await pipeline(index, answerer=generator(asking), rules=rules).ask(QUESTION)
        (chat,) = ollama.asked("/api/chat")
        assert chat.payload["messages"][1]["content"].count("<<snippet ") == 2

    async def test_words_only_index(self, words_only: Index) -> None:
        embedder = HashingEmbedder()
        turn = await pipeline(words_only, embedder=embedder).ask(QUESTION)
        assert answer(turn).sources[0].title == "Lock timesheets"
        assert (turn.embedder, turn.footnotes) == ("lexical only", ())
        assert embedder.texts == []
        assert {hit.similarity for hit in turn.hits} == {None}


class TestRefused:
    async def test_nothing_found(self, words_only: Index) -> None:
        turn = await pipeline(words_only).ask(Question("zebra giraffe"))
        assert turn.reply == Refusal(RefusalReason.NOTHING_FOUND, ())
        assert (turn.answerer, turn.hits, turn.footnotes) == ("", (), ())
        assert turn.timings_ms.total > 0

    @pytest.mark.parametrize("matcher", [None, WordMatcher()], ids=["words", "token vectors"])
    @pytest.mark.parametrize(
        "text",
        [
            "Who won the match between Spain and Brazil yesterday?",
            "what is the capital of France and of Germany?",
        ],
    )
    async def test_strangers_are_weak_evidence(
        self, index: Index, matcher: WordMatcher | None, text: str
    ) -> None:
        turn = await pipeline(index, matcher=matcher).ask(Question(text))
        assert refusal(turn).reason is RefusalReason.WEAK_EVIDENCE

    async def test_below_the_threshold_no_model_is_asked(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        rules = AnswerRules(threshold=1.0)
        turn = await pipeline(index, answerer=generator(asking), rules=rules).ask(QUESTION)
        assert refusal(turn).reason is RefusalReason.WEAK_EVIDENCE
        assert ollama.requests == []
        assert turn.answerer == ""
        assert turn.generation == index.generation

    async def test_it_names_at_most_three_articles_best_first(self, index: Index) -> None:
        turn = await pipeline(index, rules=AnswerRules(threshold=1.0)).ask(QUESTION)
        assert len(ARTICLES) > 3
        assert len(turn.hits) > 3
        assert refusal(turn).nearest == turn.hits[:3]
        assert turn.hits[0].chunk.article_id == "lock-timesheets"

    async def test_at_threshold_zero_everything_is_answered(self, index: Index) -> None:
        turn = await pipeline(index, rules=AnswerRules(threshold=0.0)).ask(Question("zebra lock"))
        answer(turn)

    async def test_a_budget_that_holds_no_snippet_is_unsupported(self, index: Index) -> None:
        turn = await pipeline(index, rules=AnswerRules(budget_tokens=1)).ask(QUESTION)
        assert refusal(turn).reason is RefusalReason.UNSUPPORTED
        assert refusal(turn).nearest == turn.hits[:3]

    @pytest.mark.parametrize(
        "text",
        [
            REFUSAL_TEXT,
            "The snippets do not mention timesheets.",
            "Users get an email about it.",
            "Users get an email about it [99].",
            "[1]",
        ],
        ids=["the constant", "in other words", "no citation", "unknown citation", "no words"],
    )
    async def test_a_draft_without_support_is_refused(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient, text: str
    ) -> None:
        ollama.script = lambda _: text
        turn = await pipeline(index, answerer=generator(asking)).ask(QUESTION)
        assert refusal(turn).reason is RefusalReason.UNSUPPORTED
        assert refusal(turn).nearest == turn.hits[:3]
        assert turn.answerer == "ollama"


class TestCitations:
    async def test_those_of_snippets_that_were_not_given_are_removed(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.script = lambda _: "Open the workspace settings [1] and [99]. Choose a date [1][0]."
        turn = await pipeline(index, answerer=generator(asking)).ask(QUESTION)
        reply = answer(turn)
        assert reply.text == "Open the workspace settings [1] and. Choose a date [1]."
        assert [source.n for source in reply.sources] == [1]

    async def test_sources_are_the_snippets_that_the_model_saw(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.script = lambda messages: "Locked [1]."
        turn = await pipeline(index, answerer=generator(asking)).ask(QUESTION)
        (source,) = answer(turn).sources
        prompt = ollama.asked("/api/chat")[0].payload["messages"][1]["content"]
        (chunk,) = [chunk for chunk in index.chunks if chunk.id == source.chunk_id]
        assert f"[1 | {' | '.join((chunk.title, *chunk.headings))}]\n{chunk.text}" in prompt


class TestNotices:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("", NoticeKind.EMPTY),
            ("hello!", NoticeKind.GREETING),
            ("thank you", NoticeKind.THANKS),
            ("help", NoticeKind.HELP),
            ("x" * 101, NoticeKind.TOO_LONG),
        ],
    )
    async def test_nothing_is_searched(self, index: Index, text: str, kind: NoticeKind) -> None:
        embedder = HashingEmbedder()
        asked = pipeline(index, embedder=embedder, rules=AnswerRules(max_question_chars=100))
        turn = await asked.ask(Question(text))
        assert isinstance(turn.reply, Notice)
        assert turn.reply.kind is kind
        assert turn.reply.text == TEXTS.get(kind, turn.reply.text)
        assert embedder.texts == []
        assert (turn.hits, turn.answerer, turn.footnotes) == ((), "", ())
        assert turn.generation == index.generation
        assert turn.timings_ms == Timings(total=turn.timings_ms.total)


class TestFollowUps:
    BEFORE = Exchange("How do I export a report?", "On the report page [1].")

    async def test_two_words_are_read_with_the_question_before(self, index: Index) -> None:
        embedder = HashingEmbedder()
        asked = pipeline(index, embedder=embedder)
        turn = await asked.ask(Question("And a spreadsheet?", (Exchange("x", "y"), self.BEFORE)))
        assert embedder.texts == ["How do I export a report? And a spreadsheet?"]
        assert answer(turn).sources[0].title == "Reports"
        assert turn.question.text == "And a spreadsheet?"

    async def test_without_history_they_stand_alone(self, index: Index) -> None:
        embedder = HashingEmbedder()
        await pipeline(index, embedder=embedder).ask(Question("And a spreadsheet?"))
        assert embedder.texts == ["And a spreadsheet?"]

    async def test_a_whole_question_stands_alone(self, index: Index) -> None:
        embedder = HashingEmbedder()
        text = "How do admins lock the timesheets?"
        turn = await pipeline(index, embedder=embedder).ask(Question(text, (self.BEFORE,)))
        assert embedder.texts == [text]
        assert answer(turn).sources[0].title == "Lock timesheets"

    async def test_the_model_sees_the_history(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        asked = pipeline(index, answerer=generator(asking))
        await asked.ask(Question("And a spreadsheet?", (self.BEFORE,)))
        prompt = ollama.asked("/api/chat")[0].payload["messages"][1]["content"]
        assert "Question: How do I export a report?\nReply: On the report page." in prompt

    async def test_the_turn_and_the_debug_log_tell_what_was_searched(
        self, index: Index, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG", "core")
        asked = pipeline(index)
        turn = await asked.ask(Question("And a spreadsheet?", (self.BEFORE,), id="q7"))
        read = "How do I export a report? And a spreadsheet?"
        assert turn.standalone == read
        (told,) = [r for r in caplog.records if "spreadsheet" in r.getMessage()]
        assert (told.levelname, told.getMessage()) == (
            "DEBUG",
            f"question q7 is searched as '{read}'",
        )
        assert (await asked.ask(QUESTION)).standalone == QUESTION.text
        assert (await asked.ask(Question("hello"))).standalone == ""

    async def test_the_history_has_a_part_of_the_budget(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        rules = AnswerRules(budget_tokens=5 * 60)  # room for one of these exchanges
        history = tuple(Exchange(f"How is {n} exported?", "So " * 30) for n in ("A", "B"))
        asked = pipeline(index, answerer=generator(asking), rules=rules)
        await asked.ask(Question(QUESTION.text, history))
        prompt = ollama.asked("/api/chat")[0].payload["messages"][1]["content"]
        assert ("How is B exported?" in prompt, "How is A exported?" in prompt) == (True, False)


class TestFolders:
    @pytest.fixture
    async def index(self, tmp_path: Path) -> Index:
        """Publish the pages twice, under two folders."""
        return await build(
            tmp_path,
            pages={f"{top}/{name}": page for top in "xy" for name, page in ARTICLES.items()},
        )

    @pytest.mark.parametrize("top", ["x", "y"])
    async def test_answers_come_from_them(self, index: Index, top: str) -> None:
        turn = await pipeline(index).ask(replace(QUESTION, folders=(top,)))
        assert {hit.chunk.article_id.partition("/")[0] for hit in turn.hits} == {top}
        assert {s.chunk_id.partition("/")[0] for s in answer(turn).sources} == {top}

    async def test_so_do_the_nearest_articles_of_a_refusal(self, index: Index) -> None:
        asked = pipeline(index, rules=AnswerRules(threshold=1.0))
        nearest = refusal(await asked.ask(replace(QUESTION, folders=("y",)))).nearest
        assert len(nearest) == 3
        assert {hit.chunk.article_id.partition("/")[0] for hit in nearest} == {"y"}

    async def test_of_an_unknown_one_nothing_is_found(self, index: Index) -> None:
        turn = await pipeline(index).ask(replace(QUESTION, folders=("z",)))
        assert turn.reply == Refusal(RefusalReason.NOTHING_FOUND, ())

    async def test_without_any_all_are_searched(self, index: Index) -> None:
        turn = await pipeline(index).ask(QUESTION)
        assert {hit.chunk.article_id.partition("/")[0] for hit in turn.hits} == {"x", "y"}


class TestDrafts:
    TEXT = (
        "Open the workspace settings [1] and [99]. Then choose a date [1]. "
        "I don't know based on the MD. Done."
    )

    async def test_the_model_is_shown_writing(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.script = lambda _: self.TEXT
        drafts: list[str] = []
        turn = await pipeline(index, answerer=generator(asking)).ask(QUESTION, drafts.append)
        assert drafts == [
            "Open the workspace settings [1] and.",
            "Open the workspace settings [1] and. Then choose a date [1].",
        ]
        assert answer(turn).text.startswith(drafts[-1])

    @pytest.mark.parametrize(
        "text", [REFUSAL_TEXT, "The snippets do not mention it [1]. Sorry.", "No citation. At all."]
    )
    async def test_nothing_is_shown_of_a_refusal(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient, text: str
    ) -> None:
        ollama.script = lambda _: text
        drafts: list[str] = []
        turn = await pipeline(index, answerer=generator(asking)).ask(QUESTION, drafts.append)
        refusal(turn)
        assert drafts == []

    async def test_whoever_cannot_show_them_gets_the_answer(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        def fail(_: str) -> None:
            raise RuntimeError("the message is gone")

        ollama.script = lambda _: self.TEXT
        asked = pipeline(index, answerer=generator(asking))
        assert (await asked.ask(QUESTION, fail)).reply == (await asked.ask(QUESTION)).reply

    async def test_quotes_come_at_once(self, index: Index) -> None:
        drafts: list[str] = []
        answer(await pipeline(index).ask(QUESTION, drafts.append))
        assert drafts == []

    async def test_a_model_that_fails_half_way_is_replaced(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.script = lambda _: self.TEXT
        ollama.fail(Fault.NO_DONE, path="/api/chat")
        drafts: list[str] = []
        asked = pipeline(index, answerer=generator(asking), fallback=ExtractiveAnswerer())
        turn = await asked.ask(QUESTION, drafts.append)
        assert len(drafts) <= 2
        assert turn.footnotes == (FALLBACK_FOOTNOTE,)
        assert not answer(turn).text.startswith("Open the workspace settings [1] and")
        assert answer(turn).sources[0].title == "Lock timesheets"


class TestEmbedderFails:
    async def test_down_it_is_words_only_and_says_so(self, index: Index) -> None:
        embedder = HashingEmbedder()
        embedder.down = True
        matcher = WordMatcher()
        turn = await pipeline(index, embedder=embedder, matcher=matcher).ask(QUESTION)
        assert answer(turn).sources[0].title == "Lock timesheets"
        assert turn.footnotes == (LEXICAL_FOOTNOTE,)
        assert {hit.similarity for hit in turn.hits} == {None}
        assert matcher.asked == []
        embedder.down = False
        turn = await pipeline(index, embedder=embedder).ask(QUESTION)
        assert turn.footnotes == ()

    async def test_failing_after_its_description_it_is_words_only(self, index: Index) -> None:
        def fail(_: Sequence[str]) -> None:
            raise ModelTimeout("too slow")

        turn = await pipeline(index, embedder=HashingEmbedder(on_embed=fail)).ask(QUESTION)
        assert turn.footnotes == (LEXICAL_FOOTNOTE,)
        answer(turn)

    async def test_left_alone_it_is_no_news(
        self, index: Index, caplog: pytest.LogCaptureFixture
    ) -> None:
        failures = [ModelTimeout("slow"), ModelPaused("for 8 s"), ModelPaused("for 5 s")] * 2

        def fail(_: Sequence[str]) -> None:
            raise failures.pop(0)

        asked = pipeline(index, embedder=HashingEmbedder(on_embed=fail))
        while failures:
            assert (await asked.ask(QUESTION)).footnotes == (LEXICAL_FOOTNOTE,)
        told = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
        assert told == ["a question could not be embedded: slow"]

    async def test_missing_it_is_words_only(self, index: Index) -> None:
        writer = Writer(ExtractiveAnswerer(), None)
        asked = Pipeline(index, writer, embedder=None, matcher=None, rules=AnswerRules())
        assert (await asked.ask(QUESTION)).footnotes == (LEXICAL_FOOTNOTE,)

    @pytest.mark.parametrize(
        "other",
        [HashingEmbedder(model="other"), HashingEmbedder(dimension=32)],
        ids=["model", "dimension"],
    )
    async def test_another_one_is_an_error_that_names_both(
        self, index: Index, other: HashingEmbedder
    ) -> None:
        with pytest.raises(EmbedderMismatch) as mismatch:
            await pipeline(index, embedder=other).ask(QUESTION)
        spec = await other.spec()
        assert str(mismatch.value) == (
            "The index was made with hashing:hashed-words (64 dimensions), but questions would be "
            f"embedded with hashing:{spec.model} ({spec.dimension} dimensions). "
            "Run: clockify-bot build (or set EMBEDDER and EMB_MODEL back)."
        )
        assert mismatch.value.exit_code == 3
        assert other.texts == []

    async def test_another_prefix_is_a_mismatch_too(self, index: Index) -> None:
        class Prefixed(HashingEmbedder):
            async def spec(self) -> EmbedderSpec:
                return replace(await super().spec(), query_prefix="query: ")

        with pytest.raises(EmbedderMismatch):
            await pipeline(index, embedder=Prefixed()).ask(QUESTION)


class TestAnswererFails:
    @pytest.mark.parametrize("fault", [Fault.BUSY, Fault.CLOSED, Fault.HANG, Fault.NO_DONE])
    async def test_the_fallback_quotes_and_says_so(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient, fault: Fault
    ) -> None:
        ollama.fail(fault)
        asked = pipeline(index, answerer=generator(asking), fallback=ExtractiveAnswerer())
        turn = await asked.ask(QUESTION)
        assert turn.footnotes == (FALLBACK_FOOTNOTE,)
        assert turn.answerer == "extractive"
        assert answer(turn).sources[0].title == "Lock timesheets"
        ollama.recover()
        turn = await asked.ask(QUESTION)
        assert (turn.footnotes, turn.answerer) == ((), "ollama")

    async def test_both_down_says_both(self, index: Index) -> None:
        embedder = HashingEmbedder()
        embedder.down = True
        async with client(f"http://127.0.0.1:{closed_port()}") as asking:
            turn = await pipeline(
                index,
                embedder=embedder,
                answerer=generator(asking),
                fallback=ExtractiveAnswerer(),
            ).ask(QUESTION)
        assert turn.footnotes == (LEXICAL_FOOTNOTE, FALLBACK_FOOTNOTE)

    async def test_without_a_fallback_it_raises(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        with pytest.raises(ModelMissing, match="ollama pull phi4"):
            await pipeline(index, answerer=generator(asking, "phi4")).ask(QUESTION)
        ollama.fail(Fault.BUSY)
        with pytest.raises(ModelUnavailable):
            await pipeline(index, answerer=generator(asking)).ask(QUESTION)

    async def test_a_refusal_of_the_model_is_no_failure(
        self, index: Index, ollama: ScriptedOllama, asking: OllamaClient
    ) -> None:
        ollama.script = lambda _: REFUSAL_TEXT
        asked = pipeline(index, answerer=generator(asking), fallback=ExtractiveAnswerer())
        turn = await asked.ask(QUESTION)
        assert refusal(turn).reason is RefusalReason.UNSUPPORTED
        assert (turn.answerer, turn.footnotes) == ("ollama", ())


def long_pages(version: str) -> dict[str, str]:
    """Give pages of one version; one has a section of several chunks, which packing joins."""
    steps = " ".join(f"Admins lock timesheets in {version}, step {n}." for n in range(40))
    text = f"Begin with the oldest week in {version}. {steps}"
    return {**versioned(version), "guide": f"# Guide\n\n## Lock timesheets\n\n{text}\n"}


class TestSwap:
    @pytest.fixture
    async def index(self, tmp_path: Path) -> Index:
        knowledge = write_knowledge(tmp_path / "kb", long_pages("v1"))
        await rebuild(request(knowledge, tmp_path / "index"))
        return Store(tmp_path / "index").open().index

    @pytest.fixture
    async def later(self, tmp_path: Path, index: Index) -> Index:
        """Give a generation 2 where every text is another one."""
        knowledge = write_knowledge(tmp_path / "kb", long_pages("v2"))
        await rebuild(request(knowledge, tmp_path / "index"))
        return Store(tmp_path / "index").open().index

    async def test_the_next_question_gets_the_new_one(self, index: Index, later: Index) -> None:
        asked = pipeline(index)
        assert asked.generation == (await asked.ask(QUESTION)).generation == "00000001"
        asked.swap(later)
        assert (asked.generation, asked.index) == ("00000002", later)
        turn = await asked.ask(QUESTION)
        assert turn.generation == "00000002"
        assert all(" v2" in hit.chunk.text for hit in turn.hits)
        assert " v2" in answer(turn).text

    @pytest.mark.parametrize("moment", ["embedding", "answering"])
    async def test_a_running_question_keeps_its_own(
        self,
        index: Index,
        later: Index,
        ollama: ScriptedOllama,
        asking: OllamaClient,
        moment: str,
    ) -> None:
        swapped: list[str] = []

        def swap() -> None:
            asked.swap(later)
            swapped.append(moment)

        def write(_: list[dict[str, str]]) -> str:
            if moment == "answering":
                swap()
            return "Locked [1]."

        embedder = HashingEmbedder()
        if moment == "embedding":
            embedder.on_embed = lambda _: swap()
        ollama.script = write
        rules = AnswerRules(retrieval=RetrievalRules(pack=1))
        asked = pipeline(index, embedder=embedder, answerer=generator(asking), rules=rules)
        turn = await asked.ask(Question("Guide: do admins begin with the oldest week?"))
        assert swapped == [moment]
        assert turn.generation == "00000001"
        assert all(" v1" in hit.chunk.text for hit in turn.hits)
        assert len(answer(turn).sources) == 1
        prompt = ollama.asked("/api/chat")[0].payload["messages"][1]["content"]
        assert prompt.count("in v1, step ") > 15  # more than one chunk: packed with the next one
        assert " v2" not in prompt
        assert asked.generation == "00000002"
