"""Drafts: whole, cited and checked; each begins with the one before, the answer with the last."""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.drafts import MAX_CHARACTERS, shown_drafts
from core.grounding import Checker
from core.prompt import SYSTEM_PROMPT
from core.types import REFUSAL_TEXT, Answer, Chunk, Context, Draft, Refusal, Snippet

KNOWN = """\
Open Settings. Choose a date. Save it! Then wait. Save. Close. Open it. ロックします。 保存します。
次に終了。 Приёмы. One. Two. Three. Four Five. e.g. Monday. Ask Corp. about it.
Choose (see Settings. Or Save).

Choose this. And that. Type a. B now. Now see. More. a: 1; b: 2. See.
And. Three. Steps. rows[1] is code. So it is. Done. That. See more. Ann. Lee. Head. a. Ж.
"""


def snippet(number: int) -> Snippet:
    chunk = Chunk(f"c{number}", "a", f"Title {number}", (), "text", "https://a.example/b", 0, 4)
    return Snippet(number, chunk, KNOWN)


TURNS = 12  # enough to check a few sentences
CONTEXT = Context((snippet(1), snippet(2), snippet(3)), 30)


def drafts(text: str, *, characters: int = 1) -> list[str]:
    """Give what is shown while a text arrives, so many characters at a time."""
    return asyncio.run(streamed(text, characters=characters))[0]


async def streamed(text: str, *, characters: int) -> tuple[list[str], Answer | Refusal]:
    """Stream a text, then check it; the task has its turn after each piece."""
    shown: list[str] = []
    checker = Checker(CONTEXT)
    async with shown_drafts(checker, shown.append) as take:
        for start in range(0, len(text), characters):
            take(text[start : start + characters])
            for _ in range(TURNS):
                await asyncio.sleep(0)
    return shown, await checker.check(Draft(text, ""))


def test_sentences_with_their_citations() -> None:
    assert drafts("Open Settings [1]. Choose a date. [2][3] Save it! Then wait") == [
        "Open Settings [1].",
        "Open Settings [1]. Choose a date. [2][3]",
    ]


def test_steps_one_by_one() -> None:
    assert drafts(
        "To lock:\n\n1. Open **Settings** [1]\n2. Choose a date [2].\n3. Save\n\nDone"
    ) == [
        "To lock:\n\n1. Open **Settings** [1]",
        "To lock:\n\n1. Open **Settings** [1]\n2. Choose a date [2].",
    ]


def test_numbers_are_those_of_the_answer() -> None:
    text = "Open it [3]. Save it [1], [9]. End"
    assert drafts(text) == ["Open it [1].", "Open it [1]. Save it [2],."]


def test_other_scripts() -> None:
    assert drafts("ロックします。[1] 保存します。次に\n\n終了。\n\nEnd") == [
        "ロックします。[1]",
        "ロックします。[1] 保存します。次に",
    ]
    assert drafts("Приёмы [1]. Дальше") == ["Приёмы [1]."]


@pytest.mark.parametrize("characters", [1, 2, 7, 1000])
def test_however_it_arrives_the_last_draft_is_the_same(characters: int) -> None:
    text = "Open Settings [1]. Choose a date. [2]\n\n- Save [3]\n- Close\n\nThat"
    last = "Open Settings [1]. Choose a date. [2]\n\n- Save [3]"
    assert drafts(text, characters=characters)[-1] == last


@pytest.mark.parametrize(
    "text",
    [
        "Open Settings. Choose a date. Save it. Then",
        "Open Settings [9]. Choose a date [0]. Then",
        f"{REFUSAL_TEXT} Open Settings [1]. Then",
        f"“{REFUSAL_TEXT}” [1] Then",
        "The snippets do not mention it [1]. Sorry. [1] Then",
        "I could not find it [1]. Then",
        "Open Settings [1]",
        "Open Settings [1].",
        "Open Settings [1]. ",
        "Open Settings. [1",
        "Open Settings.\n[1]",
        "`rows[1]` is code. So it is. Then",
        "<!-- Open Settings [1]. Then. -->",
    ],
)
def test_nothing_is_shown_of(text: str) -> None:
    assert drafts(text) == []


@pytest.mark.parametrize(
    ("after", "shown"),
    [
        ("e.g. Monday [1]. Then", ["e.g. Monday [1]."]),
        ("2. Then", []),
        ("Ask Corp. about it [2]. Then", ["Ask Corp. about it [2]."]),
        ("Choose (see Settings. Or Save) [2]. Then", ["Choose (see Settings. Or Save) [2]."]),
        ("Choose **this. And that** [2]. Then", ["Choose **this. And that** [2]."]),
        ("Type `a. B` now [2]. Then", ["Type `a. B` now [2]."]),
        ("```\nOne. Two.\n\nThree.\n```\n\nFour", []),
        ("Now [see. More](https://evil.example) [2]. Then", ["Now see. More [2]."]),
        (
            "<a title='One. Two'>Three [2]. Four</a> Five. Six",
            ["Three [2]."],
        ),
        ("## Steps\n\n- Save [2]\n\nThen", ["## Steps\n\n- Save [2]"]),
        ("**Steps**\n\nSave [2]\n\nThen", ["**Steps**\n\nSave [2]"]),
        ("- Steps:\n  - Save [2]\n\nThen", ["- Steps:\n  - Save [2]"]),
        ("| a | b |\n|---|---|\n| 1 | 2 [2] |\n\nThen", ["| a | b |\n|---|---|\n| 1 | 2 [2] |"]),
        (f"{REFUSAL_TEXT} Then", []),
        ("See https://evil.example/a. Then", ["See."]),
    ],
)
def test_whole_parts_only(after: str, shown: list[str]) -> None:
    first = "Open Settings [1]."
    assert drafts(f"{first}\n\n{after}") == [first, *(f"{first}\n\n{part}" for part in shown)]


def test_the_prompt_is_not_recited_sentence_by_sentence() -> None:
    rules = SYSTEM_PROMPT[SYSTEM_PROMPT.index("Use only") : SYSTEM_PROMPT.index("- End")]
    text = f"Open Settings [1]. {rules.strip()} Then save [2]. And"
    assert drafts(text) == ["Open Settings [1]."]


def test_a_very_long_text_is_shown_up_to_a_bound_and_quickly() -> None:
    text = "Open Settings [1]. " * 20_000
    started = time.process_time()
    shown = drafts(text, characters=40)
    assert time.process_time() - started < 5
    assert MAX_CHARACTERS * 15 // 16 - 60 < len(shown[-1]) <= MAX_CHARACTERS


@pytest.mark.parametrize("text", ["(Open. " * 1100, "\n" * 7900 + "a", ". " * 3900, "[1]\n" * 1900])
def test_odd_texts_take_no_time(text: str) -> None:
    started = time.process_time()
    drafts(text, characters=4)
    assert time.process_time() - started < 5


def test_whoever_cannot_show_them_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    shown: list[str] = []

    def fail(text: str) -> None:
        shown.append(text)
        raise RuntimeError("secret")

    async def stream() -> None:
        async with shown_drafts(Checker(CONTEXT), fail) as take:
            for piece in ("One [1]. ", "Two [2]. ", "Three [3]. ", "Four"):
                take(piece)
                for _ in range(TURNS):
                    await asyncio.sleep(0)

    asyncio.run(stream())
    assert shown == ["One [1]."]
    assert caplog.record_tuples == [
        ("core.drafts", logging.WARNING, "a draft could not be shown: RuntimeError")
    ]


PARTS = st.sampled_from(
    [
        *(
            "Open Settings",
            "save",
            "e.g",
            "1",
            "[1]",
            "[2]",
            "[9]",
            "[1, 2]",
            "【3】",
            "[^1]",
            "`[1]`",
        ),
        *(".", ".", ". ", "! ", "?", ":", "\n", "\n\n", "\n- ", "\n1. ", "\n2. ", " ", " "),
        *("(", ")", "**", "*", "`", "```\n", "\n```\n", "<b>", "</b>", "<", ">", "<!--", "-->"),
        *("[a](https://evil.example)", "[a. B](https://a.example/b)", "![x](y)", "www.evil.com"),
        *("https://evil.example/x", "@channel", "<!channel>", "<@U1|Ann. Lee>", "# Head", "| a |"),
        *(REFUSAL_TEXT, "I don't know", " based on the MD.", "The snippets do not mention it"),
        *("However, you can", SYSTEM_PROMPT[:50], SYSTEM_PROMPT[50:90], "。", "\u200b", "Ж"),
    ]
)


ODD_DRAFTS = given(parts=st.lists(PARTS, min_size=1, max_size=25), characters=st.integers(1, 9))


@settings(max_examples=40, deadline=None)
@ODD_DRAFTS
@example(parts=["save", "[1]", ". ", "<b>", "Open Settings", ". ", "Open Settings"], characters=1)
def test_every_draft_begins_with_the_one_before(parts: list[str], characters: int) -> None:
    judge_drafts("".join(parts), characters)


@pytest.mark.proof
@pytest.mark.beside
@pytest.mark.timeout(600)
@settings(max_examples=400, deadline=None)
@ODD_DRAFTS
def test_each_of_many_drafts_begins_with_the_one_before(parts: list[str], characters: int) -> None:
    judge_drafts("".join(parts), characters)


def judge_drafts(text: str, characters: int) -> None:
    shown, whole = asyncio.run(streamed(text, characters=characters))
    assert asyncio.run(Checker(CONTEXT).check(Draft(text, ""))) == whole
    for before, after in pairwise(shown):
        assert after.startswith(before)
        assert after != before
    if shown:
        assert "[1]" in shown[0]


SENTENCES = st.sampled_from(
    [
        "Open Settings [1].", "Choose a date [2].", "Save it!", "Pigs fly at 9:00 [3].",
        "\n\n[2]\n\n",
        "\n\n", "\n- Save [3]", "\n- Close", "\n1. Open Settings", "\n2. Choose a date [1]",
        "Then wait.", "\n\nSo:\n",
        "\n## Head\n", "Yes.", "It is on the Gold plan [1].", "It works [9].",
        "I hope this helps!",
    ]
)  # fmt: skip


SPLIT_ANSWERS = given(
    sentences=st.lists(SENTENCES, min_size=1, max_size=12),
    splits=st.lists(st.integers(1, 40), min_size=1, max_size=6),
)


@settings(max_examples=25, deadline=None)
@SPLIT_ANSWERS
def test_however_an_answer_is_split_it_is_the_same(sentences: list[str], splits: list[int]) -> None:
    judge_split(sentences, splits)


@pytest.mark.proof
@pytest.mark.beside
@pytest.mark.timeout(600)
@settings(max_examples=200, deadline=None)
@SPLIT_ANSWERS
def test_however_many_answers_are_split(sentences: list[str], splits: list[int]) -> None:
    judge_split(sentences, splits)


def judge_split(sentences: list[str], splits: list[int]) -> None:
    text = " ".join(["Open Settings [1].", *sentences])
    shown, whole = asyncio.run(streamed(text, characters=splits[0]))
    for characters in splits[1:]:
        assert asyncio.run(streamed(text, characters=characters))[1] == whole
    assert asyncio.run(Checker(CONTEXT).check(Draft(text, ""))) == whole
    # A citation alone between two blocks may change sides when more follows.
    if shown and isinstance(whole, Answer) and "\n\n[2]\n\n" not in sentences:
        assert whole.text.startswith(shown[-1])
