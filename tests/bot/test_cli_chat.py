"""`clockify-bot chat`, piped and in a real terminal: commands, follow-ups, ways to leave."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.writing import FALLBACK_FOOTNOTE
from tests.ollama import ScriptedOllama, quote_first_snippet

from .articles import HELP
from .screen import Screen, screen
from .terminal import REFUSAL, Terminal

PROMPT = "> "
WELCOME = "Ask away. :sources  :debug  :help  :exit"


def said(*lines: str) -> str:
    """Give what a person types."""
    return "".join(f"{line}\n" for line in lines)


async def test_questions_follow_ups_and_commands(terminal: Terminal) -> None:
    ended = await terminal.run(
        "chat",
        stdin=said(
            ":sources",
            "How do I lock timesheets?",
            ":sources",
            ":debug",
            "and automatically?",
            ":debug",
            "",
            ":frobnicate",
            ":help",
            "Which recipe for rye bread with seeds is best?",
            ":sources",
            "hello",
            ":exit",
            "never read",
        ),
    )
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    replies = ended.out.split(PROMPT)
    assert replies[0] == f"{WELCOME}\n"
    assert replies[1] == "Nothing asked yet.\n"
    assert "Switch on **Lock entries** and pick a date. [" in replies[2]
    sources = replies[3].splitlines()
    steps = sources.index("    lock-timesheets#how-to-lock-timesheets.1")
    assert sources[steps - 1] == (
        f"[{steps // 2 + 1}] Lock timesheets › How to lock timesheets  {HELP}lock-timesheets"
    )
    assert replies[4].startswith("Scores and times are shown.\ngeneration 00000001, embedded:")
    assert f"{HELP}lock-timesheets" in replies[5]  # read together with the question before
    assert re.search(r"answerer extractive, (rewrite [\d.]+ ms, )?retrieve ", replies[5])
    assert "\nsearched for: How do I lock timesheets?\n" in replies[4]
    assert "\nsearched for: How do I lock timesheets? and automatically?\n" in replies[5]
    assert replies[6] == "Scores and times are hidden.\n"
    assert replies[7] == ""
    assert replies[8].startswith(":frobnicate is no command.\n:sources  the sources of")
    assert replies[9].startswith(":sources  the sources of the last answer")
    assert replies[10].strip().startswith(REFUSAL)
    assert "generation 0" not in replies[10]
    assert replies[11] == "The last reply has no sources.\n"
    assert replies[12].strip().startswith("Hello!")
    assert replies[13] == ""
    assert "never" not in ended.out


@pytest.mark.proof
@pytest.mark.beside
async def test_a_short_question_of_another_kind_is_judged_by_itself(terminal: Terminal) -> None:
    questions = ("How do I lock timesheets?", "How do I create a tag?", "Who was Napoleon?")
    ended = await terminal.run("chat", stdin=said(*questions))
    _, _, tag, napoleon, _ = ended.out.split(PROMPT)
    assert "Open **Tags** in the menu" in tag
    assert napoleon.strip().startswith(REFUSAL)


@pytest.mark.proof
@pytest.mark.beside
async def test_a_follow_up_is_read_with_the_last_question_not_with_a_greeting(
    terminal: Terminal,
) -> None:
    typed = said("How do I create a tag?", "hello", "and who can delete one?", "and edit it?")
    ended = await terminal.run("chat", "--debug", stdin=typed)
    searched = re.findall(r"^searched for: (.*)$", ended.out, re.MULTILINE)
    assert searched == [
        "How do I create a tag?",
        "How do I create a tag? and who can delete one?",
        "How do I create a tag? and edit it?",
    ]


@pytest.mark.proof
@pytest.mark.beside
async def test_as_json_standard_output_holds_replies_and_nothing_else(terminal: Terminal) -> None:
    typed = said(":help", ":debug", "hello", ":sources", ":odd", "How do I create a tag?", ":debug")
    ended = await terminal.run("chat", "--json", "--log", "INFO", stdin=typed)
    replies = [json.loads(line) for line in ended.out.splitlines()]
    assert [(reply["id"], reply["status"]) for reply in replies] == [
        ("1", "notice"),
        ("2", "answered"),
    ]
    for shown in (WELCOME, PROMPT, ":odd is no command.", "The last reply has no sources."):
        assert shown in ended.err
    logged = re.findall(r"INFO bot\.question_log: (question .*) ms=\d+", ended.err)
    assert logged == [
        f"question {number} surface=chat generation=00000001 outcome={outcome}"
        for number, outcome in ((1, "notice:greeting"), (2, "answered"))
    ]


@pytest.mark.proof
@pytest.mark.beside
async def test_the_end_of_input_and_odd_bytes_are_no_mistake(terminal: Terminal) -> None:
    ended = await terminal.run("chat", stdin=b"How do I create a tag\xff?\n\xff\xfe\n")
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    assert "Only managers may delete a tag." in ended.out
    assert ended.out.endswith(f"{PROMPT}\n")


async def test_ollama_that_fails_later_is_replaced_by_quotes_that_say_so(
    terminal: Terminal,
) -> None:
    def script(messages: list[dict[str, str]]) -> str:
        """Write nothing at first, which is a failure."""
        return quote_first_snippet(messages) if "And at a kiosk?" in str(messages) else ""

    async with ScriptedOllama(script=script) as ollama:
        writing = terminal.having(
            ANSWERER="ollama", GEN_MODEL="llama3.2", OLLAMA_URL=ollama.url, EMBEDDER="embedded"
        )
        ended = await writing.run("chat", stdin=said("How do I create a tag?", "And at a kiosk?"))
        asked = [request.payload["messages"] for request in ollama.asked("/api/chat")]
    assert ended.code == 0
    note = f"({FALLBACK_FOOTNOTE})"
    assert ended.out.count(note) == 1
    assert "Only managers may delete a tag." in ended.out.partition(note)[0]
    # The conversation goes along.
    assert [each for each in map(str, asked) if "create a tag?" in each and "kiosk?" in each]


@pytest.fixture
def quoting(terminal: Terminal) -> Terminal:
    """Give a command line that asks no Ollama."""
    return terminal.having(ANSWERER="extractive")


@pytest.fixture
def shown(quoting: Terminal) -> Iterator[Screen]:
    """Start a chat in a terminal and wait for its prompt."""
    with screen(quoting, "chat") as started:
        started.wait(PROMPT)
        yield started


@pytest.mark.proof
@pytest.mark.beside
def test_the_arrow_key_brings_back_a_question_also_after_a_restart(
    shown: Screen, quoting: Terminal
) -> None:
    shown.type("hello\r")
    shown.wait("Hello!(.|\n)*> $")
    shown.type("\x1b[A")
    shown.wait("hello")
    shown.type("\r")
    shown.wait("Hello!(.|\n)*> $")
    shown.type("\x04")
    assert shown.process.wait(5) == 0
    assert (quoting.folder / ".clockify-bot" / "chat_history").read_text() == "hello\n"

    with screen(quoting, "chat") as later:
        later.wait(PROMPT)
        later.type("\x1b[A\r")
        later.wait("Hello!")


def test_ctrl_c_leaves_at_once(shown: Screen) -> None:
    for _ in range(3):  # CPython misses one that comes just before readline waits for a key
        shown.interrupt()
        with suppress(subprocess.TimeoutExpired):
            shown.process.wait(1.5)
            break
    assert shown.process.returncode == 0


@pytest.mark.proof
@pytest.mark.beside
async def test_options_of_the_determinism_check_need_it(terminal: Terminal) -> None:
    for options in (("--parallel",), ("--parallel", "2"), ("--prompts", "more.txt")):
        code, said = (await terminal.run("chat", *options)).failure
        assert (code, said) == (2, "Error: --prompts and --parallel go with --det-check.")


async def test_a_chat_without_an_index_is_exit_3(tmp_path: Path, terminal: Terminal) -> None:
    ended = await terminal.run("chat", "--index", "none", stdin=said("hello"))
    assert ended.failure == (
        3,
        "clockify-bot: There is no index in none. Run: clockify-bot build",
    )
