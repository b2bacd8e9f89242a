"""`ask` and `chat` in a terminal: text as it passes, one that is taken back, Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from subprocess import TimeoutExpired

import pytest

from bot.terminal_stream import REPLACED, WAITING
from tests.ollama import Fault, ScriptedOllama, Written
from tests.ollama_asking import settled

from .screen import Screen, screen
from .terminal import Json, Terminal

ASKED = "How do I create a tag?"
FIRST = "Open **Tags** in the menu, type a name and press Enter."
SECOND = "Only managers may delete a tag."
BEGINNING = len(FIRST.split()) + 2  # its citation and "Only", which shows that it is over
BEGUN = r"press Enter\. \[\d\]"  # in a terminal, the first sentence
ERRORS = "errors.txt"


def sentences(messages: list[Json]) -> Written:
    """Quote the article about tags, with its number in the prompt; say the first again."""
    prompt = messages[-1]["content"]
    number = re.findall(r"^\[(\d+) \|", prompt[: prompt.index(SECOND)], re.MULTILINE)[-1]
    return Written(f"{FIRST} [{number}] {SECOND} [{number}] {FIRST} [{number}]", eval_count=45)


@pytest.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    """Start an Ollama that stops behind its first sentence until it may go on."""
    async with ScriptedOllama(script=sentences, context_length=32_768) as server:
        server.pause_after = BEGINNING
        yield server


def fail_behind_first(ollama: ScriptedOllama) -> None:
    """Let it fail where it would go on with its second sentence."""
    ollama.pieces_before_fault = BEGINNING + 1
    ollama.fail(Fault.ERROR_LINE, path="/api/chat")


@pytest.fixture
def writing(terminal: Terminal, ollama: ScriptedOllama) -> Terminal:
    """Give a command line whose answers that Ollama writes."""
    return terminal.having(OLLAMA_URL=ollama.url, GEN_MODEL="llama3.2", ANSWERER="ollama")


async def shows(screen: Screen, pattern: str) -> None:
    """Wait for a pattern while Ollama goes on beside."""
    await asyncio.to_thread(screen.wait, pattern)


async def code_of(screen: Screen) -> int:
    """Wait for the end."""
    return await asyncio.to_thread(screen.ended)


async def test_a_sentence_shows_before_the_next_is_written_and_all_is_what_a_pipe_gets(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    ollama.piece_seconds = 0.05
    with screen(writing, "ask", ASKED, errors=ERRORS) as shown:
        await shows(shown, BEGUN)
        assert SECOND not in shown.everything
        assert not ollama.go_on.is_set()
        ollama.go_on.set()
        assert await code_of(shown) == 0
    piped = await writing.run("ask", ASKED)
    assert shown.everything == piped.out
    assert FIRST in piped.out
    assert SECOND in piped.out
    assert "] Tags › Create a tag  " in piped.out
    assert (writing.folder / ERRORS).read_text() == piped.err  # no sign of waiting in a file


@pytest.mark.proof
@pytest.mark.beside
async def test_a_terminal_shows_that_something_goes_on_until_there_is_text(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    ollama.latency_seconds = 0.2
    with screen(writing, "ask", ASKED) as shown:
        await shows(shown, WAITING)
        await shows(shown, BEGUN)
        ollama.go_on.set()
        assert await code_of(shown) == 0
    assert shown.everything.count(WAITING) == 1
    assert f"{WAITING}\r \r{FIRST}" in shown.everything


@pytest.mark.proof
@pytest.mark.beside
async def test_what_a_failing_model_began_is_withdrawn_in_words_and_replaced_whole(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    fail_behind_first(ollama)
    trying = writing.having(ANSWERER="auto")
    with screen(trying, "ask", ASKED, errors=ERRORS) as shown:
        await shows(shown, BEGUN)
        ollama.go_on.set()
        assert await code_of(shown) == 0
    before, _, after = shown.everything.partition(f"\n\n{REPLACED}\n\n")
    assert before.startswith(FIRST)
    piped = await trying.run("ask", ASKED)
    assert after == piped.out
    assert "(Answered without the language model: " in after
    assert REPLACED not in piped.out


@pytest.mark.proof
@pytest.mark.beside
async def test_a_model_that_fails_without_a_fallback_ends_what_was_begun(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    fail_behind_first(ollama)
    with screen(writing, "ask", ASKED, errors=ERRORS) as shown:
        await shows(shown, BEGUN)
        ollama.go_on.set()
        assert await code_of(shown) == 4
    assert shown.everything.startswith(FIRST)
    assert shown.everything.endswith("]\n")
    assert "clockify-bot: Ollama at " in (writing.folder / ERRORS).read_text()


@pytest.mark.proof
@pytest.mark.beside
async def test_json_does_not_stream_not_even_into_a_terminal(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    with screen(writing, "ask", ASKED, "--json", errors=ERRORS) as shown:
        async with asyncio.timeout(30):
            while not ollama.asked("/api/chat"):
                await asyncio.sleep(0.01)
        ollama.go_on.set()
        assert await code_of(shown) == 0
    reply = json.loads(shown.everything)
    assert (reply["status"], reply["answerer"], reply["model"]) == (
        "answered",
        "ollama",
        "llama3.2",
    )


async def test_ctrl_c_ends_ask_with_130_and_the_request_at_the_server(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    with screen(writing, "ask", ASKED, errors=ERRORS) as shown:
        await shows(shown, BEGUN)
        shown.interrupt()
        assert await code_of(shown) == 130
    await settled(ollama)
    assert ollama.cancelled == 1
    assert shown.everything.endswith("]\n")  # the shell's prompt begins a line
    assert "Traceback" not in (writing.folder / ERRORS).read_text()


@pytest.mark.proof
@pytest.mark.beside
async def test_ctrl_c_in_chat_stops_the_answer_and_the_next_question_is_answered(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    with screen(writing, "chat", "--log", "INFO") as shown:
        await shows(shown, "> ")
        shown.type(f"{ASKED}\r")
        await shows(shown, BEGUN)
        shown.interrupt()
        await shows(shown, r"Stopped\.\n(.|\n)*> $")
        await settled(ollama)
        assert ollama.cancelled == 1
        ollama.go_on.set()
        shown.type(f"{ASKED}\r")
        await shows(shown, r"Only managers may delete a tag\. \[\d\](.|\n)*Tags(.|\n)*> $")
        shown.type(":exit\r")
        assert await code_of(shown) == 0
    assert "surface=chat generation=00000001 outcome=stopped" in shown.everything
    last = ollama.asked("/api/chat")[-1].payload["messages"]
    assert str(last).count(ASKED) == 1  # what was stopped is no part of the conversation


@pytest.mark.proof
@pytest.mark.beside
async def test_two_ctrl_c_leave_the_chat(writing: Terminal, ollama: ScriptedOllama) -> None:
    with screen(writing, "chat") as shown:
        await shows(shown, "> ")
        shown.type(f"{ASKED}\r")
        await shows(shown, BEGUN)
        shown.interrupt()
        await shows(shown, r"Stopped\.\n(.|\n)*> $")
        code = None
        for _ in range(3):  # CPython misses one that comes just before readline waits for a key
            shown.interrupt()
            with suppress(TimeoutExpired):
                code = await asyncio.to_thread(shown.process.wait, 1.5)
                break
        assert code == 0


async def test_chat_streams_too_and_shows_sources_and_debugging_behind(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    with screen(writing, "chat", "--debug") as shown:
        await shows(shown, "> ")
        shown.type(f"{ASKED}\r")
        await shows(shown, BEGUN)
        ollama.go_on.set()
        await shows(shown, r"\] Tags › (.|\n)*answerer ollama llama3\.2, prompt (.|\n)*> $")
    for part in (" counted, 45 written", "packed, ", "searched for: How do I create a tag?"):
        assert part in shown.everything
