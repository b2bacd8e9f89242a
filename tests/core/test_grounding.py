"""Drafts → checked answers: citations that exist, refusals in any words, nothing active."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.disarm import disarm
from core.grounding import check
from core.prompt import SYSTEM_PROMPT
from core.types import (
    REFUSAL_TEXT,
    Answer,
    Chunk,
    Context,
    Draft,
    Refusal,
    RefusalReason,
    Snippet,
    Source,
)

PAGE = "https://clockify.me/help/track-time"


def snippet(number: int, url: str | None) -> Snippet:
    chunk = Chunk(f"c{number}", "a", f"Title {number}", ("Head",), "text", url, 0, 4)
    return Snippet(number, chunk, "text")


CONTEXT = Context(
    (snippet(1, PAGE), snippet(2, "https://clockify.me/help/lock?v=2"), snippet(3, None)), 30
)


def reply(text: str, context: Context = CONTEXT) -> Answer | Refusal:
    return check(Draft(text, "test"), context)


def answer(text: str) -> str:
    checked = reply(text)
    assert isinstance(checked, Answer), text
    return checked.text


def is_refused(text: str) -> bool:
    checked = reply(text)
    assert isinstance(checked, Answer) or checked.reason is RefusalReason.UNSUPPORTED
    return isinstance(checked, Refusal)


class TestCitations:
    def test_sources_in_order_of_first_use(self) -> None:
        assert reply("Save [3]. Open [1]. Save again [3].") == Answer(
            text="Save [1]. Open [2]. Save again [1].",
            sources=(
                Source(1, "Title 3", None, ("Head",), "c3"),
                Source(2, "Title 1", PAGE, ("Head",), "c1"),
            ),
        )

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("Yes [1].", "Yes [1]."),
            ("Yes [1, 9].", "Yes [1]."),
            ("Yes [9, 2].", "Yes [1]."),
            ("Yes [1][2].", "Yes [1][2]."),
            ("Yes [1, 2; 3].", "Yes [1][2][3]."),
            ("Yes [1-3].", "Yes [1][2][3]."),
            ("Yes [1–2] and [2 and 1].", "Yes [1][2] and [2][1]."),
            ("Yes 【1】 and 【2†source】.", "Yes [1] and [2]."),
            ("Yes [^2].", "Yes [1]."),
            ("Yes [Snippet 2], [source 3].", "Yes [1], [2]."),
            ("Yes [Snippet 1, Snippet 2].", "Yes [1][2]."),
            ("Yes [2 | Title 2 | Head].", "Yes [1]."),
            ("Yes `[2]`.", "Yes [1]."),
            ("Yes [2](https://evil.example/x).", "Yes [1]."),
            ("Yes [1] [1][1].", "Yes [1]."),
            ("Yes [1]. No [9].", "Yes [1]. No."),
            ("Yes [1], in [2023] too.", "Yes [1], in [2023] too."),
        ],
    )
    def test_forms(self, written: str, expected: str) -> None:
        assert answer(written) == expected

    def test_code_is_left_alone(self) -> None:
        written = "Run `list[3]`:\n\n```js\nitems[1] = rows[9]\n```\n\nas shown [2]."
        checked = reply(written)
        assert isinstance(checked, Answer)
        assert checked.text == written.replace("shown [2]", "shown [1]")
        assert [source.chunk_id for source in checked.sources] == ["c2"]

    @pytest.mark.parametrize(
        "written",
        ["", "  \n", "Yes.", "Yes [9].", "Yes [0].", "[1]", "[1][2] .", "```\nrows[1]\n```", "(1)"],
    )
    def test_without_support(self, written: str) -> None:
        assert is_refused(written)

    def test_without_snippets(self) -> None:
        assert reply("Yes [1].", Context((), 0)) == Refusal(RefusalReason.UNSUPPORTED)


class TestRefusals:
    @pytest.mark.parametrize(
        "written",
        [
            REFUSAL_TEXT,
            REFUSAL_TEXT.upper(),
            REFUSAL_TEXT.rstrip("."),
            f'"{REFUSAL_TEXT}"',
            f"**{REFUSAL_TEXT}** [1]",
            "I don’t know based on the MD!",
            "> I don't know based on the MD [1].",
            f"{REFUSAL_TEXT} The snippets are about invoices [1]. You can read them [2].",
            "I could not find anything about kiosks [1].",
            "I'm sorry, but I cannot find that in the documentation [1].",
            "Unfortunately, I do not have enough information [1].",
            "The provided snippets do not contain information about refunds [1].",
            "The snippets don’t mention it [1][2]. They only describe invoices [2].",
            "Based on the provided context, there is no information about that [1].",
            "There is no information about refunds in the snippets [1].",
            "There's nothing here. There is no mention of it.",
            "None of the snippets mention a discount [1].",
            "The given text does not specify the price [1].",
            "No information about that is given [1].",
            "That is not covered in the snippets [1].",
        ],
    )
    def test_in_any_words(self, written: str) -> None:
        assert is_refused(written)

    @pytest.mark.parametrize(
        "written",
        [
            "There is no limit on projects [1].",
            "There is no option to undo it [1]. Make a backup first [2].",
            "The free plan does not include locking [1].",
            "Documents do not include tax unless you add it [1].",
            "I could not find a single button for it, but you can press Stop and Start [1].",
            "The snippets do not mention Safari. However, the app runs in Chrome [1].",
            "The snippets do not mention a price. Plans are monthly [1]. Seats are extra [2].",
            "No. Only admins can do that [1].",
            f"The snippets do not mention it [1]. {'Reports are made like this. ' * 20}".strip(),
            f"The snippets do not mention it [1]. Reports are {'very ' * 90}detailed [2].",
            "You can't find the report? Open Reports [1].",
        ],
    )
    def test_answers_that_only_sound_so(self, written: str) -> None:
        assert answer(written) == written

    def test_the_constant_behind_an_answer_is_dropped(self) -> None:
        assert answer(f"Open Reports [1].\n\n{REFUSAL_TEXT}") == "Open Reports [1]."


class TestDisarming:
    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            (f"See [the guide]({PAGE}#start).", f"See [the guide]({PAGE})."),
            (f"See {PAGE}/.", f"See {PAGE}."),
            (f"See <{PAGE}>.", f"See {PAGE}."),
            (f"See [a]({PAGE}?q=SECRET).", "See a."),
            ("See [the guide](https://evil.example/?q=SECRET).", "See the guide."),
            ("See [a](//evil.example) and [b](/x).", "See a and b."),
            ("See [a](javascript:alert(1)).", "See a."),
            ("See [a](data:text/html;base64,AA).", "See a."),
            ('See [a](https://evil.example "title").', "See a."),
            ("See [[a](https://one.example)](https://two.example).", "See a."),
            (f"See [https://evil.example]({PAGE}).", f"See {PAGE}."),
            ("See [a][x].\n\n[x]: https://evil.example", "See [a][x]."),
            ("See https://evil.example/x?y=1, then go.", "See, then go."),
            ("See it (https://evil.example) now.", "See it now."),
            ("See 0https://evil.example and HTTPS://EVIL.example.", "See and."),
            ("See https://me@clockify.me.evil.example/ ok.", "See ok."),
            ("See https://clockify.me@evil.example/ ok.", "See ok."),
            ("Log in athttps://app.clockify.me/login?x=1.", "Log in at app.clockify.me."),
            ("See evil.example/a and www.evil.example or evil.com.", "See and or."),
            (
                "Mail support@clockify.me about report.csv.",
                "Mail support@clockify.me about report.csv.",
            ),
            ("Done.It works at 10:30.", "Done.It works at 10:30."),
            (f"See evil.com{PAGE} now.", f"See {PAGE} now."),
            ("See www.evil.zip and notes.zip.", "See and notes.zip."),
            ("See ![x](https://evil.example/p.png) this.", "See this."),
            ("See ![x][y] this.", "See this."),
            ("ht![](x)tps://evil.example/a now.", "now."),
            ("See <https://evil.example|the guide>.", "See the guide."),
            (f"See <{PAGE}|the guide>.", f"See [the guide]({PAGE})."),
            ("<!channel> and <!subteam^S1|@team> hi.", "!channel and @team hi."),
            ("Ask <@U123> or <@U123|bob> or <#C1>.", "Ask @U123 or bob or #C1."),
            ("<<!here>> and <<!here.", "!here and !here."),
            ("@channel @Here @everyone, @channels.", "@ channel @ Here @ everyone, @channels."),
            ("<@channel> hi.", "@ channel hi."),
            ("A <b>bold</b> <img src=x onerror=y>word<br/>.", "A bold word."),
            ("A <!-- hidden -->word.", "A word."),
            ("A word.<!-- never closed", "A word."),
            ("Type <your name> if a < b -> c.", "Type your name if a < b -> c."),
            ("a\u200b\u202eb\u2066c\ufeff\x07\ud83d.", "abc."),
            ("a\r\nb\u2028c.", "a\nb\nc."),
            ("Use `List<b>` and `<!here>`.", "Use `List<b>` and `!here`."),
        ],
    )
    def test_forms(self, written: str, expected: str) -> None:
        assert answer(f"Yes [1]. {written}") == f"Yes [1]. {expected}"

    def test_code_keeps_its_tags_but_no_markup_or_address(self) -> None:
        written = "Yes [1].\n\n```html\n<b>x</b> <!channel> https://evil.example/x\n```"
        assert answer(written) == "Yes [1].\n\n```html\n<b>x</b> !channel\n```"

    def test_the_rules_are_not_repeated(self) -> None:
        echoed = answer(f"My rules [1]:\n{SYSTEM_PROMPT}\nThat is all.")
        assert echoed.startswith("My rules [1]:")
        assert echoed.endswith("That is all.")
        assert len(echoed) < 60
        wrapped = SYSTEM_PROMPT[40:140].upper().replace(" ", "\n", 3)
        assert answer(f"Rules [1]: {wrapped} end.") == "Rules [1]: end."

    def test_short_pieces_of_the_rules_stay(self) -> None:
        piece = SYSTEM_PROMPT[:60]
        assert answer(f"Yes [1]: {piece}").endswith(piece.strip())

    def test_an_address_of_the_knowledge_must_be_web(self) -> None:
        context = Context((snippet(1, "javascript://x/%0aalert(1)"),), 0)
        checked = reply("See javascript://x/%0aalert [1].", context)
        assert isinstance(checked, Answer)
        assert checked.text == "See [1]."


PIECES = st.sampled_from(
    [
        "https://evil.example/a", "http://", "://", "evil.com", "/x?q=1", "www.", "@", "#", "0",
        "<", ">", "<!", "<@U1", "|", "channel", "here", "everyone", "[", "]", "(", ")", "![", "](",
        "`", "```", "\n", " ", "<b>", "</b>", "<!--", "-->", "\u200b", "\u202e", "\ue000", "\x00",
        "[1]", "【2】", "javascript:", "a", "é", ".", "*", "_", "~~~", PAGE, SYSTEM_PROMPT[:40],
        SYSTEM_PROMPT[40:90], "\\", "&lt;", '"', "'",
    ]
)  # fmt: skip


HOSTILE = given(st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=30))


@settings(max_examples=300, deadline=None)
@example(["evil.com", ".A¹"])
@example(["evil.com", ".ab"])
@example(["```", "![", "]("])
@example(["see evil.com", ".Then save.It opens"])
@HOSTILE
def test_nothing_active_is_left(pieces: list[str]) -> None:
    judge_disarmed("".join(pieces))


@pytest.mark.proof
@pytest.mark.beside
@pytest.mark.timeout(600)
@settings(max_examples=6000, deadline=None)
@HOSTILE
def test_nothing_active_is_left_of_many(pieces: list[str]) -> None:
    judge_disarmed("".join(pieces))


def judge_disarmed(written: str) -> None:
    text = disarm(written, urls=[PAGE], hidden=SYSTEM_PROMPT)
    rest = text.replace(PAGE, "")
    assert "://" not in rest
    assert not re.search(r"<[!@#]|<https?:|<!--", text)
    assert not re.search(r"@(?:channel|here|everyone)(?![a-z])", text, re.IGNORECASE)
    assert not re.search(r"(?<![\w.@-])evil\.com(?![\w-])", rest)
    assert not re.search(r"!\[[^\[\]\n]*\]\(", text)
    assert not {unicodedata.category(c) for c in text if c not in "\n\t"} & {"Cc", "Cf", "Co", "Cs"}


@settings(max_examples=150, deadline=None)
@HOSTILE
def test_citations_and_sources_always_agree(pieces: list[str]) -> None:
    checked = reply("".join(pieces))
    if isinstance(checked, Answer):
        assert [source.n for source in checked.sources] == list(range(1, len(checked.sources) + 1))
        assert all(f"[{source.n}]" in checked.text for source in checked.sources)


@pytest.mark.parametrize(
    "unit",
    [
        "[", "[a](", "![a](", "<", "<b", "<!--", "`", "```", "\n```", "[1, ", "a.", "a", " ", "://",
        "https://a/", "@", "i am sorry, ", "<a|", "(", "[x]: ", "*", "1-", "the ", "\u200b",
    ],
)  # fmt: skip
def test_time_is_linear(unit: str) -> None:
    text = unit * (20_000 // len(unit))
    started = time.process_time()
    reply(text)
    reply(f"Yes [1].\n{text}end.")
    assert time.process_time() - started < 1.0
