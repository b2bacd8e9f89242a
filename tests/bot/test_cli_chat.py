"""`clockify-bot chat`, piped and in a real terminal: commands, follow-ups, ways to leave."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.ollama import Fault, ScriptedOllama

from .articles import HELP
from .terminal import MODULE, REFUSAL, WAIT_SECONDS, Terminal

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
    assert "answerer extractive, retrieve " in replies[5]
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


async def test_a_short_question_of_another_kind_is_judged_by_itself(terminal: Terminal) -> None:
    questions = ("How do I lock timesheets?", "How do I create a tag?", "Who was Napoleon?")
    ended = await terminal.run("chat", stdin=said(*questions))
    _, _, tag, napoleon, _ = ended.out.split(PROMPT)
    assert "Open **Tags** in the menu" in tag
    assert napoleon.strip().startswith(REFUSAL)


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


async def test_the_end_of_input_and_odd_bytes_are_no_mistake(terminal: Terminal) -> None:
    ended = await terminal.run("chat", stdin=b"How do I create a tag\xff?\n\xff\xfe\n")
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    assert "Only managers may delete a tag." in ended.out
    assert ended.out.endswith(f"{PROMPT}\n")


async def test_ollama_that_fails_later_is_replaced_by_quotes_that_say_so(
    terminal: Terminal,
) -> None:
    async with ScriptedOllama() as ollama:
        ollama.fail(Fault.CLOSED, path="/api/chat", times=1)
        writing = terminal.having(
            ANSWERER="ollama", GEN_MODEL="llama3.2", OLLAMA_URL=ollama.url, EMBEDDER="embedded"
        )
        ended = await writing.run("chat", stdin=said("How do I create a tag?", "And at a kiosk?"))
        second = ollama.asked("/api/chat")[1].payload["messages"]
    assert ended.code == 0
    note = "(The language model did not answer: these are quotes from the knowledge base.)"
    assert ended.out.count(note) == 1
    assert "Only managers may delete a tag." in ended.out.partition(note)[0]
    assert "How do I create a tag?" in str(second)  # the conversation goes along


class Screen:
    """A chat in a pseudo-terminal, with a keyboard."""

    def __init__(self, terminal: Terminal) -> None:
        self._end, inner = pty.openpty()
        self.process = subprocess.Popen(
            [*MODULE, "chat"],
            cwd=terminal.folder,
            env={**terminal.environ, "TERM": "dumb", "ANSWERER": "extractive"},
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        self.shown = ""

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._end, keys.encode())

    def wait(self, pattern: str) -> None:
        """Wait until the new part of the screen shows a pattern, and clear it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not re.search(pattern, self.shown):
            ready, _, _ = select.select([self._end], [], [], deadline - time.monotonic())
            assert ready, self.shown
            self.shown += os.read(self._end, 4096).decode()
        self.shown = ""

    def close(self) -> None:
        """End everything."""
        self.process.kill()
        self.process.wait()
        os.close(self._end)


@pytest.fixture
def screen(terminal: Terminal) -> Iterator[Screen]:
    """Start a chat in a terminal and wait for its prompt."""
    screen = Screen(terminal)
    screen.wait(PROMPT)
    yield screen
    screen.close()


def test_the_arrow_key_brings_back_a_question_also_after_a_restart(
    screen: Screen, terminal: Terminal
) -> None:
    screen.type("hello\r")
    screen.wait("Hello!(.|\n)*> $")
    screen.type("\x1b[A")
    screen.wait("hello")
    screen.type("\r")
    screen.wait("Hello!(.|\n)*> $")
    screen.type("\x04")
    assert screen.process.wait(5) == 0
    assert (terminal.folder / ".clockify-bot" / "chat_history").read_text() == "hello\n"

    later = Screen(terminal)
    try:
        later.wait(PROMPT)
        later.type("\x1b[A\r")
        later.wait("Hello!")
    finally:
        later.close()


def test_ctrl_c_leaves_at_once(screen: Screen) -> None:
    for _ in range(3):  # CPython misses one that comes just before readline waits for a key
        os.kill(screen.process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            screen.process.wait(1.5)
            break
    assert screen.process.returncode == 0


async def test_a_chat_without_an_index_is_exit_3(tmp_path: Path, terminal: Terminal) -> None:
    ended = await terminal.run("chat", "--index", "none", stdin=said("hello"))
    assert ended.failure == (
        3,
        "clockify-bot: There is no index in none. Run: clockify-bot build",
    )
