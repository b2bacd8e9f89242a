"""`clockify-bot chat --det-check`: it can pass, it can fail, and it says when it proves nothing."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.det_check import Checked, DetReport, Run
from bot.det_prompts import DET_PROMPTS, read_prompts
from bot.det_report import ALONE, NOT_ASKED, NOTHING, PROMPTS, SLOTS, report_json, report_text
from core.errors import SettingsError
from core.prompt import PROMPT_VERSION
from tests.ollama import Fault, ScriptedOllama, quote_first_snippet

from .terminal import NOWHERE, Ended, Terminal

TRACK, CANCEL = DET_PROMPTS
LOCK = "How do I lock timesheets?"
CHECK = ("chat", "--det-check")
Messages = list[dict[str, str]]


@pytest_asyncio.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama() as server:
        yield server


@pytest.fixture
def asking(terminal: Terminal, ollama: ScriptedOllama) -> Terminal:
    return terminal.having(OLLAMA_URL=ollama.url, GEN_MODEL="llama3.2")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def row_of(ended: Ended, query: str) -> dict[str, Any]:
    (row,) = [row for row in ended.json["prompts"] if row["query"] == query]
    return dict(row)


@pytest.mark.proof
@pytest.mark.beside
async def test_the_questions_of_the_earlier_command_line() -> None:
    assert DET_PROMPTS == ("How do I track time in Clockify?", "How do I cancel my subscription?")


async def test_the_same_answers_pass_and_show_what_was_compared(
    asking: Terminal, ollama: ScriptedOllama
) -> None:
    written: list[str] = []

    def script(messages: Messages) -> str:
        written.append(f"{quote_first_snippet(messages)}{' ' * len(written)}")
        return f"{written[-1]}\n\nNobody said this."

    ollama.script = script
    ended = await asking.run(*CHECK, "--json", "--seed", "7")
    report = ended.json
    assert (ended.code, report["exit_code"]) == (0, 0)
    head = [report[key] for key in ("model", "seed", "generation", "prompt_version", "parallel")]
    assert head == ["llama3.2", 7, "00000001", PROMPT_VERSION, 0]
    first, second = (request.payload for request in ollama.asked("/api/chat"))
    assert first == second
    assert (first["options"]["seed"], first["options"]["temperature"]) == (7, 0)
    track, cancel = row_of(ended, TRACK), row_of(ended, CANCEL)
    messages = sha256(json.dumps(first["messages"], sort_keys=True))
    draft = sha256(" ".join(f"{written[0]} Nobody said this.".split()))
    assert [(run["messages"], run["draft"]) for run in track["runs"]] == [(messages, draft)] * 2
    assert track["runs"][0]["reply"] == track["runs"][1]["reply"] != draft
    assert (track["asked_model"], track["is_same"], track["distinct_answers"]) == (True, True, 1)
    assert (cancel["asked_model"], cancel["is_same"]) == (False, True)
    assert report["verdict"] == "THE SAME: 1 of 2 questions were asked of the model."


@pytest.mark.proof
@pytest.mark.beside
async def test_a_person_reads_the_same(asking: Terminal) -> None:
    ended = await asking.run(*CHECK)
    lines = ended.out.splitlines()
    assert ended.code == 0
    assert lines[:5] == [
        "model           llama3.2",
        "seed            42",
        "generation      00000001",
        f"prompt version  {PROMPT_VERSION}",
        "asked           twice, one after the other",
    ]
    assert lines[6] == f"1. {TRACK}"
    assert lines[7].removeprefix("   run 1") == lines[8].removeprefix("   run 2")
    assert lines[9] == "   1 distinct answer in 2 runs"
    assert lines[11:13] == [f"2. {CANCEL}", f"   {NOT_ASKED}"]
    assert lines[14:] == ["THE SAME: 1 of 2 questions were asked of the model."]


async def test_another_answer_fails(asking: Terminal, ollama: ScriptedOllama) -> None:
    count = itertools.count(1)
    ollama.script = lambda messages: quote_first_snippet(messages) * next(count)
    ended = await asking.run(*CHECK)
    assert ended.code == 1
    lines = ended.out.splitlines()
    assert lines[9].startswith("   2 distinct answers in 2 runs; differing: draft")
    assert lines[-1] == f"DIFFERENT: 1 of 2 questions got other answers. {ALONE}"


@pytest.mark.proof
@pytest.mark.beside
async def test_so_does_one_that_users_would_not_see(
    asking: Terminal, ollama: ScriptedOllama
) -> None:
    """The check of the answer drops what is not cited, and with it the difference."""
    count = itertools.count(1)
    ollama.script = lambda m: f"{quote_first_snippet(m)}\n\nNobody said {next(count)}."
    ended = await asking.run(*CHECK, "--json")
    assert ended.code == 1
    assert row_of(ended, TRACK)["differing"] == ["draft"]


@pytest.mark.proof
@pytest.mark.beside
async def test_only_one_of_many_questions_need_differ(
    asking: Terminal, ollama: ScriptedOllama
) -> None:
    asked: list[str] = []

    def script(messages: Messages) -> str:
        asked.append("lock" if LOCK in messages[1]["content"] else "track")
        return f"{quote_first_snippet(messages)}{' Twice [1].' if asked == ORDER else ''}"

    asking.write("more.txt", LOCK, "", json.dumps({"query": TRACK}))
    ollama.script = script
    ended = await asking.run(*CHECK, "--json", "--prompts", "more.txt")
    assert asked == ORDER  # the last question is repeated at once, the first one after others
    assert ended.code == 1
    assert [row["query"] for row in ended.json["prompts"]] == [TRACK, CANCEL, LOCK]
    assert [row["is_same"] for row in ended.json["prompts"]] == [False, True, True]


ORDER = ["track", "lock", "lock", "track"]


@pytest.mark.proof
@pytest.mark.beside
async def test_parallel_slots_that_differ_fail_and_are_explained(
    asking: Terminal, ollama: ScriptedOllama
) -> None:
    count = itertools.count()
    ollama.latency_seconds = 0.3
    ollama.script = lambda messages: f"{quote_first_snippet(messages)}{' [1]' * (next(count) // 2)}"
    ended = await asking.run(*CHECK, "--parallel", "4")
    assert ended.code == 1
    assert ollama.most_in_flight == 4
    assert "asked           4 at once" in ended.out
    assert "   2 distinct answers in 4 runs; differing: draft" in ended.out
    assert ended.out.endswith(f"DIFFERENT: 1 of 2 questions got other answers. {SLOTS}\n")
    assert "OLLAMA_NUM_PARALLEL=1" in SLOTS


@pytest.mark.proof
@pytest.mark.beside
async def test_parallel_slots_that_agree_pass(asking: Terminal, ollama: ScriptedOllama) -> None:
    ended = await asking.run(*CHECK, "--parallel", "3", "--json")
    assert (ended.code, ended.json["parallel"]) == (0, 3)
    assert len(row_of(ended, TRACK)["runs"]) == len(ollama.asked("/api/chat")) == 3


@pytest.mark.proof
@pytest.mark.beside
@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"OLLAMA_URL": NOWHERE}, f"Cannot reach Ollama at {NOWHERE}"),
        ({"GEN_MODEL": "phi4"}, "ollama pull phi4"),
        ({"ANSWERER": "extractive"}, "ANSWERER is extractive: quotes are always the same"),
    ],
)
async def test_without_the_model_nothing_is_proved(
    asking: Terminal, environ: dict[str, str], says: str
) -> None:
    code, said = (await asking.having(**environ).run(*CHECK)).failure
    assert code == 4
    assert says in said


@pytest.mark.proof
@pytest.mark.beside
async def test_a_model_that_fails_once_has_proved_nothing(
    asking: Terminal, ollama: ScriptedOllama
) -> None:
    def script(messages: Messages) -> str:
        ollama.fail(Fault.NO_DONE, path="/api/chat")
        return quote_first_snippet(messages)

    ollama.script = script
    code, said = (await asking.run(*CHECK, "--retries", "0")).failure
    assert code == 4
    assert "Nothing was proved, for the model did not write every answer: " in said
    ended = await asking.run(*CHECK, "--json", "--retries", "0", "--parallel", "2")
    assert (ended.code, ended.json["exit_code"]) == (4, 4)


@pytest.mark.proof
@pytest.mark.beside
async def test_a_model_that_is_never_asked_has_proved_nothing(asking: Terminal) -> None:
    ended = await asking.run(*CHECK, "--threshold", "1")
    assert ended.code == 4
    assert ended.out.count(NOT_ASKED) == 2
    assert ended.out.endswith(f"{NOTHING}\n")


BAD_FILES = [
    (b"", "is empty: give one question a line."),
    (b" \n\n", "is empty: give one question a line."),
    (b"How?\n\xff\xfe\n", ":2 is not UTF-8."),
    (b'{"query": \n', ":1 begins with { but is no JSON object"),
    (b"How?\n\n" + b'{"q": "How?"}', ':3 has no question: a line is {"query": "how do I …"}.'),
    (b'{"query": " "}', ":1 has no question"),
    (b'{"query": 5}', ":1 has no question"),
    (b"x" * (1024 * 1024 + 1), "is larger than 1024 KiB; split it."),
]


@pytest.mark.proof
@pytest.mark.beside
@pytest.mark.parametrize(("content", "says"), BAD_FILES, ids=range(len(BAD_FILES)))
def test_a_bad_file_of_prompts_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "prompts.txt"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as failure:
        read_prompts(path)
    assert str(failure.value).startswith(str(path))
    assert says in str(failure.value)


@pytest.mark.proof
@pytest.mark.beside
def test_a_file_of_prompts_may_mix_both_forms(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    lines = ("How?", "", '  {"query": "Wie?", "id": 3} ', "何？\r", '{"query": "half \\ud83d"}')
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode())
    assert read_prompts(path) == ("How?", "Wie?", "何？", "half \ufffd")


MISTAKES = {
    ("--prompts", "nowhere.txt"): "nowhere.txt cannot be read: No such file or directory.",
    ("--prompts", "."): ". cannot be read: not a regular file.",
    ("--prompts", "empty.txt"): "empty.txt is empty: give one question a line.",
    ("--parallel", "1"): "--parallel is 1; at least 2 questions at once can be compared.",
}


@pytest.mark.proof
async def test_bad_usage_is_exit_2(asking: Terminal) -> None:
    (asking.folder / "empty.txt").touch()
    *failed, told = await asyncio.gather(
        *(asking.run(*CHECK, *mistake) for mistake in MISTAKES),
        asking.run(*CHECK, "--json", "--prompts", "empty.txt"),
    )
    assert [each.failure for each in failed] == [
        (2, f"clockify-bot: {says}") for says in MISTAKES.values()
    ]
    assert (told.code, told.json["exit_code"]) == (2, 2)


def report(*runs: Run, parallel: int = 0) -> DetReport:
    return DetReport("llama3.2", 42, "1", "2", parallel, (Checked("How?", runs),))


A, B, C = Run("m", "d", "r"), Run("m", "d", "s"), Run("n", "d", "r")


@pytest.mark.proof
@pytest.mark.beside
def test_a_difference_in_what_was_sent_is_another_matter() -> None:
    for runs in ((A, C), (A, Run())):
        differing = report(*runs)
        assert differing.exit_code == 1
        assert report_text(differing).endswith(PROMPTS)
    assert report_json(report(A, C))["prompts"][0]["differing"] == ["messages"]
    assert report_json(report(A, Run()))["prompts"][0]["asked_model"] is True
    assert NOT_ASKED in report_text(report(A, Run()))


@pytest.mark.proof
@pytest.mark.beside
def test_the_same_draft_that_is_checked_otherwise_is_a_difference() -> None:
    assert report_json(report(A, B))["prompts"][0]["differing"] == ["reply"]
    assert report(A, B).exit_code == 1
    assert report(A, A, A, parallel=3).exit_code == 0
